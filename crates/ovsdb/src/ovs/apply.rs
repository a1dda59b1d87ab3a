//! Transactions of a bearable size, and waiting until the switch has acted on them.

use std::num::NonZero;
use std::time::Duration;

use super::SWITCH;
use crate::client::Client;
use crate::error::Error;
use crate::transaction::{Mutation, OpResult, ReplyError, Rows, Transaction, Until};

/// How many ports one transaction should add or remove at most. ovs-vswitchd acts on a transaction
/// as a whole and serves nobody meanwhile: removing 1,000 ports at once takes it 14 s.
pub const BATCH: NonZero<usize> = NonZero::new(64).unwrap();

/// Spreads edits over transactions, `size` items in each.
///
/// ```
/// use nucleon_ovsdb::ovs::{BATCH, BridgeId, PortId, batches, delete_port};
/// # let bridge = BridgeId(nucleon_ovsdb::Uuid::nil());
/// # let ports = vec![PortId(nucleon_ovsdb::Uuid::nil()); 130];
/// let transactions = batches(&ports, BATCH, |transaction, port| {
///     delete_port(transaction, bridge, *port);
/// });
/// assert_eq!(transactions.len(), 3);
/// ```
pub fn batches<T>(
    items: &[T],
    size: NonZero<usize>,
    mut edit: impl FnMut(&mut Transaction, &T),
) -> Vec<Transaction> {
    items
        .chunks(size.get())
        .map(|chunk| {
            let mut transaction = Transaction::new();
            for item in chunk {
                edit(&mut transaction, item);
            }
            transaction
        })
        .collect()
}

/// Runs a transaction and waits until ovs-vswitchd has acted on it, as `ovs-vsctl` does without
/// `--no-wait`: the transaction also raises `next_cfg`, and ovs-vswitchd answers by the same number
/// in `cur_cfg`.
///
/// [`Error::NotApplied`] means that the transaction is in the database all the same. The client
/// must monitor `cur_cfg`, as [`super::monitor`] does.
pub async fn transact_applied(
    client: &Client,
    mut transaction: Transaction,
    timeout: Duration,
) -> Result<Vec<OpResult>, Error> {
    let own = transaction.len();
    // Without the root row there is no switch to wait for: better nothing is done at all.
    let none = Rows { columns: vec!["_uuid".to_owned()], rows: Vec::new() };
    transaction.wait(SWITCH, [], Until::NotEqual, none, Duration::ZERO);
    transaction.mutate(SWITCH, [], [Mutation::add("next_cfg", 1)]);
    transaction.select(SWITCH, [], ["next_cfg"]);
    let mut results = client.transact(transaction).await?;
    let added = results.split_off(own.min(results.len()));
    let raised = match added.as_slice() {
        [_, _, OpResult::Rows(rows)] => rows.first().and_then(|row| row.integer("next_cfg").ok()),
        _ => None,
    };
    let Some(next_cfg) = raised else {
        return Err(ReplyError::NoNextCfg.into());
    };
    let applied = client.wait_for(timeout, |snapshot| {
        let (_, switch) = snapshot.rows(SWITCH).next()?;
        (switch.integer("cur_cfg").ok()? >= next_cfg).then_some(())
    });
    match applied.await {
        Ok(()) => Ok(results),
        Err(Error::Timeout(_)) => Err(Error::NotApplied { next_cfg, timeout }),
        Err(error) => Err(error),
    }
}
