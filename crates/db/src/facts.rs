//! What a store has found out about its database.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

/// Clones are the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Facts(Arc<Known>);

#[derive(Debug, Default)]
struct Known {
    /// SQLite names the columns of a violated key only; these are the names of the keys.
    keys: RwLock<HashMap<String, String>>,
    /// Whether statements can be put into a block with values bound (MariaDB from 10.6.2 on).
    blocks: AtomicBool,
}

impl Facts {
    pub(crate) fn key(&self, columns: &str) -> Option<String> {
        self.0.keys.read().unwrap_or_else(PoisonError::into_inner).get(columns).cloned()
    }

    pub(crate) fn know_key(&self, columns: String, name: String) {
        self.0.keys.write().unwrap_or_else(PoisonError::into_inner).insert(columns, name);
    }

    pub(crate) fn has_blocks(&self) -> bool {
        self.0.blocks.load(Ordering::Relaxed)
    }

    pub(crate) fn know_blocks(&self, has: bool) {
        self.0.blocks.store(has, Ordering::Relaxed);
    }
}
