//! The distribution, under the names that Salt gives it.

use lab_proto::{Map, Value};

use super::put;

/// What `/etc/os-release` calls a distribution, what Salt calls it, and its family.
const KNOWN: [(&str, &str, &str); 15] = [
    ("debian", "Debian", "Debian"),
    ("ubuntu", "Ubuntu", "Debian"),
    ("raspbian", "Raspbian", "Debian"),
    ("opensuse-leap", "Leap", "Suse"),
    ("opensuse-tumbleweed", "Tumbleweed", "Suse"),
    ("opensuse-microos", "MicroOS", "Suse"),
    ("opensuse-kubic", "Kubic", "Suse"),
    ("sles", "SUSE", "Suse"),
    ("fedora", "Fedora", "RedHat"),
    ("centos", "CentOS Stream", "RedHat"),
    ("rhel", "RedHat", "RedHat"),
    ("rocky", "Rocky", "RedHat"),
    ("almalinux", "AlmaLinux", "RedHat"),
    ("alpine", "Alpine", "Alpine"),
    ("arch", "Arch", "Arch"),
];

pub(super) fn add(grains: &mut Map, os_release: &str) {
    let field = |name: &str| {
        let line = os_release.lines().find_map(|l| l.strip_prefix(name)?.strip_prefix('='))?;
        Some(line.trim().trim_matches(['"', '\'']).to_owned())
    };
    let id = field("ID").unwrap_or_else(|| "linux".to_owned());
    let known = KNOWN.iter().find(|(name, ..)| *name == id);
    let like = field("ID_LIKE").unwrap_or_default();
    let family = known.map(|(.., family)| (*family).to_owned()).unwrap_or_else(|| family_like(&like, &id));
    let name = field("NAME").unwrap_or_else(|| id.clone());
    let release = field("VERSION_ID").unwrap_or_default();
    let numbers: Vec<Value> = release
        .split('.')
        .filter(|part| !part.is_empty())
        .map(|part| part.parse::<i64>().map_or_else(|_| Value::from(part), Value::from))
        .collect();
    put(grains, "os", known.map_or_else(|| name.clone(), |(_, os, _)| (*os).to_owned()));
    put(grains, "os_family", family);
    put(grains, "osfullname", name);
    put(grains, "oscodename", field("VERSION_CODENAME").unwrap_or_default());
    put(grains, "osrelease", release);
    put(grains, "osmajorrelease", numbers.first().cloned());
    put(grains, "osrelease_info", Value::List(numbers));
}

fn family_like(like: &str, id: &str) -> String {
    for word in like.split_whitespace() {
        match word {
            "debian" | "ubuntu" => return "Debian".to_owned(),
            "suse" | "opensuse" => return "Suse".to_owned(),
            "rhel" | "fedora" | "centos" => return "RedHat".to_owned(),
            _ => {}
        }
    }
    id.to_owned()
}

/// Returns what packages call an architecture.
pub(super) fn arch(machine: &str) -> String {
    match machine {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
    .to_owned()
}

/// Returns the domain that the resolver searches first.
pub(super) fn domain(resolv_conf: &str) -> String {
    let word = |line: &str| {
        let mut words = line.split_whitespace();
        let first = words.next()?;
        (first == "domain" || first == "search").then(|| words.next().unwrap_or_default().to_owned())
    };
    resolv_conf.lines().find_map(word).filter(|d| d != ".").unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grains(os_release: &str) -> Value {
        let mut grains = Map::new();
        add(&mut grains, os_release);
        Value::Map(grains)
    }

    #[test]
    fn distributions_have_salts_names() {
        let debian =
            grains("ID=debian\nNAME=\"Debian GNU/Linux\"\nVERSION_ID=\"12\"\nVERSION_CODENAME=bookworm\n");
        assert_eq!(debian.get("os"), Some(&Value::from("Debian")));
        assert_eq!(debian.get("osmajorrelease"), Some(&Value::from(12)));
        let leap = grains("ID=\"opensuse-leap\"\nVERSION_ID=15.6\n");
        assert_eq!(leap.get("os_family"), Some(&Value::from("Suse")));
        assert_eq!(leap.get("osrelease_info"), Some(&Value::from(vec![15, 6])));
        let mint = grains("ID=linuxmint\nNAME=Mint\nID_LIKE=\"ubuntu debian\"\n");
        assert_eq!(mint.get("os_family"), Some(&Value::from("Debian")));
        assert_eq!(grains("").get("os_family"), Some(&Value::from("linux")));
    }

    #[test]
    fn the_first_search_domain_counts() {
        assert_eq!(domain("nameserver 1.1.1.1\nsearch lab.example other\n"), "lab.example");
        assert_eq!(domain("search .\n"), "");
    }
}
