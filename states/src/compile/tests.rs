//! What compiles, in which order, and how mistakes are named.

use std::collections::BTreeMap;

use super::*;
use crate::render::yaml::{self, Data};
use crate::render::{Place, RenderError, RenderErrorKind, RenderedSls};
use crate::sls::SlsName;

/// A tree of plain YAML files held in memory.
pub(crate) struct YamlTree {
    names: Vec<String>,
    files: BTreeMap<String, (String, String)>,
}

impl YamlTree {
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let entry = |(path, text): &(&str, &str)| {
            let name = path.trim_end_matches(".sls").trim_end_matches("/init").replace('/', ".");
            (name, ((*path).to_owned(), (*text).to_owned()))
        };
        let files: BTreeMap<_, _> = files.iter().map(entry).collect();
        Self { names: files.keys().cloned().collect(), files }
    }
}

impl SlsTree for YamlTree {
    fn names(&self, env: &str) -> Option<&[String]> {
        (env == "base").then_some(&self.names)
    }

    fn render(&self, _env: &str, sls: &str) -> Result<std::rc::Rc<RenderedSls>, Box<RenderError>> {
        let place = |path: &str| Place { file: path.to_owned(), line: 0, column: 0 };
        let missing = || Box::new(RenderError::new(RenderErrorKind::MissingSls, place(sls), "missing"));
        let (path, text) = self.files.get(sls).ok_or_else(missing)?;
        let doc = yaml::parse(text)
            .map_err(|e| Box::new(RenderError::new(RenderErrorKind::Yaml, place(path), format!("{e:?}"))))?;
        let name = SlsName::parse(sls).map_err(|_| missing())?;
        Ok(std::rc::Rc::new(RenderedSls { name, path: path.clone(), doc, files: vec![path.clone()] }))
    }
}

fn compiled(files: &[(&str, &str)]) -> Result<Vec<LowChunk>, CompileErrors> {
    compile(&YamlTree::new(files), &Request::sls(["a"]))
}

fn lines(files: &[(&str, &str)]) -> Vec<String> {
    let chunks = compiled(files).expect("compiles");
    chunks.iter().map(|c| format!("{} {} {}", c.id, c.function(), c.name)).collect()
}

fn refusal(files: &[(&str, &str)]) -> String {
    let errors = compiled(files).expect_err("refused");
    format!("{}: {errors}", errors.kind().word())
}

#[test]
fn included_states_come_first_and_keep_their_order() {
    let files =
        [("a.sls", "own: test.nop\ninclude: [b]\n"), ("b.sls", "two: test.nop\none:\n  test.nop: []\n")];
    assert_eq!(lines(&files), ["two test.nop two", "one test.nop one", "own test.nop own"]);
}

#[test]
fn order_moves_states_and_unnumbered_ones_keep_their_place() {
    let sls = "\
z: {test.nop: [{order: last}]}
p: {test.nop: []}
f: {test.nop: [{order: first}]}
m: {test.nop: [{order: -1}]}
q: {test.nop: [{order: '1'}]}
n: {test.nop: [{order: 2}]}
";
    let ids: Vec<_> = lines(&[("a.sls", sls)]).iter().map(|l| l[..1].to_owned()).collect();
    assert_eq!(ids, ["f", "n", "p", "q", "m", "z"]);
}

#[test]
fn names_make_a_chunk_each_with_their_own_arguments() {
    let sls =
        "x:\n  file.managed:\n  - names:\n    - /a\n    - /b:\n      - mode: '0600'\n  - mode: '0644'\n";
    let chunks = compiled(&[("a.sls", sls)]).expect("compiles");
    let modes: Vec<_> = chunks.iter().map(|c| (c.name.as_str(), c.args["mode"].to_string())).collect();
    assert_eq!(modes, [("/a", "0644".to_owned()), ("/b", "0600".to_owned())]);
}

