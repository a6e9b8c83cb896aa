//! What a state run costs by command line, from the start of the program to its end: `lab-minion apply --local`, and
//! `salt-call --local` over the same tree where `SALT_BIN` names the directory of Salt's programs.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::Bench;
use super::echo::BoxError;
use super::measure::percentile;
use super::report::Aim;

const SECTION: &str = "apply";
/// How many times as fast as Salt it should be.
const AIM: f64 = 100.0;
/// What a thousand files in the second run may take where there is no Salt to compare with: a hundredth of 1.90 s, which is
/// what Salt 3007.13 takes on a calm machine of this kind.
const AIM_MS: f64 = 19.0;
const SIZES: [usize; 2] = [100, 1_000];
/// SLS files of the render case.
const RENDERED: usize = 1_000;
/// States in each of them.
const PER_SLS: usize = 4;

/// An SLS as people write them: a variable, a condition, a loop, a filter, and data from grains and pillar.
const RENDERED_SLS: &str = r#"{% set name = "app" ~ N %}
{% set ports = [8080, 8081, 8082] %}
{% if grains.get('kernel', 'Linux') == 'Linux' %}
{% for port in ports %}
{{ name }}-{{ port }}:
  test.configurable_test_state:
    - name: /srv/{{ name | upper }}/{{ port }}
    - changes: False
    - result: True
    - comment: "{{ 'listens on %s' % port }}"
{% endfor %}
{% endif %}
{{ name }}-done:
  test.nop:
    - name: {{ pillar.get('suffix', 'none') }}
    - require:
{% for port in ports %}
      - test: {{ name }}-{{ port }}
{% endfor %}
"#;

/// Measures all of it.
///
/// # Errors
/// When a state does not end as it must.
pub fn run(bench: &mut Bench) -> Result<(), BoxError> {
    let tree = Tree::write()?;
    let lab = Program::lab(&bench.programs.minion, &tree);
    let salt = match std::env::var_os("SALT_BIN").map(PathBuf::from) {
        Some(bin) => Some(Program::salt(&bin, &tree)?),
        None => {
            eprintln!("apply    not compared: SALT_BIN names no directory");
            None
        }
    };
    empty(bench, &lab, salt.as_ref())?;
    for size in SIZES {
        files(bench, size, &tree, &lab, salt.as_ref())?;
    }
    render(bench, &lab, salt.as_ref())
}

/// What one SLS without any state costs: the start of the program, its grains, and the way out.
fn empty(bench: &mut Bench, lab: &Program, salt: Option<&Program>) -> Result<(), BoxError> {
    let none = Expect::States(0);
    let own = lab.median(rounds(bench, 41), "empty", none)?;
    let theirs = salt.map(|s| s.median(rounds(bench, 5), "empty", Expect::Whatever)).transpose()?;
    compared(bench, "one empty SLS", own, theirs, None);
    Ok(())
}

fn files(
    bench: &mut Bench,
    size: usize,
    tree: &Tree,
    lab: &Program,
    salt: Option<&Program>,
) -> Result<(), BoxError> {
    let sls = format!("files{size}");
    let (changed, holds) = (Expect::Changed(size), Expect::States(size));
    tree.clear()?;
    let first = lab.run(&sls, changed)?;
    let second = lab.median(rounds(bench, 21), &sls, holds)?;
    let theirs = match salt {
        None => None,
        Some(salt) => {
            tree.clear()?;
            let first = salt.run(&sls, changed)?;
            Some((first, salt.median(rounds(bench, 3), &sls, holds)?))
        }
    };
    let what = |run: &str| format!("{size} file.managed, {run} run");
    compared_loosely(bench, &what("first"), first, theirs.map(|t| t.0));
    let alone = (size == 1_000).then_some(AIM_MS);
    if size == 1_000 {
        compared(bench, &what("second"), second, theirs.map(|t| t.1), alone);
    } else {
        compared_loosely(bench, &what("second"), second, theirs.map(|t| t.1));
    }
    Ok(())
}

