//! `status.*`

use std::path::Path;

use lab_proto::{Map, Value};

use super::{Call, Exec};
use crate::function::{CallError, FunctionDoc};
use crate::functions::support::text_of;

pub(super) static ALL: &[Exec] = &[
    Exec {
        name: "status.uptime",
        doc: FunctionDoc::new(
            "Returns for how long the machine has been up.",
            &[],
            "lab-master run '*' status.uptime",
        ),
        body: uptime,
    },
    Exec {
        name: "status.loadavg",
        doc: FunctionDoc::new("Returns the load averages.", &[], "lab-master run '*' status.loadavg"),
        body: loadavg,
    },
    Exec {
        name: "status.meminfo",
        doc: FunctionDoc::new("Returns the use of memory, in KiB.", &[], "lab-master run '*' status.meminfo"),
        body: meminfo,
    },
    Exec {
        name: "status.diskusage",
        doc: FunctionDoc::new(
            "Returns how full file systems are, by path; / when none is named.",
            &[],
            "lab-master run '*' status.diskusage /var",
        )
        .open(),
        body: diskusage,
    },
    Exec {
        name: "status.boot_id",
        doc: FunctionDoc::new(
            "Returns the kernel's id of this boot.",
            &[],
            "lab-master run '*' status.boot_id",
        ),
        body: |call| Ok(call.ctx.host.boot_id()?.to_string().into()),
    },
];

fn uptime(call: &Call<'_>) -> Result<Value, CallError> {
    let seconds = call.ctx.host.uptime()?.as_secs();
    let (days, hours, minutes) = (seconds / 86400, seconds / 3600 % 24, seconds / 60 % 60);
    Ok(Value::from([
        ("seconds", Value::from(seconds)),
        ("days", Value::from(days)),
        ("time", Value::from(format!("{hours}:{minutes:02}"))),
    ]))
}

fn proc_text(call: &Call<'_>, path: &str) -> Result<String, CallError> {
    Ok(String::from_utf8_lossy(&call.ctx.host.read(Path::new(path))?).into_owned())
}

fn loadavg(call: &Call<'_>) -> Result<Value, CallError> {
    let text = proc_text(call, "/proc/loadavg")?;
    let numbers: Vec<f64> = text.split_whitespace().take(3).filter_map(|w| w.parse().ok()).collect();
    let [one, five, fifteen] = numbers[..] else {
        return Err(CallError::failed(format!("/proc/loadavg does not begin with three numbers: {text:?}")));
    };
    Ok(Value::from([("1-min", one), ("5-min", five), ("15-min", fifteen)]))
}

fn meminfo(call: &Call<'_>) -> Result<Value, CallError> {
    let text = proc_text(call, "/proc/meminfo")?;
    let entry = |line: &str| {
        let (key, rest) = line.split_once(':')?;
        let number: i64 = rest.split_whitespace().next()?.parse().ok()?;
        Some((Value::from(key), Value::from(number)))
    };
    Ok(Value::Map(text.lines().filter_map(entry).collect()))
}

fn diskusage(call: &Call<'_>) -> Result<Value, CallError> {
    let mut paths: Vec<String> = call.args.iter().map(text_of).collect();
    if paths.is_empty() {
        paths.push("/".to_owned());
    }
    let mut found = Map::new();
    for path in paths {
        let usage = call.ctx.host.disk_usage(Path::new(&path))?;
        let entry = [("total", usage.total), ("free", usage.free), ("available", usage.available)];
        found.insert(path.into(), Value::from(entry));
    }
    Ok(Value::Map(found))
}

#[cfg(test)]
mod tests {
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;
    use lab_proto::{Map, Value};

    #[test]
    fn the_kernels_tables_are_read() {
        let host = SimHost::new()
            .with_file("/proc/loadavg", "0.50 1.00 1.50 1/100 7\n")
            .with_file("/proc/meminfo", "MemTotal:  1024 kB\nHugePages_Total: 0\n");
        let bench = Bench::new(host);
        let exec = |name: &str| bench.exec(name, &[], &Map::new()).unwrap();
        assert_eq!(exec("status.loadavg").get("5-min"), Some(&Value::from(1.0)));
        assert_eq!(exec("status.meminfo").get("MemTotal"), Some(&Value::from(1024)));
        assert_eq!(exec("status.uptime").get("time"), Some(&Value::from("1:00")));
        assert!(exec("status.diskusage").get("/").is_some());
    }
}
