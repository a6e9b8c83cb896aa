//! States about the kernel, mounts and the rest of a machine's own matters, on a real kernel: what a dry run promises, what
//! a run does, and that a second one finds nothing to do.

#![expect(clippy::unwrap_used, reason = "the helpers of these tests are tests")]

use std::collections::BTreeMap;

use lab_tests::kubic::binaries;
use lab_tests::nshost::{Cmd, Host, HostSpec, Lab};
use serde_json::Value;

const HELPER: &str = env!("CARGO_BIN_EXE_lab-nshost");

/// One state as a run reported it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Row {
    result: String,
    changed: bool,
    comment: String,
}

fn lab() -> (Lab, Host) {
    let spec = HostSpec::new("one", "52:54:00:00:78:01", [10, 77, 0, 11]);
    let lab = Lab::builder().helper(HELPER).host(spec).binaries(binaries().unwrap()).start();
    let lab = lab.unwrap_or_else(|e| panic!("the lab did not start: {e}"));
    let host = lab.host("one").unwrap();
    (lab, host)
}

/// Applies an SLS in a host; returns the states by id.
fn apply(host: &Host, sls: &str, options: &[&str]) -> BTreeMap<String, Row> {
    host.run(["mkdir", "-p", "/srv/states"]).unwrap();
    host.write("/srv/states/it.sls", sls).unwrap();
    let argv = ["lab-minion", "apply", "--local", "--states", "/srv/states", "--output", "json"];
    let output = host.exec(Cmd::new(argv.iter().chain(options).chain(&["it"]).copied())).unwrap();
    let report: Value = serde_json::from_str(&output.stdout).unwrap_or_else(|e| panic!("{e}: {output:?}"));
    let rows = report["results"].as_array().unwrap_or_else(|| panic!("no results: {report}"));
    assert!(!rows.is_empty(), "{report}");
    let row = |row: &Value| {
        let text = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
        let changed = row["changes"].as_object().is_some_and(|c| !c.is_empty());
        (text("id"), Row { result: text("result"), changed, comment: text("comment") })
    };
    rows.iter().map(row).collect()
}

/// Applies dry, then really, then again, and holds the three to each other.
fn converges(host: &Host, sls: &str) {
    let dry = apply(host, sls, &["--test"]);
    let real = apply(host, sls, &[]);
    let second = apply(host, sls, &[]);
    for (id, row) in &dry {
        assert_eq!(row.result, "would-change", "{id} is to be changed: {row:?}");
    }
    for (id, row) in &real {
        assert!(row.result == "changed" && row.changed, "{id}: {row:?}");
    }
    for (id, row) in &second {
        assert!(row.result == "ok" && !row.changed, "{id} changed again: {row:?}");
    }
    assert!(dry.keys().eq(real.keys()));
}

#[test]
fn settings_mounts_and_names_are_set_once_on_a_real_kernel() {
    let (_lab, host) = lab();
    host.write("/etc/fstab", "# kept\nUUID=1 / ext4 defaults 0 1\n").unwrap();
    host.run(["mkdir", "-p", "/srv/source/sub"]).unwrap();
    converges(
        &host,
        "net.ipv4.ip_forward:\n  sysctl.present:\n    - value: 1\n\
         net.ipv4.tcp_keepalive_time:\n  sysctl.present:\n    - value: 1234\n    - config: /etc/sysctl.d/other.conf\n\
         /mnt/scratch:\n  mount.mounted:\n    - device: tmpfs\n    - fstype: tmpfs\n    - opts: [noatime, size=1m]\n    - mkmnt: True\n\
         /mnt/bound:\n  mount.mounted:\n    - device: /srv/source\n    - fstype: none\n    - opts: bind\n    - mkmnt: True\n\
         node-7:\n  system.hostname: []\n\
         rack:\n  grains.present:\n    - value: a7\n",
    );
    let read = |path: &str| host.run(["cat", path]).unwrap().trim().to_owned();
    assert_eq!(read("/proc/sys/net/ipv4/ip_forward"), "1");
    assert_eq!(read("/proc/sys/net/ipv4/tcp_keepalive_time"), "1234");
    assert_eq!(read("/etc/sysctl.d/99-zz-lab.conf"), "net.ipv4.ip_forward = 1");
    let mounts = read("/proc/self/mountinfo");
    assert!(mounts.lines().any(|l| l.contains(" /mnt/scratch ") && l.contains("noatime")), "{mounts}");
    assert_eq!(host.run(["ls", "/mnt/bound"]).unwrap().trim(), "sub");
    let table = read("/etc/fstab");
    assert!(table.starts_with("# kept\nUUID=1 / ext4 defaults 0 1\n"), "{table}");
    assert_eq!(table.lines().count(), 4, "{table}");
    assert_eq!(host.run(["hostname"]).unwrap().trim(), "node-7");
    assert_eq!(read("/etc/lab/grains"), "rack: a7");

    let other = "/mnt/scratch:\n  mount.mounted:\n    - device: tmpfs\n    - fstype: tmpfs\n    - opts: [noatime, nosuid, size=2m]\n";
    converges(&host, other);
    assert!(
        read("/proc/self/mountinfo")
            .lines()
            .any(|l| l.contains(" /mnt/scratch ") && l.contains("size=2048k"))
    );
    converges(
        &host,
        "/mnt/scratch:\n  mount.unmounted:\n    - persist: True\n/mnt/bound:\n  mount.unmounted:\n    - persist: True\n",
    );
    assert_eq!(read("/etc/fstab"), "# kept\nUUID=1 / ext4 defaults 0 1");
}