#[test]
fn extend_appends_requisites_and_replaces_other_arguments() {
    let files = [
        (
            "a.sls",
            "include: [b]\nextend:\n  x:\n    file:\n    - mode: '1'\n    - require: [{test: n}]\nn: test.nop\n",
        ),
        ("b.sls", "x:\n  file.managed:\n  - mode: '0'\n  - require: [{test: m}]\nm: test.nop\n"),
    ];
    let chunks = compiled(&files).expect("compiles");
    let x = chunks.iter().find(|c| c.id == "x").expect("there");
    assert_eq!(x.args["mode"].to_string(), "1");
    let required: Vec<_> =
        x.references(crate::low::Requisite::Require).iter().map(|r| r.value.as_str()).collect();
    assert_eq!(required, ["m", "n"]);
}

#[test]
fn a_require_in_becomes_a_require_of_its_target() {
    let sls = "x: {test.nop: [{require_in: [y, {test: z}, ghost]}]}\ny: test.nop\nz: test.nop\n";
    let chunks = compiled(&[("a.sls", sls)]).expect("compiles");
    for target in ["y", "z"] {
        let chunk = chunks.iter().find(|c| c.id == target).expect("there");
        assert_eq!(chunk.references(crate::low::Requisite::Require)[0].to_string(), "test: x");
    }
}

#[test]
fn use_copies_arguments_but_no_requisites_and_own_arguments_win() {
    let sls = "\
t:
  file.managed: [{name: /t}, {mode: '0600'}, {user: root}, {require: [n]}]
u:
  file.managed: [{name: /u}, {mode: '0644'}, {use: [{file: t}]}]
n: test.nop
";
    let chunks = compiled(&[("a.sls", sls)]).expect("compiles");
    let u = chunks.iter().find(|c| c.id == "u").expect("there");
    assert_eq!((u.name.as_str(), u.args["mode"].to_string()), ("/u", "0644".to_owned()));
    assert_eq!(u.args["user"].to_string(), "root");
    assert!(u.requisites.is_empty());
}

#[test]
fn every_mistake_names_its_place_and_the_way_out() {
    let cases = [
        (
            "x:\n  file:\n  - name: /x\n",
            "no-function: a.sls:1:1: the ID x names the state module file but no function of it\n  write `file.FUNCTION:`",
        ),
        (
            "x:\n  test.nop:\n",
            "short-decl-with-colon: a.sls:2:3: test.nop under ID x ends with a colon, but nothing follows\n  leave the colon out",
        ),
        ("x:\n  file.managed:\n    name: /x\n", "state-not-a-list: a.sls:2:3: "),
        ("include: b\n", "include-not-a-list: a.sls:1:10: include is a string\n  write a list"),
        (
            "include:\n- bb\n",
            "missing-include: a.sls:2:3: there is no SLS bb\n  it would be bb.sls or bb/init.sls",
        ),
        ("include: ['..b']\n", "include-beyond-top: "),
        ("x:\n  test.nop:\n  - require:\n    - test.nop: y\n", "requisite-with-dot: a.sls:3:5: "),
        (
            "x:\n  test.nop:\n  - require:\n    - test: y\ny:\n  test.nop:\n  - require:\n    - test: x\n",
            "recursive-requisite: a.sls:7:5: test: y and test: x require each other\n  take one of the two requisites out",
        ),
        (
            "1:\n  test.nop: []\n",
            "id-not-a-string: a.sls:1:1: the ID 1 is read as an integer, not as text\n  quote it: '1':",
        ),
        ("x: test\n", "id-not-a-mapping: a.sls:1:1: "),
        (
            "extend:\n  gost: {file: [{mode: '1'}]}\nghost:\n  file.managed: []\n",
            "extend-unknown-id: a.sls:2:3: there is no ID gost with the state module file to extend\n  did you mean ghost?",
        ),
        ("x:\n  test.nop:\n  - require_in:\n    - test: y\n", "extend-unknown-id: a.sls:3:5: "),
        (
            "x:\n  test.nop:\n  - watch_in:\n    - test: yes\n",
            "extend-unknown-id: a.sls:3:5: a requisite of this list names test: True,",
        ),
        (
            "x:\n  test.nop:\n  - require_in:\n    - test: 1.5\n",
            "extend-unknown-id: a.sls:3:5: a requisite of this list names test: 1.5,",
        ),
        ("x:\n  file:\n  - managed\n  - contents here\n", "too-many-functions: a.sls:4:5: \"contents here\""),
        ("- x\n", "sls-not-a-mapping: a.sls:1:1: the SLS a is a list, not a mapping of IDs\n"),
    ];
    for (sls, want) in cases {
        let said = refusal(&[("a.sls", sls)]);
        assert!(said.starts_with(want), "{sls}\n---\n{said}\n--- does not begin with\n{want}");
    }
}

