//! EVPN on routers.

use super::words::{ADMIN, ADMIN_OR_READER};
use crate::declared::{Declared, get, post};

pub(super) const RULES: &[Declared] = &[
    Declared::api("create_router:evpn_vni", ADMIN, &[post("/routers")]),
    Declared::api("get_router:evpn_vni", ADMIN_OR_READER, &[get("/routers"), get("/routers/{id}")]),
];