/// A thousand SLS files rendered and compiled, and shown instead of run.
fn render(bench: &mut Bench, lab: &Program, salt: Option<&Program>) -> Result<(), BoxError> {
    let expect = Expect::Shown(RENDERED * PER_SLS);
    let own = percentile(&mut lab.shows(rounds(bench, 5), "rendered", expect)?, 0.5);
    let theirs = salt.map(|s| s.shows(1, "rendered", expect)).transpose()?;
    let theirs = theirs.map(|mut t| percentile(&mut t, 0.5));
    compared_loosely(bench, &format!("{RENDERED} SLS files rendered and shown"), own, theirs);
    Ok(())
}

fn rounds(bench: &Bench, full: usize) -> usize {
    if bench.quick { full.min(3) } else { full }
}

/// A figure with an aim: a hundred times as fast as Salt, or, without Salt, so many milliseconds.
fn compared(bench: &mut Bench, what: &str, own: Duration, theirs: Option<Duration>, alone: Option<f64>) {
    let aim = alone.filter(|_| theirs.is_none()).map(Aim::AtMost);
    bench.report.add(SECTION, what, ms(own), aim, Vec::new());
    if let Some(theirs) = theirs {
        let notes = vec![format!("Salt {:.0} ms", ms(theirs).0)];
        let times = (theirs.as_secs_f64() / own.as_secs_f64(), "×");
        bench.report.add(SECTION, format!("{what}, Salt / lab"), times, Some(Aim::AtLeast(AIM)), notes);
    }
}

/// A figure without one.
fn compared_loosely(bench: &mut Bench, what: &str, own: Duration, theirs: Option<Duration>) {
    let notes = theirs
        .map(|t| format!("Salt {:.0} ms, {:.0} × as long", ms(t).0, t.as_secs_f64() / own.as_secs_f64()));
    bench.report.add(SECTION, what, ms(own), None, notes.into_iter().collect());
}

fn ms(d: Duration) -> (f64, &'static str) {
    (d.as_secs_f64() * 1e3, "ms")
}

/// The states, and where they put their files.
struct Tree {
    dir: tempfile::TempDir,
}

impl Tree {
    fn write() -> Result<Self, BoxError> {
        let tree = Self { dir: tempfile::Builder::new().prefix("lab-bench-apply-").tempdir()? };
        std::fs::create_dir(tree.states())?;
        let put = |name: &str, text: &str| std::fs::write(tree.states().join(name), text);
        put("empty.sls", "# no state at all\n")?;
        for size in SIZES {
            put(&format!("files{size}.sls"), &tree.files_sls(size))?;
        }
        let mut all = "include:\n".to_owned();
        for n in 0..RENDERED {
            put(&format!("app{n}.sls"), &RENDERED_SLS.replacen('N', &n.to_string(), 1))?;
            all.push_str(&format!("  - app{n}\n"));
        }
        put("rendered.sls", &all)?;
        tree.clear()?;
        Ok(tree)
    }

    fn states(&self) -> PathBuf {
        self.dir.path().join("states")
    }

    fn target(&self) -> PathBuf {
        self.dir.path().join("target")
    }

    /// Makes the next run the first one.
    fn clear(&self) -> std::io::Result<()> {
        match std::fs::remove_dir_all(self.target()) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
        std::fs::create_dir(self.target())
    }

    fn files_sls(&self, size: usize) -> String {
        let target = self.target();
        let file = |n: usize| {
            let path = target.join(format!("f{n}"));
            format!(
                "{}:\n  file.managed:\n    - mode: '0644'\n    - contents: |\n        # file {n}\n        a = {n}\n        b = yes\n",
                path.display()
            )
        };
        (0..size).map(file).collect()
    }
}

/// What a run must end with.
#[derive(Clone, Copy)]
enum Expect {
    /// So many states that hold, none changed.
    States(usize),
    /// So many states that changed something.
    Changed(usize),
    /// So many low chunks.
    Shown(usize),
    /// Anything: Salt calls an SLS without states a failure.
    Whatever,
}

