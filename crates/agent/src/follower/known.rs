//! A view together with how far each of its scopes is known.

use std::collections::{BTreeSet, HashMap};

use nucleon_model::NetworkId;
use nucleon_model::view::{Change, Position, Role, Scope, View};
use nucleon_wire::Hint;

use super::Remembered;
use crate::changed::Changed;
use crate::holding::Holding;

/// A view and its place in the journal.
#[derive(Debug)]
pub(super) struct Known {
    role: Role,
    root: Scope,
    holding: Holding,
    /// All scopes are known up to here, by the last answer.
    pub(super) base: Position,
    /// The latest change in the view.
    pub(super) highest: i64,
    /// Scopes that hints have brought further than `base`.
    further: HashMap<Scope, i64>,
    /// Networks that came by a hint: their scopes are not followed until an answer covers them.
    unanswered: BTreeSet<NetworkId>,
}

/// What becomes of a hint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is in the view, or was before.
    Done,
    /// Something is missing that only an answer can bring.
    Ask,
}

/// What becomes of a delta; unless applied, it has changed nothing.
#[derive(Debug)]
pub(super) enum DeltaOutcome {
    Applied { changed: Changed, brought_networks: bool },
    Orphans,
}

impl Known {
    pub(super) fn remember(role: Role, host: &str, remembered: Remembered) -> Self {
        let Remembered { position, highest, view } = remembered;
        let holding = Holding::new(role, host, view);
        Self { highest, ..Self::at(role, host, position, holding) }
    }

    pub(super) fn from_snapshot(
        role: Role,
        host: &str,
        position: Position,
        changes: &[Change],
    ) -> Self {
        let holding = Holding::from_changes(role, host, changes.to_vec());
        Self::at(role, host, position, holding)
    }

    fn at(role: Role, host: &str, base: Position, holding: Holding) -> Self {
        Self {
            role,
            root: Scope::root(role, host),
            holding,
            base,
            highest: base.seq,
            further: HashMap::new(),
            unanswered: BTreeSet::new(),
        }
    }

    pub(super) fn view(&self) -> &View {
        self.holding.view()
    }

    pub(super) fn digest(&self) -> u64 {
        self.holding.digest()
    }

    pub(super) fn to_remembered(&self) -> Remembered {
        Remembered { position: self.base, highest: self.highest, view: self.view().clone() }
    }

    pub(super) fn ports_not_in(&self, other: &Self) -> usize {
        self.view().ports.keys().filter(|id| !other.view().ports.contains_key(id)).count()
    }

    /// Takes in a hint where it joins on to what is known, however much it takes away.
    pub(super) fn hint(&mut self, hint: Hint) -> (Changed, Verdict) {
        let nothing = |verdict| (Changed::default(), verdict);
        let Hint { epoch, scope, previous, seq, changes } = hint;
        if epoch != self.base.epoch {
            return nothing(Verdict::Ask);
        }
        let Some(complete) = self.complete_to(&scope) else {
            // A scope that was left, or one that is about to come: the answer tells.
            return nothing(if seq > self.base.seq { Verdict::Ask } else { Verdict::Done });
        };
        if seq <= complete {
            return nothing(Verdict::Done);
        }
        let Some(changes) = changes.filter(|_| previous <= complete) else {
            return nothing(Verdict::Ask);
        };
        let effect = self.holding.apply(changes);
        if self.holding.leaves_orphans(&effect) {
            self.holding.revert(effect);
            return nothing(Verdict::Ask);
        }
        let won = self.holding.networks_won(&effect);
        let verdict = if won.is_empty() { Verdict::Done } else { Verdict::Ask };
        self.unanswered.extend(won);
        self.further.insert(scope, seq);
        self.highest = self.highest.max(seq);
        (self.holding.changed(&effect), verdict)
    }

    /// Takes in a delta from `base`, however much it takes away.
    pub(super) fn delta(&mut self, position: Position, changes: &[Change]) -> DeltaOutcome {
        let effect = self.holding.apply(changes.iter().cloned());
        if self.holding.leaves_orphans(&effect) {
            self.holding.revert(effect);
            return DeltaOutcome::Orphans;
        }
        let brought_networks =
            !self.unanswered.is_empty() || !self.holding.networks_won(&effect).is_empty();
        self.base = position;
        self.highest = self.highest.max(position.seq);
        self.further.clear();
        self.unanswered.clear();
        DeltaOutcome::Applied { changed: self.holding.changed(&effect), brought_networks }
    }

    /// Up to where a scope is known; `None` when it is not followed.
    fn complete_to(&self, scope: &Scope) -> Option<i64> {
        let followed = match scope {
            Scope::Host(_) | Scope::Dhcp(_) => *scope == self.root,
            Scope::Network(id) => self.follows(*id),
            Scope::Ports(id) => self.role == Role::DhcpAgent && self.follows(*id),
            Scope::Router(_)
            | Scope::SecurityGroup(_)
            | Scope::AddressGroup(_)
            | Scope::QosPolicy(_) => false,
        };
        followed.then(|| self.further.get(scope).copied().unwrap_or(self.base.seq))
    }

    fn follows(&self, network: NetworkId) -> bool {
        self.view().networks.contains_key(&network) && !self.unanswered.contains(&network)
    }
}
