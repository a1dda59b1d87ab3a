//! Changes that take effect together.

use bytes::BytesMut;

use super::{Batch, Connection, Error};
use crate::flow::FlowMod;
use crate::message::{BundleControl, BundleFlags, BundleStep, Message, SwitchError};

const FLAGS: BundleFlags = BundleFlags::ATOMIC_ORDERED;

/// A bundle that was committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BundleReport {
    pub messages: usize,
    pub bytes: usize,
}

impl Connection {
    /// Makes all of `changes` at once, or none of them: the first that the switch refuses is the
    /// error and is named in it.
    ///
    /// The bundle is sent whole, closed, and committed only when the switch has found nothing
    /// wrong with any message: it would commit the rest without those that it could not read.
    pub async fn apply_bundle(&self, changes: &[FlowMod]) -> Result<BundleReport, Error> {
        if changes.is_empty() {
            return Ok(BundleReport { messages: 0, bytes: 0 });
        }
        let mut batch = self.batch(changes.len() + 4);
        let first = batch.first;
        // A bundle's id is its own only within the connection; a transaction id is unique there.
        let id = first;
        put_control(&mut batch, id, BundleStep::OpenRequest)?;
        for change in changes {
            batch
                .put_with(|xid, out| Message::encode_bundle_add(id, FLAGS, change, xid, out))
                .map_err(|source| Error::Encode { what: change.to_string(), source })?;
        }
        put_control(&mut batch, id, BundleStep::CloseRequest)?;
        let report = BundleReport { messages: changes.len(), bytes: batch.bytes.len() };
        let next = batch.next;
        let sent = self.collect(batch, changes, "bundle").await?;
        let (step, what) = match sent {
            None => (BundleStep::CommitRequest, "commit of a bundle"),
            Some(_) => (BundleStep::DiscardRequest, "discard of a bundle"),
        };
        // The range is still the whole one: a commit is refused with the id of the message in it.
        let mut end = Batch { first, next, bytes: BytesMut::new() };
        put_control(&mut end, id, step)?;
        let ended = self.collect(end, changes, what).await?;
        match sent.or(ended) {
            None => Ok(report),
            Some((index, source)) => {
                let change = index.checked_sub(1).and_then(|index| changes.get(index));
                let what = change.map_or_else(|| what.to_owned(), ToString::to_string);
                Err(self.refused(what, source))
            }
        }
    }

    /// Sends `batch` and returns the most telling error of its answers: that of a change rather
    /// than that of the bundle, and of those the first.
    async fn collect(
        &self,
        batch: Batch,
        changes: &[FlowMod],
        what: &str,
    ) -> Result<Option<(usize, SwitchError)>, Error> {
        let is_change = |index: usize| index >= 1 && index <= changes.len();
        let mut worst: Option<(usize, SwitchError)> = None;
        self.exchange(batch, what, |index, reply| {
            match reply.map_err(|source| self.undecodable(what, source))? {
                Message::Error(error) => {
                    let better = worst.as_ref().is_none_or(|(found, _)| {
                        is_change(index) && (!is_change(*found) || index < *found)
                    });
                    if better {
                        worst = Some((index, error));
                    }
                }
                Message::BundleControl(_) => {}
                _ => return Err(self.unexpected(what)),
            }
            Ok(())
        })
        .await?;
        Ok(worst)
    }
}

fn put_control(batch: &mut Batch, id: u32, step: BundleStep) -> Result<(), Error> {
    batch
        .put(&Message::BundleControl(BundleControl { id, step, flags: FLAGS }))
        .map_err(|source| Error::Encode { what: "bundle".to_owned(), source })
}
