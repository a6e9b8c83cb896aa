//! From nothing to a running shell: configuration, identity, enrolment when needed, outbox, journal, link.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use lab_proto::event::OutboxEvent;
use lab_proto::ids::{BootId, JobId, MachineId, OutboxId, ProcessId};
use lab_proto::link::Backoff;
use lab_proto::v1::link::MAX_BOOTS;
use lab_proto::{MinionId, Value};
use lab_states::host::{HostError, System};
use tokio::sync::mpsc;

use super::{Shell, WAITING, lock::Lock, net, returns::Returns, socket};
use crate::agent::{Agent, Beginning, Limits};
use crate::clock::{self, Clock};
use crate::config::{Config, ConfigError};
use crate::content::{ContentError, Store};
use crate::disk::Disk;
use crate::emit::Emitter;
use crate::enrol::{self, EnrolError, Progress};
use crate::files::{self, FileError};
use crate::host::LinuxHost;
use crate::identity::{Credentials, Identity, IdentityError, Pin, Pki};
use crate::journal::{self, Entry, Journal, JournalError, Ledger};
use crate::link::{self, DialError, Dialer, LinkCommand, Myself};
use crate::outbox::{self, Outbox, OutboxError};
use crate::workers::{Env, Parts, read_grains};

/// How long between enrolment attempts of an agent that waits to be accepted.
const ENROL_PAUSE: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));

/// What `lab-minion serve` was told.
#[derive(Clone, Debug)]
pub struct Options {
    /// The configuration, options already applied.
    pub config: Config,
    /// Where it lies.
    pub config_dir: PathBuf,
    /// A join token for the first enrolment.
    pub token: Option<String>,
    /// Sets damaged files aside.
    pub accept_loss: bool,
}

