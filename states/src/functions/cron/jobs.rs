//! `cron.present` and `cron.absent`: one job of a user.

use lab_proto::{Map, Value};
use serde::Deserialize;

use super::super::support::{map, text_of};
use super::tab::{Item, Job, Tab, When};
use super::user::{read, write};
use crate::function::{
    Applied, ArgDoc, Check, Class, FunctionDoc, JobCtx, Kind, StateCall, StateError, StateFunction,
};

/// Has the job.
pub(in crate::functions) struct Present;

/// Has not the job.
pub(in crate::functions) struct Absent;

pub(super) const USER: ArgDoc = ArgDoc::with_default("user", Kind::Text, "root", "Whose table.");
const ID: ArgDoc = ArgDoc::optional(
    "identifier",
    Kind::Text,
    "What the job is known by, so that its command may change; the name, when not given.",
);
const SPECIAL: ArgDoc =
    ArgDoc::optional("special", Kind::Text, "A word in place of the five fields: '@reboot', '@daily'.");

const PRESENT_ARGS: &[ArgDoc] = &[
    USER,
    ArgDoc::with_default("minute", Kind::Text, "'*'", "The minute; random chooses one that stays."),
    ArgDoc::with_default("hour", Kind::Text, "'*'", "The hour."),
    ArgDoc::with_default("daymonth", Kind::Text, "'*'", "The day of the month."),
    ArgDoc::with_default("month", Kind::Text, "'*'", "The month."),
    ArgDoc::with_default("dayweek", Kind::Text, "'*'", "The day of the week."),
    ArgDoc::optional("comment", Kind::Text, "A comment on the line before it."),
    ArgDoc::with_default(
        "commented",
        Kind::Bool,
        "false",
        "Whether it stands there as a comment and does not run.",
    ),
    ID,
    SPECIAL,
];

static PRESENT: FunctionDoc = FunctionDoc::new(
    "Keeps a job, whose command the name says, in a user's table. Tables that Salt wrote are taken over.",
    PRESENT_ARGS,
    "/usr/local/bin/backup:\n  cron.present:\n    - identifier: backup\n    - minute: 5\n    - hour: 4\n",
);

const ABSENT_ARGS: &[ArgDoc] = &[USER, ID, SPECIAL];

static ABSENT: FunctionDoc = FunctionDoc::new(
    "Removes a job from a user's table.",
    ABSENT_ARGS,
    "/usr/local/bin/backup:\n  cron.absent:\n    - identifier: backup\n",
)
.open();

#[derive(Debug, Deserialize)]
struct Args {
    #[serde(default = "root")]
    user: String,
    minute: Option<String>,
    hour: Option<String>,
    daymonth: Option<String>,
    month: Option<String>,
    dayweek: Option<String>,
    comment: Option<String>,
    #[serde(default)]
    commented: bool,
    identifier: Option<Value>,
    special: Option<String>,
}

pub(super) fn root() -> String {
    "root".to_owned()
}

impl Args {
    /// Returns what the job is known by; `identifier: ''` says nothing at all.
    fn id(&self, call: &StateCall) -> Option<String> {
        match &self.identifier {
            None | Some(Value::Bool(false)) => Some(call.name.trim().to_owned()),
            Some(Value::Null) => None,
            Some(given) => Some(text_of(given)).filter(|id| !id.is_empty()),
        }
    }

    fn job(&self, call: &StateCall, old: Option<&Job>, minion: &str) -> Result<Job, StateError> {
        let cmd = call.name.trim().to_owned();
        if cmd.is_empty() || cmd.contains('\n') {
            return Err(StateError::failed("the command of a job must be one line"));
        }
        let when = match &self.special {
            Some(word) if word.starts_with('@') && !word.contains(char::is_whitespace) => {
                When::Special(word.clone())
            }
            Some(word) => {
                return Err(StateError::failed(format!(
                    "argument special: {word:?} is no word like '@daily'"
                )));
            }
            None => When::At(self.fields(old, &format!("{minion} {cmd}"))?),
        };
        // What the SLS says nothing about stays.
        let comment = self.comment.clone().or_else(|| old.and_then(|o| o.comment.clone()));
        let identifier = self.id(call).or_else(|| old.and_then(|o| o.identifier.clone()));
        Ok(Job {
            when,
            cmd,
            comment: comment.filter(|c| !c.is_empty()),
            identifier,
            commented: self.commented,
        })
    }