/// One of the two command lines.
struct Program {
    path: PathBuf,
    apply: Vec<String>,
    show: Vec<String>,
    salt: bool,
}

impl Program {
    fn lab(minion: &Path, tree: &Tree) -> Self {
        let states = tree.states().display().to_string();
        let words = |words: &[&str]| words.iter().map(|w| (*w).to_owned()).collect();
        Self {
            path: minion.to_owned(),
            apply: words(&["apply", "--local", "--output", "json", "--states", &states]),
            show: words(&["call", "--local", "--json", "--states", &states, "state.show_low_sls"]),
            salt: false,
        }
    }

    fn salt(bin: &Path, tree: &Tree) -> Result<Self, BoxError> {
        let conf = tree.dir.path().join("salt");
        std::fs::create_dir(&conf)?;
        let settings = format!(
            "id: lab-minion\nfile_client: local\nuser: root\nroot_dir: {0}\nfile_roots: {{base: ['{1}']}}\n",
            conf.display(),
            tree.states().display(),
        );
        std::fs::write(conf.join("minion"), settings)?;
        let conf = conf.display().to_string();
        let words = |function: &str| {
            ["-c", &conf, "--local", "-l", "critical", "--out", "json", function].map(str::to_owned).to_vec()
        };
        Ok(Self {
            path: bin.join("salt-call"),
            apply: words("state.apply"),
            show: words("state.show_low_sls"),
            salt: true,
        })
    }

    fn median(&self, rounds: usize, sls: &str, expect: Expect) -> Result<Duration, BoxError> {
        // The first run of a program reads it from the disk.
        self.run(sls, expect)?;
        let mut took = (0..rounds).map(|_| self.run(sls, expect)).collect::<Result<Vec<_>, _>>()?;
        Ok(percentile(&mut took, 0.5))
    }

    fn run(&self, sls: &str, expect: Expect) -> Result<Duration, BoxError> {
        self.timed(&self.apply, sls, expect)
    }

    fn shows(&self, rounds: usize, sls: &str, expect: Expect) -> Result<Vec<Duration>, BoxError> {
        (0..rounds).map(|_| self.timed(&self.show, sls, expect)).collect()
    }

    fn timed(&self, words: &[String], sls: &str, expect: Expect) -> Result<Duration, BoxError> {
        let mut command = Command::new(&self.path);
        command.args(words).arg(sls).stdin(Stdio::null());
        let start = Instant::now();
        let out = command.output()?;
        let took = start.elapsed();
        let found = serde_json::from_slice::<serde_json::Value>(&out.stdout);
        let right = found.is_ok_and(|found| self.is_right(&found, expect));
        if right {
            return Ok(took);
        }
        let said: String = String::from_utf8_lossy(&out.stdout).chars().take(2_000).collect();
        let complained = String::from_utf8_lossy(&out.stderr);
        Err(format!("{} {sls} ended as it must not: {said}\n{complained}", self.path.display()).into())
    }

    fn is_right(&self, found: &serde_json::Value, expect: Expect) -> bool {
        let local = &found["local"];
        let shown = if self.salt { local } else { found };
        // Each state: whether it is good, and whether it changed something.
        let states: Vec<(bool, bool)> = if self.salt {
            let rows = local.as_object().into_iter().flatten();
            let changes = |row: &serde_json::Value| row["changes"].as_object().is_some_and(|c| !c.is_empty());
            rows.map(|(_, row)| (row["result"] == true, changes(row))).collect()
        } else {
            let rows = found["results"].as_array().into_iter().flatten();
            rows.map(|row| (row["result"] != "failed", row["changed"] == true)).collect()
        };
        let all = |n: usize, changed: bool| {
            states.len() == n && states.iter().all(|state| *state == (true, changed))
        };
        match expect {
            Expect::States(n) => all(n, false),
            Expect::Changed(n) => all(n, true),
            Expect::Shown(n) => shown.as_array().is_some_and(|chunks| chunks.len() == n),
            Expect::Whatever => local.is_object(),
        }
    }
}
