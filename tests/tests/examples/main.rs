//! The documentation's example of every state function, applied on a namespaced host: the laws of its class hold there, too.
//!
//! Each module has a host of its own, with what its examples find on their machine (`setup.sh`) and, on that host itself,
//! the other machines that they ask (`peers.py`). What cannot run there is listed, with reasons, in tests/not-namespaced.txt.

mod laws;
mod left_out;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use lab_states::function::{Class, StateFunction};
use lab_states::functions::builtin;
use lab_tests::kubic::binaries;
use lab_tests::nshost::{Cmd, Host, HostSpec, Lab};
use left_out::{Entry, LeftOut};

/// Whatever else happens, a host is prepared within so many seconds.
const PREPARED_IN: &str = "60";
const HELPER: &str = env!("CARGO_BIN_EXE_lab-nshost");
const SETUP: &str = include_str!("setup.sh");
const PEERS: &str = include_str!("peers.py");
/// Hosts are tried side by side.
const WORKERS: usize = 2;

/// What came of one example.
struct Tried {
    name: String,
    class: Class,
    took: Duration,
    /// What breaks the laws; nothing where they hold.
    broken: Vec<String>,
}

#[test]
fn the_example_of_every_function_keeps_the_laws_of_its_class_on_a_namespaced_host() {
    assert!(
        nix::unistd::geteuid().is_root(),
        "users, packages and mounts can be tried by root only: run this test as root"
    );
    let registry = builtin();
    let mut modules: BTreeMap<&str, Vec<&dyn StateFunction>> = BTreeMap::new();
    for function in registry.states() {
        let module = function.name().split('.').next().unwrap_or_default();
        modules.entry(module).or_default().push(&**function);
    }
    let left_out = LeftOut::read();
    let names: Vec<&str> = registry.states().map(|f| f.name()).collect();
    assert_eq!(
        left_out.unknown(&names),
        Vec::<&str>::new(),
        "tests/not-namespaced.txt names what there is not"
    );

    let tried = Mutex::new(Vec::new());
    let queue = Mutex::new(modules.into_iter());
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                loop {
                    // The lock is let go before the work begins.
                    let next = queue.lock().expect("no worker panics with it").next();
                    let Some((module, functions)) = next else { break };
                    let found = module_on_a_host(module, &functions, &left_out);
                    tried.lock().expect("no worker panics with it").extend(found);
                }
            });
        }
    });
    let mut tried = tried.into_inner().expect("the workers are done");
    tried.sort_by(|a, b| a.name.cmp(&b.name));
    report(&tried, names.len());
    assert_eq!(verdict(&tried, &left_out), "", "see above");
}

/// Tells how long each took and which did not run.
fn report(tried: &[Tried], all: usize) {
    for Tried { name, class, took, broken } in tried {
        let word = if broken.is_empty() { "holds" } else { "BROKEN" };
        eprintln!("{name:<34} {class:<12?} {:>6} ms  {word}", took.as_millis());
    }
    eprintln!("{} of {all} functions tried", tried.len());
}

/// Lists what is wrong, a paragraph each: laws that do not hold, and entries of the list that have no reason any more.
fn verdict(tried: &[Tried], left_out: &LeftOut) -> String {
    let mut wrong = String::new();
    for Tried { name, broken, .. } in tried {
        let fine = broken.is_empty();
        let text = match left_out.entry(name) {
            None if fine => continue,
            None => format!("{name}: {}", broken.join("\n  ")),
            Some(Entry::Lacks(_)) if fine => {
                format!("{name} holds on a namespaced host: take it out of tests/not-namespaced.txt")
            }
            Some(Entry::Lacks(text)) if broken.iter().any(|b| b.contains(text)) => continue,
            Some(Entry::Lacks(text)) => {
                format!("{name} fails, but not with {text:?}: {}", broken.join("\n  "))
            }
            Some(Entry::Needs(_)) if fine => continue,
            Some(Entry::Needs(module)) if broken.iter().any(|b| b.contains(&no_module(module))) => continue,
            Some(Entry::Needs(what)) => {
                format!("{name} fails, and not for want of {what}: {}", broken.join("\n  "))
            }
            Some(Entry::Never) => format!("{name} was tried although it must not be"),
        };
        wrong.push_str(&format!("{text}\n\n"));
    }
    wrong
}

/// How the agent names a module that the kernel lacks.
fn no_module(module: &str) -> String {
    format!("its module {module} is neither built in nor could it be loaded")
}

/// Tries the examples of one module, one after the other, on a host of its own.
fn module_on_a_host(module: &str, functions: &[&dyn StateFunction], left_out: &LeftOut) -> Vec<Tried> {
    let functions: Vec<_> =
        functions.iter().filter(|f| !matches!(left_out.entry(f.name()), Some(Entry::Never))).collect();
    if functions.is_empty() {
        return Vec::new();
    }
    let spec = HostSpec::new("examples", "52:54:00:00:78:01", [10, 77, 0, 11]);
    let lab = Lab::builder().helper(HELPER).host(spec).binaries(binaries().expect("built")).start();
    let lab = lab.unwrap_or_else(|e| panic!("the lab of {module} did not start: {e}"));
    let host = lab.host("examples").expect("there");
    prepare(&host, module);
    let one = |function: &&&dyn StateFunction| {
        let (name, start) = (function.name().to_owned(), Instant::now());
        let example = &*function.doc().example;
        let put = |name: &str, text: &str| {
            let path = format!("/srv/lab-states/examples/{}.sls", name.replace('.', "_"));
            host.write(&path, text).expect("written");
        };
        put(&name, example);
        if let Some(before) = laws::preparation(example) {
            put(&format!("{name}.before"), before);
        }
        host.run(["sh", "-e", "/srv/reset.sh"]).unwrap_or_else(|e| panic!("before {name}: {e}"));
        let broken = laws::tried(&host, **function);
        Tried { name, class: function.class(), took: start.elapsed(), broken }
    };
    functions.iter().map(one).collect()
}

/// Makes what the examples of a module find on their machine.
fn prepare(host: &Host, module: &str) {
    host.write("/srv/peers/peers.py", PEERS).expect("written");
    if module == "git" {
        let made = rcgen::generate_simple_self_signed(["git.lab.example".to_owned()]).expect("a certificate");
        host.write("/srv/peers/cert.pem", &made.cert.pem()).expect("written");
        host.write("/srv/peers/key.pem", &made.signing_key.serialize_pem()).expect("written");
    }
    host.write("/srv/setup.sh", SETUP).expect("written");
    let output =
        host.exec(Cmd::new(["timeout", PREPARED_IN, "sh", "-e", "/srv/setup.sh", module])).expect("runs");
    assert!(output.status.success(), "the host of {module} could not be prepared: {output:?}");
}
