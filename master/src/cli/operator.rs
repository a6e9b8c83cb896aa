//! `lab-master operator …`: identities for operators on other machines. Their keys are made here and never cross the
//! wire.

use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use clap::Subcommand;
use lab_proto::Value;
use lab_proto::v1::op::OpRequest;

use super::{Context, Failure, Outcome, output};
use crate::pki;

#[derive(clap::Args, Debug)]
pub(super) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand, Debug)]
enum What {
    /// Make a key and have the master certify it; carry the directory to the other machine
    Issue {
        /// The operator's name, as events will show it
        #[arg(value_parser = operator_name)]
        name: String,
        /// Where to write operator.crt, operator.key and ca.crt
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
    /// Everybody who is or was an operator
    List,
    /// Shut an operator out: its connections are closed at once, its certificates are refused from then on
    Revoke {
        /// The operator's name, as `operator list` shows it
        name: String,
    },
}

fn operator_name(name: &str) -> Result<String, String> {
    if pki::is_operator_name(name) {
        Ok(name.to_owned())
    } else {
        Err(format!("a name is {}", pki::OPERATOR_NAMES))
    }
}

pub(super) async fn run(args: Args, context: &Context) -> Outcome {
    let request = match args.what {
        What::Issue { name, out } => return issue(name, out, context).await,
        What::List => OpRequest::OperatorList,
        What::Revoke { name } => OpRequest::OperatorRevoke { name },
    };
    let rows = context.client.collect(request).await?;
    output::records(&rows, &["name", "state", "fingerprint", "changed", "by"], context.json);
    Ok(0)
}

async fn issue(name: String, out: PathBuf, context: &Context) -> Outcome {
    prepare(&out)?;
    let (key, csr) = pki::operator_request().map_err(|e| Failure::Local(e.to_string()))?;
    let rows = context.client.collect(OpRequest::OperatorIssue { name, csr }).await?;
    let field = |name: &str| match rows.first().and_then(|row| row.get(name)) {
        Some(Value::Bytes(der)) => Ok(der.clone()),
        _ => Err(Failure::Local(format!("the master's answer has no {name}"))),
    };
    pki::save_operator(&out, &key, &field("certificate")?, &field("ca")?)
        .map_err(|e| Failure::Local(crate::server::chain(&e)))?;
    output::line(&out.display().to_string());
    Ok(0)
}

/// Sees to it that the identity can be kept before the master is asked for one, and that no other is lost.
fn prepare(out: &Path) -> Result<(), Failure> {
    let key = pki::OperatorFiles::within(out).key;
    if key.exists() {
        let text =
            format!("{} is there already; issue into another directory, or remove it first", key.display());
        return Err(Failure::Local(text));
    }
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(out)
        .map_err(|e| Failure::Local(format!("cannot make the directory {}: {e}", out.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_no_certificate_can_have_is_refused_before_anything_is_made() {
        assert_eq!(operator_name("alice@desk-1"), Ok("alice@desk-1".to_owned()));
        for bad in ["a b", "", "a/b", "ä"] {
            assert!(operator_name(bad).expect_err(bad).contains("letters a-z"), "{bad}");
        }
    }
}
