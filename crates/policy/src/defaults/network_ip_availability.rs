//! How many addresses of networks are in use.

use super::words::{ADMIN, ADMIN_OR_SERVICE};
use crate::declared::{Declared, get};

pub(super) const RULES: &[Declared] = &[Declared::api(
    "get_network_ip_availability",
    ADMIN_OR_SERVICE,
    &[get("/network-ip-availabilities"), get("/network-ip-availabilities/{network_id}")],
)
.formerly(ADMIN, "W")];
