//! `lab-master schema`: JSON Schema for SLS files, and the pillar schema of a lab.

use std::path::{Path, PathBuf};

use lab_states::pillar::schema::{FILE, PillarSchema};
use lab_states::render::{self, MemorySources, NoFunctions, RenderContext, RenderEnv, yaml_document};

use super::trees::Trees;
use super::{Failure, Outcome, exit, output};

#[derive(clap::Args, Debug)]
#[command(after_help = "\
With --pillar the file is held to the `schema.yaml` that lies beside it or above it; docs/pillar.md describes that
file. The editor's modeline: # yaml-language-server: $schema=./sls.schema.json

Example: lab-master schema /srv/lab/states > sls.schema.json")]
pub(super) struct Args {
    /// A state tree whose own modules (_states/) are known, too
    path: Option<PathBuf>,
    /// Check this pillar file
    #[arg(long, value_name = "FILE")]
    pillar: Option<PathBuf>,
    /// Print the JSON Schema that a lab's schema.yaml comes to
    #[arg(long, value_name = "FILE", conflicts_with = "pillar")]
    of_pillar: Option<PathBuf>,
}

pub(super) fn run(args: &Args) -> Outcome {
    if let Some(file) = &args.pillar {
        return check_pillar(file);
    }
    let schema = match &args.of_pillar {
        Some(file) => load(file)?.json(),
        None => {
            let trees = args.path.iter().map(|p| Trees::open(std::slice::from_ref(p)));
            let trees = trees.collect::<Result<Vec<_>, _>>().map_err(Failure::Usage)?;
            let modules: Vec<String> = trees.iter().flat_map(Trees::state_modules).collect();
            lab_states::reference::schema::sls(&lab_states::functions::builtin(), &modules)
        }
    };
    let text = serde_json::to_string_pretty(&schema).map_err(|e| Failure::Local(e.to_string()))?;
    output::line(&text);
    Ok(0)
}

fn read(file: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(file).map_err(|e| Failure::Usage(format!("cannot read {}: {e}", file.display())))
}

fn load(file: &Path) -> Result<PillarSchema, Failure> {
    PillarSchema::parse(&file.display().to_string(), &read(file)?).map_err(|e| Failure::Usage(e.to_string()))
}

/// Renders one pillar file by itself and holds it to the schema.
fn check_pillar(file: &Path) -> Outcome {
    let absolute = std::path::absolute(file).map_err(|e| Failure::Usage(e.to_string()))?;
    let found = absolute.ancestors().skip(1).map(|dir| dir.join(FILE)).find(|path| path.is_file());
    let Some(schema) = found else {
        return Err(Failure::Usage(format!("there is no {FILE} beside {} or above it", file.display())));
    };
    let schema = load(&schema)?;
    let (name, text) = (file.display().to_string(), read(file)?);
    let sources = MemorySources::default();
    let context = RenderContext::default();
    let env = RenderEnv::new(&sources, &NoFunctions, &context);
    let rendered = render::template(&env, &name, &text, &lab_proto::Map::new());
    let node = rendered.and_then(|text| yaml_document(&name, &text));
    let errors = match &node {
        Ok(node) => schema.check_file(&name, &text, node),
        Err(error) => vec![lab_states::pillar::hidden_in(error.clone(), &text)],
    };
    for error in &errors {
        output::line(&error.to_string());
    }
    Ok(if errors.is_empty() { 0 } else { exit::DOES_NOT_COMPILE })
}
