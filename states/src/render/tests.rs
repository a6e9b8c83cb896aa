use lab_proto::Value;
use lab_proto::value::Map;
use proptest::prelude::*;

use super::*;
use crate::sls::SlsName;

fn render(files: &[(&str, &str)]) -> Result<RenderedSls, RenderError> {
    let tree = MemorySources::new(files.iter().copied());
    let context = RenderContext { grains: Value::from([("os", "Debian")]), ..RenderContext::default() };
    let limits = Limits { fuel: 200_000, ..Limits::default() };
    let env = RenderEnv { limits, ..RenderEnv::new(&tree, &NoFunctions, &context) };
    sls(&env, &SlsName::parse("a").expect("a name"))
}

fn json(text: &str) -> String {
    render(&[("a.sls", text)]).unwrap_or_else(|e| panic!("{e}")).doc.to_value().to_string()
}

fn refusal(text: &str) -> RenderError {
    render(&[("a.sls", text)]).expect_err(text)
}

#[test]
fn spans_point_into_the_source_through_loops_and_includes() {
    let files = [
        (
            "a.sls",
            "{% set l = ['x', 'y'] %}\n\n{% for n in l %}\n{{ n }}:\n  test.nop\n{% endfor %}\n{% include 'b.sls' %}\n",
        ),
        ("b.sls", "# part\nz:\n  test.nop: []\n"),
    ];
    let rendered = render(&files).expect("renders");
    let place = |key: &str| {
        let (node, _) = rendered.doc.entry(key).expect("there");
        rendered.place(node.span).to_string()
    };
    assert_eq!(place("x"), "a.sls:4:1");
    assert_eq!(place("y"), "a.sls:4:1");
    assert_eq!(place("z"), "b.sls:2:1");
    let (function, _) = rendered.doc.get("z").and_then(|z| z.entry("test.nop")).expect("there");
    assert_eq!(rendered.place(function.span).to_string(), "b.sls:3:3");
}

#[test]
fn an_undefined_name_is_shown_with_line_caret_and_the_nearest_name() {
    let error = refusal("x:\n  test.nop:\n    - name: {{ grians.os }}\n");
    assert_eq!(error.kind, RenderErrorKind::JinjaUndefined);
    assert_eq!(
        error.to_string(),
        "a.sls:3:16: 'grians' is undefined\n     3 |     - name: {{ grians.os }}\n       |                ^\n  did you mean 'grains'?"
    );
}

