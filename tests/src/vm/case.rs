//! Cases: directories with a script.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use super::machine::{self, Cards, End, Setup};
use super::{Image, VmError};

/// How long a case may take when it does not say; emulation on a busy machine is slow.
const LIMIT: Duration = Duration::from_secs(240);
/// The least memory with systemd, in MiB.
const MEMORY_SYSTEMD: u32 = 512;
/// What the driver of the cable's card needs.
const CABLE: &str = "virtio_pci,virtio_net";
/// Memory when a case does not say, in MiB.
const MEMORY: u32 = 320;

/// One case. Its `run.sh` may begin with lines `# vms: 2`, `# cards: 2`, `# modules: 8021q bonding`, `# memory: 512`,
/// `# limit: 300`, `# system: systemd`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// The name of its directory.
    pub name: String,
    /// How many machines, 1 or 2.
    pub machines: u32,
    /// How many network cards one machine has, all on one cable; of two machines each has one.
    pub cards: u32,
    /// Kernel modules that are there from the start, with commas.
    pub modules: String,
    /// Whether a whole Debian with systemd is wanted, not just busybox.
    pub systemd: bool,
    /// In MiB.
    pub memory: u32,
    /// After which a machine without a verdict has failed.
    pub limit: Duration,
}

/// What became of a case.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Why it failed, where it did.
    pub failure: Option<String>,
    /// The consoles of its machines.
    pub console: String,
    /// From the start of QEMU to the last verdict.
    pub took: Duration,
}

/// Returns the directory of all cases.
pub fn cases() -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/vm")).to_path_buf()
}

impl Case {
    /// Finds all cases.
    ///
    /// # Errors
    /// When one of them makes no sense; names the file.
    pub fn all() -> Result<Vec<Self>, VmError> {
        let dir = cases();
        let entries = fs::read_dir(&dir).map_err(VmError::os(format!("list {}", dir.display())))?;
        let mut names: Vec<String> = entries
            .flatten()
            .filter(|e| e.path().is_dir())
            .filter_map(|e| e.file_name().into_string().ok())
            .collect();
        names.sort();
        names.into_iter().map(|name| Self::load(&dir, name)).collect()
    }

    fn load(dir: &Path, name: String) -> Result<Self, VmError> {
        let path = dir.join(&name).join("run.sh");
        let text = fs::read_to_string(&path).map_err(VmError::os(format!("read {}", path.display())))?;
        Self::parse(name, &text).map_err(|why| VmError::BadCase { path, why })
    }

    fn parse(name: String, script: &str) -> Result<Self, String> {
        let mut case = Self {
            name,
            machines: 1,
            cards: 0,
            modules: String::new(),
            systemd: false,
            memory: MEMORY,
            limit: LIMIT,
        };
        let header = script.lines().map_while(|l| l.strip_prefix('#'));
        for (key, value) in header.filter_map(|l| l.split_once(':')) {
            let value = value.trim();
            let number = || value.parse::<u32>().map_err(|_| format!("{key}: {value:?} is not a number"));
            match key.trim() {
                "vms" => case.machines = number()?,
                "cards" => case.cards = number()?,
                "memory" => case.memory = number()?,
                "system" if value == "systemd" => {
                    case.systemd = true;
                    case.memory = case.memory.max(MEMORY_SYSTEMD);
                }
                "system" => return Err(format!("system: {value:?} is not systemd")),
                "limit" => case.limit = Duration::from_secs(number()?.into()),
                "modules" => case.modules = value.split_whitespace().collect::<Vec<_>>().join(","),
                _ => {}
            }
        }
        match (case.machines, case.cards) {
            (1, 0..=4) | (2, 0) => Ok(case),
            (1, _) => Err("cards: up to 4".into()),
            (2, _) => Err("cards: of one machine; two have one each".into()),
            _ => Err("vms: 1 or 2".into()),
        }
    }

    /// Runs the case.
    ///
    /// # Errors
    /// When it cannot be run; that it fails is an outcome.
    pub fn run(&self, image: &Image) -> Result<Outcome, VmError> {
        let dir = tempfile::tempdir().map_err(VmError::os("make a temporary directory"))?;
        let start = Instant::now();
        let hosts: Vec<char> = ('a'..).take(self.machines as usize).collect();
        let cards = match (self.machines, self.cards) {
            (1, 0) => Cards::None,
            (1, cards) => Cards::OnOneCable(cards),
            _ => Cards::ToTheOther,
        };
        let modules = match (cards, self.modules.as_str()) {
            (Cards::None, modules) => modules.to_owned(),
            (_, "") => CABLE.to_owned(),
            (_, modules) => format!("{CABLE},{modules}"),
        };
        let lost = AtomicBool::new(false);
        let setup = |host: char| Setup {
            lost: &lost,
            image,
            case: &self.name,
            host,
            modules: &modules,
            memory: self.memory,
            dir: dir.path(),
            cards,
            limit: self.limit,
        };
        let lives: Vec<Result<(End, String), VmError>> = std::thread::scope(|scope| {
            let running: Vec<_> =
                hosts.iter().map(|&host| scope.spawn(move || machine::live(&setup(host)))).collect();
            running.into_iter().map(|t| t.join().expect("a machine's thread does not panic")).collect()
        });
        let mut outcome = Outcome { failure: None, console: String::new(), took: start.elapsed() };
        for (host, life) in hosts.iter().zip(lives) {
            let (end, console) = life?;
            outcome.console.push_str(&console);
            if let End::Fail(why) = end {
                outcome.failure.get_or_insert(format!("machine {host}: {why}"));
            }
        }
        Ok(outcome)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_says_what_it_needs_in_its_first_lines() {
        let case = Case::parse(
            "x".into(),
            "# Two hosts: a story.\n# vms: 2\n# modules: 8021q  bonding\necho\n# vms: 1\n",
        );
        let case = case.expect("a good header");
        assert_eq!((case.machines, case.modules.as_str(), case.memory), (2, "8021q,bonding", MEMORY));
        assert!(Case::parse("x".into(), "# vms: 3\n").is_err());
        assert_eq!(Case::parse("x".into(), "# cards: 2\n").map(|c| c.cards), Ok(2));
        assert!(Case::parse("x".into(), "# vms: 2\n# cards: 2\n").is_err());
        assert!(Case::parse("x".into(), "# memory: much\n").is_err());
    }
}
