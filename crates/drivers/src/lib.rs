//! The drivers that come with Nucleon, one file each.
