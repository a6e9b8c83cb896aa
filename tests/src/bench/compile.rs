//! How compiling grows: so many states in one SLS with three requisites each, inside this program, over the types that the
//! binaries use.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

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
/// What ten thousand states may take.
const AIM_MS: f64 = 100.0;
/// How much longer a state may take among a hundred thousand than among a thousand: about linear.
const GROWTH: f64 = 2.0;

/// Measures each size.
///
/// # Errors
/// When what is compiled is not what was written.
pub fn run(bench: &mut Bench) -> Result<(), BoxError> {
    let sizes = if bench.quick { &SIZES[..2] } else { &SIZES[..] };
    let mut per_state = Vec::new();
    for &size in sizes {
        let rounds = if bench.quick || size > 10_000 { 3 } else { 11 };
        let found = measure(size, rounds)?;
        per_state.push(found.compile.as_secs_f64() * 1e6 / size as f64);
        let ms = |d: Duration| d.as_secs_f64() * 1e3;
        let aim = (size == 10_000).then_some(Aim::AtMost(AIM_MS));
        let notes = vec![
            format!("median of {rounds}"),
            format!("{:.2} µs per state", per_state.last().copied().unwrap_or_default()),
            format!("rendered and read before that in {:.1} ms", ms(found.render)),
            format!("resolved for a run after that in {:.1} ms", ms(found.resolve)),
        ];
        let what = format!("{size} states, 3 requisites each");
        bench.report.add(SECTION, what, (ms(found.compile), "ms"), aim, notes);
    }
    if let [first, .., last] = per_state[..] {
        let what = format!("time per state, {} / {} states", sizes[sizes.len() - 1], sizes[0]);
        bench.report.add(SECTION, what, (last / first, "×"), Some(Aim::AtMost(GROWTH)), Vec::new());
    }
    Ok(())
}

/// What one size took: text to document, document to ordered low chunks, chunks to a run that can begin.
struct Found {
    render: Duration,
    compile: Duration,
    resolve: Duration,
}

fn measure(size: usize, rounds: usize) -> Result<Found, BoxError> {
    let sources = MemorySources::new([("many.sls", text(size))]);
    let context = RenderContext::default();
    let env = RenderEnv::new(&sources, &NoFunctions, &context);
    let name = SlsName::parse("many")?;
    let registry = lab_states::functions::builtin();
    let (mut render, mut compile, mut resolve) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        let (rendered, took) = timed(|| render::sls(&env, &name));
        render.push(took);
        let tree = Rendered { names: vec!["many".to_owned()], sls: RefCell::new(Some(rendered?)) };
        let (chunks, took) = timed(|| compile::compile(&tree, &Request::sls(["many"])));
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

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let done = work();
    (done, start.elapsed())
}

/// Each state requires one before it, watches another, and is required by a third that it names itself.
fn text(size: usize) -> String {
    let mut out = String::new();
    for n in 0..size {
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

/// A tree with one SLS that is rendered already.
struct Rendered {
    names: Vec<String>,
    sls: RefCell<Option<RenderedSls>>,
}

impl SlsTree for Rendered {
    fn names(&self, env: &str) -> Option<&[String]> {
        (env == "base").then_some(&self.names)
    }

    fn render(&self, _: &str, _: &str) -> Result<Rc<RenderedSls>, Box<RenderError>> {
        Ok(Rc::new(self.sls.borrow_mut().take().expect("it is asked for once")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_compiled_is_what_was_written() {
        measure(100, 1).expect("a hundred states compile");
    }
}
