//! The network of the simulated machine: steps change the snapshot as the kernel would, and are refused where it would.

mod kernel;

use std::net::IpAddr;

use super::super::{
    Address, HostError, Link, LinkKind, MAIN_TABLE, Mac, NetSession, NetSnapshot, NetStep, Network, Protocol,
    Route, RouteKind,
};
use super::SimHost;

impl Network for SimHost {
    fn net_session(&self) -> Result<Box<dyn NetSession + '_>, HostError> {
        Ok(Box::new(SimSession(self)))
    }
}

struct SimSession<'a>(&'a SimHost);

impl NetSession for SimSession<'_> {
    fn snapshot(&mut self) -> Result<NetSnapshot, HostError> {
        let state = self.0.lock();
        Ok(NetSnapshot {
            sysctls: Default::default(),
            modules: Default::default(),
            files: Default::default(),
            ..state.net.clone()
        })
    }

    fn step(&mut self, step: &NetStep) -> Result<(), HostError> {
        let mut state = self.0.lock();
        let place = step.to_string();
        state.write("take step", &place)?;
        if let NetStep::WriteFile { path, content } = step {
            state.nodes.remove(std::path::Path::new(path));
            if let Some(content) = content {
                let now = state.seconds;
                state
                    .nodes
                    .insert(path.into(), super::files::Node::file(content.clone().into_bytes(), 0o644, now));
            }
        }
        kernel::take(&mut state.net, step).map_err(|cause| HostError::new("take step", place, cause))?;
        state.steps.push(step.clone());
        Ok(())
    }
}

pub(super) fn loopback_only() -> NetSnapshot {
    let mut net = NetSnapshot::default();
    let address = Address { ip: IpAddr::from([127, 0, 0, 1]), prefix: 8 };
    let lo = kernel::push(&mut net, "lo", LinkKind::Loopback, None, 65536);
    lo.up = true;
    lo.carrier = true;
    lo.addresses.push(address);
    net
}

pub(super) fn add_nic(net: &mut NetSnapshot, name: &str, address: &str, gateway: Option<&str>) {
    let link = kernel::push(net, name, LinkKind::Device, None, 1500);
    link.up = true;
    link.carrier = true;
    if address.is_empty() {
        return;
    }
    let address: Address = address.parse().expect("tests give addresses like 10.0.0.1/24");
    kernel::add_address(net, name, address).expect("the link was just made");
    if let Some(gateway) = gateway {
        net.routes.push(Route {
            destination: None,
            gateway: Some(gateway.parse().expect("tests give gateways like 10.0.0.254")),
            link: Some(name.to_owned()),
            source: None,
            metric: None,
            table: MAIN_TABLE,
            kind: RouteKind::Unicast,
            onlink: false,
            mtu: None,
            origin: Protocol::BOOT,
            v6: !address.ip.is_ipv4(),
        });
    }
}

fn mac(index: u32) -> Mac {
    let [_, _, high, low] = index.to_be_bytes();
    Mac([0x52, 0x54, 0, 0, high, low])
}

fn link<'a>(net: &'a mut NetSnapshot, name: &str) -> Option<&'a mut Link> {
    net.links.iter_mut().find(|l| l.name == name)
}
