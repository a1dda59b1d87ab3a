//! Sessions recorded from `ovsdb-server`, and what they must lead to.
//!
//! `tests/cases/<name>/input.json` is the server's side of a conversation, byte for byte but for the
//! tables of the schema that nobody monitors. `expect.txt` is every change that comes of it;
//! `NUCLEON_REWRITE=1` writes it anew.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use bytes::BytesMut;
use nucleon_ovsdb::ovs::{self, View};
use nucleon_ovsdb::{Change, FrameDecoder, FrameLimits, Message, Output, Row, Session, Snapshot};

/// Replays a recording in pieces of `size` bytes; tells what came of it, and the last state.
fn replay(input: &[u8], size: usize) -> Result<(String, Snapshot)> {
    let (mut session, _) = Session::start(ovs::monitor());
    let (mut decoder, mut buffer) = (FrameDecoder::new(FrameLimits::default()), BytesMut::new());
    let (mut told, mut copy, mut view) = (String::new(), Snapshot::default(), View::default());
    for piece in input.chunks(size) {
        buffer.extend_from_slice(piece);
        while let Some(frame) = decoder.decode(&mut buffer)? {
            match session.receive(Message::parse(&frame)?)? {
                Output::Live => {
                    copy = session.replica().context("not live")?.snapshot().clone();
                    view = View::from_snapshot(&copy)?;
                    tell(&mut told, "connected", &Snapshot::default().changes_to(&copy))?;
                }
                Output::Changed(changes) => {
                    copy.apply(&changes);
                    view.apply(&changes)?;
                    tell(&mut told, "changed", &changes)?;
                }
                Output::Reply { .. } => writeln!(told, "replied")?,
                Output::Send(_) | Output::Nothing => {}
                Output::Unexpected => writeln!(told, "unexpected")?,
            }
        }
    }
    let replica = session.replica().context("not live")?;
    assert_eq!(&copy, replica.snapshot(), "the changes do not lead to the replica");
    assert_eq!(view, View::from_snapshot(&copy)?, "the typed changes do not lead to the view");
    Ok((told, copy))
}

fn tell(told: &mut String, what: &str, changes: &[Change]) -> Result<()> {
    writeln!(told, "{what}")?;
    for change in changes {
        let row = |row: Option<&std::sync::Arc<Row>>| {
            row.map_or_else(|| "-".to_owned(), |row| row.to_json().to_string())
        };
        let (old, new) = (row(change.old_row()), row(change.new_row()));
        writeln!(told, "  {} {}\n    {old}\n    {new}", change.table, change.uuid)?;
    }
    Ok(())
}

#[test]
fn recorded_sessions_lead_to_the_recorded_changes() -> Result<()> {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut count = 0;
    for case in fs::read_dir(cases)? {
        let case = case?.path();
        let input = fs::read(case.join("input.json"))?;
        let (told, _) = replay(&input, input.len())?;
        for size in [1, 7, 4096] {
            assert_eq!(replay(&input, size)?.0, told, "{} in pieces of {size}", case.display());
        }
        let expect = case.join("expect.txt");
        if std::env::var_os("NUCLEON_REWRITE").is_some() {
            fs::write(&expect, &told)?;
        }
        assert_eq!(told, fs::read_to_string(&expect)?, "{}", case.display());
        count += 1;
    }
    assert!(count >= 2, "{count} recordings were found");
    Ok(())
}
