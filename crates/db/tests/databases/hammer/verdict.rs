//! What all of them have seen and said, held against the journal.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::time::Duration;

use nucleon_db::journal::After;
use nucleon_db::{Batch, Entry, Error, Position, Store};
use sea_query::{Expr, ExprTrait, Order, Query};

use crate::hammer::reader::Seen;
use crate::hammer::writer::{SHARED, shared_name};

/// What the processes have said.
#[derive(Debug, Default)]
pub(crate) struct Witness {
    /// Acknowledged writes, and the number of their changes.
    acknowledged: HashMap<String, usize>,
    refused: BTreeSet<String>,
    /// The announced batches: previous, then the writes of the entries.
    batches: Vec<(i64, Vec<String>)>,
    retries: BTreeMap<String, u64>,
}

pub(crate) fn batch_line(batch: &Batch) -> String {
    let writes: Vec<String> = batch.entries.iter().map(|entry| entry.tx.to_string()).collect();
    format!("batch {} {}", batch.previous, writes.join(" "))
}

impl Witness {
    pub(crate) fn hear(&mut self, lines: &[String]) {
        for line in lines {
            let words: Vec<&str> = line.split(' ').collect();
            match words[..] {
                ["ack", tx, changes] => {
                    let twice = self.acknowledged.insert(tx.to_owned(), changes.parse().unwrap());
                    assert!(twice.is_none(), "{tx} was acknowledged twice");
                }
                ["refused", tx] => drop(self.refused.insert(tx.to_owned())),
                ["batch", previous, ref writes @ ..] => {
                    let writes = writes.iter().map(ToString::to_string).collect();
                    self.batches.push((previous.parse().unwrap(), writes));
                }
                ["retried", reason, times] => {
                    *self.retries.entry(reason.to_owned()).or_default() +=
                        times.parse::<u64>().unwrap();
                }
                ["ready"] => {}
                _ => panic!("a process said {line:?}"),
            }
        }
    }
}

/// Waits until nothing is left to be sequenced. Answers with the head.
pub(crate) async fn settled(store: &Store) -> i64 {
    for _ in 0..300 {
        let (waiting, head) = store
            .snapshot(|tx| {
                Box::pin(async move {
                    let count = Query::select().expr(Expr::col("id").count()).from("outbox").take();
                    let waiting: i64 = tx.fetch_optional(&count).await?.unwrap().at(0)?;
                    Ok::<_, Error>((waiting, tx.journal_head().await?.seq))
                })
            })
            .await
            .unwrap();
        if waiting == 0 {
            return head;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the outbox does not get empty");
}

/// The figures of a run.
pub(crate) struct Figures {
    entries: usize,
    acknowledged: usize,
    unacknowledged: usize,
    batches: usize,
    p50: Duration,
    p99: Duration,
    announced: usize,
    retries: BTreeMap<String, u64>,
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} entries of {} acknowledged writes and {} others, {} batches announced, \
             {}% of the entries announced, outbox to sequenced p50 {:.1?} p99 {:.1?}, retries {:?}",
            self.entries,
            self.acknowledged,
            self.unacknowledged,
            self.batches,
            self.announced * 100 / self.entries,
            self.p50,
            self.p99,
            self.retries
        )
    }
}

pub(crate) async fn judge(store: &Store, witness: &Witness, seen: &[Seen]) -> Figures {
    let journal = journal(store).await;
    assert!(journal.len() > 100, "the hammer hit {} times only", journal.len());

    // No gap, no double: places are 1, 2, 3, …
    for (place, entry) in (1..).zip(&journal) {
        assert_eq!(entry.seq, place, "the journal has a gap or a double");
    }

    // Every write is whole; every acknowledged one is there; no refused one is.
    let mut writes: HashMap<String, Vec<&Entry>> = HashMap::new();
    for entry in &journal {
        writes.entry(entry.tx.to_string()).or_default().push(entry);
    }
    for (tx, changes) in &witness.acknowledged {
        let found = writes.get(tx).map_or(0, Vec::len);
        assert_eq!(found, *changes, "changes of the acknowledged write {tx}");
    }
    for tx in &witness.refused {
        assert!(!writes.contains_key(tx), "the refused write {tx} is in the journal");
    }
    for (tx, entries) in &writes {
        whole(tx, entries);
    }
    rows_and_changes_agree(store, &journal).await;
    let announced = announced_once(witness, &journal);

    // Every reader has seen what the journal has, of its scopes, in its order.
    for Seen { scopes, entries } in seen {
        let touched = |entry: &&Entry| {
            scopes
                .as_ref()
                .is_none_or(|scopes| entry.change.scopes.iter().any(|scope| scopes.contains(scope)))
        };
        let expected: Vec<&Entry> = journal.iter().filter(touched).collect();
        let found: Vec<&Entry> = entries.iter().collect();
        assert_eq!(found.len(), expected.len(), "entries seen by a reader of {scopes:?}");
        assert_eq!(found, expected, "a reader of {scopes:?} saw another journal");
    }

    let mut delays: Vec<i64> =
        journal.iter().map(|entry| entry.sequenced_at - entry.made_at).collect();
    delays.sort_unstable();
    let delay = |percent: usize| {
        let micros = delays[(delays.len() - 1) * percent / 100];
        Duration::from_micros(micros.try_into().unwrap_or(0))
    };
    Figures {
        entries: journal.len(),
        acknowledged: witness.acknowledged.len(),
        unacknowledged: writes.len() - witness.acknowledged.len(),
        batches: witness.batches.len(),
        p50: delay(50),
        p99: delay(99),
        announced,
        retries: witness.retries.clone(),
    }
}

