//! Packages, repositories, users, groups, keys of SSH and services on a namespaced host, with the machine's own apt,
//! shadow-utils and OpenSSH. Needs root, since a user namespace has one user only.

#![expect(clippy::unwrap_used, reason = "the helpers of these tests are tests")]

use lab_tests::kubic::binaries;
use lab_tests::nshost::{Cmd, Host, HostSpec, Lab};
use serde_json::Value;

const HELPER: &str = env!("CARGO_BIN_EXE_lab-nshost");
const KEY: &str = "AAAAC3NzaC1lZDI1NTE5AAAAIFRXgrctv+tIs8anh+9H/QNscCqmHVQf1AtD5HwBqdW4";
const LIST: &str = "/etc/apt/sources.list.d/lab.list";

/// One host, and the lab that it ends with.
struct Machine {
    host: Host,
    lab: Lab,
}

/// What a run said of its states: `(id, result, changes)`.
type Rows = Vec<(String, String, Value)>;

impl Machine {
    /// Starts a host; `None` where the tests are not run as root, which is said.
    fn start() -> Option<Self> {
        if !nix::unistd::geteuid().is_root() {
            eprintln!("skipped: accounts and packages can be tried by root only");
            return None;
        }
        let spec = HostSpec::new("h", "52:54:00:00:99:01", [10, 77, 0, 21]);
        let lab = Lab::builder().helper(HELPER).binaries(binaries().unwrap()).host(spec).start().unwrap();
        let host = lab.host("h").unwrap();
        host.run(["mkdir", "-p", "/srv/states"]).unwrap();
        Some(Self { host, lab })
    }

    fn sh(&self, script: &str) -> String {
        self.host.run(Cmd::sh(script)).unwrap_or_else(|e| panic!("{script}: {e}"))
    }

    fn apply(&self, sls: &str, options: &str) -> Rows {
        self.host.write("/srv/states/t.sls", sls).unwrap();
        let line = format!("lab-minion apply --local --states /srv/states --output json {options} t");
        let output = self.host.exec(Cmd::sh(&line)).unwrap();
        let report: Value =
            serde_json::from_str(&output.stdout).unwrap_or_else(|e| panic!("{e}: {output:?}"));
        let rows = report["results"].as_array().unwrap();
        assert!(!rows.is_empty(), "{report}");
        let text = |row: &Value, key: &str| row[key].as_str().unwrap_or_default().to_owned();
        let show = |row: &Value| {
            if text(row, "result") == "failed" {
                eprintln!("{}: {}", text(row, "id"), text(row, "comment"));
            }
            (text(row, "id"), text(row, "result"), row["changes"].clone())
        };
        rows.iter().map(show).collect()
    }

    /// A dry run names what the run then changes, and a second run changes nothing.
    fn keeps_the_laws(&self, sls: &str) -> Rows {
        let dry = self.apply(sls, "--test");
        let real = self.apply(sls, "");
        assert_eq!(results(&real), vec!["changed"; real.len()], "{real:?}");
        assert_eq!(results(&dry), vec!["would-change"; real.len()], "{dry:?}");
        let changes = |rows: &Rows| rows.iter().map(|(_, _, c)| c.clone()).collect::<Vec<_>>();
        assert_eq!(changes(&dry), changes(&real), "the dry run names exactly what changes");
        let second = self.apply(sls, "");
        assert_eq!(results(&second), vec!["ok"; real.len()], "{second:?}");
        real
    }

    fn ends_without_a_trace(self) {
        let traces = self.lab.traces().unwrap();
        drop(self.lab);
        assert_eq!(traces.leftovers(), Vec::<String>::new());
    }
}

fn results(rows: &Rows) -> Vec<&str> {
    rows.iter().map(|(_, result, _)| result.as_str()).collect()
}

/// Makes a repository of three small packages, and lets the host know no other: `app` needs `lib`, two versions of `lib`.
fn repository(machine: &Machine) {
    machine.sh(
        r#"set -e
mkdir -p /srv/repo /srv/build; cd /srv/build
package() { # name version depends
  rm -rf "$1"; mkdir -p "$1/DEBIAN" "$1/etc"
  printf 'Package: %s\nVersion: %s\nArchitecture: all\nMaintainer: lab <lab@example.net>\nDescription: a test\n' "$1" "$2" > "$1/DEBIAN/control"
  [ -z "$3" ] || printf 'Depends: %s\n' "$3" >> "$1/DEBIAN/control"
  [ -z "$4" ] || printf 'Provides: %s\n' "$4" >> "$1/DEBIAN/control"
  echo "version = $2" > "$1/etc/$1.conf"; echo "/etc/$1.conf" > "$1/DEBIAN/conffiles"
  dpkg-deb -b "$1" "/srv/repo/$1_$2.deb" > /dev/null
}
package lab-lib 1.0 ""; package lab-app 2.0 "lab-lib (>= 1.0)" lab-virtual
: > /srv/repo/Packages
rm -rf /etc/apt/sources.list /etc/apt/sources.list.d; mkdir -p /etc/apt/sources.list.d"#,
    );
    publish(machine);
}

