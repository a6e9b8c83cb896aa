//! `lab-master token …`

use std::time::Duration;

use clap::Subcommand;
use lab_proto::v1::op::{OpRequest, TokenRequest};
use lab_proto::{MinionId, Value};

use super::{Context, Failure, Outcome, arguments, output};

#[derive(clap::Args, Debug)]
pub(super) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand, Debug)]
enum What {
    /// Make a token with which one machine may join: `lab-minion enrol --token TOKEN`
    Create {
        /// The id that it is good for
        #[arg(long, conflicts_with = "pattern")]
        id: Option<MinionId>,
        /// The ids that it is good for, as a glob
        #[arg(long)]
        pattern: Option<String>,
        /// For how long
        #[arg(long, default_value = "1h", value_parser = arguments::duration)]
        ttl: Duration,
        /// How often it may be used
        #[arg(long, default_value_t = 1)]
        uses: u32,
    },
    /// Tokens that still work, without their secrets
    List,
    /// End a token by its name, or all that are bound to an id or pattern
    #[command(group(clap::ArgGroup::new("which").args(["name", "id", "pattern"]).required(true)))]
    Revoke {
        /// The token's name, as `token list` shows it
        name: Option<String>,
        /// All tokens for this id
        #[arg(long)]
        id: Option<String>,
        /// All tokens for ids of this pattern
        #[arg(long, value_name = "GLOB")]
        pattern: Option<String>,
    },
}

pub(super) async fn run(args: Args, context: &Context) -> Outcome {
    match args.what {
        What::Create { id, pattern, ttl, uses } => {
            let pattern = id.map(|id| id.to_string()).or(pattern).ok_or_else(|| {
                Failure::Usage(
                    "a token is bound to an id or a pattern: give --id ID or --pattern GLOB".to_owned(),
                )
            })?;
            // What is no glob is an id, and a bracket is in none.
            if pattern.rfind('[') > pattern.rfind(']') {
                return Err(Failure::Usage(format!("the pattern {pattern:?} matches no id: its [ has no ]")));
            }
            let request = TokenRequest::Create { pattern, ttl, uses };
            for token in context.client.collect(OpRequest::Token(request)).await? {
                if let Err(e) = show_new(&token, context.json) {
                    return Err(unshown(&token, &e, context).await);
                }
            }
        }
        What::List => {
            let rows = context.client.collect(OpRequest::Token(TokenRequest::List)).await?;
            output::records(&rows, &["name", "pattern", "uses", "expires"], context.json);
        }
        What::Revoke { name, id, pattern } => {
            let name = name.or(id).or(pattern).unwrap_or_default();
            let rows = context.client.collect(OpRequest::Token(TokenRequest::Revoke { name })).await?;
            output::records(&rows, &["name", "pattern"], context.json);
        }
    }
    Ok(0)
}

/// The token alone goes to stdout, so that a script can take it; what it is good for is talk.
fn show_new(token: &Value, json: bool) -> std::io::Result<()> {
    let field = |key: &str| token.get(key).map(ToString::to_string).unwrap_or_default();
    if json {
        return output::once(&serde_json::to_string(token)?);
    }
    eprintln!("good for {}, {} use(s), until {}", field("pattern"), field("uses"), field("expires"));
    output::once(&field("token"))
}

/// Ends a token whose secret nobody saw: it cannot be shown again.
async fn unshown(token: &Value, error: &std::io::Error, context: &Context) -> Failure {
    let name = token.get("name").map(ToString::to_string).unwrap_or_default();
    let request = OpRequest::Token(TokenRequest::Revoke { name: name.clone() });
    let done = match context.client.collect(request).await {
        Ok(_) => format!("the token {name}, whose secret nobody saw, was revoked"),
        Err(e) => format!(
            "nobody saw the secret of the token {name}; end it with `lab-master token revoke {name}` ({e})"
        ),
    };
    Failure::Local(format!("cannot write to standard output: {error}; {done}"))
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    #[test]
    fn what_to_revoke_is_one_of_three_and_the_usage_names_them() {
        let revoke = |more: &[&str]| {
            crate::cli::Cli::try_parse_from(["lab-master", "token", "revoke"].iter().chain(more)).map(|_| ())
        };
        for good in [&["x"][..], &["--id", "web1"], &["--pattern", "web*"]] {
            revoke(good).expect("one of them");
        }
        revoke(&["x", "--id", "web1"]).expect_err("one of them would be ignored");
        let none = revoke(&[]).expect_err("which?").to_string();
        assert!(none.contains("<NAME|--id <ID>|--pattern <GLOB>>"), "{none}");
    }
}
