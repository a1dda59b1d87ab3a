//! The steps of a plan, carried out: those of one kind for many networks at once.

use std::collections::BTreeMap;

use futures::future::BoxFuture;
use nucleon_linux::{AdminState, LinkChange, LinkName};
use nucleon_model::NetworkId;
use nucleon_net::IpNet;

use super::{Host, Wish, some_at_once};
use crate::error::Error;
use crate::listener::Listener;
use crate::namespaces::Namespaces;
use crate::plan::{Op, Plug};
use crate::served::ServedNetwork;

type Results = Vec<Result<(), Error>>;

impl Host {
    /// One result for each step; all are of one kind.
    pub(super) async fn take_turn(
        &mut self,
        ops: &[&Op],
        wishes: &BTreeMap<NetworkId, Wish>,
    ) -> Results {
        match ops {
            [Op::Plug(_), ..] => self.plug(ops).await,
            [Op::Unplug { .. }, ..] => self.unplug(ops).await,
            [Op::DeleteDevice { .. } | Op::Configure { .. } | Op::EnsureNamespace { .. }, ..] => {
                self.shape(ops).await
            }
            _ => {
                let mut results = Results::with_capacity(ops.len());
                for op in ops {
                    results.push(self.step(op, wishes).await);
                }
                results
            }
        }
    }

    async fn plug(&self, ops: &[&Op]) -> Results {
        let plugs = ops.iter().filter_map(|op| match op {
            Op::Plug(plug) => Some(plug.clone()),
            _ => None,
        });
        self.driver.plug(&plugs.collect::<Vec<Plug>>()).await
    }

    async fn unplug(&self, ops: &[&Op]) -> Results {
        let names = ops.iter().filter_map(|op| match op {
            Op::Unplug { name, .. } => Some(name.clone()),
            _ => None,
        });
        self.driver.unplug(&names.collect::<Vec<LinkName>>()).await
    }

    /// Steps inside namespaces, some at once.
    async fn shape(&mut self, ops: &[&Op]) -> Results {
        let mut noted = Results::with_capacity(ops.len());
        for op in ops {
            // Noted before it is made: what is made is then always known to be ours.
            noted.push(match op {
                Op::EnsureNamespace { network, device } => self.notes.add(*network, device),
                _ => Ok(()),
            });
        }
        let mut work: Vec<BoxFuture<'_, Result<(), Error>>> = Vec::with_capacity(ops.len());
        for (op, noted) in ops.iter().zip(noted) {
            let namespaces = &self.namespaces;
            work.push(match noted {
                Ok(()) => Box::pin(shape(namespaces, op)),
                Err(error) => Box::pin(std::future::ready(Err(error))),
            });
        }
        some_at_once(work).await
    }

    async fn step(&mut self, op: &Op, wishes: &BTreeMap<NetworkId, Wish>) -> Result<(), Error> {
        match op {
            Op::CloseSocket { network } => {
                self.close(*network);
                Ok(())
            }
            Op::DeleteNamespace { network } => {
                self.close(*network);
                self.namespaces.delete(*network).await?;
                self.notes.remove(*network)
            }
            Op::OpenSocket { network, device } => match wishes.get(network) {
                Some(wish) => self.open(wish, device).await,
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }

    async fn open(&mut self, wish: &Wish, device: &LinkName) -> Result<(), Error> {
        let network = wish.network.id;
        // The former socket is on a device that is no more, or its task has ended.
        self.close(network);
        let netns = self.namespaces.enter(network).await?;
        let responder = std::sync::Arc::clone(&wish.responder);
        let common = self.common.clone();
        let listener = Listener::open(&netns, device, responder, common, &self.group).await?;
        self.listeners.insert(network, listener);
        self.counts.listening.inc();
        Ok(())
    }
}

async fn shape(namespaces: &Namespaces, op: &Op) -> Result<(), Error> {
    match op {
        Op::EnsureNamespace { network, .. } => drop(namespaces.ensure(*network).await?),
        Op::DeleteDevice { network, name } => {
            let netns = namespaces.enter(*network).await?;
            let _ = netns.links().ensure_deleted(name).await?;
        }
        Op::Configure { network, device } => configure(namespaces, network, device).await?,
        _ => {}
    }
    Ok(())
}

async fn configure(
    namespaces: &Namespaces,
    network: &ServedNetwork,
    device: &LinkName,
) -> Result<(), Error> {
    let netns = namespaces.enter(network.id).await?;
    let wanted = LinkChange {
        state: Some(AdminState::Up),
        mac: Some(network.mac),
        mtu: Some(network.mtu),
        name: None,
    };
    let _ = netns.links().ensure(device, &wanted).await?;
    let addresses: Vec<IpNet> = network.addresses.iter().copied().collect();
    let _ = netns.links().ensure_addresses(device, &addresses).await?;
    Ok(())
}