#[test]
fn an_id_of_two_sls_is_a_conflict_that_names_both_places() {
    let said = refusal(&[("a.sls", "include: [b]\nx: test.nop\n"), ("b.sls", "\nx: test.nop\n")]);
    assert!(
        said.starts_with(
            "conflicting-id: b.sls:2:1: the ID x is declared in SLS b and, at a.sls:2:1, in SLS a"
        ),
        "{said}"
    );
}

#[test]
fn an_empty_highstate_is_refused_and_an_empty_sls_is_not() {
    let tree = YamlTree::new(&[("a.sls", "{}\n")]);
    assert_eq!(compile(&tree, &Request::sls(["a"])), Ok(Vec::new()));
    let request = Request { highstate: true, ..Request::sls(["a"]) };
    assert_eq!(compile(&tree, &request).expect_err("refused").kind(), ErrorKind::NoTopMatch);
}

#[test]
fn ten_thousand_states_that_all_name_their_targets_compile_without_growing_pains() {
    use std::fmt::Write;
    let mut sls = String::new();
    for i in 0..10_000 {
        let (a, b) = (i / 2, i / 3);
        writeln!(sls, "s{i}:\n  test.nop:\n  - name: n{i}\n  - watch_in: [{{test: hub}}]\n  - require: [{{test: r{a}}}, {{test: r{b}}}]")
            .expect("writes");
    }
    sls.push_str("hub: test.nop\n");
    let chunks = compiled(&[("a.sls", &sls)]).expect("compiles");
    assert_eq!(chunks.len(), 10_001);
    let hub = chunks.iter().find(|c| c.id == "hub").expect("there");
    assert_eq!(hub.references(crate::low::Requisite::Watch).len(), 10_000);
}

proptest::proptest! {
    /// Any document that YAML can hold compiles or is refused.
    #[test]
    fn no_document_makes_the_compiler_panic(text in random_sls()) {
        if yaml::parse(&text).is_ok_and(|n| matches!(n.data, Data::Map(_))) {
            let _ = compiled(&[("a.sls", &text)]);
        }
    }
}

/// Random texts of the words that mean something to the compiler.
fn random_sls() -> impl proptest::strategy::Strategy<Value = String> {
    use proptest::prelude::*;
    let word = prop::sample::select(vec![
        "a",
        "b",
        "x",
        "test",
        "test.nop",
        "file.managed",
        "file",
        "nop",
        "include",
        "extend",
        "exclude",
        "require",
        "require_in",
        "watch",
        "prereq",
        "prereq_in",
        "use",
        "use_in",
        "names",
        "name",
        "order",
        "listen",
        "retry",
        "sls",
        "id",
        "last",
        "1",
        "true",
        "null",
        "'*'",
        "onchanges",
        "[]",
        "{}",
        ".b",
    ]);
    let leaf = word.clone().prop_map(str::to_owned);
    leaf.prop_recursive(5, 60, 5, move |inner| {
        let entry = (word.clone(), inner.clone()).prop_map(|(k, v)| format!("{k}: {v}"));
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(|l| format!("[{}]", l.join(", "))),
            prop::collection::vec(entry, 0..4).prop_map(|l| format!("{{{}}}", l.join(", "))),
        ]
    })
}
