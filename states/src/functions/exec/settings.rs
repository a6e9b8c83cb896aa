//! `timezone.*`, `locale.*` and `cron.*`

use lab_proto::{Map, Value};
use serde::Deserialize;

use super::kernel::call_error;
use super::{Call, Exec};
use crate::function::{ArgDoc, CallError, FunctionDoc, Kind};
use crate::functions::cron::{Item, Tab, When};
use crate::functions::{cron, locale, timezone};
use crate::host::{Command, Commands};

const NAME: &[ArgDoc] = &[ArgDoc::required("name", Kind::Text, "Which.")];
const USER: &[ArgDoc] = &[ArgDoc::with_default("user", Kind::Text, "root", "Whose table.")];

pub(super) static ALL: &[Exec] = &[
    Exec {
        name: "timezone.get_zone",
        doc: FunctionDoc::new("Returns the time zone.", &[], "lab-master run '*' timezone.get_zone"),
        body: |call| Ok(timezone::zone(call.ctx.host).map_err(call_error)?.into()),
    },
    Exec {
        name: "timezone.get_offset",
        doc: FunctionDoc::new(
            "Returns how far the machine's time is from UTC, +0200.",
            &[],
            "lab-master run '*' timezone.get_offset",
        ),
        body: |call| date(call, "+%z"),
    },
    Exec {
        name: "timezone.get_zonecode",
        doc: FunctionDoc::new(
            "Returns the short name of the time zone, CEST.",
            &[],
            "lab-master run '*' timezone.get_zonecode",
        ),
        body: |call| date(call, "+%Z"),
    },
    Exec {
        name: "timezone.get_hwclock",
        doc: FunctionDoc::new(
            "Tells whether the hardware clock shows UTC or localtime.",
            &[],
            "lab-master run '*' timezone.get_hwclock",
        ),
        body: |call| {
            let local = timezone::clock_is_local(call.ctx.host).map_err(call_error)?;
            Ok(if local { "localtime" } else { "UTC" }.into())
        },
    },
    Exec {
        name: "locale.get_locale",
        doc: FunctionDoc::new(
            "Returns the language of the machine.",
            &[],
            "lab-master run '*' locale.get_locale",
        ),
        body: |call| Ok(locale::system_locale(call.ctx.host).map_err(call_error)?.unwrap_or_default().into()),
    },
    Exec {
        name: "locale.list_avail",
        doc: FunctionDoc::new(
            "Lists the languages that programs can use.",
            &[],
            "lab-master run '*' locale.list_avail",
        ),
        body: |call| Ok(locale::available(call.ctx).map_err(call_error)?.into()),
    },
    Exec {
        name: "locale.avail",
        doc: FunctionDoc::new(
            "Tells whether programs can use a language.",
            NAME,
            "lab-master run '*' locale.avail de_DE.UTF-8",
        ),
        body: avail,
    },
    Exec {
        name: "cron.list_tab",
        doc: FunctionDoc::new(
            "Returns a user's table of jobs.",
            USER,
            "lab-master run '*' cron.list_tab root",
        ),
        body: list_tab,
    },
    Exec {
        name: "cron.raw_cron",
        doc: FunctionDoc::new(
            "Returns the text of a user's table of jobs.",
            USER,
            "lab-master run '*' cron.raw_cron root",
        ),
        body: |call| {
            let User { user } = call.typed()?;
            Ok(cron::read(&user, call.ctx).map_err(call_error)?.into())
        },
    },
];

fn date(call: &Call<'_>, format: &str) -> Result<Value, CallError> {
    let output = Commands::run(call.ctx.host, &Command::look(["date", format]), call.ctx)?;
    if output.exit.success() {
        return Ok(output.stdout_text().into());
    }
    Err(CallError::failed(format!("date {format} failed: {}", output.stderr_text())))
}

#[derive(Deserialize)]
struct Name {
    name: String,
}

fn avail(call: &Call<'_>) -> Result<Value, CallError> {
    let Name { name } = call.typed()?;
    Ok(locale::available(call.ctx).map_err(call_error)?.iter().any(|l| locale::same(l, &name)).into())
}

#[derive(Deserialize)]
struct User {
    #[serde(default = "root")]
    user: String,
}

fn root() -> String {
    "root".to_owned()
}

fn list_tab(call: &Call<'_>) -> Result<Value, CallError> {
    let User { user } = call.typed()?;
    let tab = Tab::parse(&cron::read(&user, call.ctx).map_err(call_error)?);
    let (mut env, mut crons, mut special) = (Vec::new(), Vec::new(), Vec::new());
    for item in tab.items() {
        match item {
            Item::Other(_) => {}
            Item::Env(name, value) => {
                env.push(Value::from([("name", name.as_str()), ("value", value.as_str())]));
            }
            Item::Job(job) => {
                let mut entry = Map::new();
                let mut put = |key: &str, value: Value| entry.insert(key.into(), value);
                put("cmd", job.cmd.as_str().into());
                put("identifier", job.identifier.clone().into());
                put("comment", job.comment.clone().into());
                put("commented", job.commented.into());
                match &job.when {
                    When::Special(word) => {
                        put("spec", word.as_str().into());
                        special.push(Value::Map(entry));
                    }
                    When::At(fields) => {
                        for (key, field) in
                            ["minute", "hour", "daymonth", "month", "dayweek"].iter().zip(fields)
                        {
                            put(key, field.as_str().into());
                        }
                        crons.push(Value::Map(entry));
                    }
                }
            }
        }
    }
    Ok(Value::from([
        ("pre", Value::from(tab.pre)),
        ("crons", Value::List(crons)),
        ("special", Value::List(special)),
        ("env", Value::List(env)),
    ]))
}

#[cfg(test)]
mod tests {
    use crate::functions::testing::Bench;
    use crate::host::sim::{SimHost, SimReply};
    use lab_proto::{Map, Value};

    #[test]
    fn zone_language_and_jobs_are_told() {
        let host = SimHost::new()
            .with_symlink("/etc/localtime", "/usr/share/zoneinfo/Europe/Berlin")
            .with_file("/etc/locale.conf", "LANG=C.UTF-8\n")
            .with_command("locale -a", SimReply::ok("C\nde_DE.utf8\n"))
            .with_command("date +%z", SimReply::ok("+0100\n"));
        let bench = Bench::new(host);
        bench.run("x:\n  cron.present:\n    - minute: 5\n");
        let exec = |name: &str, args: &[&str]| {
            let args: Vec<Value> = args.iter().map(|a| Value::from(*a)).collect();
            bench.exec(name, &args, &Map::new()).unwrap()
        };
        assert_eq!(exec("timezone.get_zone", &[]), "Europe/Berlin".into());
        assert_eq!(exec("timezone.get_offset", &[]), "+0100".into());
        assert_eq!(exec("timezone.get_hwclock", &[]), "UTC".into());
        assert_eq!(exec("locale.get_locale", &[]), "C.UTF-8".into());
        assert_eq!(exec("locale.avail", &["de_DE.UTF-8"]), true.into());
        let tab = exec("cron.list_tab", &[]);
        let jobs = tab.get("crons").and_then(Value::as_list).unwrap();
        assert_eq!(jobs[0].get("minute"), Some(&"5".into()));
        assert_eq!(jobs[0].get("identifier"), Some(&"x".into()));
    }
}
