//! The stories that worlds play: an orchestration, what hosts do in it, and what goes wrong. A seed decides all.

use std::collections::BTreeMap;
use std::time::Duration;

use lab_proto::{EventTag, Map, MinionId, StepId, Value};

use super::host::Script;
use super::oracle::Question;
use super::rng::Rng;

/// The kinds of worlds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// A host is back from its reboot before the step that made it reboot has ended.
    BeforeReturn,
    /// It is back after that step and before the wait is reached.
    Between,
    /// It is back after the wait is reached.
    After,
    /// It reboots while it is cut off from the master.
    Partitioned,
    /// An event from before the run, or before the step, is delivered late.
    StaleOutbox,
    /// Two waits, and a host that reboots twice.
    DoubleReboot,
    /// The agent restarts and the host does not.
    AgentRestart,
    /// The master dies when one run of a step has ended and another has not.
    Nested,
}

impl Class {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::BeforeReturn,
        Self::Between,
        Self::After,
        Self::Partitioned,
        Self::StaleOutbox,
        Self::DoubleReboot,
        Self::AgentRestart,
        Self::Nested,
    ];

    /// Names the class.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BeforeReturn => "reboot before the predecessor returned",
            Self::Between => "reboot between return and wait",
            Self::After => "reboot after the wait was reached",
            Self::Partitioned => "reboot while partitioned",
            Self::StaleOutbox => "stale event from before the run",
            Self::DoubleReboot => "double reboot with two waits",
            Self::AgentRestart => "agent restart without reboot",
            Self::Nested => "master killed beside runs of a run",
        }
    }
}

