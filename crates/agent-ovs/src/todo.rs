//! What the next round has to look at. It is kept until a round has carried it out.

use std::collections::BTreeSet;

use nucleon_model::PortId;

/// The ports that something has happened to, in the view or on the host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Todo {
    /// Everything is to be looked at, also what is on the host and not in the view.
    pub(crate) everything: bool,
    pub(crate) ports: BTreeSet<PortId>,
    /// Which of the ports are reported also where nothing changes: the server may have forgotten.
    pub(crate) told: Told,
}

/// What has to be told again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Told {
    Everything,
    Ports(BTreeSet<PortId>),
}

impl Default for Told {
    fn default() -> Self {
        Self::Ports(BTreeSet::new())
    }
}

impl Told {
    pub(crate) fn names(&self, port: PortId) -> bool {
        match self {
            Self::Everything => true,
            Self::Ports(ports) => ports.contains(&port),
        }
    }
}

impl Todo {
    /// Everything in the view is to be looked at, and told again.
    pub(crate) fn tell_everything(&mut self) {
        self.everything = true;
        self.told = Told::Everything;
    }

    /// These ports are to be looked at, and told again.
    pub(crate) fn tell(&mut self, ports: impl IntoIterator<Item = PortId>) {
        for port in ports {
            self.ports.insert(port);
            if let Told::Ports(told) = &mut self.told {
                told.insert(port);
            }
        }
    }

    /// A round has been carried out, but for these ports.
    pub(crate) fn done_but(&mut self, rest: &BTreeSet<PortId>) {
        let told = std::mem::take(&mut self.told);
        *self = Self::default();
        self.ports.clone_from(rest);
        self.told = Told::Ports(rest.iter().copied().filter(|port| told.names(*port)).collect());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wiring::tests::port_id;

    #[test]
    fn what_could_not_be_carried_out_stays_and_is_told_later() {
        let mut todo = Todo::default();
        todo.tell([port_id(1), port_id(2)]);
        todo.ports.insert(port_id(3));
        todo.done_but(&BTreeSet::from([port_id(2), port_id(3)]));
        assert_eq!(todo.ports, BTreeSet::from([port_id(2), port_id(3)]));
        assert!(todo.told.names(port_id(2)) && !todo.told.names(port_id(3)));
        todo.tell_everything();
        todo.done_but(&BTreeSet::from([port_id(3)]));
        assert!(!todo.everything && todo.told.names(port_id(3)));
        todo.done_but(&BTreeSet::new());
        assert_eq!(todo, Todo::default());
    }
}
