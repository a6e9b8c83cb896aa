//! The ground that the other end-to-end tests stand on: a master and two enrolled hosts come up, answer, and go.

mod e2e;

use e2e::{kubic, lab_ends_without_a_trace, sorted};
use lab_tests::kubic::{CPLANE, WORKER};

#[test]
fn two_enrolled_hosts_answer_a_ping_and_nothing_is_left_behind() {
    let lab = kubic().start().unwrap();
    let said = lab.run(&["run", "*", "test.ping"]).unwrap();
    assert_eq!(sorted(&said), [format!("{}: true", CPLANE.id), format!("{}: true", WORKER.id)]);
    lab_ends_without_a_trace(lab);
}
