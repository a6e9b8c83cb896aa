//! What the functions of the agent say about themselves. They work in an agent only, which puts its own in the place of these;
//! documentation, checks and runs without an agent find them here.

use lab_proto::Value;

use super::{Call, Exec};
use crate::function::{ArgDoc, CallError, FunctionDoc, Kind};

const SEND: &[ArgDoc] = &[
    ArgDoc::required("name", Kind::Text, "The function to call, or the alias to store under."),
    ArgDoc::optional("mine_function", Kind::Text, "The function to call when the name is an alias."),
    ArgDoc::optional("allow_tgt", Kind::Text, "Which minions may read it, by id; all when absent."),
    ArgDoc::with_default(
        "allow_tgt_type",
        Kind::Text,
        "glob",
        "How allow_tgt is read: glob, list, pcre, compound or nodegroup. What looks at grains is refused, because minions report those of themselves.",
    ),
    ArgDoc::optional("ttl", Kind::Int, "For how many seconds it is kept."),
];

const DELETE: &[ArgDoc] =
    &[ArgDoc::optional("fun", Kind::Text, "Which function's or alias's value; all when absent.")];

const ROLLBACK: &[ArgDoc] = &[
    ArgDoc::with_default(
        "confirm",
        Kind::Text,
        "default",
        "What confirms the way back: `master`, `none`, or a command.",
    ),
    ArgDoc::optional("within", Kind::Int, "Within how many seconds."),
    ArgDoc::with_default("force", Kind::Bool, "false", "Also when the master cannot be reached before."),
];

const KILL: &[ArgDoc] = &[ArgDoc::required("jid", Kind::Text, "The job.")];

/// An entry that nobody but the agent can answer for.
const fn agents(name: &'static str, doc: FunctionDoc) -> Exec {
    Exec { name, doc, body: without_an_agent }
}

pub(super) static ALL: &[Exec] = &[
    agents(
        "mine.send",
        FunctionDoc::new(
            "Calls a function and stores what it returns with the master, for other minions to read. Further arguments go to the function.",
            SEND,
            "lab-master run web1 mine.send network.interfaces",
        )
        .open(),
    ),
    agents(
        "mine.delete",
        FunctionDoc::new(
            "Removes this minion's values from the mine.",
            DELETE,
            "lab-master run web1 mine.delete network.interfaces",
        ),
    ),
    agents(
        "net.pending",
        FunctionDoc::new(
            "Returns the network change that waits for its confirmation on this host, or null.",
            &[],
            "lab-master run web1 net.pending",
        ),
    ),
    agents(
        "net.history",
        FunctionDoc::new(
            "Lists the committed network changes that are in effect on this host, the oldest first.",
            &[],
            "lab-master run web1 net.history",
        ),
    ),
    agents(
        "net.rollback",
        FunctionDoc::new(
            "Takes the last committed network change back: the kernel and the files are as they were before it. Confirmed like any other change.",
            ROLLBACK,
            "lab-master run web1 net.rollback",
        ),
    ),
    agents(
        "saltutil.running",
        FunctionDoc::new(
            "Lists the jobs that run or wait on this minion, but not the one that asks.",
            &[],
            "lab-master run '*' saltutil.running",
        ),
    ),
    agents(
        "saltutil.kill_job",
        FunctionDoc::new(
            "Ends a job on this minion: its process group is killed and it returns as killed.",
            KILL,
            "lab-master run web1 saltutil.kill_job 20261121051940000042_00000000000000ff",
        ),
    ),
    agents(
        "saltutil.sync_all",
        FunctionDoc::new(
            "Installs the state tree's _modules and _states, removes those that it no longer has, and reads grains and pillar again. Returns what it installed.",
            &[],
            "lab-master run '*' saltutil.sync_all",
        )
        .open(),
    ),
    agents(
        "saltutil.sync_modules",
        FunctionDoc::new("Installs the state tree's _modules.", &[], "lab-master run '*' saltutil.sync_modules")
            .open(),
    ),
    agents(
        "saltutil.sync_states",
        FunctionDoc::new("Installs the state tree's _states.", &[], "lab-master run '*' saltutil.sync_states")
            .open(),
    ),
    agents(
        "saltutil.refresh_modules",
        FunctionDoc::new(
            "Looks for installed extensions again.",
            &[],
            "lab-master run '*' saltutil.refresh_modules",
        )
        .open(),
    ),
    agents(
        "saltutil.refresh_grains",
        FunctionDoc::new(
            "Reads the grains again and tells the master.",
            &[],
            "lab-master run '*' saltutil.refresh_grains",
        )
        .open(),
    ),
    agents(
        "saltutil.refresh_pillar",
        FunctionDoc::new(
            "Asks the master for the pillar again. Every job brings a fresh one, so this only shows that it renders.",
            &[],
            "lab-master run '*' saltutil.refresh_pillar",
        )
        .open(),
    ),
];

/// Returns what a function of the agent says about itself; none where the name is not one of the agent's.
pub fn doc(name: &str) -> Option<&'static FunctionDoc> {
    ALL.iter().find(|e| e.name == name).map(|e| &e.doc)
}

fn without_an_agent(_: &Call<'_>) -> Result<Value, CallError> {
    Err(CallError::failed(
        "this function is the agent's: ask a minion that has a master, with `lab-master run MINION FUNCTION`",
    ))
}

#[cfg(test)]
mod tests {
    use lab_proto::Map;

    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;

    #[test]
    fn without_an_agent_its_functions_are_documented_and_say_where_they_work() {
        let bench = Bench::new(SimHost::new());
        for entry in super::ALL {
            let found = bench.registry.exec(entry.name).expect("it is known");
            assert_eq!(super::doc(entry.name).map(|d| d.args.len()), Some(found.doc().args.len()));
            let error = bench.exec(entry.name, &[], &Map::new()).expect_err("there is no agent").to_string();
            assert!(error.contains("lab-master run"), "{error}");
        }
        assert!(super::doc("test.ping").is_none());
    }
}
