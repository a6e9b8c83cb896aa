//! The minion's hands: the machine behind `lab_states::host::Host`, and what runs there.

pub mod host;
