use nucleon_model::PortId;
use nucleon_model::view::ObjectId;
use proptest::prelude::*;
use uuid::Uuid;

use super::*;

fn position(seq: i64) -> Position {
    Position { epoch: Uuid::from_u128(7), seq }
}

fn gone(count: u128) -> Vec<Change> {
    (0..count)
        .map(|number| Change::Gone(ObjectId::Port(PortId::new(Uuid::from_u128(number)))))
        .collect()
}

fn snapshot(count: u128) -> Answer {
    Answer::Snapshot { position: position(9), changes: gone(count), digest: Some(3) }
}

fn assemble(chunks: impl IntoIterator<Item = AnswerChunk>) -> Result<Option<Answer>, AnswerError> {
    let mut assembly = Assembly::new();
    let mut whole = None;
    for chunk in chunks {
        assert_eq!(whole, None, "chunks after the last");
        whole = assembly.push(chunk)?;
    }
    Ok(whole)
}

#[test]
fn an_empty_snapshot_is_one_chunk() {
    let chunks: Vec<_> = snapshot(0).into_chunks(1, 10).collect();
    assert_eq!(chunks.len(), 1);
    assert!(chunks[0].last && chunks[0].changes.is_empty());
}

#[test]
fn only_the_last_chunk_is_marked_and_holds_the_digest() {
    let chunks: Vec<_> = snapshot(20).into_chunks(1, 10).collect();
    let marks: Vec<_> =
        chunks.iter().map(|chunk| (chunk.index, chunk.last, chunk.digest)).collect();
    assert_eq!(marks, [(0, false, None), (1, true, Some(3))]);
}

#[test]
fn an_answer_without_its_last_chunk_is_no_answer() {
    let chunks = snapshot(25).into_chunks(1, 10).take(2);
    assert_eq!(assemble(chunks), Ok(None));
}

#[test]
fn a_missing_chunk_is_noticed() {
    let chunks = snapshot(25).into_chunks(1, 10).filter(|chunk| chunk.index != 1);
    assert_eq!(assemble(chunks), Err(AnswerError::OutOfOrder { id: 1, got: 2, expected: 1 }));
}

#[test]
fn chunks_of_two_answers_do_not_mix() {
    let newer = Answer::Snapshot { position: position(10), changes: gone(25), digest: None };
    let chunks = snapshot(25).into_chunks(1, 10).take(1).chain(newer.into_chunks(1, 10).skip(1));
    assert_eq!(assemble(chunks), Err(AnswerError::Mixed { id: 1, index: 1 }));
}

#[test]
fn behind_holds_no_changes() {
    let mut chunk = Answer::Behind { position: position(1) }.into_chunks(4, 1).next().unwrap();
    chunk.changes = gone(1);
    assert_eq!(assemble([chunk]), Err(AnswerError::NotEmpty { id: 4 }));
}

proptest! {
    #[test]
    fn what_is_cut_is_put_together_again(count in 0_u128..60, at_most in 0_usize..20, delta: bool) {
        let answer = if delta {
            Answer::Delta { from: position(2), position: position(9), changes: gone(count), digest: None }
        } else {
            snapshot(count)
        };
        let chunks: Vec<_> = answer.clone().into_chunks(1, at_most).collect();
        prop_assert!(chunks.iter().all(|chunk| chunk.changes.len() <= at_most.max(1)));
        prop_assert_eq!(assemble(chunks), Ok(Some(answer)));
    }
}
