//! A run asks the kernel for the network while its states are still read (`lab-minion apply --local`). What changes the network
//! between that and the plan is seen by the plan all the same: a plan that knew nothing of the bridge that is there would make it
//! once more, and be refused.

use lab_tests::kubic::binaries;
use lab_tests::nshost::{Cmd, Host, HostSpec, Lab};

const HELPER: &str = env!("CARGO_BIN_EXE_lab-nshost");
/// Makes the bridge that the states want, without its address.
const MAKES: &str = "ip link add br9 type bridge";
const WANTED: &str =
    "net:\n  net.config:\n    - interfaces: {br9: {type: bridge, addresses: [10.99.0.1/24]}}\n";

fn lab() -> (Lab, Host) {
    let host = HostSpec::new("h1", "52:54:00:00:7a:01", [10, 77, 0, 11]);
    let lab = Lab::builder().helper(HELPER).host(host).binaries(binaries().expect("they are built")).start();
    let lab = lab.unwrap_or_else(|e| panic!("the lab did not start: {e}"));
    let host = lab.host("h1").expect("it is there");
    (lab, host)
}

const APPLY: &str = "lab-minion apply --local --states /srv/ahead --config-dir /srv/conf a";

/// Applies an SLS where there is no such bridge, and looks whether it has its address afterwards.
fn applies(host: &Host, sls: &str, script: &str) -> String {
    host.run(Cmd::sh("ip link delete br9 2>/dev/null; mkdir -p /srv/conf; rm -f /srv/conf/minion.toml"))
        .expect("it runs");
    host.write("/srv/ahead/a.sls", sls).expect("written");
    let said = host.exec(Cmd::sh(script)).expect("it runs");
    assert!(said.status.success(), "{sls}{said:?}");
    let links = host.run(["ip", "-brief", "-4", "address"]).expect("it runs");
    assert!(links.lines().any(|l| l.starts_with("br9") && l.contains("10.99.0.1/24")), "{sls}{links}");
    said.stdout
}

#[test]
fn what_this_run_did_before_is_seen_by_the_plan() {
    let (_lab, host) = lab();
    let said = applies(&host, WANTED, APPLY);
    assert!(said.contains("br9: create bridge"), "{said}");
    // A state before it, by requisite or by order; the guard of one; a template.
    for before in [
        format!("{WANTED}    - require: [{{cmd: first}}]\nfirst:\n  cmd.run:\n    - name: {MAKES}\n"),
        format!("first:\n  cmd.run:\n    - name: {MAKES}\n{WANTED}"),
        format!("{WANTED}    - onlyif: {MAKES}\n"),
        format!("{{% do salt['cmd.run']('{MAKES}') %}}\n{WANTED}"),
        format!("{WANTED}# {{{{ salt['cmd.run']('{MAKES}') }}}}\n"),
    ] {
        applies(&host, &before, APPLY);
    }
}

#[test]
fn what_another_does_meanwhile_is_seen_by_the_plan() {
    let (_lab, host) = lab();
    // The configuration is read between the links and the plan: whoever writes it knows that the links have been read.
    let meanwhile = format!(
        "mkfifo /srv/conf/minion.toml && {{ {APPLY} & }} && exec 3>/srv/conf/minion.toml && {MAKES} && exec 3>&- && wait $!"
    );
    applies(&host, WANTED, &meanwhile);
}
