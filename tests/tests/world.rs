//! The race, simulated over the real types: at least 1,000 worlds of each class, every wait as the definition has
//! it; and the same worlds with waits that begin when they are reached, which lose reboots.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;

use lab_tests::world::World;
use lab_tests::world::story::Class;

/// Worlds of each class that must be of their class.
const EACH: usize = 1_000;
/// Worlds of each class that are played a second time with Salt's waits.
const AS_SALT: u64 = 150;
/// All worlds together.
const ALL: usize = 10_000;

#[derive(Default)]
struct Row {
    worlds: usize,
    of_class: usize,
    met: usize,
    unmet: usize,
    wrong: usize,
}

/// Runs one world; a broken invariant names the seed and leaves the list of what happened.
fn run(class: Class, seed: u64) -> lab_tests::world::Verdict {
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let mut world = World::seeded(class, seed);
        world.run();
        world.verdict()
    }));
    match outcome {
        Ok(verdict) if verdict.disagreements.is_empty() => verdict,
        other => {
            let path = lab_tests::world::write_trace(class, seed);
            let what = other.map_or_else(|_| "an invariant broke".to_owned(), |v| v.disagreements.join("; "));
            panic!(
                "world {seed} of class {class:?}: {what}; what happened is in {path}, see also `lab-world {seed} {class:?}`"
            );
        }
    }
}

#[expect(clippy::print_stdout, reason = "the table is what the test is run for")]
fn print(title: &str, rows: &BTreeMap<Class, Row>) {
    println!("{title}");
    println!(
        "  {:<42} {:>7} {:>9} {:>6} {:>6} {:>6}",
        "class", "worlds", "of class", "met", "unmet", "wrong"
    );
    for (class, row) in rows {
        let Row { worlds, of_class, met, unmet, wrong } = row;
        println!("  {:<42} {worlds:>7} {of_class:>9} {met:>6} {unmet:>6} {wrong:>6}", class.as_str());
    }
}

/// Does something for every class, on as many threads as the machine has cores.
fn for_each_class(work: impl Fn(Class) -> Row + Sync) -> BTreeMap<Class, Row> {
    let rows = Mutex::new(BTreeMap::new());
    let todo = Mutex::new(Class::ALL.to_vec());
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get());
    std::thread::scope(|scope| {
        let worker = || {
            loop {
                let next = todo.lock().expect("no worker panics while it takes a class").pop();
                let Some(class) = next else { return };
                let row = work(class);
                rows.lock().expect("no worker panics while it adds a row").insert(class, row);
            }
        };
        (0..threads).for_each(|_| _ = scope.spawn(worker));
    });
    rows.into_inner().expect("all workers are done")
}

#[test]
fn ten_thousand_worlds_agree_with_the_definition_of_a_wait() {
    let least = ALL.div_ceil(Class::ALL.len());
    let rows = for_each_class(|class| {
        let mut row = Row::default();
        let mut seed = 0;
        while row.of_class < EACH || row.worlds < least {
            let verdict = run(class, seed);
            row.worlds += 1;
            row.of_class += usize::from(verdict.of_its_class);
            row.met += verdict.met;
            row.unmet += verdict.unmet;
            seed += 1;
            assert!(row.worlds < 4 * least, "too few worlds of {class:?} become what their class says");
        }
        row
    });
    print("waits that count from the entry of the step they require:", &rows);
    assert!(rows.values().map(|r| r.worlds).sum::<usize>() >= ALL);
    for (class, row) in &rows {
        assert!(row.met > 0 && row.unmet > 0, "{class:?} shows only one side");
    }
}

#[test]
fn waits_that_begin_when_reached_fail_in_the_same_worlds() {
    let rows = for_each_class(|class| {
        let mut row = Row::default();
        for seed in 0..AS_SALT {
            let mut world = World::seeded_as_salt(class, seed);
            world.run();
            let verdict = world.verdict_as_salt();
            row.worlds += 1;
            row.of_class += usize::from(verdict.of_its_class);
            row.met += verdict.met;
            row.unmet += verdict.unmet;
            row.wrong += usize::from(!verdict.disagreements.is_empty());
        }
        row
    });
    print("waits that begin when they are reached, as Salt's do:", &rows);
    for (class, least) in [
        (Class::BeforeReturn, 60),
        (Class::Between, 60),
        (Class::Partitioned, 15),
        (Class::StaleOutbox, 20),
        (Class::DoubleReboot, 20),
        (Class::AgentRestart, 20),
    ] {
        let row = &rows[&class];
        assert!(
            row.wrong * 100 >= row.worlds * least,
            "{class:?}: only {} of {} wrong",
            row.wrong,
            row.worlds
        );
    }
}

#[test]
fn a_world_is_decided_by_its_seed() {
    let once = |seed| {
        let mut world = World::seeded(Class::DoubleReboot, seed).traced();
        world.run();
        world.trace().to_owned()
    };
    assert_eq!(once(7), once(7));
    assert_ne!(once(7), once(8));
}