/// A write's changes are named `<thing>/<number>/<how many>`: all of them are there, once, in their order.
fn whole(tx: &str, entries: &[&Entry]) {
    for (number, entry) in entries.iter().enumerate() {
        let parts: Vec<&str> = entry.change.id.split('/').collect();
        match parts[..] {
            [_, n, of] => {
                assert_eq!(n.parse(), Ok(number), "{tx}: order of the changes of a write");
                assert_eq!(of.parse(), Ok(entries.len()), "{tx}: a torn write");
            }
            _ => assert_eq!(entries.len(), 1, "{tx}: a double"),
        }
    }
}

/// A row is there if and only if its change is.
async fn rows_and_changes_agree(store: &Store, journal: &[Entry]) {
    let query = Query::select()
        .columns(["id", "name", "revision"])
        .from("thing")
        .order_by("id", Order::Asc)
        .take();
    let rows = store
        .read(|tx| {
            let query = query.clone();
            Box::pin(async move { tx.fetch_all(&query).await })
        })
        .await
        .unwrap();
    let mut created = BTreeSet::new();
    let mut revisions: BTreeMap<String, i64> = BTreeMap::new();
    for row in rows {
        let name: String = row.get("name").unwrap();
        if name.starts_with("shared-") {
            revisions.insert(name, row.get("revision").unwrap());
        } else {
            created.insert(row.get::<String>("id").unwrap());
        }
    }
    let changed: BTreeSet<String> = journal
        .iter()
        .filter_map(|entry| entry.change.id.split_once('/'))
        .map(|(id, _)| id.to_owned())
        .collect();
    assert_eq!(created, changed, "rows and changes");
    for name in (0..SHARED).map(shared_name) {
        let mut raised: BTreeMap<i64, Vec<&Entry>> = BTreeMap::new();
        for entry in journal.iter().filter(|entry| entry.change.id == name) {
            raised.entry(entry.change.revision).or_default().push(entry);
        }
        let doubles: Vec<_> = raised.values().filter(|entries| entries.len() != 1).collect();
        assert!(doubles.is_empty(), "revisions of {name} that several writes made: {doubles:#?}");
        let expected: Vec<i64> = (1..=revisions[&name]).collect();
        let missing = expected.iter().find(|revision| !raised.contains_key(revision));
        assert_eq!(missing, None, "a revision of {name} without a change");
        assert_eq!(raised.len(), expected.len(), "changes of {name} that never were");
    }
}

/// A place is announced once at most (the announcer may have died), and as the journal has it.
fn announced_once(witness: &Witness, journal: &[Entry]) -> usize {
    let mut announced = BTreeSet::new();
    for (previous, writes) in &witness.batches {
        for (seq, tx) in (previous + 1..).zip(writes) {
            assert!(announced.insert(seq), "{seq} was announced twice");
            let entry = usize::try_from(seq - 1).ok().and_then(|place| journal.get(place));
            let found = entry.map(|entry| entry.tx.to_string());
            assert_eq!(found.as_deref(), Some(tx.as_str()), "what was announced as {seq}");
        }
    }
    announced.len()
}

async fn journal(store: &Store) -> Vec<Entry> {
    let mut all = Vec::new();
    let mut from: Option<Position> = None;
    loop {
        let after = store
            .snapshot(|tx| {
                Box::pin(async move {
                    let position = match from {
                        Some(position) => position,
                        None => Position { seq: 0, ..tx.journal_head().await? },
                    };
                    tx.journal_after(position, None, 5000).await
                })
            })
            .await
            .unwrap();
        let After::Entries { entries, position, more } = after else { panic!("{after:?}") };
        all.extend(entries);
        from = Some(position);
        if !more {
            return all;
        }
    }
}
