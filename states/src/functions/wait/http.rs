//! `http.query`: asks a web server and holds its answer to what is expected; `http.wait_for_successful_query` (also
//! `http.wait`) asks until the answer is right.

use std::path::PathBuf;
use std::time::Duration;

use lab_proto::{Map, Value};
use serde::Deserialize;

use super::super::support::{Pattern, map, text_list, text_of};
use super::patience::{Patience, Waited, seconds};
use crate::function::{
    Applied, ArgDoc, Check, Class, FunctionDoc, JobCtx, Kind, StateCall, StateError, StateFunction, Verdict,
};
use crate::host::{HttpReply, HttpRequest};

/// Asks once.
pub(in crate::functions) struct Query;

/// Asks until the answer is right.
pub(in crate::functions) struct WaitFor {
    name: &'static str,
    doc: FunctionDoc,
}

const ASKED: [ArgDoc; 15] = [
    ArgDoc::optional("match", Kind::Text, "What the body must contain; match or status must be given."),
    ArgDoc::with_default(
        "match_type",
        Kind::Text,
        "string",
        "How match is meant: string, or pcre for a regular expression.",
    ),
    ArgDoc::optional("status", Kind::Any, "The status that is expected, 200; a list with status_type list."),
    ArgDoc::with_default("status_type", Kind::Text, "string", "How status is meant: string, list or pcre."),
    ArgDoc::with_default("method", Kind::Text, "GET", "The method."),
    ArgDoc::optional("data", Kind::Text, "What is sent."),
    ArgDoc::optional("header_dict", Kind::Map, "Header lines."),
    ArgDoc::optional("username", Kind::Text, "The user, for basic authentication."),
    ArgDoc::optional("password", Kind::Text, "The password, for basic authentication."),
    ArgDoc::optional("params", Kind::Map, "What is added to the URL after a question mark."),
    ArgDoc::with_default(
        "verify_ssl",
        Kind::Bool,
        "true",
        "Whether the server's certificate must be trusted.",
    ),
    ArgDoc::optional("ca_bundle", Kind::Path, "Trusted certificates in PEM, in place of the machine's own."),
    ArgDoc::with_default("timeout", Kind::Float, "60", "Seconds that one question may take."),
    ArgDoc::with_default("wait_for", Kind::Float, "300", "Seconds after which waiting fails."),
    ArgDoc::with_default("request_interval", Kind::Float, "1", "Seconds between questions."),
];

const WAIT_ARGS: &[ArgDoc] = &ASKED;
const QUERY_ARGS: &[ArgDoc] = WAIT_ARGS;

static QUERY: FunctionDoc = FunctionDoc::new(
    "Asks a web server, which the name says as a URL, and fails when the answer is not what is expected.",
    QUERY_ARGS,
    "http://10.0.0.1/healthz:\n  http.query:\n    - status: 200\n",
);

pub(in crate::functions) const WAIT_FOR_SUCCESSFUL_QUERY: WaitFor = WaitFor {
    name: "http.wait_for_successful_query",
    doc: FunctionDoc::new(
        "Asks a web server, which the name says as a URL, until the answer is what is expected.",
        WAIT_ARGS,
        "http://10.0.0.1/healthz:\n  http.wait_for_successful_query:\n    - status: 200\n    - wait_for: 300\n",
    ),
};

pub(in crate::functions) const WAIT: WaitFor = WaitFor {
    name: "http.wait",
    doc: FunctionDoc::new(
        "Asks a web server, which the name says as a URL, until the answer is what is expected; the short name of http.wait_for_successful_query.",
        WAIT_ARGS,
        "http://10.0.0.1/healthz:\n  http.wait:\n    - match: ok\n    - wait_for: 300\n",
    ),
};

