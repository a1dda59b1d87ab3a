//! How an agent follows its view: a state machine without I/O or clock.
//!
//! ```text
//!                 Connected, Poll, Lagged, Resync
//!                               |
//!                               v          hint that fits: applied at once
//!   Watch(position) <------- [asking] <--- hint that does not: ask
//!                               |
//!         .---------------------+--------------------------.
//!         v                     v                          v
//!   delta or snapshot      behind, failed,          snapshot that would lose more than
//!   that fits: Apply       does not fit: Retry      a fifth: Refuse, and wait for Accept
//! ```
//!
//! A scope is complete up to the place of the last answer, or of the last hint that joined on to that without a gap. Missing is
//! not empty: nothing but a whole answer, or a hint that fits, ever takes anything away.
//!
//! Deltas and hints name each object that goes, and the journal has an acknowledged change for each: they may take away any
//! number. In a snapshot, what goes is what is not mentioned, and a database that was emptied, mixed up or restored looks just
//! like one that was cleaned up: there losses are limited, in whichever epoch.

mod known;

use nucleon_model::view::{Change, Position, Role, View};
use nucleon_wire::{Answer, Hint};
use serde::{Deserialize, Serialize};

use self::known::{DeltaOutcome, Known, Verdict};
use crate::changed::Changed;

/// Hints that arrive while an answer is awaited and are looked at again after it; beyond these the agent asks once more.
const REPLAY_LIMIT: usize = 256;

/// What a follower lets a server do to its view by a snapshot.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// A loss of more than one port in so many needs the operator's consent.
    pub one_in: usize,
    /// Losses up to this many never do, unless the database has begun a new epoch.
    pub always: usize,
    /// Every so many polls the digests are compared.
    pub verify_every: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { one_in: 5, always: 5, verify_every: 10 }
    }
}

/// Something that a follower has to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    Connected,
    Disconnected,
    /// To the last [`Action::Watch`].
    Answer(Answer),
    /// The last [`Action::Watch`] got no whole answer.
    WatchFailed,
    Hint(Hint),
    /// Hints were lost on the way here.
    Lagged,
    /// It is time to ask whether something was missed.
    Poll,
    /// The server has found that the views differ.
    Resync,
    /// The operator consents to what was refused.
    Accept,
}

/// What has to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Ask the server. Exactly one of `Answer`, `WatchFailed` or `Disconnected` must follow.
    Watch { position: Option<Position>, verify: bool },
    /// The view has changed.
    Apply(Changed),
    /// Nothing was changed, and the operator should hear why.
    Refuse(Withheld),
    /// Send `Poll` after a while that grows from time to time.
    Retry,
}

/// A snapshot that is not carried out without consent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withheld {
    /// How many ports it would take away.
    pub lost: usize,
    /// Out of how many.
    pub of: usize,
    /// The snapshot's position.
    pub position: Position,
    /// Whether the database has begun a new epoch: it was restored, or is another one.
    pub new_epoch: bool,
}

/// What a follower keeps on disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remembered {
    pub position: Position,
    /// The latest place whose change is in the view, by a hint perhaps.
    pub highest: i64,
    pub view: View,
}

/// One role's view on one host.
#[derive(Debug)]
pub struct Follower {
    role: Role,
    host: String,
    limits: Limits,
    known: Option<Known>,
    connected: bool,
    /// The hub sends this connection no hints yet, or not for all scopes.
    unsubscribed: bool,
    asking: Option<Asking>,
    /// Only a snapshot will do.
    snapshot_wanted: bool,
    withheld: Option<Box<Refused>>,
    behind: Option<Position>,
    polls: u32,
    drifts: u64,
}

/// A question under way.
#[derive(Debug)]
struct Asking {
    /// The latest change held when it was asked; an answer from before that is of a server that is behind.
    seen: i64,
    since: Vec<Hint>,
    lagged: bool,
}

/// A snapshot that waits for consent.
#[derive(Debug)]
struct Refused {
    withheld: Withheld,
    changes: Vec<Change>,
    digest: Option<u64>,
}

/// Whether a snapshot may take away more than the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Consent {
    Given,
    Needed,
}

impl Follower {
    /// Follows on from what was remembered, or from nothing.
    pub fn new(
        role: Role,
        host: impl Into<String>,
        limits: Limits,
        remembered: Option<Remembered>,
    ) -> Self {
        let host = host.into();
        let known = remembered.map(|remembered| Known::remember(role, &host, remembered));
        Self {
            role,
            host,
            limits,
            known,
            connected: false,
            unsubscribed: true,
            asking: None,
            snapshot_wanted: false,
            withheld: None,
            behind: None,
            polls: 0,
            drifts: 0,
        }
    }

