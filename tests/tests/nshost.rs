//! Namespaced hosts do what docs/testing.md says of them. Real namespaces, as root or unprivileged.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use lab_tests::nshost::{
    Cmd, Host, HostPhase, HostSpec, Lab, Restart, Service, Signal, Traces, labs_here, smoke,
};

const LIMIT: Duration = Duration::from_secs(30);
const HELPER: &str = env!("CARGO_BIN_EXE_lab-nshost");

fn spec(n: u8) -> HostSpec {
    HostSpec::new(&format!("h{n}"), &format!("52:54:00:00:77:{n:02x}"), [10, 77, 0, 10 + n])
}

fn lab(hosts: impl IntoIterator<Item = HostSpec>) -> Lab {
    let builder = hosts.into_iter().fold(Lab::builder().helper(HELPER), |builder, host| builder.host(host));
    builder.start().unwrap_or_else(|error| panic!("the lab did not start: {error}"))
}

/// Whether a TCP connection gets an answer (a refusal is one), so that no ping binary is needed.
fn reaches(from: &dyn Fn(Cmd) -> String, to: &str) -> bool {
    let line = format!("timeout 1 bash -c 'exec 3<>/dev/tcp/{to}/9' 2>&1 || true");
    from(Cmd::sh(&line)).contains("refused")
}

fn in_host(host: &Host) -> impl Fn(Cmd) -> String {
    let host = host.clone();
    move |cmd| host.run(cmd).expect("the host runs it")
}