    fn fields(&self, old: Option<&Job>, seed: &str) -> Result<[String; 5], StateError> {
        let given = [&self.minute, &self.hour, &self.daymonth, &self.month, &self.dayweek];
        let names = ["minute", "hour", "daymonth", "month", "dayweek"];
        let ranges = [(0, 60), (0, 24), (1, 28), (1, 12), (0, 7)];
        let mut fields: [String; 5] = Default::default();
        for i in 0..5 {
            let field = given[i].as_deref().unwrap_or("*").trim().to_lowercase();
            if field.is_empty() || field.contains(char::is_whitespace) {
                return Err(StateError::failed(format!(
                    "argument {}: {field:?} is no field of a table",
                    names[i]
                )));
            }
            fields[i] = match (field.as_str(), old.map(|o| &o.when)) {
                ("random", Some(When::At(have))) if have[i] != "*" => have[i].clone(),
                ("random", _) => {
                    let (first, count) = ranges[i];
                    (first + chosen(&format!("{seed} {}", names[i])) % count).to_string()
                }
                _ => field,
            };
        }
        Ok(fields)
    }
}

/// Chooses a number by a text (FNV-1a): the same for each run on this machine, another on the next machine.
fn chosen(seed: &str) -> u64 {
    let mixed = seed
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325, |h: u64, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3));
    mixed ^ (mixed >> 32)
}

/// Finds a job: by what it is known by, or by its command where the table gives it no identifier.
fn find(tab: &Tab, cmd: &str, id: Option<&str>, special: bool) -> Option<usize> {
    tab.items().position(|item| match item {
        Item::Job(job) if matches!(job.when, When::Special(_)) == special => match (&job.identifier, id) {
            (Some(have), Some(wanted)) => have == wanted,
            (Some(_), None) => false,
            (None, _) => job.cmd == cmd,
        },
        _ => false,
    })
}

/// Returns the table as it should be; `None` when it is so.
fn with_job(call: &StateCall, args: &Args, ctx: &JobCtx<'_>) -> Result<Option<Tab>, StateError> {
    let mut tab = Tab::parse(&read(&args.user, ctx)?);
    let at = find(&tab, call.name.trim(), args.id(call).as_deref(), args.special.is_some());
    let old = at.and_then(|at| tab.items().nth(at)).cloned();
    let old = match &old {
        Some(Item::Job(job)) => Some(job),
        _ => None,
    };
    let new = args.job(call, old, ctx.services.id())?;
    if old == Some(&new) {
        return Ok(None);
    }
    tab.put(at, Item::Job(new));
    Ok(Some(tab))
}

fn without_job(call: &StateCall, args: &Args, ctx: &JobCtx<'_>) -> Result<Option<Tab>, StateError> {
    let mut tab = Tab::parse(&read(&args.user, ctx)?);
    let at = find(&tab, call.name.trim(), args.id(call).as_deref(), args.special.is_some());
    Ok(at.map(|at| {
        tab.remove(at);
        tab
    }))
}

fn changes(call: &StateCall, args: &Args) -> Map {
    map([(args.user.as_str(), call.name.trim().into())])
}

