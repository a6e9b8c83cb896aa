//! `lab-master doc`: what the functions carry as documentation.

use lab_proto::Value;
use lab_states::reference::{entries, find};

use super::{Outcome, exit, output};

#[derive(clap::Args, Debug)]
#[command(after_help = "Example: lab-master doc file.managed")]
pub(super) struct Args {
    /// A function or a module; without it all are listed
    function: Option<String>,
}

pub(super) fn run(args: &Args, json: bool) -> Outcome {
    let registry = lab_states::functions::builtin();
    let Some(name) = &args.function else {
        let rows: Vec<Value> = entries(&registry).iter().map(|e| e.to_value()).collect();
        output::records(&rows, &["name", "kind", "class", "summary"], json);
        return Ok(0);
    };
    let found = match find(&registry, name) {
        Ok(found) => found,
        Err(near) => {
            let hint = near.map(|n| format!("; did you mean {n}?")).unwrap_or_default();
            eprintln!("error: there is no function and no module {name}{hint}");
            return Ok(exit::REFUSED);
        }
    };
    for (i, entry) in found.iter().enumerate() {
        if json {
            output::json(&entry.to_value());
        } else {
            let gap = if i > 0 { "\n" } else { "" };
            output::line(&format!("{gap}{}", entry.text()));
        }
    }
    Ok(0)
}