#[test]
fn what_the_kernel_lacks_or_refuses_is_an_error_that_names_the_way_out() {
    let (_lab, host) = lab();
    let refused = |sls: &str| {
        let row = apply(&host, sls, &[]).into_values().next().unwrap();
        assert_eq!(row.result, "failed", "{row:?}");
        row.comment
    };
    let bridge = refused("net.netfilter.nf_conntrack_no_such:\n  sysctl.present:\n    - value: 1\n");
    assert!(bridge.contains("load the module nf_conntrack first"), "{bridge}");
    let value = refused("net.ipv4.ip_forward:\n  sysctl.present:\n    - value: many\n");
    assert!(value.contains("/proc/sys/net/ipv4/ip_forward"), "{value}");
    let module = refused("lab_no_such_module:\n  kmod.present:\n    - persist: True\n");
    assert!(module.contains("lab_no_such_module"), "{module}");
    let mount = refused("/mnt/none:\n  mount.mounted:\n    - device: tmpfs\n    - fstype: tmpfs\n");
    assert!(mount.contains("mkmnt: True"), "{mount}");
    let missing = host.exec(["ls", "/etc/sysctl.d/99-zz-lab.conf", "/etc/modules-load.d/lab.conf"]).unwrap();
    assert_eq!(missing.stdout.trim(), "", "what was refused is not kept for the next boot");
}

#[test]
fn archives_and_working_trees_are_unpacked_and_followed() {
    let (_lab, host) = lab();
    let git = "git -c user.name=t -c user.email=t@t -c init.defaultBranch=main";
    host.run(["sh", "-ec", &format!(
        "mkdir -p /srv/app-1/bin /srv/repo && echo hello > /srv/app-1/bin/run && ln -s bin/run /srv/app-1/start
         tar -czf /srv/app.tar.gz -C /srv app-1
         cd /srv/repo && {git} init -q && echo 1 > f && git add f && {git} commit -qm one && git tag v1
         echo 2 > f && {git} commit -qam two"
    )])
    .unwrap();
    let archive = "/opt/app:\n  archive.extracted:\n    - source: /srv/app.tar.gz\n    - options: --strip-components=1\n    - enforce_toplevel: False\n";
    converges(
        &host,
        &format!(
            "{archive}latest:\n  git.latest:\n    - name: file:///srv/repo\n    - target: /opt/latest\n    - rev: main\n\
             old:\n  git.detached:\n    - name: file:///srv/repo\n    - target: /opt/old\n    - rev: v1\n\
             setting:\n  git.config_set:\n    - name: lab.test\n    - value: a b\n    - repo: /srv/repo\n"
        ),
    );
    assert_eq!(host.run(["cat", "/opt/app/start", "/opt/latest/f", "/opt/old/f"]).unwrap(), "hello\n2\n1\n");
    assert_eq!(host.run(["git", "-C", "/srv/repo", "config", "lab.test"]).unwrap().trim(), "a b");

    let latest =
        "latest:\n  git.latest:\n    - name: file:///srv/repo\n    - target: /opt/latest\n    - rev: main\n";
    host.run(["sh", "-ec", &format!("cd /srv/repo && echo 3 > f && {git} commit -qam three")]).unwrap();
    converges(&host, latest);
    assert_eq!(host.run(["cat", "/opt/latest/f"]).unwrap(), "3\n");
    // Local work stands in the way, and is not thrown away.
    host.run([
        "sh",
        "-ec",
        &format!("cd /opt/latest && echo mine > f && cd /srv/repo && echo 4 > f && {git} commit -qam four"),
    ])
    .unwrap();
    let row = apply(&host, latest, &[]).into_values().next().unwrap();
    assert!(row.result == "failed" && row.comment.contains("force_reset: True"), "{row:?}");
    assert_eq!(host.run(["cat", "/opt/latest/f"]).unwrap(), "mine\n");
    apply(&host, &format!("{latest}    - force_reset: True\n"), &[]);
    assert_eq!(host.run(["cat", "/opt/latest/f"]).unwrap(), "4\n");
}
