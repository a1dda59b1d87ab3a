//! NDP proxies.

use super::words::{ADMIN_OR_MEMBER, ADMIN_OR_OWNER, ADMIN_OR_READER, ANYBODY};
use crate::declared::{Declared, delete, get, post, put};

pub(super) const RULES: &[Declared] = &[
    Declared::api("create_ndp_proxy", ADMIN_OR_MEMBER, &[post("/ndp_proxies")])
        .formerly(ANYBODY, "W"),
    Declared::api(
        "get_ndp_proxy",
        ADMIN_OR_READER,
        &[get("/ndp_proxies"), get("/ndp_proxies/{id}")],
    )
    .formerly(ADMIN_OR_OWNER, "W"),
    Declared::api("update_ndp_proxy", ADMIN_OR_MEMBER, &[put("/ndp_proxies/{id}")])
        .formerly(ADMIN_OR_OWNER, "W"),
    Declared::api("delete_ndp_proxy", ADMIN_OR_MEMBER, &[delete("/ndp_proxies/{id}")])
        .formerly(ADMIN_OR_OWNER, "W"),
];