/// Writes the repository's list of packages anew.
fn publish(machine: &Machine) {
    machine.sh(
        r#"set -e; cd /srv/repo; : > Packages
for deb in *.deb; do
  dpkg-deb -f "$deb" >> Packages
  printf 'Filename: ./%s\nSize: %s\nSHA256: %s\n\n' "$deb" "$(stat -c %s "$deb")" "$(sha256sum "$deb" | cut -d' ' -f1)" >> Packages
done"#,
    );
}

fn newer_lib(machine: &Machine) {
    machine.sh(r#"set -e; cd /srv/build; sed -i 's/^Version: 1.0$/Version: 1.5/' lab-lib/DEBIAN/control
echo 'version = 1.5' > lab-lib/etc/lab-lib.conf; dpkg-deb -b lab-lib /srv/repo/lab-lib_1.5.deb > /dev/null"#);
    publish(machine);
}

const REPO: &str = "deb [trusted=yes] file:/srv/repo ./";

#[test]
fn packages_come_change_are_held_and_go_as_the_dry_run_says() {
    let Some(machine) = Machine::start() else { return };
    repository(&machine);
    machine.keeps_the_laws(&format!("{REPO}:\n  pkgrepo.managed:\n    - file: {LIST}\n"));

    let installed = machine.keeps_the_laws("app:\n  pkg.installed:\n    - name: lab-app\n");
    let changes = &installed[0].2;
    assert_eq!(changes["lab-lib"]["new"], "1.0", "what it needs is named, too: {changes}");
    assert_eq!(changes["lab-app"]["new"], "2.0");
    assert_eq!(
        results(&machine.apply("lab-virtual:\n  pkg.installed: []\n", "")),
        ["ok"],
        "lab-app provides it"
    );

    // An edited configuration file stays through an upgrade.
    machine.sh("echo mine > /etc/lab-lib.conf");
    newer_lib(&machine);
    assert_eq!(results(&machine.apply("lab-lib:\n  pkg.installed: []\n", "")), ["ok"], "any version will do");
    let latest = machine.apply("lab-lib:\n  pkg.latest: []\n", "");
    assert_eq!((results(&latest), &latest[0].2["lab-lib"]["new"]), (vec!["changed"], &Value::from("1.5")));
    assert_eq!(machine.sh("cat /etc/lab-lib.conf"), "mine\n");
    machine.keeps_the_laws("x:\n  pkg.installed:\n    - pkgs: [lab-lib: '1.0']\n");

    machine.keeps_the_laws("lab-lib:\n  pkg.held: []\n");
    assert_eq!(
        results(&machine.apply("everything:\n  pkg.uptodate: []\n", "")),
        ["ok"],
        "what is held stays"
    );
    let refused = machine.apply("lab-lib:\n  pkg.latest: []\n", "");
    assert_eq!(results(&refused), ["failed"]);
    machine.keeps_the_laws("lab-lib:\n  pkg.unheld: []\n");
    machine.keeps_the_laws("everything:\n  pkg.uptodate: []\n");

    let removed = machine.keeps_the_laws("lab-lib:\n  pkg.removed: []\n");
    assert_eq!(removed[0].2["lab-app"]["new"], "", "what needs it goes with it");
    assert_eq!(machine.sh("cat /etc/lab-lib.conf"), "mine\n");
    machine.keeps_the_laws("x:\n  pkg.purged:\n    - pkgs: [lab-lib, lab-app]\n");
    assert!(machine.sh("ls /etc/lab-lib.conf 2>&1 || true").contains("No such file"));
    machine.keeps_the_laws(&format!("{REPO}:\n  pkgrepo.absent: []\n"));
    machine.ends_without_a_trace();
}

#[test]
fn a_held_lock_is_waited_for() {
    let Some(machine) = Machine::start() else { return };
    repository(&machine);
    machine.apply(&format!("{REPO}:\n  pkgrepo.managed:\n    - file: {LIST}\n"), "");
    // Another package manager: it holds the lock of the lists, then dpkg's, and lets go when it saw that somebody
    // waits, which is when lab-minion's apt-get exists.
    machine.host.write("/srv/other.py", OTHER).unwrap();
    let other = machine.host.spawn("other", ["python3", "/srv/other.py"]).unwrap();
    machine.sh("for i in $(seq 300); do [ -e /srv/held ] && exit 0; sleep 0.05; done; exit 1");
    let rows = machine.apply("lab-lib:\n  pkg.installed:\n    - refresh: True\n", "");
    assert_eq!(results(&rows), ["changed"], "{rows:?}");
    assert_eq!(machine.sh("cat /srv/waited"), "lists dpkg", "both locks were held while apt-get tried");
    drop(other);
    machine.ends_without_a_trace();
}

/// Holds one lock after the other until an apt-get that needs it runs, and half a second more.
const OTHER: &str = r#"
import fcntl, os, struct, time
def lock(path):
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o640)
    fcntl.fcntl(handle, fcntl.F_SETLK, struct.pack('hhqqi', fcntl.F_WRLCK, 0, 0, 0, 0))
    return handle