/// Waits for something that has no event of its own to wait for.
fn eventually(what: &str, mut met: impl FnMut() -> bool) {
    let deadline = Instant::now() + LIMIT;
    while !met() {
        assert!(Instant::now() < deadline, "{what} within {LIMIT:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn assert_gone(traces: &Traces) {
    assert_eq!(traces.leftovers(), Vec::<String>::new());
}

#[test]
fn the_smoke_check_passes() {
    let seen = smoke(Lab::builder().helper(HELPER)).unwrap();
    assert_eq!(seen.last().map(String::as_str), Some("nothing left behind"), "{seen:?}");
}

#[test]
fn the_smoke_check_passes_for_an_unprivileged_user() {
    // A copy where any user can read it: the build directory may be anywhere.
    let dir = tempfile::tempdir_in("/tmp").unwrap();
    std::fs::set_permissions(dir.path(), PermissionsExt::from_mode(0o755)).unwrap();
    let helper = dir.path().join("lab-nshost");
    std::fs::copy(HELPER, &helper).unwrap();
    let mut command = Command::new(&helper);
    command.arg("smoke").env("TMPDIR", "/tmp").current_dir("/").stdin(Stdio::null());
    if nix::unistd::geteuid().is_root() {
        command.uid(65534).gid(65534);
    }
    let output = command.output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}{err}");
    assert!(out.contains("unprivileged") && out.contains("nothing left behind"), "{out}{err}");
}

#[test]
fn all_places_reach_each_other() {
    let lab = Lab::builder().helper(HELPER).host(spec(1)).host(spec(2)).outside().start().unwrap();
    let (one, two) = (lab.host("h1").unwrap(), lab.host("h2").unwrap());
    let (master, outside) = (lab.master(), lab.outside().unwrap());
    for to in ["h2", "master", "outside", "10.77.0.12"] {
        assert!(reaches(&in_host(&one), to), "h1 reaches {to}");
    }
    assert!(reaches(&in_host(&two), "h1"));
    for to in ["h1", "h2", "outside"] {
        assert!(reaches(&|cmd| master.run(cmd).unwrap(), to), "master reaches {to}");
    }
    assert!(reaches(&|cmd| outside.run(cmd).unwrap(), "master"));
}

#[test]
fn a_host_has_the_mac_that_it_was_given_and_only_its_own_links() {
    let lab = lab([spec(1)]);
    let host = lab.host("h1").unwrap();
    assert_eq!(host.read("/sys/class/net/eth0/address").unwrap().trim(), "52:54:00:00:77:01");
    let links = host.run(["ls", "/sys/class/net"]).unwrap();
    assert!(
        links.split_whitespace().all(|link| matches!(link, "eth0" | "lo") || link.ends_with('0')),
        "{links}"
    );
}

#[test]
fn a_reboot_from_inside_gives_a_new_boot_id_and_starts_services_again() {
    let lab = lab([spec(1).service(Service::new("sleeper", ["sleep", "100000"]))]);
    let host = lab.host("h1").unwrap();
    let (boot, machine) = (host.boot_id().unwrap(), host.read("/etc/machine-id").unwrap());
    assert!(host.service_pid("sleeper").unwrap().is_some());

    // The command itself may be caught by the host going down.
    host.exec(["reboot"]).unwrap();
    let status = host.wait_boots(2, LIMIT).unwrap();

    assert_eq!(status.last_end.as_deref(), Some("rebooted"));
    assert_ne!(host.boot_id().unwrap(), boot);
    assert_eq!(host.read("/proc/sys/kernel/random/boot_id").unwrap().trim(), host.boot_id().unwrap());
    assert_eq!(host.read("/etc/machine-id").unwrap(), machine);
    assert!(host.service_pid("sleeper").unwrap().is_some());
    assert!(reaches(&|cmd| lab.master().run(cmd).unwrap(), "h1"));
}

#[test]
fn a_graceful_reboot_gives_services_time_and_a_power_cut_does_not() {
    let script = "trap 'sleep 0.2; echo said goodbye >> /var/log/goodbye; exit' TERM; \
                  echo up >> /var/log/goodbye; while :; do sleep 0.05; done";
    let lab = lab([spec(1).service(Service::new("polite", ["sh", "-c", script]))]);
    let host = lab.host("h1").unwrap();
    let log = || host.read("/var/log/goodbye").unwrap_or_default();
    eventually("the service runs", || log() == "up\n");

    host.reboot_graceful().unwrap();
    host.wait_boots(2, LIMIT).unwrap();
    eventually("the service runs again", || log() == "up\nsaid goodbye\nup\n");

    host.cut_power().unwrap();
    assert_eq!(host.status().unwrap().phase, HostPhase::Off);
    assert!(host.exec(["true"]).is_err(), "a host without power runs nothing");
    host.boot().unwrap();
    eventually("the service runs a third time", || log() == "up\nsaid goodbye\nup\nup\n");
}

#[test]
fn a_service_that_ends_is_restarted_with_what_it_started_gone() {
    let script = "sleep 654321 & exec sleep 123456";
    let lab = lab([spec(1).service(Service::new("agent", ["sh", "-c", script]))]);
    let host = lab.host("h1").unwrap();
    let children = || {
        let count = "for d in /proc/[0-9]*; do tr '\\0' ' ' < $d/cmdline 2>/dev/null; echo; done | grep -c '^sleep 654321'";
        host.exec(Cmd::sh(count)).unwrap().stdout.trim().to_owned()
    };
    eventually("the service has its child", || children() == "1");
    let first = host.service_pid("agent").unwrap();

    host.kill_service("agent", Signal::SIGKILL).unwrap();

    eventually("it runs again", || host.service_pid("agent").unwrap().is_some_and(|pid| Some(pid) != first));
    eventually("the first one's child is gone", || children() == "1");
    let status = host.services().unwrap().remove(0);
    assert_eq!((status.starts, status.last_end.as_deref()), (2, Some("SIGKILL")));
}

#[test]
fn a_service_has_no_signals_blocked() {
    let lab = lab([spec(1).service(Service::new("sleeper", ["sleep", "100000"]).restart(Restart::Never))]);
    let host = lab.host("h1").unwrap();
    host.kill_service("sleeper", Signal::SIGTERM).unwrap();
    eventually("it ends", || host.services().unwrap()[0].last_end.as_deref() == Some("SIGTERM"));
}

#[test]
fn a_service_that_shall_not_restart_does_not_and_one_can_be_added() {
    let lab = lab([spec(1).service(Service::new("once", ["true"]).restart(Restart::Never))]);
    let host = lab.host("h1").unwrap();
    host.add_service(
        Service::new("late", ["sh", "-c", "echo started by $WHO; exec sleep 9999"]).env("WHO", "me"),
    )
    .unwrap();
    let log = host.log_dir().join("late.log");
    eventually("its log says so", || {
        std::fs::read_to_string(&log).is_ok_and(|text| text == "started by me\n")
    });
    eventually("once has ended", || host.services().unwrap()[0].last_end.is_some());

    host.reboot_graceful().unwrap();
    host.wait_boots(2, LIMIT).unwrap();

    assert!(host.service_pid("late").unwrap().is_some(), "it is started at each boot from then on");
    eventually("once has ended again", || host.services().unwrap()[0].last_end.is_some());
    assert_eq!(host.services().unwrap()[0].starts, 1);
}

#[test]
fn enabled_init_scripts_run_at_boot_and_their_daemons_get_sigterm_at_the_end() {
    let lab = lab([spec(1)]);
    let host = lab.host("h1").unwrap();
    assert_eq!(
        host.run(Cmd::sh("ls /etc/init.d /etc/rc2.d 2>/dev/null | grep -v : || true")).unwrap().trim(),
        ""
    );
    let daemon =
        "trap 'echo bye >> /var/log/d; exit' TERM; echo up >> /var/log/d; while :; do sleep 0.05; done";
    host.write("/usr/local/bin/daemon", &format!("#!/bin/sh\n{daemon}\n")).unwrap();
    host.write("/etc/init.d/daemon", "#!/bin/sh\n[ \"$1\" = start ] && setsid /usr/local/bin/daemon &\n")
        .unwrap();
    host.run(["chmod", "+x", "/usr/local/bin/daemon", "/etc/init.d/daemon"]).unwrap();
    host.run(Cmd::sh("mkdir -p /etc/rc2.d && ln -s ../init.d/daemon /etc/rc2.d/S10daemon")).unwrap();
    let log = || host.read("/var/log/d").unwrap_or_default();

    host.reboot_graceful().unwrap();
    host.wait_boots(2, LIMIT).unwrap();
    eventually("the daemon runs", || log() == "up\n");
    host.exec(["shutdown", "-r", "now"]).unwrap();
    host.wait_boots(3, LIMIT).unwrap();
    eventually("the daemon was told and runs again", || log() == "up\nbye\nup\n");
}

#[test]
fn a_held_host_stays_down_until_it_is_released() {
    let lab = lab([spec(1)]);
    let host = lab.host("h1").unwrap();
    host.hold_boot(true).unwrap();
    host.reboot_graceful().unwrap();
    assert_eq!(host.wait_down(LIMIT).unwrap().phase, HostPhase::Rebooting);
    assert!(host.wait_boots(2, Duration::from_millis(200)).is_err());
    host.hold_boot(false).unwrap();
    host.wait_boots(2, LIMIT).unwrap();
}

#[test]
fn a_host_that_powers_off_stays_off() {
    let lab = lab([spec(1)]);
    let host = lab.host("h1").unwrap();
    // The command itself may be caught by the power going off.
    host.exec(["poweroff"]).unwrap();
    let status = host.wait_down(LIMIT).unwrap();
    assert_eq!((status.phase, status.last_end.as_deref()), (HostPhase::Off, Some("powered off")));
    host.boot().unwrap();
    assert_eq!(host.status().unwrap().boots, 2);
}

#[test]
fn files_survive_a_reboot_but_run_and_tmp_do_not() {
    let lab = lab([spec(1), spec(2)]);
    let host = lab.host("h1").unwrap();
    let kept = ["/etc/a", "/var/lib/b/c", "/srv/d", "/usr/local/bin/e", "/root/f", "/opt/g"];
    let lost = ["/run/a", "/tmp/b", "/dev/shm/c"];
    for path in kept.into_iter().chain(lost) {
        host.write(path, path).unwrap();
    }
    host.run(["rm", "/etc/hostname"]).unwrap();

    host.reboot_graceful().unwrap();
    host.wait_boots(2, LIMIT).unwrap();

    for path in kept {
        assert_eq!(host.read(path).unwrap(), path);
        assert_eq!(std::fs::read_to_string(host.upper(path)).unwrap(), path);
        assert!(!Path::new(path).exists(), "the machine does not have {path}");
        assert!(!lab.host("h2").unwrap().exec(["test", "-e", path]).unwrap().status.success());
    }
    for path in lost.into_iter().chain(["/etc/hostname"]) {
        assert!(!host.exec(["test", "-e", path]).unwrap().status.success(), "{path} is gone");
    }
}

#[test]
fn a_partition_cuts_the_master_off_and_heals() {
    let lab = lab([spec(1), spec(2)]);
    let host = lab.host("h1").unwrap();
    assert!(reaches(&in_host(&host), "master"));

    lab.partition(&host).unwrap();
    assert!(!reaches(&in_host(&host), "master"));
    assert!(!reaches(&|cmd| lab.master().run(cmd).unwrap(), "h1"));
    assert!(reaches(&in_host(&host), "h2"), "other hosts are still there");
    assert_eq!(host.read("/sys/class/net/eth0/carrier").unwrap().trim(), "1", "the link is up");

    host.isolate().unwrap();
    assert!(!reaches(&in_host(&host), "h2"));

    lab.heal(&host).unwrap();
    eventually("all is reached again", || ["master", "h2"].iter().all(|to| reaches(&in_host(&host), to)));
}

#[test]
fn a_partition_outlives_a_reboot() {
    let lab = lab([spec(1)]);
    let host = lab.host("h1").unwrap();
    host.partition().unwrap();
    host.cut_power().unwrap();
    host.boot().unwrap();
    assert!(!reaches(&in_host(&host), "master"));
    host.heal().unwrap();
    eventually("the master is reached again", || reaches(&in_host(&host), "master"));
}

#[test]
fn a_slow_link_is_limited_both_ways_and_across_reboots() {
    let lab = lab([spec(1)]);
    let host = lab.host("h1").unwrap();
    let limits = || host.run(["tc", "qdisc", "show", "dev", "eth0"]).unwrap();
    host.slow_link(Some(512)).unwrap();
    assert!(limits().contains("tbf") && limits().contains("512Kbit"), "{}", limits());
    assert!(reaches(&in_host(&host), "master"));
    host.reboot_graceful().unwrap();
    host.wait_boots(2, LIMIT).unwrap();
    assert!(limits().contains("512Kbit"), "{}", limits());
    host.slow_link(None).unwrap();
    assert!(!limits().contains("tbf"), "{}", limits());
}

#[test]
fn a_bridge_made_inside_a_host_stays_inside_and_goes_with_the_reboot() {
    let lab = lab([spec(1), spec(2)]);
    let host = lab.host("h1").unwrap();
    let has = |host: &Host| host.exec(["ip", "link", "show", "br-made-here"]).unwrap().status.success();
    host.run(["ip", "link", "add", "br-made-here", "type", "bridge"]).unwrap();
    assert!(has(&host));
    assert!(!has(&lab.host("h2").unwrap()));
    assert!(!Path::new("/sys/class/net/br-made-here").exists());
    host.reboot_graceful().unwrap();
    host.wait_boots(2, LIMIT).unwrap();
    assert!(!has(&host));
}

#[test]
fn a_full_disk_says_so_until_it_is_freed_and_keeps_its_files_over_a_reboot() {
    let lab = lab([spec(1).state_dir("/var/lib/lab", 4 << 20), spec(2)]);
    let host = lab.host("h1").unwrap();
    host.write("/var/lib/lab/before", "here").unwrap();

    host.fill_disk().unwrap();
    let full = host.write("/var/lib/lab/after", "here").unwrap_err().to_string();
    assert!(full.contains("No space left on device"), "{full}");
    host.write("/var/lib/elsewhere", "here").unwrap();
    host.reboot_graceful().unwrap();
    host.wait_boots(2, LIMIT).unwrap();
    assert!(host.write("/var/lib/lab/after", "here").is_err(), "it is still full");

    host.free_disk().unwrap();
    host.write("/var/lib/lab/after", "here").unwrap();
    assert_eq!(host.read("/var/lib/lab/before").unwrap(), "here");
    let without = lab.host("h2").unwrap().fill_disk().unwrap_err().to_string();
    assert!(without.contains("no state_dir"), "{without}");
}

#[test]
fn a_host_cannot_change_the_machines_settings() {
    let lab = lab([spec(1)]);
    let host = lab.host("h1").unwrap();
    let write = |path: &str, value: &str| {
        host.exec(Cmd::sh(&format!("echo {value} > {path}"))).unwrap().status.success()
    };
    assert!(!write("/proc/sys/vm/swappiness", "61"));
    assert!(!write("/proc/sys/kernel/random/boot_id", "x"));
    assert!(write("/proc/sys/net/ipv4/ip_forward", "1"), "network settings are the host's own");
    assert_eq!(host.read("/proc/sys/net/ipv4/ip_forward").unwrap().trim(), "1");
    let ours = env!("CARGO_MANIFEST_DIR");
    assert!(
        !host.exec(["test", "-e", ours]).unwrap().status.success(),
        "other files of the machine are not there"
    );
}

#[test]
fn built_binaries_are_shown_read_only_and_in_the_path() {
    let dir = tempfile::tempdir().unwrap();
    let tool = dir.path().join("greet");
    std::fs::write(&tool, "#!/bin/sh\necho hello from $(hostname)\n").unwrap();
    std::fs::set_permissions(&tool, PermissionsExt::from_mode(0o755)).unwrap();
    let lab = Lab::builder().helper(HELPER).binaries(dir.path()).host(spec(1)).start().unwrap();
    let host = lab.host("h1").unwrap();
    assert_eq!(host.run(["greet"]).unwrap(), "hello from h1\n");
    assert!(host.write("/opt/lab/bin/greet", "changed").is_err());
}

#[test]
fn a_process_of_the_master_can_be_killed_and_leaves_its_log() {
    let lab = lab([]);
    let script = "echo listening as $ROLE; exec sleep 424242";
    let running = lab.master().spawn("server", Cmd::sh(script).env("ROLE", "master")).unwrap();
    eventually("its log", || {
        std::fs::read_to_string(running.log()).is_ok_and(|t| t == "listening as master\n")
    });
    let pid = running.pid();
    let cmdline = || std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    eventually("the process is the command itself", || cmdline() == "sleep\x00424242\x00");
    assert_eq!(running.end(Signal::SIGKILL).unwrap().code(), Some(137));
    assert_eq!(cmdline(), "");
}

#[test]
fn a_dropped_lab_leaves_nothing_even_with_processes_running() {
    let lab = lab([spec(1).service(Service::new("sleeper", ["sleep", "100000"])), spec(2)]);
    let running = lab
        .host("h2")
        .unwrap()
        .spawn("stubborn", Cmd::sh("trap '' TERM; sleep 100000; sleep 100000"))
        .unwrap();
    let traces = lab.traces().unwrap();
    assert!(traces.namespaces.len() >= 12, "{traces:?}");
    assert!(traces.leftovers().len() > 10, "the check sees a lab that is there");
    assert!(labs_here().iter().any(|line| line.ends_with(&format!("={}", lab.id()))));
    drop(lab);
    drop(running);
    assert_gone(&traces);
}

#[test]
fn an_owner_that_is_killed_leaves_nothing() {
    let mut owner = Command::new(HELPER)
        .args(["up", "--hosts", "2"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(owner.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let traces: Traces = serde_json::from_str(&line).unwrap();
    assert!(!traces.leftovers().is_empty());
    owner.kill().unwrap();
    owner.wait().unwrap();
    eventually("the lab is gone", || traces.leftovers().is_empty());
}

#[test]
fn a_machine_that_lacks_something_is_told_what_to_do() {
    let lab = lab([spec(1)]);
    // Parts of a host's /proc are covered, as in a container: a user namespace below cannot mount its own.
    let check = ["unshare", "--user", "--map-root-user", "--mount", "/opt/lab/nshost", "check"];
    let output = lab.host("h1").unwrap().exec(check).unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(output.stdout.contains("proc (") && output.stdout.contains("unmasked"), "{output:?}");
}

#[test]
fn a_lab_whose_first_process_is_killed_is_gone_though_its_owner_lives() {
    let lab = lab([spec(1).service(Service::new("sleeper", ["sleep", "100000"]))]);
    let traces = lab.traces().unwrap();
    let pid = std::fs::read_to_string(lab.dir().join("switch.pid")).unwrap().parse().unwrap();
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), Signal::SIGKILL).unwrap();
    eventually("the lab is gone", || traces.leftovers().is_empty());
    assert!(lab.host("h1").unwrap().status().is_err());
}

#[test]
fn a_boot_script_that_hangs_holds_up_neither_the_lab_nor_a_power_cut() {
    let lab = lab([spec(1), spec(2)]);
    let (stuck, other) = (lab.host("h1").unwrap(), lab.host("h2").unwrap());
    stuck.write("/etc/rc.local", "#!/bin/sh\nsleep 1000000\n").unwrap();
    stuck.run(["chmod", "+x", "/etc/rc.local"]).unwrap();
    stuck.reboot_graceful().unwrap();
    stuck.wait_boots(2, LIMIT).unwrap();
    other.reboot_graceful().unwrap();
    other.wait_boots(2, LIMIT).unwrap();
    stuck.run(["rm", "/etc/rc.local"]).unwrap();
    stuck.cut_power().unwrap();
    stuck.boot().unwrap();
    assert_eq!(stuck.services().unwrap(), []);
}

#[test]
fn a_kept_lab_outlives_its_handle_and_ends_when_told() {
    let lab = lab([spec(1)]);
    let (traces, dir) = (lab.traces().unwrap(), PathBuf::from(lab.dir()));
    let kept = lab.keep().unwrap();
    let enter = |line: &str| {
        let mut command = Command::new(HELPER);
        command.arg("enter").arg("--lab").arg(&dir).args(["--place", "h1", "--", "sh", "-c", line]);
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    assert_eq!(enter("hostname"), "h1\n");
    enter("reboot");
    eventually("it still reboots", || enter("cat /proc/uptime && echo up").ends_with("up\n"));
    assert!(kept.to_string().contains(&format!("kill {}", kept.keeper)));
    let keeper = nix::unistd::Pid::from_raw(kept.keeper.cast_signed());
    nix::sys::signal::kill(keeper, Signal::SIGTERM).unwrap();
    eventually("the lab is gone", || traces.leftovers().is_empty());
}

#[test]
fn a_description_that_cannot_work_is_refused_with_its_reason() {
    let refused = |hosts: Vec<HostSpec>| {
        let builder =
            hosts.into_iter().fold(Lab::builder().helper(HELPER), |builder, host| builder.host(host));
        builder.start().unwrap_err().to_string()
    };
    let address = [10, 77, 0, 9];
    assert!(refused(vec![HostSpec::new("a/b", "52:54:00:00:00:01", address)]).contains("host name"));
    assert!(refused(vec![HostSpec::new("master", "52:54:00:00:00:01", address)]).contains("master"));
    assert!(refused(vec![HostSpec::new("a", "53:54:00:00:00:01", address)]).contains("group address"));
    assert!(refused(vec![HostSpec::new("a", "52:54:00:00:00:01", [10, 78, 0, 9])]).contains("10.77.0.2"));
    assert!(refused(vec![spec(1), spec(1)]).contains("another host"));
}

#[test]
fn the_logs_of_all_places_can_be_read_together() {
    let lab = lab([spec(1).service(Service::new("talker", ["sh", "-c", "seq 100; sleep 1000"]))]);
    let master = lab.master().spawn("server", Cmd::sh("echo listening; sleep 1000")).unwrap();
    eventually("both have talked", || {
        let logs = lab.logs(2);
        logs.contains("h1/talker.log\n99\n100\n") && logs.contains("master/server.log\nlistening\n")
    });
    drop(master);
}

#[test]
fn a_failing_boot_names_the_host_and_leaves_nothing() {
    let before = directories();
    let error = Lab::builder()
        .helper(HELPER)
        .host(spec(1))
        .host(spec(2).bind("/no/such/file", "/opt/extra"))
        .start()
        .unwrap_err()
        .to_string();
    assert!(error.contains("boot h2"), "{error}");
    let new: Vec<_> = directories().into_iter().filter(|dir| !before.contains(dir)).collect();
    for dir in new {
        eventually("directories of other tests go, too", || !dir.exists());
    }
}

fn directories() -> Vec<PathBuf> {
    let all =
        std::fs::read_dir(std::env::temp_dir()).into_iter().flatten().flatten().map(|entry| entry.path());
    all.filter(|path| path.to_string_lossy().contains("lab-nshost-")).collect()
}
