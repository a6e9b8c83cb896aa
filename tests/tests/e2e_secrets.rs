//! A secret of the pillar reaches its minion's machine and nothing else: not the event log, no journal, no output.

#![expect(clippy::unwrap_used, reason = "the helpers of these tests are tests")]

mod e2e;

use std::fs;
use std::path::Path;

use e2e::{kubic, lab_ends_without_a_trace};
use lab_tests::kubic::{CPLANE, KubicLab, WORKER};

/// Letters that occur nowhere by accident, with a quote that JSON escapes.
const SECRET: &str = "Zq7\"xVault-4f1d90c2";

/// The secret as it stands, as JSON has it, and in base64 at each alignment.
fn forms() -> Vec<String> {
    let json = serde_json::to_string(SECRET).unwrap();
    let mut forms = vec![SECRET.to_owned(), json.trim_matches('"').to_owned()];
    for skip in 0..3 {
        let padded = [vec![b'x'; skip], SECRET.as_bytes().to_vec()].concat();
        let code = base64(&padded);
        // The groups that hold nothing but the secret.
        forms.push(code[if skip == 0 { 0 } else { 4 }..padded.len() / 3 * 4].to_owned());
    }
    forms
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let group = |chunk: &[u8]| {
        let n = chunk.iter().fold(0u32, |n, b| n << 8 | u32::from(*b)) << (8 * (3 - chunk.len()));
        (0..4).map(|i| char::from(LETTERS[(n >> (18 - 6 * i) & 63) as usize])).collect::<String>()
    };
    bytes.chunks(3).map(group).collect()
}

const STATES: [(&str, &str); 7] = [
    (
        "vault.sls",
        "/etc/vault.conf:
  file.managed:
    - contents: |
        password={{ pillar['vault']['password'] }}
    - mode: '0600'
echo:
  cmd.run:
    - name: printf '%s\\n' \"$PW\"; printf '%s' \"$PW\" | base64 -w0; echo out-$PW-end >&2
    - env:
      - PW: {{ pillar['vault']['password'] | json }}
",
    ),
    (
        "template.sls",
        "/etc/vault2.conf:\n  file.managed:\n    - source: salt://vault.j2\n    - template: jinja\n",
    ),
    (
        "vault.j2",
        "password={{ pillar['vault']['password'] }}\ncode={{ pillar['vault']['password'] | base64_encode }}\n",
    ),
    (
        "raises.sls",
        "x:\n  test.nop:\n    - a: {{ raise('the password is ' ~ pillar['vault']['password']) }}\n",
    ),
    ("yaml.sls", "x:\n  test.nop:\n    - a: 'b' {{ pillar['vault']['password'] }}: c: d\n"),
    ("name.sls", "{{ pillar['vault']['password'] | json }}:\n  file.nope: []\n"),
    (
        "orch/leaks.sls",
        "step:\n  salt.function:\n    - name: test.echo\n    - tgt: '*'\n    - arg:\n      - {{ pillar['vault']['password'] | json }}\n",
    ),
];

fn write(lab: &KubicLab, path: &str, text: &str) {
    let path = lab.dir().join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// Looks for the forms in all files below a directory; `own` are names of files that are meant to have them.
fn search(dir: &Path, forms: &[String], own: &[&str], found: &mut Vec<String>) -> usize {
    let mut seen = 0;
    let Ok(entries) = fs::read_dir(dir) else { return 0 };
    for entry in entries.flatten() {
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        if own.contains(&name.as_str()) {
            continue;
        }
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            seen += search(&path, forms, own, found);
        } else if kind.is_file()
            && let Ok(bytes) = fs::read(&path)
        {
            seen += 1;
            let has = |form: &&String| bytes.windows(form.len()).any(|w| w == form.as_bytes());
            found.extend(forms.iter().filter(has).map(|form| format!("{}: {form}", path.display())));
        }
    }
    seen
}

