//! How compiling grows: so many states in one SLS with three requisites each, inside this program, over the types that the
//! binaries use.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use lab_states::compile::{self, Request, SlsTree};
use lab_states::low::LowChunk;
use lab_states::render::{
    self, MemorySources, NoFunctions, RenderContext, RenderEnv, RenderError, RenderedSls,
};
use lab_states::run::{RunOptions, StateRun, Traits};
use lab_states::sls::SlsName;

use super::Bench;
use super::echo::BoxError;
use super::measure::percentile;
use super::report::Aim;

const SECTION: &str = "compile";
const SIZES: [usize; 3] = [1_000, 10_000, 100_000];
/// States in one SLS: the largest size would exceed the bounds of one document.
const PER_SLS: usize = 10_000;
/// What ten thousand states may take.
const AIM_MS: f64 = 100.0;
/// How much longer a state may take among a hundred thousand than among a thousand: about linear. Both compile as many states
/// in all, from memory that no cache holds: a thousand alone fit into a processor's, which says nothing about the compiler.
const GROWTH: f64 = 2.0;

/// Measures each size.
///
/// # Errors
/// When what is compiled is not what was written.
pub fn run(bench: &mut Bench) -> Result<(), BoxError> {
    let sizes = if bench.quick { &SIZES[..2] } else { &SIZES[..] };
    let largest = sizes[sizes.len() - 1];
    let (mut alone, mut among) = (Vec::new(), Vec::new());
    for &size in sizes {
        let rounds = if bench.quick || size > 10_000 { 3 } else { 11 };
        let found = measure(size, rounds)?;
        let per_state = |took: Duration, states: usize| took.as_secs_f64() * 1e6 / states as f64;
        alone.push(per_state(found.compile, size));
        among.push(per_state(in_pieces(size, largest / size)?, largest));
        let ms = |d: Duration| d.as_secs_f64() * 1e3;
        let aim = (size == 10_000).then_some(Aim::AtMost(AIM_MS));
        let notes = vec![
            format!("median of {rounds}, processor time"),
            format!("{:.2} µs per state", alone[alone.len() - 1]),
            format!("{:.2} µs per state of {largest} in pieces of so many", among[among.len() - 1]),
            format!("rendered and read before that in {:.1} ms", ms(found.render)),
            format!("resolved for a run after that in {:.1} ms", ms(found.resolve)),
        ];
        let what = format!("{size} states, 3 requisites each");
        bench.report.add(SECTION, what, (ms(found.compile), "ms"), aim, notes);
    }
    let growth = |per_state: &[f64]| per_state[per_state.len() - 1] / per_state[0];
    let notes = vec![
        "median of 3, processor time".to_owned(),
        format!("{:.2} × where the {} are alone and fit into a cache", growth(&alone), sizes[0]),
    ];
    let what = format!("time per state of {largest}, in one piece / in pieces of {}", sizes[0]);
    bench.report.add(SECTION, what, (growth(&among), "×"), Some(Aim::AtMost(GROWTH)), notes);
    Ok(())
}

/// What one size took: text to document, document to ordered low chunks, chunks to a run that can begin.
struct Found {
    render: Duration,
    compile: Duration,
    resolve: Duration,
}

fn measure(size: usize, rounds: usize) -> Result<Found, BoxError> {
    let (names, sources) = written(size);
    let context = RenderContext::default();
    let env = RenderEnv::new(&sources, &NoFunctions, &context);
    let registry = lab_states::functions::builtin();
    let (mut render, mut compile, mut resolve) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        let (rendered, took) = timed(|| rendered(&env, &names));
        render.push(took);
        let tree = Rendered { names: names.clone(), sls: RefCell::new(rendered?) };
        let (chunks, took) = timed(|| compile::compile(&tree, &Request::sls(names.iter().cloned())));
        compile.push(took);
        let chunks = chunks.map_err(|e| e.to_string())?;
        check(&chunks, size)?;
        let of = |chunk: &LowChunk| Traits::of(chunk, &registry);
        let (_, took) = timed(|| StateRun::new(chunks, of, RunOptions::default()));
        resolve.push(took);
    }
    let median = |mut all: Vec<Duration>| percentile(&mut all, 0.5);
    Ok(Found { render: median(render), compile: median(compile), resolve: median(resolve) })
}

