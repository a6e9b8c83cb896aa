//! `lab-master token …`

use std::time::Duration;

use clap::Subcommand;
use lab_proto::Value;
use lab_proto::v1::op::{OpRequest, TokenRequest};

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
        id: Option<String>,
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
    Revoke {
        /// The token's name, as `token list` shows it
        #[arg(required_unless_present_any = ["id", "pattern"])]
        name: Option<String>,
        /// All tokens for this id
        #[arg(long)]
        id: Option<String>,
        /// All tokens for ids of this pattern
        #[arg(long)]
        pattern: Option<String>,
    },
}

pub(super) async fn run(args: Args, context: &Context) -> Outcome {
    match args.what {
        What::Create { id, pattern, ttl, uses } => {
            let pattern = id.or(pattern).ok_or_else(|| {
                Failure::Usage(
                    "a token is bound to an id or a pattern: give --id ID or --pattern GLOB".to_owned(),
                )
            })?;
            let request = TokenRequest::Create { pattern, ttl, uses };
            for token in context.client.collect(OpRequest::Token(request)).await? {
                show_new(&token, context.json);
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
fn show_new(token: &Value, json: bool) {
    if json {
        output::json(token);
        return;
    }
    let field = |key: &str| token.get(key).map(ToString::to_string).unwrap_or_default();
    eprintln!("good for {}, {} use(s), until {}", field("pattern"), field("uses"), field("expires"));
    output::line(&field("token"));
}
