//! Facts about the API to be compatible with, where they are to be had.

use std::path::PathBuf;

use serde_json::Value;

/// A file of the reference: in `NUCLEON_REFERENCE`, or in `../shared` beside the checkout.
pub(crate) fn load(name: &str) -> Option<Value> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared");
    let directory =
        std::env::var_os("NUCLEON_REFERENCE").map_or_else(|| PathBuf::from(beside), PathBuf::from);
    let path = directory.join("neutron").join(name);
    let Ok(text) = std::fs::read_to_string(&path) else {
        eprintln!("SKIPPED: no reference at {}", path.display());
        return None;
    };
    Some(serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
}