/// Measures how long it takes to compile so many pieces of one size, all of them rendered before and kept after that.
fn in_pieces(size: usize, pieces: usize) -> Result<Duration, BoxError> {
    let (names, sources) = written(size);
    let context = RenderContext::default();
    let env = RenderEnv::new(&sources, &NoFunctions, &context);
    let request = Request::sls(names.iter().cloned());
    let mut all = Vec::new();
    for _ in 0..3 {
        let trees: Vec<Rendered> = (0..pieces)
            .map(|_| Ok(Rendered { names: names.clone(), sls: RefCell::new(rendered(&env, &names)?) }))
            .collect::<Result<_, BoxError>>()?;
        let (compiled, took) = timed(|| {
            trees.iter().map(|tree| compile::compile(tree, &request)).collect::<Result<Vec<_>, _>>()
        });
        all.push(took);
        for chunks in compiled.map_err(|e| e.to_string())? {
            check(&chunks, size)?;
        }
    }
    Ok(percentile(&mut all, 0.5))
}

/// Writes so many states, in as many SLS as it takes.
fn written(size: usize) -> (Vec<String>, MemorySources) {
    let names: Vec<String> = (0..size.div_ceil(PER_SLS)).map(|n| format!("part{n}")).collect();
    let files = names.iter().enumerate().map(|(n, name)| (format!("{name}.sls"), text(n * PER_SLS, size)));
    let sources = MemorySources::new(files);
    (names, sources)
}

fn rendered(env: &RenderEnv<'_>, names: &[String]) -> Result<HashMap<String, RenderedSls>, BoxError> {
    let one = |name: &String| Ok((name.clone(), render::sls(env, &SlsName::parse(name)?)?));
    names.iter().map(one).collect()
}

/// Measures what some work costs in processor time of this thread: all of it happens here, and neighbours do not count.
fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let now = || {
        let clock = nix::time::ClockId::CLOCK_THREAD_CPUTIME_ID;
        nix::time::clock_gettime(clock).map(Duration::from).unwrap_or_default()
    };
    let start = now();
    let done = work();
    (done, now().saturating_sub(start))
}

/// Each state requires one before it, watches another, and is required by a third that it names itself.
fn text(first: usize, size: usize) -> String {
    let mut out = String::new();
    for n in first..size.min(first + PER_SLS) {
        let (before, half, next) = (n.saturating_sub(1), n / 2, (n + 1) % size);
        out.push_str(&format!("state{n}:\n  test.succeed_with_changes:\n    - name: name{n}\n"));
        if n > 0 {
            out.push_str(&format!("    - require:\n      - test: state{before}\n"));
            out.push_str(&format!("    - watch:\n      - test: state{half}\n"));
        }
        if n + 2 < size {
            out.push_str(&format!("    - require_in:\n      - test: state{}\n", next + 1));
        }
    }
    out
}

/// The chunks must be the states in their order, each with what it asks for and what asks for it to be asked.
fn check(chunks: &[LowChunk], size: usize) -> Result<(), BoxError> {
    let named = chunks.iter().enumerate().all(|(n, chunk)| chunk.id == format!("state{n}"));
    let asked: usize = chunks.iter().flat_map(|c| &c.requisites).map(|(_, list)| list.len()).sum();
    // The first two ask for less, and the last two are asked for by name no more.
    let expected = 2 * (size - 1) + (size - 2);
    if chunks.len() == size && named && asked == expected {
        return Ok(());
    }
    Err(format!("{} chunks with {asked} requisites came of {size} states, {expected}", chunks.len()).into())
}

/// A tree whose SLS are rendered already.
struct Rendered {
    names: Vec<String>,
    sls: RefCell<HashMap<String, RenderedSls>>,
}

impl SlsTree for Rendered {
    fn names(&self, env: &str) -> Option<&[String]> {
        (env == "base").then_some(&self.names)
    }

    fn render(&self, _: &str, sls: &str) -> Result<Rc<RenderedSls>, Box<RenderError>> {
        Ok(Rc::new(self.sls.borrow_mut().remove(sls).expect("each is asked for once")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_compiled_is_what_was_written() {
        measure(100, 1).expect("a hundred states compile");
        in_pieces(50, 3).expect("three times fifty states compile");
    }
}