#[derive(Debug, Deserialize)]
struct Args {
    r#match: Option<String>,
    #[serde(default)]
    match_type: MatchType,
    status: Option<Value>,
    #[serde(default)]
    status_type: StatusType,
    #[serde(default = "get")]
    method: String,
    data: Option<Value>,
    #[serde(default)]
    header_dict: Option<Map>,
    username: Option<String>,
    password: Option<String>,
    #[serde(default)]
    params: Option<Map>,
    #[serde(default = "yes")]
    verify_ssl: bool,
    ca_bundle: Option<PathBuf>,
    timeout: Option<f64>,
    wait_for: Option<f64>,
    request_interval: Option<f64>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum MatchType {
    #[default]
    String,
    Pcre,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum StatusType {
    #[default]
    String,
    List,
    Pcre,
}

fn get() -> String {
    "GET".to_owned()
}

fn yes() -> bool {
    true
}

/// Whether an answer is right, and in which words.
#[derive(Debug)]
struct Judged {
    right: bool,
    words: String,
}

impl Args {
    fn of(call: &StateCall, ctx: &JobCtx<'_>) -> Result<Self, StateError> {
        let args: Self = call.typed()?;
        if args.r#match.is_none() && args.status.is_none() {
            return Err(StateError::failed(
                "either match text (match) or a status code (status) is required",
            ));
        }
        if let Some(password) = &args.password {
            ctx.secrets.register(password);
        }
        Ok(args)
    }

    fn request(&self, call: &StateCall) -> Result<HttpRequest, StateError> {
        let mut request = HttpRequest::get(with_params(&call.name, self.params.as_ref()));
        request.method.clone_from(&self.method);
        for (name, value) in self.header_dict.iter().flatten() {
            request.headers.push((text_of(name), text_of(value)));
        }
        if let Some(user) = &self.username {
            let pair = format!("{user}:{}", self.password.as_deref().unwrap_or_default());
            let credentials = crate::render::base64::encode(pair.as_bytes());
            request.headers.push(("Authorization".to_owned(), format!("Basic {credentials}")));
        }
        request.body = self.data.as_ref().map(|d| text_of(d).into_bytes());
        request.timeout = self.timeout.map(|t| seconds("timeout", t)).transpose()?;
        request.verify_tls = self.verify_ssl;
        request.ca_bundle.clone_from(&self.ca_bundle);
        Ok(request)
    }

    fn judge(&self, reply: &HttpReply) -> Result<Judged, StateError> {
        let mut judged = Judged { right: true, words: String::new() };
        let mut say = |right: bool, what: String| {
            judged.right &= right;
            let not = if right { "" } else { "not " };
            let space = if judged.words.is_empty() { "" } else { " " };
            judged.words.push_str(&format!("{space}{what} was {not}found."));
        };
        if let Some(wanted) = &self.r#match {
            let body = String::from_utf8_lossy(&reply.body);
            match self.match_type {
                MatchType::String => say(body.contains(wanted.as_str()), format!("Match text {wanted:?}")),
                MatchType::Pcre => {
                    let pattern = Pattern::flagged(wanted, Some(&Value::from(0)))?;
                    // Python's `$` also stands before a last newline.
                    let line = body.strip_suffix('\n').unwrap_or(&body);
                    let found = pattern.is_match(&body)? || pattern.is_match(line)?;
                    say(found, format!("Match pattern {wanted:?}"));
                }
            }
        }
        if let Some(wanted) = &self.status {
            let have = reply.status.to_string();
            match self.status_type {
                StatusType::String => say(text_of(wanted) == have, format!("Status {}", text_of(wanted))),
                StatusType::List => {
                    let any = text_list(wanted);
                    say(any.contains(&have), format!("Status of {}", any.join(", ")));
                }
                StatusType::Pcre => {
                    let wanted = text_of(wanted);
                    let found = Pattern::flagged(&wanted, Some(&Value::from(0)))?.is_match(&have)?;
                    say(found, format!("Status pattern {wanted:?}"));
                }
            }
            if !judged.right {
                judged.words.push_str(&format!(" The server answered {have}."));
            }
        }
        Ok(judged)
    }
}

/// Adds parameters to a URL, with what is special in them escaped.
fn with_params(url: &str, params: Option<&Map>) -> String {
    let escaped = |text: &str| -> String {
        let one = |b: &u8| match b {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(*b).to_string(),
            other => format!("%{other:02X}"),
        };
        text.as_bytes().iter().map(one).collect()
    };
    let mut url = url.to_owned();
    for (key, value) in params.into_iter().flatten() {
        let mark = if url.contains('?') { '&' } else { '?' };
        url.push_str(&format!("{mark}{}={}", escaped(&text_of(key)), escaped(&text_of(value))));
    }
    url
}

fn ask(args: &Args, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Judged, StateError> {
    match ctx.host.http(&args.request(call)?, ctx) {
        Ok(reply) => args.judge(&reply),
        Err(e) => Ok(Judged { right: false, words: e.to_string() }),
    }
}

fn would_ask(call: &StateCall) -> Check {
    Check::differs(map([("query", call.name.as_str().into())]), format!("{} would be asked", call.name))
}

impl StateFunction for Query {
    fn name(&self) -> &'static str {
        "http.query"
    }

    fn class(&self) -> Class {
        Class::Action
    }

    fn doc(&self) -> &FunctionDoc {
        &QUERY
    }

    fn check(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        Args::of(call, ctx)?.request(call)?;
        Ok(would_ask(call))
    }

    fn apply(&self, call: &StateCall, _check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        let args = Args::of(call, ctx)?;
        if args.wait_for.is_some() {
            return wait(&args, call, ctx);
        }
        let judged = ask(&args, call, ctx)?;
        if judged.right {
            Ok(Applied::new(Map::new(), judged.words))
        } else {
            Err(StateError::Failed(judged.words))
        }
    }
}

