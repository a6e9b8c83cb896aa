use std::path::Path;

use crate::function::VerdictKind;
use crate::functions::support::map;
use crate::functions::testing::Bench;
use crate::host::sim::{SimHost, SimReply};
use crate::host::{FileKind, Files, Node};

#[test]
fn a_new_file_gets_content_mode_and_the_directories_above_it() {
    let bench = Bench::new(SimHost::new());
    let verdict = bench.run(
        "/srv/app/conf:\n  file.managed:\n    - contents: [a, b]\n    - mode: 0640\n    - makedirs: true\n",
    );
    assert_eq!(verdict.kind, VerdictKind::Ok, "{}", verdict.comment);
    let tree = bench.host.tree();
    assert_eq!(tree[Path::new("/srv/app/conf")], "file 0640 0:0 \"a\\nb\\n\"");
    assert_eq!(tree[Path::new("/srv/app")], "dir 0750 0:0");
}

#[test]
fn without_the_directory_it_fails_and_says_what_to_add() {
    let bench = Bench::new(SimHost::new());
    let verdict = bench.run("/srv/x:\n  file.managed:\n    - contents: a\n");
    assert_eq!(verdict.kind, VerdictKind::Failed);
    assert!(verdict.comment.contains("makedirs: True"), "{}", verdict.comment);
    assert_eq!(bench.host.writes(), 0);
}

#[test]
fn a_refused_draft_leaves_the_old_file() {
    let reply = SimReply { code: 1, stderr: "bad line 1".to_owned(), ..SimReply::default() };
    let host = SimHost::new().with_file("/etc/sudoers", "old\n");
    let host = host.with_script(move |c| c.line().starts_with("visudo").then(|| reply.clone()));
    let bench = Bench::new(host);
    let verdict =
        bench.run("/etc/sudoers:\n  file.managed:\n    - contents: new\n    - check_cmd: visudo -cf\n");
    assert_eq!(verdict.kind, VerdictKind::Failed);
    assert!(verdict.comment.contains("bad line 1"), "{}", verdict.comment);
    assert_eq!(bench.host.text("/etc/sudoers").as_deref(), Some("old\n"));
    assert!(bench.host.list(Path::new("/tmp")).unwrap().is_empty());
}

#[test]
fn sources_are_tried_in_order_and_verified() {
    let bench = Bench::new(SimHost::new()).with_state_file("b.txt", "from b");
    let verdict = bench.run("/etc/f:\n  file.managed:\n    - source: [salt://a.txt, salt://b.txt]\n");
    assert_eq!(verdict.kind, VerdictKind::Ok, "{}", verdict.comment);
    assert_eq!(bench.host.text("/etc/f").as_deref(), Some("from b"));
    let wrong =
        format!("/etc/f:\n  file.managed:\n    - source: /etc/f\n    - source_hash: '{}'\n", "0".repeat(64));
    assert_eq!(bench.run(&wrong).kind, VerdictKind::Failed);
}

#[test]
fn what_is_no_regular_file_is_neither_read_nor_replaced() {
    for node in [Node::Fifo, Node::Char(10, 130), Node::Block(8, 0)] {
        let host = SimHost::new().with_file("/srv/content", "a\n");
        host.mknod(Path::new("/srv/f"), node, 0o644).unwrap();
        let bench = Bench::new(host);
        let before = bench.host.tree();
        for args in ["contents: a", "source: /srv/content", "contents: a\n    - template: jinja"] {
            let sls = format!("/srv/f:\n  file.managed:\n    - {args}\n");
            for verdict in [bench.run(&sls), bench.dry(&sls)] {
                assert_eq!(verdict.kind, VerdictKind::Failed, "{node:?} {args}");
                assert!(verdict.comment.contains("is not a regular file"), "{}", verdict.comment);
                assert!(verdict.comment.contains("replace: False"), "{}", verdict.comment);
            }
        }
        assert_eq!(bench.host.tree(), before);
        let sls = "/srv/f:\n  file.managed:\n    - contents: a\n    - replace: false\n    - mode: '0600'\n";
        let verdict = bench.run(sls);
        assert_eq!(verdict.changes, map([("mode", "0600".into())]), "{}", verdict.comment);
    }
}

#[test]
fn a_link_that_is_not_followed_is_replaced_whatever_it_leads_to() {
    let host = SimHost::new();
    host.mkdir(Path::new("/srv"), None).unwrap();
    host.symlink(Path::new("/dev/null"), Path::new("/srv/f")).unwrap();
    let bench = Bench::new(host.with_file("/dev/null", "other"));
    let verdict = bench.run("/srv/f:\n  file.managed:\n    - contents: a\n    - follow_symlinks: false\n");
    assert_eq!(verdict.kind, VerdictKind::Ok, "{}", verdict.comment);
    assert_eq!(verdict.changes["diff"], "New file".into());
    assert_eq!(bench.host.text("/dev/null").as_deref(), Some("other"));
    assert_eq!(bench.host.lstat(Path::new("/srv/f")).unwrap().unwrap().kind, FileKind::File);
}

#[test]
fn only_the_mode_is_set_where_only_the_mode_differs() {
    let bench = Bench::new(SimHost::new().with_file("/etc/f", "same\n"));
    let verdict = bench.run("/etc/f:\n  file.managed:\n    - contents: same\n    - mode: '0600'\n");
    assert_eq!(verdict.changes, map([("mode", "0600".into())]));
    assert_eq!(bench.host.writes(), 1);
}
