//! What every agent shares: following a view, keeping it on disk, reporting.
