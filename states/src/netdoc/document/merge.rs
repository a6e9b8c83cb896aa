//! Merges what the states of a run ask for into one document, and refuses what contradicts itself.

use std::collections::BTreeMap;

use super::super::Wrong;
use super::{Document, Interface, Kind, Owned, Want};

impl Document {
    /// Merges what the states of a run ask for.
    ///
    /// # Errors
    /// When two of them contradict each other.
    pub fn merge(wants: Vec<(usize, Want)>) -> Result<Self, Wrong> {
        let mut document = Self::default();
        for (owner, want) in wants {
            document.add(owner, want)?;
        }
        Ok(document)
    }

    fn add(&mut self, owner: usize, want: Want) -> Result<(), Wrong> {
        match want {
            Want::Interface(interface) => self.interface(*interface)?,
            Want::LinkAbsent(what) => self.absent.push(Owned { owner, what }),
            Want::AddressAbsent(link, address) => {
                self.address_absent.push(Owned { owner, what: (link, address) });
            }
            Want::Route(what) => self.routes.push(Owned { owner, what }),
            Want::RouteAbsent(what) => self.route_absent.push(Owned { owner, what }),
            Want::Rule(what) => self.rules.push(Owned { owner, what }),
            Want::RuleAbsent(what) => self.rule_absent.push(Owned { owner, what }),
            Want::Dns(what) => {
                if self.dns.as_ref().is_some_and(|d| d.what != what) {
                    let text = "name servers are given twice and differ; keep one dns.config for a machine";
                    return Err(Wrong::new(owner, text));
                }
                self.dns = Some(Owned { owner, what });
            }
            Want::Module(name, options) => {
                let have = self.modules.entry(name).or_insert(Owned { owner, what: BTreeMap::new() });
                have.what.extend(options);
            }
            Want::Sysctl(key, value) => {
                if let Some(have) = self.sysctls.get(&key).filter(|h| h.what != value) {
                    let text =
                        format!("sysctl {key} is set to {value} and to {}: keep one of them", have.what);
                    return Err(Wrong::new(owner, text));
                }
                self.sysctls.insert(key, Owned { owner, what: value });
            }
        }
        Ok(())
    }

    pub(in crate::netdoc) fn interface(&mut self, new: Interface) -> Result<(), Wrong> {
        let Some(have) = self.interfaces.get_mut(&new.name) else {
            self.interfaces.insert(new.name.clone(), new);
            return Ok(());
        };
        let Interface { owner, name, kind, mac, mtu, promisc, addresses, ports, port_of, vlans, take_over } =
            new;
        let twice = |what: &str| {
            Wrong::new(owner, format!("{name}: {what} is given twice and differs; say it in one state only"))
        };
        match (&have.kind, &kind) {
            (Kind::Existing, Kind::Existing) | (_, Kind::Existing) => {}
            (Kind::Existing, _) => (have.kind, have.owner) = (kind, owner),
            (one, other) if one == other => {}
            (one, other) if one.as_str() == other.as_str() => return Err(twice("its definition")),
            (one, other) => {
                return Err(Wrong::new(
                    owner,
                    format!(
                        "{name} cannot be a {} and a {}: one of the two states needs another name",
                        one.as_str(),
                        other.as_str()
                    ),
                ));
            }
        }
        once(&mut have.mac, mac).map_err(|()| twice("mac"))?;
        once(&mut have.mtu, mtu).map_err(|()| twice("mtu"))?;
        once(&mut have.promisc, promisc).map_err(|()| twice("promisc"))?;
        once(&mut have.take_over, take_over).map_err(|()| twice("take_over"))?;
        if have.port_of.as_ref().zip(port_of.as_ref()).is_some_and(|(a, b)| a.what != b.what) {
            return Err(twice("port_of"));
        }
        have.port_of = have.port_of.take().or(port_of);
        for address in addresses {
            if !have.addresses.iter().any(|a| a.what == address.what) {
                have.addresses.push(address);
            }
        }
        for port in ports {
            if !have.ports.iter().any(|p| p.what == port.what) {
                have.ports.push(port);
            }
        }
        if !have.vlans.is_empty() && !vlans.is_empty() && have.vlans != vlans {
            return Err(twice("its list of VLANs"));
        }
        if have.vlans.is_empty() {
            have.vlans = vlans;
        }
        Ok(())
    }
}

fn once<T: PartialEq>(have: &mut Option<T>, new: Option<T>) -> Result<(), ()> {
    match (&*have, &new) {
        (Some(a), Some(b)) if a != b => return Err(()),
        (None, _) => *have = new,
        _ => {}
    }
    Ok(())
}