#[test]
fn a_secret_is_on_its_minions_machine_and_nowhere_else() {
    let lab = kubic().start().unwrap();
    let quoted = serde_json::to_string(SECRET).unwrap();
    let vault = format!("vault:\n  user: root\n  password: !secret {quoted}\n");
    write(&lab, "pillar/vault.sls", &vault);
    write(
        &lab,
        "pillar/top.sls",
        &format!("base:\n  '*':\n    - kubic\n  '{}':\n    - vault\n  master:\n    - vault\n", WORKER.id),
    );
    for (path, text) in STATES {
        write(&lab, &format!("states/{path}"), text);
    }
    let mut said = String::new();
    let mut codes = Vec::new();
    let mut run = |args: &[&str]| {
        let output = lab.cli(args).unwrap();
        codes.push((args.join(" "), output.status.code()));
        said.push_str(&format!("$ {}\n{}{}\n", args.join(" "), output.stdout, output.stderr));
        output
    };
    let worker = WORKER.id;
    for args in [
        &["apply", worker, "vault", "--test"][..],
        &["apply", worker, "vault"],
        &["--json", "apply", worker, "vault"],
        &["apply", worker, "template"],
        &["apply", worker, "raises"],
        &["apply", worker, "yaml"],
        &["apply", worker, "name"],
        &["show", worker, "vault"],
        &["--json", "show", worker, "vault", "--lowstate"],
        &["run", worker, "pillar.items"],
        &["run", worker, "pillar.get", "vault:password"],
        &["run", worker, "cmd.run", "cat /etc/vault.conf; base64 /etc/vault.conf"],
        &["run", worker, "state.single", "cmd.run", "cat /etc/vault.conf"],
        &["pillar", worker],
        &["pillar", worker, "vault:password"],
        &["--json", "pillar", worker, "--explain", "vault:password"],
        &["orchestrate", "leaks"],
        &["job", "list"],
    ] {
        run(args);
    }
    // Laid over, or in a pillar that does not render, the value on the machine is a secret still.
    let cat = ["run", worker, "cmd.run", "cat /etc/vault.conf"];
    let laid_over = run(&[&cat[..], &["pillar={vault: {password: other}}"]].concat());
    assert!(laid_over.stdout.contains("password=**redacted**"), "{laid_over:?}");
    write(&lab, "pillar/vault.sls", "vault: {{ nothing(\n");
    let broken = run(&cat);
    assert!(broken.stdout.contains("password=**redacted**"), "{broken:?}");
    write(&lab, "pillar/vault.sls", &vault);
    let shown = lab.cli(&["pillar", worker, "vault:password", "--reveal"]).unwrap();
    assert!(shown.stdout.contains("Zq7"), "{shown:?}");
    let others = lab.cli(&["pillar", CPLANE.id, "--reveal"]).unwrap();
    assert!(!others.stdout.contains("vault"), "another's pillar has it: {others:?}");

    // It did reach the machine.
    let host = lab.host(&WORKER);
    assert_eq!(host.read("/etc/vault.conf").unwrap(), format!("password={SECRET}\n"));
    assert!(host.read("/etc/vault2.conf").unwrap().contains(&base64(SECRET.as_bytes())[..8]));
    let code = |command: &str| codes.iter().find(|(c, _)| c == command).and_then(|(_, code)| *code);
    assert_eq!(code(&format!("apply {worker} vault")), Some(0), "{said}");
    assert_eq!(code(&format!("apply {worker} raises")), Some(13), "{said}");
    assert_eq!(code("orchestrate leaks"), Some(13), "{said}");
    assert!(said.contains("**redacted**") && said.contains("**withheld"), "{said}");

    // Nothing said it, neither the commands nor the log.
    let events = lab.run(&["--json", "events", "--since", "0"]).unwrap();
    assert!(events.lines().count() > 30, "{}", events.lines().count());
    let forms = forms();
    for (what, text) in [("the commands", &said), ("the event log", &events)] {
        let leaked: Vec<&String> = forms.iter().filter(|form| text.contains(*form)).collect();
        assert!(leaked.is_empty(), "{what} say {leaked:?}:\n{text}");
    }

    // No file of the master or of a minion has it, but those that are made of it.
    let mut found = Vec::new();
    let own = ["vault.sls", "vault.conf", "vault2.conf", "proc", "sys", "dev"];
    let master = search(lab.dir(), &forms, &own, &mut found);
    let logs = search(&host.log_dir(), &forms, &own, &mut found);
    let state = search(&host.upper("/var"), &forms, &own, &mut found);
    assert_eq!(found, Vec::<String>::new());
    assert!(master + logs + state > 10, "{master} files of the master, {logs} logs, {state} of the minion");
    let on_host = host
        .exec(["sh", "-c", "grep -rlF -- 'xVault-4f1d90c2' /var/lib /var/log /run 2>/dev/null || true"])
        .unwrap();
    assert_eq!(on_host.stdout.trim(), "", "the minion's journals have it");
    lab_ends_without_a_trace(lab);
}

#[test]
fn gpg_secrets_are_opened_by_the_master_alone() {
    let lab = tempfile::tempdir().unwrap();
    let home = lab.path().join("gnupg");
    fs::create_dir(&home).unwrap();
    fs::set_permissions(&home, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    let gpg = |args: &[&str], input: &str| {
        let mut child = std::process::Command::new("gpg")
            .arg("--homedir")
            .arg(&home)
            .args(["--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", ""])
            .args(args)
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .expect("gpg is there (Debian: gnupg)");
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    gpg(&["--quick-generate-key", "lab <lab@example>", "default", "default", "never"], "");
    let message = gpg(&["--armor", "--encrypt", "--trust-model", "always", "-r", "lab@example"], SECRET);
    let master = lab_tests::alone::Alone::start(&format!("[secrets]\ngpg_home = {:?}\n", home), &[]).unwrap();
    let indented: String = message.lines().map(|l| format!("    {l}\n")).collect();
    fs::write(master.path("pillar/top.sls"), "base:\n  master:\n    - vault\n").unwrap();
    fs::write(master.path("pillar/vault.sls"), format!("vault:\n  password: !encrypted |\n{indented}"))
        .unwrap();
    fs::create_dir(master.path("states/orch")).unwrap();
    let orch = |body: &str| fs::write(master.path("states/orch/x.sls"), body).unwrap();
    orch("x:\n  test.nop:\n    - user: {{ pillar['vault']['password'] | length }}\n");
    let shown = master.run(&["--json", "orchestrate", "x", "--show"]).unwrap();
    assert!(shown.contains(&SECRET.len().to_string()), "the master read it: {shown}");
    orch("x:\n  test.nop:\n    - user: {{ pillar['vault']['password'] | json }}\n");
    let refused = master.cli(&["orchestrate", "x", "--show"]).unwrap();
    assert_eq!(refused.status.code(), Some(13), "{refused:?}");
    assert!(refused.stderr.contains("holds a secret") && !refused.stderr.contains("xVault"), "{refused:?}");
    let mut found = Vec::new();
    assert!(search(&master.path("data"), &forms(), &[], &mut found) > 3);
    assert_eq!(found, Vec::<String>::new());
    assert!(!master.log().contains("xVault"));
    let _ =
        std::process::Command::new("gpgconf").arg("--homedir").arg(&home).args(["--kill", "all"]).status();
}