/// When something of the story happens.
#[derive(Clone, Debug)]
pub enum When {
    /// So long after the world's beginning.
    At(Duration),
    /// So long after a step's entry became visible.
    Entered(&'static str, Duration),
    /// So long after a step's end became visible.
    Ended(&'static str, Duration),
}

/// What happens.
#[derive(Clone, Debug)]
pub enum Fault {
    /// The orchestration is started.
    Orchestrate,
    /// A host loses its power and comes back.
    PowerCut(usize),
    /// A host's agent is killed and started again.
    KillAgent(usize),
    /// A host is cut off from the master for so long.
    Partition(usize, Duration),
    /// The master dies and is back after so long.
    KillMaster(Duration),
    /// A host sends an event.
    Send(usize, EventTag),
}

/// A world to be.
#[derive(Clone, Debug)]
pub struct Story {
    /// What kind of world it is meant to be; whether it became one is told by what happened.
    pub class: Class,
    /// The minions.
    pub hosts: Vec<MinionId>,
    /// The orchestration.
    pub chunks: Vec<Value>,
    /// The orchestrations that its steps run, by name.
    pub nested: BTreeMap<String, Vec<Value>>,
    /// What hosts do in its steps: by step and host.
    pub scripts: Vec<(StepId, usize, Script)>,
    /// Its waits.
    pub questions: Vec<Question>,
    /// What happens when.
    pub faults: Vec<(When, Fault)>,
    /// One-way latency of the network in milliseconds, least and most.
    pub latency: (u64, u64),
    /// How many packets in a hundred are sent once more.
    pub loss: u64,
    /// The master's process does not survive this write.
    pub master_dies_at: Option<u64>,
}

const START_TAG: &str = "salt/minion/*/start";

impl Story {
    /// Makes up the story of a seed.
    pub fn new(class: Class, rng: &mut Rng) -> Self {
        let count = 2 + usize::from(rng.chance(30));
        let hosts = (1..=count).map(|n| MinionId::new(format!("n{n}")).expect("valid")).collect();
        let mut story = Self {
            class,
            hosts,
            chunks: Vec::new(),
            nested: BTreeMap::new(),
            scripts: Vec::new(),
            questions: Vec::new(),
            faults: vec![(When::At(rng.millis(60_000, 70_000)), Fault::Orchestrate)],
            latency: (rng.below(5), 5 + rng.below(60)),
            loss: if rng.chance(40) { rng.below(20) } else { 0 },
            master_dies_at: None,
        };
        match class {
            Class::BeforeReturn => story.before_return(rng),
            Class::Between => story.between(rng),
            Class::After => story.after(rng),
            Class::Partitioned => story.partitioned(rng),
            Class::StaleOutbox => story.stale(rng),
            Class::DoubleReboot => story.double(rng),
            Class::AgentRestart => story.agent_restart(rng),
            Class::Nested => story.nested(rng),
        }
        story.add_trouble(rng);
        story
    }

    fn ids(&self) -> Vec<String> {
        self.hosts.iter().map(ToString::to_string).collect()
    }

    fn state(&mut self, step: &'static str, target: &str, requires: Option<&str>) {
        let args = [("tgt", Value::from(target)), ("sls", Value::from("node"))];
        self.chunks.push(chunk(step, "salt.state", args, requires));
    }

    fn wait(
        &mut self,
        step: &'static str,
        tag: &str,
        after: &'static str,
        ids: Vec<String>,
        restart_counts: bool,
    ) {
        let args = [
            ("name", Value::from(tag)),
            ("id_list", Value::from(ids.clone())),
            ("timeout", Value::from(120)),
            ("restart_counts", Value::from(restart_counts)),
        ];
        self.chunks.push(chunk(step, "salt.wait_for_event", args, Some(after)));
        let (step, after, tag) = (step.to_owned(), vec![after.to_owned()], tag.to_owned());
        self.questions.push(Question { step, after, tag, ids, restart_counts });
    }

    fn script(&mut self, step: &'static str, host: usize, takes: Duration, reboots: bool) {
        let id = StepId::new(step).expect("valid");
        self.scripts.push((id, host, Script { takes, reboots, sends: None }));
    }

    /// The first host reboots within the step; the last one keeps the step open for long.
    fn before_return(&mut self, rng: &mut Rng) {
        let last = self.hosts.len() - 1;
        self.state("install", "*", None);
        for host in 0..last {
            self.script("install", host, rng.millis(100, 5_000), true);
        }
        let last_reboots = rng.chance(50);
        self.script("install", last, rng.millis(45_000, 90_000), last_reboots);
        let mut ids = self.ids();
        if !last_reboots && rng.chance(70) {
            ids.pop();
        }
        self.wait("wait", START_TAG, "install", ids, rng.chance(10));
    }

    /// Hosts reboot at the end of the step, the last one not always, and another step stands between it and the wait.
    fn between(&mut self, rng: &mut Rng) {
        let last = self.hosts.len() - 1;
        self.state("install", "*", None);
        for host in 0..=last {
            let reboots = host < last || rng.chance(80);
            self.script("install", host, rng.millis(100, 2_000), reboots);
        }
        // A wait for somebody who never comes keeps the run busy for long enough, whoever is away meanwhile.
        let args = [
            ("name", Value::from("nobody/*")),
            ("id_list", Value::from(vec!["nobody"])),
            ("timeout", Value::from(40 + rng.below(30))),
        ];
        self.chunks.push(chunk("pause", "salt.wait_for_event", args, None));
        let ids = self.ids();
        self.wait("wait", START_TAG, "install", ids, rng.chance(10));
    }

    /// Hosts reboot by themselves once the wait has begun, or slowly.
    fn after(&mut self, rng: &mut Rng) {
        self.state("install", "*", None);
        for host in 0..self.hosts.len() {
            let in_job = rng.chance(60);
            self.script("install", host, rng.millis(100, 1_000), in_job);
            if !in_job && rng.chance(80) {
                self.faults.push((When::Entered("wait", rng.millis(100, 60_000)), Fault::PowerCut(host)));
            }
        }
        let ids = self.ids();
        self.wait("wait", START_TAG, "install", ids, rng.chance(10));
    }

    /// The first host reboots while it is cut off; the last one may keep the step open meanwhile.
    fn partitioned(&mut self, rng: &mut Rng) {
        let last = self.hosts.len() - 1;
        self.state("install", "*", None);
        for host in 0..=last {
            let long = host == last && rng.chance(50);
            let takes = if long { rng.millis(60_000, 100_000) } else { rng.millis(1_000, 4_000) };
            self.script("install", host, takes, false);
        }
        let begins = rng.millis(4_500, 30_000);
        let span = if rng.chance(15) { rng.millis(120_000, 240_000) } else { rng.millis(8_000, 90_000) };
        self.faults.push((When::Entered("install", begins), Fault::Partition(0, span)));
        self.faults.push((When::Entered("install", begins + rng.millis(100, 5_000)), Fault::PowerCut(0)));
        if rng.chance(30) {
            self.faults
                .push((When::Entered("install", begins + rng.millis(25_000, 60_000)), Fault::PowerCut(0)));
        }
        let ids = vec![self.hosts[0].to_string()];
        self.wait("wait", START_TAG, "install", ids, rng.chance(10));
    }

    /// The first host is cut off before the run, with an event in its outbox; the step is about the second.
    fn stale(&mut self, rng: &mut Rng) {
        self.state("install", "n2", None);
        self.script("install", 1, rng.millis(5_000, 20_000), false);
        let cut = rng.millis(45_000, 55_000);
        self.faults.push((When::At(cut), Fault::Partition(0, rng.millis(18_000, 60_000))));
        let custom = rng.chance(60);
        let tag = if custom { "app/done" } else { START_TAG };
        if custom {
            let tag = EventTag::new(tag).expect("valid");
            self.faults.push((When::At(cut + rng.millis(1_000, 4_000)), Fault::Send(0, tag.clone())));
            if rng.chance(50) {
                self.faults.push((When::Ended("install", rng.millis(100, 60_000)), Fault::Send(0, tag)));
            }
        } else {
            // An agent restart just before the cut leaves its start event behind; so may a boot.
            let early = cut.saturating_sub(rng.millis(0, 3_000));
            let fault = if rng.chance(50) { Fault::KillAgent(0) } else { Fault::PowerCut(0) };
            self.faults.push((When::At(early), fault));
            if rng.chance(50) {
                self.faults.push((When::Ended("install", rng.millis(100, 60_000)), Fault::PowerCut(0)));
            }
        }
        let ids = vec![self.hosts[0].to_string()];
        self.wait("wait", tag, "install", ids, rng.chance(20));
    }

    fn double(&mut self, rng: &mut Rng) {
        let last = self.hosts.len() - 1;
        self.state("install", "*", None);
        self.state_second(rng);
        let both_early = rng.chance(25);
        for host in 0..=last {
            let slow = host == last && rng.chance(50);
            let takes = if slow { rng.millis(40_000, 70_000) } else { rng.millis(100, 3_000) };
            self.script("install", host, takes, true);
            self.script("update", host, rng.millis(100, 3_000), !both_early);
        }
        if both_early {
            self.faults.push((When::Entered("install", rng.millis(25_000, 35_000)), Fault::PowerCut(0)));
        }
    }

    fn state_second(&mut self, rng: &mut Rng) {
        let ids = self.ids();
        self.wait("wait", START_TAG, "install", ids.clone(), rng.chance(10));
        self.state("update", "*", Some("wait"));
        self.wait("wait2", START_TAG, "update", ids, rng.chance(10));
    }

    fn agent_restart(&mut self, rng: &mut Rng) {
        self.state("install", "*", None);
        for host in 0..self.hosts.len() {
            self.script("install", host, rng.millis(100, 3_000), false);
        }
        for _ in 0..=rng.below(3) {
            self.faults.push((When::Ended("install", rng.millis(10, 90_000)), Fault::KillAgent(0)));
        }
        let ids = vec![self.hosts[0].to_string()];
        self.wait("wait", START_TAG, "install", ids, rng.chance(40));
    }

    /// Hosts reboot, then two orchestrations run in one step; the master dies between the ends of the two.
    fn nested(&mut self, rng: &mut Rng) {
        self.state("install", "*", None);
        let names = ["quick", "slow"];
        for host in 0..self.hosts.len() {
            self.script("install", host, rng.millis(100, 2_000), rng.chance(80));
            self.script("quick", host, rng.millis(100, 3_000), false);
            self.script("slow", host, rng.millis(10_000, 60_000), false);
        }
        let runner = |name: &str| {
            let mods = Value::from([("mods", name)]);
            let run = Value::from([("name", Value::from("state.orchestrate")), ("kwarg", mods)]);
            (Value::from(name), run)
        };
        let runners = Value::Map(names.iter().map(|name| runner(name)).collect());
        self.chunks.push(chunk("both", "salt.parallel_runners", [("runners", runners)], Some("install")));
        for name in names {
            let step =
                chunk(name, "salt.state", [("tgt", Value::from("*")), ("sls", Value::from(name))], None);
            self.nested.insert(name.to_owned(), vec![step]);
        }
        let down = Fault::KillMaster(rng.millis(500, 10_000));
        self.faults.push((When::Ended("quick", rng.millis(0, 10_000)), down));
        let ids = self.ids();
        self.wait("wait", START_TAG, "install", ids, rng.chance(10));
    }

    /// What may go wrong in any world.
    fn add_trouble(&mut self, rng: &mut Rng) {
        let host = usize::try_from(rng.below(self.hosts.len() as u64)).expect("small");
        if rng.chance(15) {
            let down = rng.millis(500, 20_000);
            self.faults.push((When::Entered("install", rng.millis(0, 60_000)), Fault::KillMaster(down)));
        }
        if rng.chance(15) {
            self.master_dies_at = Some(4 + rng.below(60));
        }
        if rng.chance(15) {
            let cut = Fault::Partition(host, rng.millis(100, 8_000));
            self.faults.push((When::Entered("install", rng.millis(0, 40_000)), cut));
        }
    }

    /// Lets the master live: the switch that makes waits begin when they are reached does not survive it.
    pub(super) fn spare_the_master(&mut self) {
        self.master_dies_at = None;
        self.faults.retain(|(_, fault)| !matches!(fault, Fault::KillMaster(_)));
    }

    /// Returns the scripts of one host.
    pub(super) fn scripts_of(&self, host: usize) -> BTreeMap<StepId, Script> {
        let own = self.scripts.iter().filter(|(_, h, _)| *h == host);
        own.map(|(step, _, script)| (step.clone(), script.clone())).collect()
    }
}

fn chunk<const N: usize>(id: &str, fun: &str, args: [(&str, Value); N], requires: Option<&str>) -> Value {
    let (state, fun) = fun.split_once('.').expect("module.function");
    let mut map = Map::new();
    for (k, v) in [("state", state), ("fun", fun), ("name", id), ("__id__", id), ("__sls__", "orch.story")] {
        map.insert(Value::from(k), Value::from(v));
    }
    map.extend(args.into_iter().map(|(k, v)| (Value::from(k), v)));
    if let Some(of) = requires {
        map.insert(Value::from("require"), Value::from(vec![Value::from([("salt", of)])]));
    }
    Value::Map(map)
}