    /// The view; `None` while there never was one. That is not an empty one: it says nothing about the host.
    pub fn view(&self) -> Option<&View> {
        self.known.as_ref().map(Known::view)
    }

    /// Up to where everything is known.
    pub fn position(&self) -> Option<Position> {
        self.known.as_ref().map(|known| known.base)
    }

    pub fn digest(&self) -> u64 {
        self.known.as_ref().map_or(0, Known::digest)
    }

    pub fn withheld(&self) -> Option<Withheld> {
        self.withheld.as_ref().map(|refused| refused.withheld)
    }

    /// Where the server's database is, when it is behind this view.
    pub fn behind(&self) -> Option<Position> {
        self.behind
    }

    /// How often the view was found to differ from the server's.
    pub fn drifts(&self) -> u64 {
        self.drifts
    }

    /// For the disk.
    pub fn remember(&self) -> Option<Remembered> {
        self.known.as_ref().map(Known::to_remembered)
    }

    pub fn step(&mut self, event: Event) -> Vec<Action> {
        let mut actions = Vec::new();
        match event {
            Event::Connected => {
                self.connected = true;
                self.unsubscribed = true;
                self.asking = None;
                self.ask(&mut actions);
            }
            Event::Disconnected => {
                self.connected = false;
                self.asking = None;
            }
            Event::Answer(answer) => {
                // Without a question there is nothing to judge it by.
                if let Some(asking) = self.asking.take() {
                    self.answer(answer, asking, Consent::Needed, &mut actions);
                }
            }
            Event::WatchFailed => {
                if self.asking.take().is_some() && self.connected {
                    actions.push(Action::Retry);
                }
            }
            Event::Hint(hint) => self.hint(hint, &mut actions),
            Event::Lagged => {
                if let Some(asking) = &mut self.asking {
                    asking.lagged = true;
                }
                self.ask(&mut actions);
            }
            Event::Poll => self.ask(&mut actions),
            Event::Resync => {
                self.drifted();
                self.ask(&mut actions);
            }
            Event::Accept => self.accept(&mut actions),
        }
        actions
    }

    /// Asks, unless a question is under way: what it is for is then seen to after the answer.
    fn ask(&mut self, actions: &mut Vec<Action>) {
        if !self.connected || self.asking.is_some() {
            return;
        }
        let position = self.position().filter(|_| !self.snapshot_wanted);
        let verify = self.polls.is_multiple_of(self.limits.verify_every.max(1));
        self.polls = self.polls.wrapping_add(1);
        let seen = self.known.as_ref().map_or(i64::MIN, |known| known.highest);
        self.asking = Some(Asking { seen, since: Vec::new(), lagged: false });
        actions.push(Action::Watch { position, verify });
    }

    fn hint(&mut self, hint: Hint, actions: &mut Vec<Action>) {
        if let Some(asking) = &mut self.asking {
            if asking.since.len() < REPLAY_LIMIT {
                asking.since.push(hint.clone());
            } else {
                asking.lagged = true;
            }
        }
        // What is withheld stands before anything later.
        if self.withheld.is_some() {
            return;
        }
        match &mut self.known {
            None => self.ask(actions),
            Some(known) => {
                let (changed, verdict) = known.hint(hint);
                if !changed.is_empty() {
                    actions.push(Action::Apply(changed));
                }
                if verdict == Verdict::Ask {
                    self.ask(actions);
                }
            }
        }
    }

    fn answer(
        &mut self,
        answer: Answer,
        asking: Asking,
        consent: Consent,
        actions: &mut Vec<Action>,
    ) {
        let position = answer.position();
        let same_epoch =
            self.known.as_ref().is_some_and(|known| known.base.epoch == position.epoch);
        if matches!(answer, Answer::Behind { .. }) || (same_epoch && position.seq < asking.seen) {
            self.behind = Some(position);
            actions.push(Action::Retry);
            return;
        }
        let taken = match answer {
            Answer::Snapshot { position, changes, digest } => {
                self.snapshot(position, changes, digest, consent)
            }
            Answer::Delta { from, position, changes, digest } => {
                self.delta(from, position, &changes, digest)
            }
            Answer::Behind { .. } => return,
        };
        let taken = match taken {
            Ok(taken) => taken,
            Err(Unfit::Withheld(refused)) => {
                self.behind = None;
                actions.push(Action::Refuse(refused.withheld));
                self.withheld = Some(refused);
                return;
            }
            Err(Unfit::Inconsistent) => {
                self.snapshot_wanted = true;
                actions.push(Action::Retry);
                return;
            }
        };
        self.behind = None;
        self.withheld = None;
        self.taken(position, taken, asking, actions);
    }