def apt(word):
    for pid in filter(str.isdigit, os.listdir('/proc')):
        try:
            argv = open('/proc/%s/cmdline' % pid, 'rb').read().split(b'\0')
        except OSError:
            continue
        if argv[0].endswith(b'apt-get') and word in argv and b'-s' not in argv:
            return True
def wait(word):
    for _ in range(1200):
        if apt(word):
            time.sleep(0.5)
            return
        time.sleep(0.02)
    raise SystemExit('nobody came')
lists, dpkg = lock('/var/lib/apt/lists/lock'), lock('/var/lib/dpkg/lock-frontend')
open('/srv/held', 'w').close()
wait(b'update')
waited = 'lists'
os.close(lists)
wait(b'install')
open('/srv/waited', 'w').write(waited + ' dpkg')
os.close(dpkg)
"#;

#[test]
fn what_no_repository_offers_is_said_and_a_dry_run_goes_on() {
    let Some(machine) = Machine::start() else { return };
    repository(&machine);
    let sls = "x:\n  pkg.installed:\n    - pkgs: [lab-nosuch, lab-app]\n";
    assert_eq!(results(&machine.apply(sls, "--test")), ["would-change"]);
    assert_eq!(results(&machine.apply(sls, "")), ["failed"]);
    let both = format!("{REPO}:\n  pkgrepo.managed:\n    - file: {LIST}\nlab-app:\n  pkg.installed: []\n");
    assert_eq!(results(&machine.apply(&both, "--test")), ["would-change", "would-change"]);
    assert_eq!(
        results(&machine.apply(&both, "")),
        ["changed", "changed"],
        "the repository is read when it is new"
    );
    assert_eq!(results(&machine.apply(&both, "")), ["ok", "ok"]);
    machine.ends_without_a_trace();
}

#[test]
fn accounts_are_made_changed_and_removed() {
    let Some(machine) = Machine::start() else { return };
    let sls = "lab-team:\n  group.present:\n    - gid: 4700\nlab-extra:\n  group.present: []\n\
               ann:\n  user.present:\n    - uid: 4701\n    - gid: lab-team\n    - fullname: Ann Other\n    - roomnumber: '7'\n    \
               - home: /home/ann\n    - shell: /bin/sh\n    - maxdays: 90\n    - password: $6$salt$hash\n";
    let made = machine.apply(sls, "");
    assert_eq!(results(&made), ["changed"; 3], "{made:?}");
    assert_eq!(results(&machine.apply(sls, "")), ["ok"; 3]);
    assert_eq!(machine.sh("getent passwd ann"), "ann:x:4701:4700:Ann Other,7:/home/ann:/bin/sh\n");
    let shadow = machine.sh("getent shadow ann");
    assert!(shadow.starts_with("ann:$6$salt$hash:") && shadow.contains(":90:"), "{shadow}");
    assert!(!format!("{made:?}").contains("$6$salt"), "a hash is not reported");
    assert_eq!(machine.sh("stat -c %U:%G /home/ann"), "ann:lab-team\n");

    machine.keeps_the_laws("ann:\n  user.present:\n    - groups: [lab-extra]\n    - shell: /bin/bash\n    - password_lock: True\n");
    assert_eq!(machine.sh("id -Gn ann"), "lab-team lab-extra\n");
    machine.keeps_the_laws("lab-extra:\n  group.present:\n    - gid: 4702\n    - members: [root]\n");
    machine.keeps_the_laws(
        "svc:\n  user.present:\n    - system: True\n    - createhome: False\n    - usergroup: True\n",
    );
    machine.keeps_the_laws("ann:\n  user.absent:\n    - purge: True\n");
    assert!(machine.sh("ls -d /home/ann 2>&1 || true").contains("No such file"));
    machine.keeps_the_laws("lab-team:\n  group.absent: []\n");
    machine.ends_without_a_trace();
}

