//! `lab-world SEED CLASS [--as-salt]`: runs one world of the simulator and prints everything that happened in it.

use std::process::ExitCode;

use lab_tests::world::story::Class;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let seed = args.first().and_then(|s| s.parse::<u64>().ok());
    let class = args.get(1).and_then(|name| Class::ALL.into_iter().find(|c| format!("{c:?}") == *name));
    let as_salt = args.iter().any(|a| a == "--as-salt");
    let (Some(seed), Some(class)) = (seed, class) else {
        let names: Vec<String> = Class::ALL.iter().map(|c| format!("{c:?}")).collect();
        eprintln!("usage: lab-world SEED CLASS [--as-salt]; classes are {}", names.join(", "));
        return ExitCode::from(2);
    };
    print(&lab_tests::world::trace(class, seed, as_salt));
    ExitCode::SUCCESS
}

#[expect(clippy::print_stdout, reason = "stdout carries the trace")]
fn print(text: &str) {
    print!("{text}");
}
