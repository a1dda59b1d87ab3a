//! Availability zones.

use super::words::{ANYBODY, READER};
use crate::declared::{Declared, get};

pub(super) const RULES: &[Declared] =
    &[Declared::api("get_availability_zone", READER, &[get("/availability_zones")])
        .formerly(ANYBODY, "W")];
