//! `ini.*`, as functions: what is in an ini file.

use std::path::PathBuf;

use lab_proto::{Map, Value};
use serde::Deserialize;

use super::document::Document;
use super::options_present::equals;
use crate::function::{ArgDoc, CallError, FunctionDoc, Kind};
use crate::functions::exec::{Call, Exec, failed};
use crate::functions::file::read_if_present;
use crate::functions::support::absolute;

const FILE: &[ArgDoc] = &[
    ArgDoc::required("file_name", Kind::Path, "Which file."),
    ArgDoc::with_default("separator", Kind::Text, "'='", "What stands between key and value."),
];
const SECTION: &[ArgDoc] = &[
    ArgDoc::required("file_name", Kind::Path, "Which file."),
    ArgDoc::required("section", Kind::Text, "Which section."),
    ArgDoc::with_default("separator", Kind::Text, "'='", "What stands between key and value."),
];
const OPTION: &[ArgDoc] = &[
    ArgDoc::required("file_name", Kind::Path, "Which file."),
    ArgDoc::required(
        "section",
        Kind::Text,
        "Which section; the empty text stands for what is before the first.",
    ),
    ArgDoc::required("option", Kind::Text, "Which option."),
    ArgDoc::with_default("separator", Kind::Text, "'='", "What stands between key and value."),
];

pub(in crate::functions) static EXECS: &[Exec] = &[
    Exec {
        name: "ini.get_option",
        doc: FunctionDoc::new(
            "Returns the value of an option, or none.",
            OPTION,
            "lab-master run '*' ini.get_option /etc/app.ini server port",
        ),
        body: |call| {
            let (document, args) = document(call)?;
            let section = args.section.as_deref().filter(|s| !s.is_empty());
            Ok(document.get(section, args.option.as_deref().unwrap_or_default()).map(str::to_owned).into())
        },
    },
    Exec {
        name: "ini.get_section",
        doc: FunctionDoc::new(
            "Returns the options of a section.",
            SECTION,
            "lab-master run '*' ini.get_section /etc/app.ini server",
        ),
        body: |call| {
            let (document, args) = document(call)?;
            Ok(Value::Map(options(&document, args.section.as_deref())))
        },
    },
    Exec {
        name: "ini.get_ini",
        doc: FunctionDoc::new(
            "Returns everything that is in an ini file.",
            FILE,
            "lab-master run '*' ini.get_ini /etc/app.ini",
        ),
        body: |call| {
            let (document, _) = document(call)?;
            let mut all = options(&document, None);
            for name in document.names() {
                all.insert(name.as_str().into(), Value::Map(options(&document, Some(&name))));
            }
            Ok(Value::Map(all))
        },
    },
];

#[derive(Deserialize)]
struct Args {
    file_name: String,
    section: Option<String>,
    option: Option<String>,
    #[serde(default = "equals")]
    separator: String,
}

fn document(call: &Call<'_>) -> Result<(Document, Args), CallError> {
    let args: Args = call.typed()?;
    let path: PathBuf = absolute(&args.file_name, call.ctx.host).map_err(failed)?;
    let text = read_if_present(call.ctx.host, &path).map_err(failed)?.unwrap_or_default();
    Ok((Document::parse(&text, &args.separator, true).map_err(failed)?, args))
}

fn options(document: &Document, section: Option<&str>) -> Map {
    let entry = |key: String| {
        let value = document.get(section, &key).map(str::to_owned);
        (Value::from(key), Value::from(value))
    };
    document.keys(section).into_iter().map(entry).collect()
}

#[cfg(test)]
mod tests {
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;
    use lab_proto::{Map, Value};

    #[test]
    fn options_are_read() {
        let bench = Bench::new(SimHost::new().with_file("/etc/a.ini", "top = 1\n[s]\n# c\nk = v\n"));
        let exec = |name: &str, args: &[&str]| {
            let args: Vec<Value> = args.iter().map(|a| Value::from(*a)).collect();
            bench.exec(name, &args, &Map::new()).unwrap()
        };
        assert_eq!(exec("ini.get_option", &["/etc/a.ini", "s", "k"]), "v".into());
        assert_eq!(exec("ini.get_option", &["/etc/a.ini", "", "top"]), "1".into());
        assert_eq!(exec("ini.get_option", &["/etc/none", "s", "k"]), Value::Null);
        assert_eq!(exec("ini.get_section", &["/etc/a.ini", "s"]), Value::from([("k", "v")]));
        assert_eq!(exec("ini.get_ini", &["/etc/a.ini"]).get("s"), Some(&Value::from([("k", "v")])));
    }
}
