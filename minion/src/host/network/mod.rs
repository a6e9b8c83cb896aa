//! The network of this machine over netlink. The only module that names rtnetlink's types, which change every few
//! months.
//!
//! A session is one blocking socket in the network namespace of the thread that opens it: the kernel answers before a
//! call returns, so there is nothing to wait for and no runtime to keep. A snapshot has another one beside it while it is read.

mod ahead;
mod divert;
mod echo;
mod files;
mod hurry;
mod links;
mod plain;
mod ports;
mod probe;
mod read;
mod routes;
mod sift;
mod tap;
mod wire;

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use lab_states::host::{
    Address, Cause, HostError, Kernel, Mac, NetClaim, NetSession, NetSnapshot, NetStep, Network,
    ServiceAction, Services,
};
use rtnetlink::packet_route::RouteNetlinkMessage;
use rtnetlink::packet_route::link::{LinkAttribute, LinkMessage};

pub(super) use self::ahead::Ahead;
use self::wire::Wire;
use super::LinuxHost;

impl Network for LinuxHost {
    fn net_session(&self) -> Result<Box<dyn NetSession + '_>, HostError> {
        let opened = Session::open(self);
        Ok(Box::new(opened.map_err(|cause| HostError::new("open", "a netlink socket", cause))?))
    }

    fn net_links(&self) -> Result<Arc<NetSnapshot>, HostError> {
        self.ahead.links().map_err(|cause| HostError::new("read", "the links", cause))
    }

    fn net_forget(&self) {
        self.ahead.forget();
    }

    fn net_echo(&self, link: &str, to: IpAddr, size: u32, wait: Duration) -> Result<bool, HostError> {
        echo::echo(link, to, size, wait)
            .map_err(|cause| HostError::new("send", format!("an echo request to {to} over {link}"), cause))
    }

    fn net_claims(&self, asked: &[NetClaim]) -> Result<Vec<Option<Mac>>, HostError> {
        let failed = |cause| HostError::new("ask", "the network who has an address", cause);
        let mut session = Session::open(self).map_err(failed)?;
        let own = read::links_with_addresses(&mut session.wire).map_err(failed)?;
        let own: HashSet<Mac> = own.links.iter().filter_map(|l| l.mac).collect();
        probe::claims(asked, &own, |link| session.card(link)).map_err(failed)
    }
}

/// One connection to the kernel.
struct Session<'a> {
    host: &'a LinuxHost,
    wire: Wire,
    /// The numbers of links whose names were seen.
    indices: HashMap<String, u32>,
    /// The IPv6 addresses that another machine had when the kernel asked, by the number of their link; once they were read.
    duplicates: Option<HashSet<(u32, Address)>>,
}

impl<'a> Session<'a> {
    fn open(host: &'a LinuxHost) -> Result<Self, Cause> {
        Ok(Self { host, wire: Wire::open()?, indices: HashMap::new(), duplicates: None })
    }
}

impl NetSession for Session<'_> {
    fn snapshot(&mut self) -> Result<NetSnapshot, HostError> {
        let failed = |cause| HostError::new("read", "the network", cause);
        let net = match self.host.ahead.take(&mut self.wire) {
            Some(net) => net,
            None => read::snapshot(&mut self.wire).map_err(failed)?,
        };
        self.indices = net.links.iter().map(|l| (l.name.clone(), l.index)).collect();
        Ok(net)
    }

    fn step(&mut self, step: &NetStep) -> Result<(), HostError> {
        self.take(step).map_err(|cause| HostError::new("take step", step.to_string(), cause))
    }
}