#[test]
fn a_product_costs_as_many_steps_as_it_has_items() {
    assert_eq!(json("a: {{ [1]|product(repeat=1000)|first|length }}"), r#"{"a":1000}"#);
    assert_eq!(
        json("a: {{ []|product([1])|list }}\nb: {{ [1]|product(repeat=0)|list|length }}"),
        r#"{"a":[],"b":1}"#
    );
    assert_eq!(refusal("{{ [1]|product(repeat=300000)|list|length }}").kind, RenderErrorKind::Bounds);
    let negative = refusal("{{ [1]|product(repeat=-1)|list }}");
    assert!(negative.message.contains("repeat argument cannot be negative"), "{negative}");
}

#[test]
fn attr_of_a_mapping_says_how_a_key_is_read() {
    let error = refusal("{{ {'a': 1}|attr('a') }}").to_string();
    assert!(error.contains("has no attribute 'a'") && error.contains("x['a']"), "{error}");
    assert!(!error.contains("did you mean"), "{error}");
}

#[test]
fn an_error_inside_an_imported_macro_names_its_file_and_the_caller() {
    let files = [
        ("a.sls", "{% from 'm.jinja' import m %}\n\n{{ m() }}\n"),
        ("m.jinja", "{% macro m() %}\n{{ nope }}\n{% endmacro %}"),
    ];
    let error = render(&files).expect_err("refused");
    assert_eq!(error.place.to_string(), "m.jinja:2:4");
    assert_eq!(error.trace[0].to_string(), "a.sls:3:4");
}

#[test]
fn a_yaml_error_points_at_the_line_of_the_template() {
    let error = refusal("{% for i in [1] %}\nx:\n  a: 1\n   b: {{ i }}\n{% endfor %}\n");
    assert_eq!((error.kind, error.place.line), (RenderErrorKind::Yaml, 4));
    let error = refusal("{% for i in [1, 2] %}\nx:\n  test.nop\n{% endfor %}\n");
    assert_eq!((error.kind, error.place.line), (RenderErrorKind::DuplicateKey, 2));
    assert!(error.message.contains("line 2 already"), "{error}");
}

#[test]
fn the_first_line_chooses_the_renderers() {
    assert_eq!(json("#!yaml\nx: '{{ y }}'\n"), r#"{"x":"{{ y }}"}"#);
    assert_eq!(json("#!jinja|yaml\nx: {{ 1 + 1 }}\n"), r#"{"x":2}"#);
    assert_eq!(json("#!json\n{\"x\": [1]}\n"), r#"{"x":[1]}"#);
    assert_eq!(json("#!jinja|json\n{\"x\": {{ [1] | json }}}\n"), r#"{"x":[1]}"#);
    assert_eq!(refusal("#!mako|yaml\nx: 1\n").kind, RenderErrorKind::Pipeline);
    assert_eq!(refusal("#!json\n{x: 1}\n").kind, RenderErrorKind::Yaml);
}

#[test]
fn an_sls_knows_its_own_place() {
    let tree = MemorySources::new([(
        "app/web/init.sls",
        "{{ [sls, slspath, slsdotpath, tpldir, tplfile, tpldot] }}",
    )]);
    let context = RenderContext::default();
    let name = SlsName::parse("app.web").expect("a name");
    let rendered = sls(&RenderEnv::new(&tree, &NoFunctions, &context), &name).expect("renders");
    assert_eq!(
        rendered.doc.to_value().to_string(),
        r#"["app.web","app/web","app.web","app/web","app/web/init.sls","app.web"]"#
    );
    assert!(rendered.is_init());
}

#[test]
fn relative_imports_start_at_the_importing_file() {
    let tree = MemorySources::new([
        ("app/init.sls", "{% import './lib/x.jinja' as x %}{{ [x.v, x.here] }}"),
        ("app/lib/x.jinja", "{% from './y.jinja' import v %}{% set here = tpldir %}"),
        ("app/lib/y.jinja", "{% set v = 'deep' %}"),
    ]);
    let context = RenderContext::default();
    let env = RenderEnv::new(&tree, &NoFunctions, &context);
    let rendered = sls(&env, &SlsName::parse("app").expect("a name")).expect("renders");
    assert_eq!(rendered.doc.to_value().to_string(), r#"["deep","app/lib"]"#);
}

#[test]
fn a_template_is_not_told_of_an_sls_and_keeps_one_final_newline() {
    let tree = MemorySources::default();
    let context = RenderContext::default();
    let env = RenderEnv::new(&tree, &NoFunctions, &context);
    let variables: Map = [(Value::from("who"), Value::from("lab"))].into_iter().collect();
    let out = template(&env, "t.j2", "{{ who }}\r\n{{ sls is defined }}\n", &variables).expect("renders");
    assert_eq!(out, "lab\nFalse\n");
}

#[test]
fn hostile_templates_are_refused_with_a_clear_error() {
    let deep = format!("{}1{}", "(".repeat(5000), ")".repeat(5000));
    let unary = format!("{{{{ {}1 }}}}", "-".repeat(5000));
    let nots = format!("{{{{ {}1 }}}}", "not ".repeat(5000));
    let chain = format!("{{{{ x{} }}}}", ".a".repeat(5000));
    let blocks = format!("{}{}", "{% if 1 %}".repeat(5000), "{% endif %}".repeat(5000));
    for text in [
        "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{% set x = namespace(s='aaaaaaaaaaaaaaaa') %}{% for i in range(60) %}{% set x.s = x.s ~ x.s %}{% endfor %}",
        "{{ 'a' * 999999999999 }}",
        "{{ [1] * 999999999 }}",
        "{{ 2 ** 99999999999 }}",
        "{{ '%99999999999d' % 1 }}",
        "{{ 'x'.ljust(99999999999) }}",
        "{% set l = [] %}{% do l.append(l) %}{{ l }}",
        "{% include 'a.sls' %}",
        "{% import 'a.sls' as x %}",
        "{% extends 'a.sls' %}",
        "{{ range(99999999999) }}",
        &format!("{{{{ {deep} }}}}"),
        &unary,
        &nots,
        &chain,
        &blocks,
    ] {
        let error = refusal(text);
        assert!(!error.message.is_empty() && error.place.file == "a.sls", "{error}");
    }
}

/// Renders with the bounds that are given.
fn bounded(text: &str, limits: Limits) -> RenderError {
    let tree = MemorySources::new([("a.sls", text)]);
    let context = RenderContext::default();
    let env = RenderEnv { limits, ..RenderEnv::new(&tree, &NoFunctions, &context) };
    sls(&env, &SlsName::parse("a").expect("a name")).expect_err(text)
}

#[test]
fn every_bound_is_named_with_the_place_where_it_was_met() {
    let lists = |n: usize| format!("x: {}1{}\n", "[".repeat(n), "]".repeat(n));
    let parentheses = format!("x: {{{{ {}1{} }}}}\n", "(".repeat(200), ")".repeat(200));
    let values = format!("x: {{{{ {}1{} }}}}\n", "[".repeat(200), "]".repeat(200));
    let blocks = (0..200).map(|n| format!("{}k:\n", " ".repeat(n))).collect::<String>();
    let steps = "a: 1\n{% for i in range(1000) %}{% for j in range(1000) %}{% endfor %}{% endfor %}\n";
    let long = "a: 1\nb: {{ 'x' * 5000 }}\n";
    let default = Limits::default();
    for (text, limits, word, line) in [
        (steps, Limits { fuel: 10_000, ..default }, "steps", 2),
        (long, Limits { output: 4096, ..default }, "4096", 2),
        (&parentheses, default, "nested deeper than", 1),
        (&values, default, "nested deeper than", 1),
        (&lists(200), default, "nested deeper than", 1),
        (&blocks, default, "nested deeper than", 64),
    ] {
        let error = bounded(text, limits);
        assert!(error.message.contains(word), "{word} is not in: {error}");
        assert_eq!((error.place.file.as_str(), error.place.line), ("a.sls", line), "{error}");
    }
}

#[test]
fn what_holds_itself_many_times_over_is_not_written_out() {
    let doubled =
        "{% set ns = namespace(l=['x']) %}{% for i in range(40) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}";
    for written in ["ns.l", "ns.l | json", "ns.l | yaml", "ns.l | pprint", "ns.l ~ ''", "{'a': ns.l} | xml"] {
        let error = refusal(&format!("{doubled}\nx: {{{{ {written} }}}}\n"));
        assert!(error.message.contains("when it is written out"), "{written}: {error}");
        assert_eq!(error.place.line, 2, "{error}");
    }
}

#[test]
fn what_holds_itself_many_times_over_is_not_walked_through() {
    let doubled = "{% set ns = namespace(l=['x'], m=['x'], t=('x',), u=('x',)) %}{% for i in range(45) %}\
                   {% set ns.l = [ns.l, ns.l] %}{% set ns.m = [ns.m, ns.m] %}\
                   {% set ns.t = (ns.t, ns.t) %}{% set ns.u = (ns.u, ns.u) %}{% endfor %}";
    for (operation, word) in [
        ("ns.l == ns.m", "values inside"),
        ("ns.l < ns.m", "values inside"),
        ("ns.l in [ns.m]", "values inside"),
        ("ns.l is eq ns.m", "values inside"),
        ("[ns.l, ns.m] | sort | length", "values inside"),
        ("[ns.l, ns.m] | unique | length", "values inside"),
        ("[ns.l, ns.m] | max | length", "values inside"),
        ("ns.l | flatten | length", "items"),
        ("[ns.l] | difference([ns.m]) | length", "values inside"),
        ("[ns.l] | intersect([ns.m]) | length", "values inside"),
        ("[ns.l] | union([ns.m]) | length", "values inside"),
        ("[ns.l] | symmetric_difference([ns.m]) | length", "values inside"),
        ("[ns.l] | compare_lists([ns.m]) | length", "values inside"),
        ("{'a': ns.l} | compare_dicts({'a': ns.m}) | length", "values inside"),
        ("{ns.t: 1} | length", "values inside"),
        ("ns.t == ns.u", "values inside"),
        ("ns.l | json_encode_list | length", "written out"),
        ("{'a': ns.l} | json_decode_dict | length", "written out"),
    ] {
        let error = refusal(&format!("{doubled}\nx: {{{{ {operation} }}}}\n"));
        assert!(error.message.contains(word), "{operation}: {error}");
        assert_eq!(error.place.line, 2, "{error}");
    }
    let same = "x: {{ [ns.l == ns.l, ns.t == ns.t, ns.l == [ns.m], [1, [2]] == [1, [2]]] }}";
    assert_eq!(json(&format!("{doubled}\n{same}\n")), r#"{"x":[true,true,false,true]}"#);
}

#[test]
fn what_is_compared_inside_of_values_counts_as_steps() {
    let lists = "{% set a = range(50000) | list %}{% set b = range(50000) | list %}";
    let text = format!("{lists}\n{{% for i in range(20) %}}{{% set c = a == b %}}{{% endfor %}}\n");
    let error = bounded(&text, Limits { fuel: 10_000, ..Limits::default() });
    assert!(error.message.contains("steps"), "{error}");
}

#[test]
fn what_filters_write_counts_as_steps() {
    let text = "{% set t = 'x' * 100000 %}\n{% for i in range(20) %}{% set u = t | upper %}{% endfor %}\n";
    let error = bounded(text, Limits { fuel: 10_000, ..Limits::default() });
    assert!(error.message.contains("steps"), "{error}");
}

#[test]
fn what_is_nested_less_deeply_than_the_bound_is_read() {
    let nested = format!("x: {}1{}\n", "[".repeat(60), "]".repeat(60));
    assert!(json(&nested).starts_with(r#"{"x":[[["#));
    let parentheses = format!("x: {{{{ {}1{} }}}}\n", "(".repeat(60), ")".repeat(60));
    assert_eq!(json(&parentheses), r#"{"x":1}"#);
}

#[test]
fn yaml_keeps_the_order_of_pillar_and_sorts_other_mappings() {
    let tree = MemorySources::new([(
        "a.sls",
        "x: '{{ pillar.d | yaml }} {{ {'b': 1, 'a': 2} | yaml }} {{ dict(pillar.d) | yaml }}'\n",
    )]);
    let pillar = Value::from([("d", Value::from([("b", 1), ("a", 2)]))]);
    let context = RenderContext { pillar, ..RenderContext::default() };
    let env = RenderEnv::new(&tree, &NoFunctions, &context);
    let rendered = sls(&env, &SlsName::parse("a").expect("a name")).expect("renders");
    let text = rendered.doc.get("x").and_then(|n| n.as_str().map(str::to_owned));
    assert_eq!(text.as_deref(), Some("{b: 1, a: 2} {a: 2, b: 1} {a: 2, b: 1}"));
}

#[test]
fn methods_and_filters_that_came_late() {
    assert_eq!(json("x: {{ 'abc'.translate({97: 'z', 98: none}) }}\n"), r#"{"x":"zc"}"#);
    assert_eq!(json("x: {{ 'abc'.translate('abc'.maketrans('ab', 'xy')) }}\n"), r#"{"x":"xyc"}"#);
    assert_eq!(json("x: {{ {}.fromkeys(['a', 'b'], 1) | json }}\n"), r#"{"x":{"a":1,"b":1}}"#);
    let link = r#"{"x":"(<a href=\"https://a.example/x\" rel=\"noopener\">https://a.example/x</a>)."}"#;
    assert_eq!(json("x: '{{ '(https://a.example/x).' | urlize }}'\n"), link);
    assert!(refusal("{{ 'a' | dns_check }}").suggestion.is_some_and(|s| s.contains("network.connect")));
    assert!(refusal("{{ 'a' | nosuchfilter }}").suggestion.is_some());
}

proptest! {
    #[test]
    fn random_text_never_panics_the_renderer(text in "\\PC{0,120}") {
        let _ = render(&[("a.sls", &text)]);
    }

    #[test]
    fn template_like_text_never_panics_the_renderer(
        parts in proptest::collection::vec(prop::sample::select(PARTS), 0..24)
    ) {
        let _ = render(&[("a.sls", &parts.concat())]);
    }
}

const PARTS: &[&str] = &[
    "{{",
    "}}",
    "{%",
    "%}",
    "{#",
    "#}",
    "-",
    " ",
    "\n",
    "a",
    "'x'",
    "\"",
    "1",
    "2.5",
    "[",
    "]",
    "(",
    ")",
    "{",
    "}",
    ":",
    ",",
    ".",
    "|",
    " if ",
    " else ",
    " for ",
    " in ",
    "{% for x in [1, 2] %}",
    "{% endfor %}",
    "{% if a %}",
    "{% endif %}",
    "{% set a = 1 %}",
    "{{ a }}",
    "{% macro m(x) %}",
    "{% endmacro %}",
    "{{ m(1) }}",
    " is ",
    " not ",
    " ~ ",
    " + ",
    " % ",
    "==",
    "=",
    "loop",
    "[::-1]",
    "| join(',')",
    "| sort",
    "{% raw %}",
    "{% endraw %}",
    "grains",
    "x:\n  y\n",
    "- z\n",
    "{% do ",
    "{% call m(1) %}",
    "{% endcall %}",
    "{% filter upper %}",
    "{% endfilter %}",
    "{% load_yaml as d %}",
    "{% endload %}",
];
