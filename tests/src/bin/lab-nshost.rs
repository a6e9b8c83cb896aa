//! `lab-nshost`: the processes of a namespaced lab (see `lab_tests::nshost`), and small commands to look into one.

use std::process::ExitCode;

fn main() -> ExitCode {
    lab_tests::nshost::helper::main()
}
