//! Answers to a watch: whole for those who make and use them, in chunks on the wire.

use nucleon_model::view::{Change, Position};
use serde::{Deserialize, Serialize};

use crate::message::RequestId;

/// The most changes in one chunk: some 250 KiB of ordinary ports, so that hints get their turn in between.
pub const CHUNK_CHANGES: usize = 256;

/// What a server knows of an agent's view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The whole view at `position`: what is not in it does not exist for this agent.
    Snapshot { position: Position, changes: Vec<Change>, digest: Option<u64> },
    /// All that changed for this agent after `from`, as it is at `position`.
    Delta { from: Position, position: Position, changes: Vec<Change>, digest: Option<u64> },
    /// The server's database has only come to `position`, before the one asked for.
    Behind { position: Position },
}

/// What kind of answer a chunk is a part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AnswerKind {
    Snapshot,
    Delta { from: Position },
    Behind,
}

/// A part of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswerChunk {
    pub id: RequestId,
    /// Counted from zero.
    pub index: u32,
    pub last: bool,
    pub kind: AnswerKind,
    pub position: Position,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Change>,
    /// Of the whole view at `position`; in the last chunk, where it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<u64>,
}

/// A chunk that does not continue what came before it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    #[error("chunk {got} of answer {id} came where {expected} was due")]
    OutOfOrder { id: RequestId, got: u32, expected: u32 },
    #[error("chunk {index} of answer {id} belongs to another answer than those before it")]
    Mixed { id: RequestId, index: u32 },
    #[error("answer {id} says 'behind' and yet holds changes or further chunks")]
    NotEmpty { id: RequestId },
}

impl Answer {
    pub fn position(&self) -> Position {
        match self {
            Self::Snapshot { position, .. }
            | Self::Delta { position, .. }
            | Self::Behind { position } => *position,
        }
    }

    /// Cuts the answer into chunks of at most `at_most` changes (at least one chunk, the last one marked).
    pub fn into_chunks(self, id: RequestId, at_most: usize) -> impl Iterator<Item = AnswerChunk> {
        let (kind, position, changes, digest) = match self {
            Self::Snapshot { position, changes, digest } => {
                (AnswerKind::Snapshot, position, changes, digest)
            }
            Self::Delta { from, position, changes, digest } => {
                (AnswerKind::Delta { from }, position, changes, digest)
            }
            Self::Behind { position } => (AnswerKind::Behind, position, Vec::new(), None),
        };
        let mut rest = changes.into_iter().peekable();
        let mut next_index = Some(0);
        std::iter::from_fn(move || {
            let index = next_index?;
            let changes = rest.by_ref().take(at_most.max(1)).collect();
            let last = rest.peek().is_none();
            next_index = if last { None } else { Some(index + 1) };
            let digest = digest.filter(|_| last);
            Some(AnswerChunk { id, index, last, kind, position, changes, digest })
        })
    }
}

/// Collects the chunks of one answer. An answer is whole or it is nothing.
#[derive(Debug)]
pub struct Assembly {
    next_index: u32,
    begun: Option<(AnswerKind, Position)>,
    changes: Vec<Change>,
}

impl Assembly {
    pub fn new() -> Self {
        Self { next_index: 0, begun: None, changes: Vec::new() }
    }

    /// Takes the next chunk; gives the answer once it is whole. After an error the assembly is of no use.
    pub fn push(&mut self, chunk: AnswerChunk) -> Result<Option<Answer>, AnswerError> {
        let AnswerChunk { id, index, last, kind, position, changes, digest } = chunk;
        if index != self.next_index {
            return Err(AnswerError::OutOfOrder { id, got: index, expected: self.next_index });
        }
        if *self.begun.get_or_insert((kind, position)) != (kind, position) {
            return Err(AnswerError::Mixed { id, index });
        }
        if kind == AnswerKind::Behind && !(last && index == 0 && changes.is_empty()) {
            return Err(AnswerError::NotEmpty { id });
        }
        self.next_index = self.next_index.saturating_add(1);
        self.changes.extend(changes);
        if !last {
            return Ok(None);
        }
        let changes = std::mem::take(&mut self.changes);
        Ok(Some(match kind {
            AnswerKind::Snapshot => Answer::Snapshot { position, changes, digest },
            AnswerKind::Delta { from } => Answer::Delta { from, position, changes, digest },
            AnswerKind::Behind => Answer::Behind { position },
        }))
    }
}

impl Default for Assembly {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests;