#[test]
fn keys_are_let_in_and_hosts_are_known_as_openssh_reads_them() {
    let Some(machine) = Machine::start() else { return };
    machine.sh("useradd -m bob");
    machine.keeps_the_laws(&format!(
        "{KEY}:\n  ssh_auth.present:\n    - user: bob\n    - options: [no-pty]\n    - comment: b o b\n"
    ));
    assert_eq!(
        machine.sh("stat -c '%a %U' /home/bob/.ssh /home/bob/.ssh/authorized_keys"),
        "700 bob\n600 bob\n"
    );
    let listed = machine.sh("ssh-keygen -lf /home/bob/.ssh/authorized_keys");
    assert!(
        listed.contains("SHA256:tm3wjWAGG4RkkBy7fH2pyCryWjGozvxyof/vb0h5zQw b o b (ED25519)"),
        "{listed}"
    );
    machine.keeps_the_laws("x:\n  ssh_auth.manage:\n    - user: bob\n    - ssh_keys: []\n");

    let known = |extra: &str| {
        format!("git.example.net:\n  ssh_known_hosts.present:\n    - user: bob\n    - key: {KEY}\n{extra}")
    };
    machine.keeps_the_laws(&known("    - port: 2222\n"));
    machine.keeps_the_laws(&known("    - hash_known_hosts: False\n"));
    for name in ["git.example.net", "[git.example.net]:2222"] {
        let found = machine.sh(&format!("ssh-keygen -F '{name}' -f /home/bob/.ssh/known_hosts"));
        assert!(found.contains(KEY), "{name}: {found}");
    }
    machine.keeps_the_laws("git.example.net:\n  ssh_known_hosts.absent:\n    - user: bob\n");
    machine.ends_without_a_trace();
}

#[test]
fn services_of_init_scripts_run_restart_and_start_at_boot() {
    let Some(machine) = Machine::start() else { return };
    machine.host.write("/etc/init.d/labd", SCRIPT).unwrap();
    machine.sh("chmod 755 /etc/init.d/labd; : > /srv/labd.conf");
    machine.keeps_the_laws("labd:\n  service.running:\n    - enable: True\n");
    assert_eq!(machine.sh("ls /etc/rc2.d | grep -c labd"), "1\n");
    let watched = |text: &str, reload: bool| {
        format!(
            "/srv/labd.conf:\n  file.managed:\n    - contents: {text}\nlabd:\n  service.running:\n    - reload: {reload}\n    \
             - watch:\n      - file: /srv/labd.conf\n"
        )
    };
    assert_eq!(results(&machine.apply(&watched("one", false), "")), ["changed", "changed"]);
    assert_eq!(results(&machine.apply(&watched("one", false), "")), ["ok", "ok"]);
    assert_eq!(results(&machine.apply(&watched("two", true), "--test")), ["would-change", "would-change"]);
    assert_eq!(results(&machine.apply(&watched("two", true), "")), ["changed", "changed"]);
    assert_eq!(machine.sh("cat /srv/labd.log"), "start\nrestart\nreload\n");
    machine.keeps_the_laws("labd:\n  service.dead:\n    - enable: False\n");
    assert_eq!(machine.sh("ls /etc/rc2.d 2>/dev/null | grep -c labd || true"), "0\n");
    machine.ends_without_a_trace();
}

/// A service that only remembers what it was told.
const SCRIPT: &str = r#"#!/bin/sh
case "$1" in
  start) : > /run/labd; echo start >> /srv/labd.log;;
  stop) rm -f /run/labd; echo stop >> /srv/labd.log;;
  restart) : > /run/labd; echo restart >> /srv/labd.log;;
  reload) echo reload >> /srv/labd.log;;
  status) test -e /run/labd;;
esac
"#;