    /// The answer is in: the rest follows from what came while it was awaited.
    fn taken(
        &mut self,
        position: Position,
        taken: Taken,
        asking: Asking,
        actions: &mut Vec<Action>,
    ) {
        // Only without later hints do both sides speak of the same place.
        let drift = self.known.as_ref().is_some_and(|known| {
            known.highest <= position.seq
                && taken.digest.is_some_and(|digest| digest != known.digest())
        });
        if drift {
            self.drifted();
        }
        // Even one that differs from its own digest: it would not be better the second time.
        if taken.was_snapshot {
            self.snapshot_wanted = false;
        }
        let mut again = asking.lagged
            || taken.brought_networks
            || std::mem::take(&mut self.unsubscribed)
            || self.snapshot_wanted;
        let Some(known) = &mut self.known else { return };
        let mut changed = taken.changed;
        for hint in asking.since {
            let (more, verdict) = known.hint(hint);
            changed.merge(more);
            again |= verdict == Verdict::Ask;
        }
        if again {
            self.ask(actions);
        }
        if !changed.is_empty() {
            actions.push(Action::Apply(changed));
        }
    }

    fn snapshot(
        &mut self,
        position: Position,
        changes: Vec<Change>,
        digest: Option<u64>,
        consent: Consent,
    ) -> Result<Taken, Unfit> {
        let new = Known::from_snapshot(self.role, &self.host, position, &changes);
        let changed = match &self.known {
            None => Changed::everything(),
            Some(old) => {
                let (of, lost) = (old.view().ports.len(), old.ports_not_in(&new));
                let new_epoch = old.base.epoch != position.epoch;
                let forbidden = if new_epoch {
                    self.limits.forbid_in_new_epoch(lost, of)
                } else {
                    self.limits.forbid(lost, of)
                };
                if consent == Consent::Needed && forbidden {
                    let withheld = Withheld { lost, of, position, new_epoch };
                    return Err(Unfit::Withheld(Box::new(Refused { withheld, changes, digest })));
                }
                let mut changed = Changed::between(old.view(), new.view());
                // Another database has to be told everything, and revisions say nothing across epochs.
                changed.everything = new_epoch;
                changed
            }
        };
        self.known = Some(new);
        Ok(Taken { changed, digest, brought_networks: false, was_snapshot: true })
    }

    fn delta(
        &mut self,
        from: Position,
        position: Position,
        changes: &[Change],
        digest: Option<u64>,
    ) -> Result<Taken, Unfit> {
        let Some(known) = &mut self.known else {
            return Err(Unfit::Inconsistent);
        };
        if from != known.base || position.epoch != from.epoch || position.seq < from.seq {
            return Err(Unfit::Inconsistent);
        }
        match known.delta(position, changes) {
            DeltaOutcome::Applied { changed, brought_networks } => {
                Ok(Taken { changed, digest, brought_networks, was_snapshot: false })
            }
            DeltaOutcome::Orphans => Err(Unfit::Inconsistent),
        }
    }

    /// One drift counts once, whoever finds it.
    fn drifted(&mut self) {
        if !self.snapshot_wanted {
            self.drifts += 1;
            self.snapshot_wanted = true;
        }
    }

    fn accept(&mut self, actions: &mut Vec<Action>) {
        let Some(refused) = self.withheld.take() else {
            return;
        };
        let Refused { withheld: Withheld { position, .. }, changes, digest } = *refused;
        let answer = Answer::Snapshot { position, changes, digest };
        // The answer may be old by now; asking again follows, since no hints were taken in meanwhile.
        let asking = Asking { seen: i64::MIN, since: Vec::new(), lagged: true };
        self.answer(answer, asking, Consent::Given, actions);
    }
}

/// An answer that was taken in.
#[derive(Debug)]
struct Taken {
    changed: Changed,
    digest: Option<u64>,
    brought_networks: bool,
    was_snapshot: bool,
}

/// An answer that was not.
#[derive(Debug)]
enum Unfit {
    Withheld(Box<Refused>),
    /// It does not join on to this view, or leaves ports without networks.
    Inconsistent,
}

impl Limits {
    fn forbid(self, lost: usize, of: usize) -> bool {
        lost > self.always && self.forbid_in_new_epoch(lost, of)
    }

    /// Without the allowance: a database that was emptied or mixed up may not unplug a small host either.
    fn forbid_in_new_epoch(self, lost: usize, of: usize) -> bool {
        lost.saturating_mul(self.one_in) > of
    }
}

#[cfg(test)]
mod tests;