impl Session<'_> {
    fn take(&mut self, step: &NetStep) -> Result<(), Cause> {
        match step {
            NetStep::CreateLink(new) => self.create(new),
            NetStep::DeleteLink { name } => self.delete(name),
            NetStep::SetBridge { name, options } => self.set_bridge(name, options),
            NetStep::SetBond { name, options, primary } => self.set_bond(name, options, primary.as_deref()),
            NetStep::SetTap { name, options } => tap::open(name, options).map(drop),
            NetStep::SetMaster { link, master } => self.set_master(link, master.as_deref()),
            NetStep::SetUp { link, up } => self.set_up(link, *up),
            NetStep::SetMtu { link, mtu } => self.set(link, LinkAttribute::Mtu(*mtu)),
            NetStep::SetMac { link, mac } => self.set(link, LinkAttribute::Address(mac.0.to_vec())),
            NetStep::SetAlias { link, alias } => {
                self.set(link, LinkAttribute::IfAlias(alias.clone().unwrap_or_default()))
            }
            NetStep::SetPromisc { link, on } => self.set_promisc(link, *on),
            NetStep::AddPortVlan { link, bridge, vlan } => self.port_vlan(link, *bridge, *vlan, true),
            NetStep::DeletePortVlan { link, bridge, vlan } => self.port_vlan(link, *bridge, *vlan, false),
            NetStep::AddAddress { link, address } => self.add_address(link, *address),
            NetStep::AddLease { link, address, lifetime } => self.add_lease(link, *address, *lifetime),
            NetStep::CopyAddress { from, to, address } => self.copy_address(from, to, *address),
            NetStep::DeleteAddress { link, address } => self.delete_address(link, *address),
            NetStep::CopyNeighbour { to, ip, mac } => self.copy_neighbour(to, *ip, *mac),
            NetStep::AwaitOperational { link } => self.await_operational(link),
            NetStep::AddRoute { route } => self.add_route(route, false),
            NetStep::ReplaceRoute { new, .. } => self.add_route(new, true),
            NetStep::MoveRoute { route, to } => self.move_route(route, to),
            NetStep::DeleteRoute { route } => self.delete_route(route),
            NetStep::AddRule { rule } => self.rule(rule, true),
            NetStep::DeleteRule { rule } => self.rule(rule, false),
            NetStep::LoadModule { name, options } => {
                let options: Vec<String> = options.iter().map(|(k, v)| format!("{k}={v}")).collect();
                self.host.module_load(name, &options).map_err(cause)
            }
            NetStep::UnloadModule { name } => self.host.module_unload(name).map_err(cause),
            NetStep::SetSysctl { key, value } => {
                self.host.kernel_write(&files::sysctl_path(key)?, value.as_bytes()).map_err(cause)
            }
            NetStep::WriteFile { path, content } => {
                files::write(self.host, path, content.as_deref()).map_err(cause)
            }
            NetStep::RestartService { name } => {
                self.host.service_act(name, ServiceAction::Restart).map_err(cause)
            }
        }
    }

    /// Returns the number of a link; asks the kernel about one that was not seen yet.
    fn index(&mut self, name: &str) -> Result<u32, Cause> {
        if let Some(index) = self.indices.get(name) {
            return Ok(*index);
        }
        let index = self.get(name)?.header.index;
        self.indices.insert(name.to_owned(), index);
        Ok(index)
    }

    /// Returns the number and the hardware address of a link.
    fn card(&mut self, name: &str) -> Result<(u32, Mac), Cause> {
        let link = self.get(name)?;
        let mac = ports::mac(&link).and_then(|bytes| <[u8; 6]>::try_from(bytes).ok());
        let mac = mac.ok_or_else(|| Cause::Other(format!("{name} has no Ethernet address")))?;
        Ok((link.header.index, Mac(mac)))
    }

    fn get(&mut self, name: &str) -> Result<LinkMessage, Cause> {
        let mut question = LinkMessage::default();
        question.attributes.push(LinkAttribute::IfName(name.to_owned()));
        self.ask_link(question, name)
    }

    fn get_by_index(&mut self, index: u32) -> Result<LinkMessage, Cause> {
        let mut question = LinkMessage::default();
        question.header.index = index;
        self.ask_link(question, &format!("number {index}"))
    }

    fn ask_link(&mut self, mut question: LinkMessage, name: &str) -> Result<LinkMessage, Cause> {
        question.attributes.push(read::without_counters());
        match self.wire.ask(RouteNetlinkMessage::GetLink(question)) {
            Ok(RouteNetlinkMessage::NewLink(link)) => Ok(link),
            Ok(_) => Err(Cause::Other("the kernel answered something else than a link".to_owned())),
            Err(_) => Err(Cause::Other(format!("there is no link {name}"))),
        }
    }
}

fn cause(e: HostError) -> Cause {
    e.cause
}