/// Why the agent does not start.
#[derive(Debug, thiserror::Error)]
pub enum BootError {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Another agent works here.
    #[error("{} is in use by {holder}; one agent per data directory: stop that one first", data_dir.display())]
    InUse {
        /// The directory.
        data_dir: PathBuf,
        /// Who.
        holder: String,
    },
    /// A file.
    #[error(transparent)]
    File(#[from] FileError),
    /// The identity.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The outbox.
    #[error(transparent)]
    Outbox(#[from] OutboxError),
    /// The journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// No master.
    #[error(transparent)]
    Dial(#[from] DialError),
    /// Not let in.
    #[error("this minion is not enrolled")]
    Enrol(#[from] EnrolError),
    /// The cache.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// The machine does not say who it is.
    #[error(transparent)]
    Host(#[from] HostError),
    /// The token is none.
    #[error(transparent)]
    Token(#[from] lab_proto::InvalidId),
    /// No thread.
    #[error("cannot start a thread")]
    Thread(#[from] std::io::Error),
}

impl BootError {
    /// Tells whether something that was stored is damaged.
    pub fn is_damage(&self) -> bool {
        match self {
            Self::Outbox(e) => e.is_damage(),
            Self::Journal(e) => e.is_damage(),
            _ => false,
        }
    }
}

/// Brings the agent up to where its loop can run.
///
/// # Errors
/// When anything that it cannot be without is missing or broken.
pub async fn start(options: Options) -> Result<Shell, BootError> {
    let Options { config, config_dir, token, accept_loss } = options;
    let clock = Clock::start();
    let id = config.minion_id()?;
    let host = LinuxHost::new();
    files::make_dir(&config.data_dir, 0o700)?;
    let lock = Lock::take(&config.data_dir)?;
    let machine_id = machine_id(&config.data_dir)?;
    let pki = Pki::new(&config_dir);
    let identity = Arc::new(pki.identity()?);
    let dialer = Dialer::new(&config.master)?;
    let grains = {
        let (id, dir) = (id.clone(), config_dir.clone());
        tokio::task::spawn_blocking(move || read_grains(&id, &dir)).await.map_err(std::io::Error::from)?
    };

    let mut stored = open_stores(&config, accept_loss)?;
    let boot_id = host.boot_id()?;
    let old_boot = stored.journal.ledger().boots().last().map(|b| b.id);
    let boot = note_boot(&mut stored.journal, boot_id)?;
    let recovered = net::recover(&config, boot_id.to_string()).await;
    let ledger = stored.journal.ledger().clone();
    let returned = returned_jobs(&mut stored.outbox, &ledger, &id)?;

    let credentials = credentials(&config, &pki, &identity, &dialer, &id, token, machine_id, &grains).await?;

    let (disk, _thread) = Disk::start(stored.outbox, stored.journal)?;
    let myself = Myself {
        id: id.clone(),
        boot,
        booted_at: clock::wall_clock() - host.uptime()?,
        earlier_boots: earlier(&ledger, boot_id),
        machine_id,
        process: ProcessId::from_u128(clock::random_u128()),
    };
    let (link, link_task) = link::start(link::Setup {
        myself,
        dialer,
        identity: identity.clone(),
        credentials: credentials.clone(),
        disk: disk.clone(),
        clock,
        backoff: (config.link.backoff_min, config.link.backoff_max),
    });
    let emitter = Emitter::new(id.clone(), boot, disk.clone(), link.seen.clone());
    let _listener = socket::listen(&config.run_dir, emitter.clone())?;
    let content = Store::open(
        &config.data_dir.join("cache"),
        config.content.cache,
        config.content.parallel,
        link.queries.clone(),
    )?;
    let (requests_tx, requests) = mpsc::channel(WAITING);
    let env = Arc::new(Env::new(Parts {
        id: id.clone(),
        clock,
        emitter: emitter.clone(),
        queries: link.queries.clone(),
        content,
        extensions: config.data_dir.join("extensions"),
        opts: opts(&config, &id, &config_dir),
        config_dir: config_dir.clone(),
        grains: grains.clone(),
        output: link.output.clone(),
        requests: requests_tx,
    }));
    env.set_registry(crate::functions::registry(&env));
    net::start(&env, &config, &config_dir, (link.commands.clone(), clock), recovered)?;
    let grains = grains.as_map().cloned().unwrap_or_default();
    // The link's task was just started and has room.
    let _ = link.commands.send(LinkCommand::Grains(grains)).await;

    let limits = Limits {
        parallel: config.jobs.parallel.max(1),
        jobs: config.jobs.limit.max(1),
        ack_wait: config.reboot.ack_wait,
        kill_patience: config.jobs.kill_patience,
    };
    let beginning = Beginning { id, boot, old_boot, ledger, returned, limits };
    let (reports_tx, reports) = mpsc::channel(WAITING);
    Ok(Shell {
        _lock: lock,
        agent: Agent::new(beginning, clock.now()),
        returns: Returns::new(emitter, link.queries.clone(), config.data_dir.join("blobs")),
        link,
        link_task,
        disk,
        env,
        clock,
        config,
        pki,
        identity,
        credentials,
        reports_tx,
        reports,
        requests,
        cancels: std::collections::BTreeMap::new(),
        was_ready: false,
        no_link: None,
    })
}

struct Stored {
    outbox: Outbox,
    journal: Journal,
}

/// Opens outbox and journal; damaged ones are set aside only when that was asked for.
fn open_stores(config: &Config, accept_loss: bool) -> Result<Stored, BootError> {
    let journal_path = config.data_dir.join("journal");
    let journal = match Journal::open(&journal_path) {
        Err(e) if accept_loss && e.is_damage() => {
            let aside = journal::set_aside(&journal_path)?;
            tracing::warn!(error = %crate::chain(&e), ?aside, "a new journal begins");
            let mut fresh = Journal::open(&journal_path)?;
            // Which of the older jobs ran is not known any more, so none of them is taken. The master says which those are: job
            // ids are made by its clock, and this one may be wrong by any amount.
            fresh.append(&[Entry::Lost], true)?;
            fresh
        }
        other => other?,
    };
    let dir = config.data_dir.join("outbox");
    let new_id = OutboxId::from_u128(clock::random_u128());
    let outbox = match Outbox::open(&dir, new_id, config.outbox.limit) {
        Err(e) if accept_loss && e.is_damage() => {
            let aside = outbox::set_aside(&dir)?;
            tracing::warn!(error = %crate::chain(&e), ?aside, "a new outbox begins");
            Outbox::open(&dir, new_id, config.outbox.limit)?
        }
        other => other?,
    };
    Ok(Stored { outbox, journal })
}

fn note_boot(journal: &mut Journal, id: BootId) -> Result<lab_proto::event::Boot, JournalError> {
    let (boot, entry) = journal.ledger().boot(id);
    if let Some(entry) = entry {
        journal.append(&[entry], true)?;
    }
    Ok(boot)
}

fn earlier(ledger: &Ledger, present: BootId) -> Vec<lab_proto::event::Boot> {
    let boots: Vec<_> = ledger.boots().iter().filter(|b| b.id != present).copied().collect();
    boots[boots.len().saturating_sub(MAX_BOOTS)..].to_vec()
}

/// Finds unfinished jobs whose return got into the outbox before the journal heard of their end.
fn returned_jobs(outbox: &mut Outbox, ledger: &Ledger, id: &MinionId) -> Result<Vec<JobId>, OutboxError> {
    let mut unfinished: Vec<JobId> = ledger.unfinished().map(|(jid, _)| jid).collect();
    let mut found = Vec::new();
    let mut next = outbox.first();
    while !unfinished.is_empty() {
        let part = outbox.read(next, 1 << 20, 1024)?;
        let Some((last, _)) = part.last() else { break };
        next = last.counter + 1;
        for (OutboxEvent { tag, .. }, _) in &part {
            let is_return = |jid: &JobId| tag.as_str() == format!("salt/job/{jid}/ret/{id}");
            if let Some(at) = unfinished.iter().position(is_return) {
                found.push(unfinished.swap_remove(at));
            }
        }
    }
    Ok(found)
}

/// Returns the stored certificate, or stays at the enrolment door until there is one.
#[expect(clippy::too_many_arguments, reason = "everything that an enrolment says, used once")]
async fn credentials(
    config: &Config,
    pki: &Pki,
    identity: &Arc<Identity>,
    dialer: &Dialer,
    id: &MinionId,
    token: Option<String>,
    machine_id: MachineId,
    grains: &Value,
) -> Result<Credentials, BootError> {
    let stored = pki.credentials()?;
    if let Some(credentials) = stored.filter(|c| !c.is_expired(clock::wall_clock())) {
        return Ok(credentials);
    }
    let request = enrol::Request {
        id: id.clone(),
        identity: identity.clone(),
        pin: pin(config, pki, token.as_deref())?,
        token,
        grains: enrol_grains(grains),
        machine_id: Some(machine_id),
    };
    tracing::info!(%id, key = %identity.fingerprint(), "enrolling");
    let mut backoff = Backoff::new(ENROL_PAUSE.0, ENROL_PAUSE.1);
    loop {
        let told = |progress| {
            if let Progress::Met { ca, .. } = progress
                && let Err(e) = pki.note_met(ca, &request.id)
            {
                tracing::warn!(error = %crate::chain(&e), "`lab-minion finger` does not show the CA");
            }
            log_progress(&request.id, progress);
        };
        match enrol::enrol(&request, dialer, told).await {
            Ok(enrolled) => {
                pki.store(&enrolled.credentials)?;
                return Ok(enrolled.credentials);
            }
            Err(e) if e.is_temporary() => {
                tracing::warn!(error = %crate::chain(&e), "not enrolled yet");
                tokio::time::sleep(backoff.next_delay(clock::random_u64())).await;
            }
            Err(e) => return Err(e.into()),
        }
    }
}

/// Finds out which CA to trust: the configured one, else the token's, else the one met before, else the first met.
///
/// # Errors
/// When the configured fingerprint or the token is none.
pub(crate) fn pin(config: &Config, pki: &Pki, token: Option<&str>) -> Result<Pin, BootError> {
    if let Some(ca) = config.pinned_ca()? {
        return Ok(Pin::Fingerprint(ca));
    }
    if let Some(token) = token {
        return Ok(Pin::Fingerprint(token.parse::<lab_proto::JoinToken>()?.ca()));
    }
    Ok(pki.pinned()?.map_or(Pin::FirstUse, Pin::Fingerprint))
}

fn log_progress(id: &MinionId, progress: Progress) {
    match progress {
        Progress::Met { ca, pinned: true } => tracing::info!(%ca, "met the pinned master"),
        Progress::Met { ca, pinned: false } => {
            tracing::warn!(%ca, "trusting this master on first use; compare with `lab-master key finger`");
        }
        Progress::Pending { fingerprint } => {
            tracing::warn!(%fingerprint, "waiting to be accepted: `lab-master key accept {id}` on the master");
        }
    }
}

/// Returns the grains that may go to the door: those that an autosign policy looks at fit into its limit.
pub(crate) fn enrol_grains(grains: &Value) -> lab_proto::Map {
    let all = grains.as_map().cloned().unwrap_or_default();
    let fits = |m: &lab_proto::Map| {
        lab_proto::codec::encode(m).is_ok_and(|b| b.len() <= lab_proto::v1::enrol::MAX_GRAINS)
    };
    if fits(&all) {
        return all;
    }
    let small = |v: &Value| !matches!(v, Value::List(_) | Value::Tuple(_) | Value::Map(_));
    let plain: lab_proto::Map = all.into_iter().filter(|(_, v)| small(v)).collect();
    if fits(&plain) { plain } else { lab_proto::Map::new() }
}

/// Returns the machine's id, or one of our own that stays.
pub(crate) fn machine_id(data_dir: &Path) -> Result<MachineId, FileError> {
    let read = |path: &Path| {
        let text = files::read_if_any(path).ok().flatten()?;
        String::from_utf8_lossy(&text).parse::<MachineId>().ok()
    };
    if let Some(id) = read(Path::new("/etc/machine-id")) {
        return Ok(id);
    }
    let own = data_dir.join("machine-id");
    if let Some(id) = read(&own) {
        return Ok(id);
    }
    let id = MachineId::from_u128(clock::random_u128());
    files::write_atomically(&own, format!("{id}\n").as_bytes(), 0o644)?;
    Ok(id)
}

fn opts(config: &Config, id: &MinionId, config_dir: &Path) -> Value {
    Value::from([
        ("id", Value::from(id.as_str())),
        ("master", Value::from(config.master.clone())),
        ("saltenv", Value::from("base")),
        ("config_dir", Value::from(config_dir.display().to_string())),
        ("cachedir", Value::from(config.data_dir.display().to_string())),
        ("test", Value::from(false)),
    ])
}
