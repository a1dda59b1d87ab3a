//! Providers of services.

use super::words::{ANYBODY, READER};
use crate::declared::{Declared, get};

pub(super) const RULES: &[Declared] =
    &[Declared::api("get_service_provider", READER, &[get("/service-providers")])
        .formerly(ANYBODY, "W")];
