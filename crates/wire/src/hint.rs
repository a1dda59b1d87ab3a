//! Hints: word that a scope has changed.

use nucleon_model::view::{Change, Scope};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The most bytes of JSON that the bodies of one hint may take; larger ones are fetched by whoever needs them.
pub const HINT_BODY_LIMIT: usize = 16 * 1024;

/// One change of one scope, sent once by whoever gave it its place in the journal. It may be lost, doubled or late.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hint {
    pub epoch: Uuid,
    pub scope: Scope,
    /// The place of the scope's change before this one; zero when there was none.
    pub previous: i64,
    /// The place of this change.
    pub seq: i64,
    /// What has become of the objects, when that is small enough to be told at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changes: Option<Vec<Change>>,
}
