//! What the fuzz targets do with their bytes; also replayed over the recorded corpora by `cargo xtask test`.
//!
//! Every target asserts more than "no panic": what decodes must encode to something that decodes to the same.

use lab_proto::v1::enrol::{EnrolReply, EnrolRequest};
use lab_proto::v1::link::{
    EventAck, EventBatch, JobsDown, JobsUp, QueryReply, StreamOpen, ToMaster, ToMinion,
};
use lab_proto::v1::op::{OpOpen, OpReply};
use lab_proto::{Event, JobReturn, Map, NewEvent, OutboxEvent, StateReturn, Timestamp, Value, codec};
use lab_states::compile::{RenderedTree, Request, compile};
use lab_states::function::{StateCall, Verdict};
use lab_states::render::{self, MemorySources, NoFunctions, RenderContext, RenderEnv};
use lab_states::run::guard::Guard;
use lab_states::run::{Answer, Effect, RunOptions, StateRun, Traits, Work};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A target: its name and what it does with some bytes.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: &[Target] = &[
    ("frames", frames),
    ("value", value),
    ("records", records),
    ("yaml", yaml),
    ("jinja", jinja),
    ("sls", sls),
];

/// Reads the bytes as a stream of every kind of frame.
pub fn frames(data: &[u8]) {
    stream_of::<EnrolRequest>(data);
    stream_of::<EnrolReply>(data);
    stream_of::<StreamOpen>(data);
    stream_of::<ToMaster>(data);
    stream_of::<ToMinion>(data);
    stream_of::<EventBatch>(data);
    stream_of::<EventAck>(data);
    stream_of::<JobsDown>(data);
    stream_of::<JobsUp>(data);
    stream_of::<QueryReply>(data);
    stream_of::<OpOpen>(data);
    stream_of::<OpReply>(data);
}

/// Reads the bytes as a value, on the wire and as JSON.
pub fn value(data: &[u8]) {
    round_trip::<Value>(data);
    if let Ok(v) = serde_json::from_slice::<Value>(data) {
        let text = serde_json::to_string(&v).expect("what was JSON prints as JSON");
        let again: Value = serde_json::from_str(&text).expect("printed JSON parses");
        assert_eq!(serde_json::to_string(&again).expect("prints"), text);
    }
}

/// Reads the bytes as every kind of stored record.
pub fn records(data: &[u8]) {
    round_trip::<Event>(data);
    round_trip::<NewEvent>(data);
    round_trip::<OutboxEvent>(data);
    round_trip::<JobReturn>(data);
    round_trip::<StateReturn>(data);
}

/// Reads the bytes as a YAML document. What was read and printed, in either style, reads as the same again.
pub fn yaml(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(node) = render::yaml::parse(text) else { return };
    let value = node.to_value();
    for print in [render::yaml::dump_block, render::yaml::dump_flow] {
        let printed = print(&value);
        let again =
            render::yaml::parse(&printed).unwrap_or_else(|e| panic!("{printed:?} does not read: {e}"));
        // Keys are printed sorted, so that values are compared as they print.
        assert_eq!(print(&again.to_value()), printed);
    }
}

/// Renders the bytes as a template that may import itself, with bounds tight enough to be met often. Every refusal
/// has a place within a template that exists, and rendering again says the same.
pub fn jinja(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let sources = MemorySources::new([("t.j2", data), ("b.j2", b"{% macro m(x) %}<{{ x }}>{% endmacro %}")]);
    let context = RenderContext {
        pillar: Value::from([("a", Value::from("text")), ("l", Value::List(vec![1.into(), 2.into()]))]),
        ..RenderContext::default()
    };
    let mut env = RenderEnv::new(&sources, &NoFunctions, &context);
    env.limits.fuel = 20_000;
    env.limits.output = 1 << 14;
    let render = || render::template(&env, "t.j2", text, &Map::new());
    let first = render();
    match &first {
        Ok(out) => assert!(out.len() <= env.limits.output, "{} bytes", out.len()),
        Err(error) => assert!(["t.j2", "b.j2"].contains(&error.place.file.as_str()), "{error}"),
    }
    assert_eq!(first, render());
}

/// Reads the bytes as an SLS that includes itself and a small neighbour: renders, compiles and runs it. The functions
/// are a double whose verdict is made of the state's name.
pub fn sls(data: &[u8]) {
    let neighbour: &[u8] = b"n1:\n  test.nop: []\nn2:\n  test.nop:\n    - require: [n1]\n";
    let sources = MemorySources::new([("a.sls", data), ("b.sls", neighbour)]);
    let context = RenderContext::default();
    let mut env = RenderEnv::new(&sources, &NoFunctions, &context);
    env.limits.fuel = 50_000;
    env.limits.output = 1 << 16;
    let Ok(chunks) = compile(&RenderedTree::new(env), &Request::sls(["a", "b"])) else { return };
    let total = chunks.len();
    let failhard = chunks.iter().any(|c| c.options.failhard == Some(true));
    let mut run =
        StateRun::new(chunks, |_| Traits { watches: true, ..Traits::default() }, RunOptions::default());
    let mut now = Timestamp::from_micros(0);
    // A retried state is bounded by its attempts, which the input may set to anything.
    for _ in 0..10_000 {
        while let Some(effect) = run.poll_effect(now) {
            if let Effect::Work { token, work, .. } = effect {
                run.handle(token, pretend(&work), now);
            }
        }
        match run.poll_timeout() {
            Some(at) => {
                now = at;
                run.handle_timeout(now);
            }
            None => break,
        }
    }
    if run.is_done() {
        let rows = run.report();
        assert!(failhard || rows.len() >= total, "{} of {total} states are accounted for", rows.len());
    }
}

fn pretend(work: &Work) -> Answer {
    let verdict = |call: &StateCall| match call.name.len() % 3 {
        0 => Verdict::failed("pretended"),
        1 => Verdict::unchanged("pretended"),
        _ => Verdict::ok([(Value::from("it"), Value::Null)].into_iter().collect(), "pretended"),
    };
    match work {
        Work::Run(call) | Work::Watch(call) => Answer::Verdict(Box::new(verdict(call))),
        Work::Group(calls) => Answer::Group(calls.iter().map(verdict).collect()),
        Work::CheckCmd(_) => Answer::CheckCmd(true),
        Work::Guard { .. } => Answer::Guard(Guard::Pass),
    }
}

fn stream_of<T: Serialize + DeserializeOwned>(data: &[u8]) {
    let mut buffer = codec::FrameBuffer::default();
    for part in data.chunks(7) {
        buffer.push(part);
        loop {
            match buffer.next_frame::<T>() {
                Ok(Some(frame)) => {
                    let bytes = codec::encode(&frame).expect("what was decoded encodes");
                    let again: T = codec::decode(&bytes).expect("what was encoded decodes");
                    assert_eq!(codec::encode(&again).expect("encodes"), bytes);
                }
                Ok(None) => break,
                Err(_) => return,
            }
        }
    }
}

fn round_trip<T: Serialize + DeserializeOwned>(data: &[u8]) {
    if let Ok(decoded) = codec::decode::<T>(data) {
        let bytes = codec::encode(&decoded).expect("what was decoded encodes");
        let again: T = codec::decode(&bytes).expect("what was encoded decodes");
        assert_eq!(codec::encode(&again).expect("encodes"), bytes);
    }
}
