//! The network of the simulated machine: steps change the snapshot as the kernel would, and are refused where it would.

use std::net::IpAddr;
use std::path::Path;

use super::super::{
    Address, Files, HostError, Kernel, LinkKind, MAIN_TABLE, Mac, NetClaim, NetSession, NetSnapshot, NetStep,
    Network, Protocol, Route, RouteKind, ServiceAction, Services, WriteOptions,
};
use super::SimHost;
use crate::netdoc::model;

impl Network for SimHost {
    fn net_session(&self) -> Result<Box<dyn NetSession + '_>, HostError> {
        Ok(Box::new(SimSession(self)))
    }

    fn net_forget(&self) {
        self.lock().ahead = None;
    }

    fn net_claims(&self, asked: &[NetClaim]) -> Result<Vec<Option<Mac>>, HostError> {
        let state = self.lock();
        Ok(asked.iter().map(|claim| state.silent.contains(claim).then_some(SILENT)).collect())
    }
}

/// The hardware address of all machines that are silent until they are asked.
const SILENT: Mac = Mac([2, 0, 0, 0, 0, 9]);

struct SimSession<'a>(&'a SimHost);

impl NetSession for SimSession<'_> {
    fn snapshot(&mut self) -> Result<NetSnapshot, HostError> {
        let mut state = self.0.lock();
        if let Some(ahead) = state.ahead.take() {
            return Ok(ahead);
        }
        Ok(NetSnapshot {
            sysctls: Default::default(),
            modules: Default::default(),
            files: Default::default(),
            ..state.net.clone()
        })
    }

    fn step(&mut self, step: &NetStep) -> Result<(), HostError> {
        let host = self.0;
        // Settings and modules are files of the simulated kernel, and services its own.
        match step {
            NetStep::SetSysctl { key, value } => {
                let path = format!("/proc/sys/{}", key.replace('.', "/"));
                host.kernel_write(Path::new(&path), value.as_bytes())?;
            }
            NetStep::LoadModule { name, .. } => host.module_load(name, &[])?,
            NetStep::UnloadModule { name } => host.module_unload(name)?,
            NetStep::RestartService { name } => host.service_act(name, ServiceAction::Restart)?,
            NetStep::WriteFile { path, content: Some(content) } => {
                Files::write(host, Path::new(path), content.as_bytes(), WriteOptions::default())?;
            }
            NetStep::WriteFile { path, content: None } => host.remove_file(Path::new(path))?,
            _ => {}
        }
        let mut state = host.lock();
        let place = step.to_string();
        state.write("take step", &place)?;
        model::take(&mut state.net, step).map_err(|cause| HostError::new("take step", place, cause))?;
        state.steps.push(step.clone());
        Ok(())
    }
}

pub(super) fn loopback_only() -> NetSnapshot {
    let mut net = NetSnapshot::default();
    let address = Address { ip: IpAddr::from([127, 0, 0, 1]), prefix: 8 };
    let lo = model::push(&mut net, "lo", LinkKind::Loopback, None, 65536);
    lo.up = true;
    lo.carrier = true;
    lo.addresses.push(address);
    net
}

pub(super) fn add_nic(net: &mut NetSnapshot, name: &str, address: &str, gateway: Option<&str>) {
    let link = model::push(net, name, LinkKind::Device, None, 1500);
    link.up = true;
    link.carrier = true;
    if address.is_empty() {
        return;
    }
    let address: Address = address.parse().expect("tests give addresses like 10.0.0.1/24");
    model::add_address(net, name, address).expect("the link was just made");
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