impl StateFunction for Present {
    fn name(&self) -> &'static str {
        "cron.present"
    }

    fn class(&self) -> Class {
        Class::Declarative
    }

    fn doc(&self) -> &FunctionDoc {
        &PRESENT
    }

    fn check(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        let args: Args = call.typed()?;
        if with_job(call, &args, ctx)?.is_none() {
            return Ok(Check::holds(format!("cron {} already present", call.name)));
        }
        Ok(Check::differs(changes(call, &args), format!("cron {} is set to be added or updated", call.name)))
    }

    fn apply(&self, call: &StateCall, check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        let args: Args = call.typed()?;
        if let Some(tab) = with_job(call, &args, ctx)? {
            write(&args.user, &tab.print(), ctx)?;
        }
        Ok(Applied::new(check.changes.clone(), format!("cron {} is in {}'s crontab", call.name, args.user)))
    }
}

impl StateFunction for Absent {
    fn name(&self) -> &'static str {
        "cron.absent"
    }

    fn class(&self) -> Class {
        Class::Declarative
    }

    fn doc(&self) -> &FunctionDoc {
        &ABSENT
    }

    fn check(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        let args: Args = call.typed()?;
        if without_job(call, &args, ctx)?.is_none() {
            return Ok(Check::holds(format!("cron {} is absent", call.name)));
        }
        Ok(Check::differs(changes(call, &args), format!("cron {} is set to be removed", call.name)))
    }

    fn apply(&self, call: &StateCall, check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        let args: Args = call.typed()?;
        if let Some(tab) = without_job(call, &args, ctx)? {
            write(&args.user, &tab.print(), ctx)?;
        }
        Ok(Applied::new(
            check.changes.clone(),
            format!("cron {} removed from {}'s crontab", call.name, args.user),
        ))
    }
}

#[cfg(test)]
mod tests {
    use crate::function::VerdictKind;
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;

    const TAB: &str = "/var/spool/cron/crontabs/root";

    #[test]
    fn a_job_is_kept_by_its_identifier_and_written_as_salt_does() {
        let bench = Bench::new(SimHost::new().with_file(TAB, "0 1 * * * mine\n"));
        let sls = "date > /tmp/x:\n  cron.present:\n    - identifier: X\n    - minute: '*/5'\n    - comment: five\n";
        assert_eq!(bench.dry(sls).kind, VerdictKind::WouldChange);
        let verdict = bench.run(sls);
        assert_eq!(verdict.kind, VerdictKind::Ok, "{}", verdict.comment);
        let text = "0 1 * * * mine\n# Lines below here are managed by Salt, do not edit\n# five SALT_CRON_IDENTIFIER:X\n*/5 * * * * date > /tmp/x\n";
        assert_eq!(bench.host.text(TAB).as_deref(), Some(text));
        assert!(!bench.run(sls).changed());
        assert!(bench.run(&sls.replace("date >", "uptime >")).changed());
        assert_eq!(bench.host.text(TAB), Some(text.replace("date >", "uptime >")));
        let absent = "anything:\n  cron.absent:\n    - identifier: X\n    - minute: 5\n";
        assert!(bench.run(absent).changed());
        assert!(!bench.run(absent).changed());
        assert_eq!(bench.host.text(TAB).as_deref(), Some("0 1 * * * mine\n"));
    }

    #[test]
    fn random_fields_are_chosen_once_and_special_words_are_their_own_jobs() {
        let bench = Bench::new(SimHost::new());
        let sls = "x:\n  cron.present:\n    - minute: random\n    - hour: random\n";
        assert!(bench.run(sls).changed());
        assert!(!bench.run(sls).changed());
        let special = "x:\n  cron.present:\n    - special: '@reboot'\n";
        assert!(bench.run(special).changed());
        assert!(!bench.run(special).changed());
        assert!(!bench.run(sls).changed());
        assert!(bench.host.text(TAB).is_some_and(|t| t.contains("# SALT_CRON_IDENTIFIER:x\n@reboot x\n")));
        assert!(bench.run("x:\n  cron.present:\n    - special: daily\n").comment.contains("'@daily'"));
        assert!(
            bench.run("x:\n  cron.present:\n    - user: nobody-here\n").comment.contains("not available")
        );
    }
}
