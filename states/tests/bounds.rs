//! Hostile templates: each is refused within its bound, with an error that has a place, and never by a crash.

use lab_proto::value::Map;
use lab_states::render::{
    self, Limits, MemorySources, NoFunctions, RenderContext, RenderEnv, RenderError, RenderErrorKind,
};
use lab_states::sls::SlsName;

/// Renders on a thread with a small stack, as a worker's is; a crash of any kind fails the test.
fn on_worker(files: Vec<(&'static str, String)>, as_sls: bool) -> Result<usize, RenderError> {
    let worker = std::thread::Builder::new().stack_size(512 << 10);
    let render = move || {
        let sources = MemorySources::new(files.iter().map(|(n, t)| (*n, t.as_bytes().to_vec())));
        let context = RenderContext::default();
        let env = RenderEnv::new(&sources, &NoFunctions, &context);
        if as_sls {
            let name = SlsName::parse("a").expect("a name");
            return render::sls(&env, &name).map(|r| r.doc.to_value().to_string().len());
        }
        render::template(&env, "a.sls", &files[0].1, &Map::new()).map(|text| text.len())
    };
    worker.spawn(render).expect("a thread").join().expect("no panic and no overflow")
}

fn refused(text: &str) -> RenderError {
    on_worker(vec![("a.sls", text.to_owned())], false).expect_err(&text[..text.len().min(60)])
}

fn refused_files(files: Vec<(&'static str, String)>) -> RenderError {
    on_worker(files, false).expect_err("refused")
}

#[test]
fn ranges_and_texts_have_a_largest_size() {
    for text in [
        "{{ range(10 ** 12) | list }}",
        "{% for i in range(10 ** 12) %}{% endfor %}",
        "{{ 'a' * 10 ** 10 }}",
        "{{ [0] * 10 ** 10 }}",
        "{{ 10 ** 10 * 'ab' }}",
        "{{ '%1000000000d' | format(1) }}",
        "{{ '%.1000000000f' % 1.5 }}",
        "{{ '{:>1000000000}'.format('x') }}",
        "{{ 'x'.ljust(10 ** 10) }}",
        "{{ 'x' | center(10 ** 10) }}",
        "{{ 'x'.zfill(10 ** 10) }}",
        "{{ 9 ** 9 ** 9 }}",
        "{{ [1, 2] | batch(10 ** 10, 0) | list }}",
        "{{ '10.0.0.0/8' | network_hosts }}",
        "{{ range(30) | list | permutations(12) | list }}",
        "{{ [1, 2] | product(repeat=18) | list }}",
        "{{ [1] | product(repeat=10 ** 10) | list }}",
        "{{ [] | product(repeat=10 ** 10) | list }}",
    ] {
        let error = refused(text);
        assert!(error.place.line == 1 && error.place.column > 0, "{text}: {error}");
    }
    // Doubling, step by step.
    let doubled =
        "{% set ns = namespace(s='x') %}{% for i in range(64) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}";
    assert_eq!(refused(doubled).kind, RenderErrorKind::Bounds);
    let filled = "{% for i in range(99999) %}{{ 'x' * 9999 }}{% endfor %}";
    assert_eq!(refused(filled).kind, RenderErrorKind::Bounds);
}

#[test]
fn recursion_ends() {
    let error = refused("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}");
    assert_eq!(error.kind, RenderErrorKind::Bounds, "{error}");
    for text in ["{% include 'a.sls' %}", "{% import 'a.sls' as a %}", "{% extends 'a.sls' %}"] {
        let error = refused_files(vec![("a.sls", text.to_owned())]);
        assert_eq!(error.place.file, "a.sls", "{text}: {error}");
    }
    let error = refused_files(vec![
        ("a.sls", "{% include 'b.j' %}".to_owned()),
        ("b.j", "{% from 'a.sls' import x %}".to_owned()),
    ]);
    assert!(["a.sls", "b.j"].contains(&error.place.file.as_str()), "{error}");
    let selfish = "{% set l = [] %}{% do l.append(l) %}{{ l | tojson }}";
    assert!(refused(selfish).place.line == 1);
}

#[test]
fn aliases_cannot_multiply_without_end() {
    let mut text = "#!yaml\na0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for i in 1..12 {
        text.push_str(&format!("a{i}: &a{i} [{}]\n", vec![format!("*a{}", i - 1); 9].join(", ")));
    }
    let error = on_worker(vec![("a.sls", text)], true).expect_err("refused");
    assert_eq!(error.place.file, "a.sls", "{error}");
}

#[test]
fn patterns_are_linear_or_bounded() {
    let text = "{{ ('a' * 50000) | regex_match('(a+)+$b') }}{{ ('a' * 50000 ~ '!') is match('(a|aa)+$') }}";
    on_worker(vec![("a.sls", text.to_owned())], false).expect("linear");
    // What looks around or turns back is refused on long texts, or after a number of turns.
    for text in [
        "{{ 'x' | regex_match('(a{1000}){1000}') }}",
        "{{ ('a' * 5000 ~ '!b') | regex_match('(?:a|aa)+(?!x)b') }}",
        "{{ ('a' * 1000000) | regex_search('(?=.*z)a') }}",
        "{{ ('a' * 1000000) is match('(?:(?=.*z)a)*') }}",
        "{{ (('a' * 20 ~ 'b') * 5000) | regex_replace('(?:(?:a|aa)+(?!x)c|a+b)', '') }}",
        "{{ (('a' * 20 ~ 'b') * 300) | regex_replace('(?:(?:a|aa)+(?!x)c|a+b)', '') }}",
        "{{ ('a' * 5000 ~ '!b') | check_whitelist_blacklist(blacklist=['(?:a|aa)+(?!x)b']) }}",
    ] {
        let error = refused(text);
        assert_eq!(error.kind, RenderErrorKind::Bounds, "{text}: {error}");
        assert!(error.message.contains("cannot use the pattern") && error.suggestion.is_some(), "{error}");
    }
    // Many searches together take too many steps.
    for text in [
        "{% set t = 'a' * 4000 %}{% for i in range(999) %}{{ t is match('(?=.*z)a') }}{% endfor %}",
        "{% set t = 'a' * 400000 %}{% for i in range(999) %}{{ t is match('a*z') }}{% endfor %}",
        "{% for i in range(999) %}{{ 'a' is match('[^' ~ i ~ ']{50}') }}{% endfor %}",
        "{{ ('a' * 400000) | regex_replace('.*z|a', '') }}",
    ] {
        let (sources, context) = (MemorySources::default(), RenderContext::default());
        let limits = Limits { fuel: 200_000, ..Limits::default() };
        let env = RenderEnv { limits, ..RenderEnv::new(&sources, &NoFunctions, &context) };
        let error = render::template(&env, "a.sls", text, &Map::new()).expect_err(text);
        assert_eq!(error.kind, RenderErrorKind::Bounds, "{text}: {error}");
    }
}

#[test]
fn values_nested_deeper_than_any_stack_are_dropped() {
    let wrap = |value: &str| {
        format!(
            "{{% set d = namespace(v=[]) %}}{{% for i in range(60000) %}}{{% set d.v = {value} %}}{{% endfor %}}done"
        )
    };
    for value in [
        "[d.v]",
        "(d.v,)",
        "{'a': d.v}",
        "{'a': d.v}.items()",
        "{'a': d.v}.values()",
        "[d.v] | map('lower')",
        "namespace(v=d.v)",
        "cycler(d.v)",
        "[d.v].append",
    ] {
        let rendered = on_worker(vec![("a.sls", wrap(value))], false);
        assert_eq!(rendered.map_err(|e| e.to_string()), Ok(4), "{value}");
    }
    let downwards = "{% set d = namespace(v=[]) %}{% set top = d.v %}{% for i in range(60000) %}{% set n = [] %}\
         {% do d.v.append(n) %}{% set d.v = n %}{% endfor %}done";
    assert_eq!(on_worker(vec![("a.sls", downwards.to_owned())], false).map_err(|e| e.to_string()), Ok(4));
}

#[test]
fn a_template_of_many_numbers_is_read_once() {
    let text = "{{ 1 }}\n".repeat(40_000);
    assert_eq!(on_worker(vec![("a.sls", text)], false).map_err(|e| e.to_string()), Ok(80_000));
}
