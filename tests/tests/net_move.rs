//! The management address moves to a new bridge under a live QUIC session with 1,000 pings a second, with the spanning tree
//! protocol off and on; beside it a control (the same load, nothing changes) and the commands that guides give.
//!
//! Few rounds in CI; `LAB_ROUNDS=20` for the acceptance. The table goes to standard output.

#![expect(clippy::print_stdout, reason = "the table of figures is worth reading")]

use std::io::{BufRead, BufReader, Lines, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use lab_tests::nshost::{Cmd, Host, HostSpec, Lab, Signal};
use lab_tests::pings::Burst;

const HELPER: &str = env!("CARGO_BIN_EXE_lab-nshost");
const PINGS: &str = env!("CARGO_BIN_EXE_lab-pings");
const SERVER: &str = "10.77.0.1:7400";
/// The pings of one measurement, at 1,000 a second.
const BURST: u32 = 2000;
/// Those of the guides' way with the spanning tree protocol, which takes twice four seconds.
const LONG_BURST: u32 = 14_000;

/// One QUIC session from the host to the master's place.
struct Session {
    child: Child,
    asks: ChildStdin,
    says: Lines<BufReader<ChildStdout>>,
}

impl Session {
    fn open(host: &Host) -> Self {
        let mut command = host.command();
        let mut child = command
            .args(["lab-pings", "ping", SERVER])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the host runs it");
        let asks = child.stdin.take().expect("piped");
        let says = BufReader::new(child.stdout.take().expect("piped")).lines();
        let mut session = Self { child, asks, says };
        assert_eq!(session.line(), "connected");
        session
    }

    fn line(&mut self) -> String {
        self.says.next().expect("the session lives").expect("text")
    }

    /// Pings, and does something when half of the pings are out.
    fn burst(&mut self, count: u32, meanwhile: impl FnOnce()) -> Burst {
        writeln!(self.asks, "{count}").expect("it reads");
        assert_eq!(self.line(), "half");
        meanwhile();
        serde_json::from_str(&self.line()).expect("a burst")
    }

    /// Waits until everything comes back.
    fn settle(&mut self) {
        let settled = (0..60).any(|_| self.burst(100, || ()).lost == 0);
        assert!(settled, "the session carries traffic again");
    }

    fn close(self) {
        let Self { mut child, asks, says: _ } = self;
        drop(asks);
        assert!(child.wait().expect("ends").success(), "one session lived through all changes");
    }
}

fn sls(stp: bool) -> String {
    format!(
        "br0:\n  bridge.present:\n    - ports: [eth0]\n    - take_over: eth0\n    - stp: {stp}\n    - forward_delay: 4\n"
    )
}

/// Takes the bridge away again; that this loses packets does not matter.
const BACK: &str = "ip link set eth0 nomaster && ip addr add 10.77.0.11/24 brd + dev eth0 && ip link del br0 && \
                    { ip route replace default via 10.77.0.1 dev eth0 || true; }";

/// What guides say, in their order.
fn guide(stp: bool) -> String {
    let stp = u8::from(stp);
    format!(
        "ip link add name br0 type bridge stp_state {stp} forward_delay 400 && ip link set br0 up && \
         ip link set eth0 master br0 && ip addr flush dev eth0 && ip addr add 10.77.0.11/24 brd + dev br0 && \
         {{ ip route replace default via 10.77.0.1 dev br0 || true; }}"
    )
}

fn rounds() -> usize {
    std::env::var("LAB_ROUNDS").ok().map_or(2, |n| n.parse().expect("LAB_ROUNDS is a number"))
}

fn lab() -> Lab {
    let binaries = std::path::Path::new(PINGS).parent().expect("beside this test");
    let host = HostSpec::new("h1", "52:54:00:00:78:01", [10, 77, 0, 11]);
    let lab = Lab::builder().helper(HELPER).host(host).binaries(binaries).start();
    lab.unwrap_or_else(|e| panic!("the lab did not start: {e}"))
}

fn shown(what: &str, bursts: &[Burst]) {
    let lost: Vec<String> = bursts.iter().map(|b| b.lost.to_string()).collect();
    let sent: usize = bursts.iter().map(|b| b.sent).sum();
    let gap = bursts.iter().map(|b| b.gap_ms).fold(0.0, f64::max);
    println!("{what:32} {sent:6} pings, longest gap {gap:6.0} ms, lost {}", lost.join(" "));
}

#[test]
fn the_management_move_loses_no_more_than_nothing_happening_does() {
    let lab = lab();
    let host = lab.host("h1").expect("it is there");
    let server = lab.master().spawn("pings", [PINGS, "serve", SERVER]).expect("it starts");
    for (name, stp) in [("off", false), ("on", true)] {
        host.write(&format!("/srv/move/stp-{name}.sls"), &sls(stp)).expect("written");
    }
    let mut session = Session::open(&host);
    session.settle();
    let mut bad = Vec::new();
    for (name, stp) in [("off", false), ("on", true)] {
        let (mut controls, mut moves) = (Vec::new(), Vec::new());
        for round in 0..rounds() {
            let control = session.burst(BURST, || ());
            let moved = session.burst(BURST, || apply(&host, &format!("stp-{name}")));
            let links = host.run(["ip", "-brief", "-4", "address"]).expect("it runs");
            assert!(links.lines().any(|l| l.starts_with("br0") && l.contains("10.77.0.11/24")), "{links}");
            if moved.lost > control.lost + 1 {
                bad.push(format!("stp {name}, round {round}: {} lost, control {}", moved.lost, control.lost));
            }
            controls.push(control);
            moves.push(moved);
            host.run(Cmd::sh(BACK)).expect("it goes back");
            session.settle();
        }
        let long = if stp { LONG_BURST } else { BURST };
        let guided =
            session.burst(long, || drop(host.run(Cmd::sh(&guide(stp))).expect("the guide's commands run")));
        host.run(Cmd::sh(BACK)).expect("it goes back");
        session.settle();
        shown(&format!("stp {name}: nothing happens"), &controls);
        shown(&format!("stp {name}: bridge.present"), &moves);
        shown(&format!("stp {name}: guide's commands"), &[guided]);
    }
    session.close();
    server.end(Signal::SIGKILL).expect("ends");
    assert_eq!(bad, Vec::<String>::new());
}

fn apply(host: &Host, sls: &str) {
    let said =
        host.run(["lab-minion", "apply", "--local", "--states", "/srv/move", sls]).expect("it applies");
    assert!(said.contains("1 changed"), "{said}");
}