fn wait(args: &Args, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
    let mut last = String::new();
    let patience =
        Patience { period: args.request_interval.unwrap_or(1.0), timeout: args.wait_for.unwrap_or(300.0) };
    let waited = patience.until(ctx, || {
        let judged = ask(args, call, ctx)?;
        last = judged.words;
        Ok(judged.right.then_some(()))
    })?;
    match waited {
        Waited::Met((), attempts) => {
            Ok(Applied::new(Map::new(), format!("{last} ({attempts} questions asked)")))
        }
        Waited::TimedOut(attempts) => Err(StateError::failed(format!(
            "{} did not answer as expected in {} s and {attempts} questions; the last answer: {last}",
            call.name,
            Duration::from_secs_f64(patience.timeout).as_secs()
        ))),
    }
}

impl StateFunction for WaitFor {
    fn name(&self) -> &str {
        self.name
    }

    fn class(&self) -> Class {
        Class::Action
    }

    fn doc(&self) -> &FunctionDoc {
        &self.doc
    }

    fn check(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        Args::of(call, ctx)?.request(call)?;
        Ok(would_ask(call))
    }

    fn apply(&self, call: &StateCall, _check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        wait(&Args::of(call, ctx)?, call, ctx)
    }

    fn run(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Verdict {
        self.sequence(call, ctx).unwrap_or_else(Verdict::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::function::VerdictKind;
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;

    const URL: &str = "https://cplane:6443/healthz";

    fn bench(after: u32) -> Bench {
        Bench::new(SimHost::new().with_url(URL, 503, "all is ok\n", after))
    }

    #[test]
    fn body_and_status_are_both_held_to_what_is_expected() {
        let bench = bench(0);
        let run = |more: &str| bench.run(&format!("{URL}:\n  http.query:\n{more}"));
        for right in [
            "    - match: is ok\n",
            "    - match: '^all .s ok$'\n    - match_type: pcre\n    - status: 503\n",
            "    - status: [200, 503]\n    - status_type: list\n",
            "    - status: '50.'\n    - status_type: pcre\n",
        ] {
            let verdict = run(right);
            assert_eq!(verdict.kind, VerdictKind::Ok, "{right}: {}", verdict.comment);
            assert!(!verdict.changed());
        }
        let wrong = run("    - match: is ok\n    - status: 200\n");
        assert_eq!(wrong.kind, VerdictKind::Failed);
        assert!(wrong.comment.ends_with("The server answered 503."), "{}", wrong.comment);
        assert!(run("    - method: GET\n").comment.contains("is required"));
    }

    #[test]
    fn waiting_survives_a_server_that_is_not_there_yet() {
        for name in ["http.wait_for_successful_query", "http.wait"] {
            let bench = bench(4);
            let sls = format!(
                "{URL}:\n  {name}:\n    - status: 503\n    - request_interval: 5\n    - wait_for: 60\n"
            );
            assert_eq!(bench.dry(&sls).kind, VerdictKind::WouldChange);
            let verdict = bench.run(&sls);
            assert_eq!(verdict.kind, VerdictKind::Ok, "{}", verdict.comment);
            assert_eq!(bench.host.slept(), Duration::from_secs(20));
            let late = bench.run(&sls.replace("status: 503", "status: 200"));
            assert!(late.comment.contains("in 60 s and 13 questions"), "{}", late.comment);
        }
    }

    #[test]
    fn parameters_are_escaped_and_credentials_sent() {
        let params = map([("a b", Value::from("ü&1")), ("n", Value::from(7))]);
        assert_eq!(with_params("http://h/?x", Some(&params)), "http://h/?x&a%20b=%C3%BC%261&n=7");
        let call = Bench::new(SimHost::new()).call(
            "http://h/:\n  http.query:\n    - status: 200\n    - username: u\n    - password: p\n",
            false,
        );
        let request = call.typed::<Args>().unwrap().request(&call).unwrap();
        assert_eq!(request.headers, [("Authorization".to_owned(), "Basic dTpw".to_owned())]);
    }
}
