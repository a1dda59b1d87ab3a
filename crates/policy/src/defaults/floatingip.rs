//! Floating IPs and their pools.

use super::words::{
    ADMIN, ADMIN_OR_MANAGER, ADMIN_OR_MEMBER, ADMIN_OR_OWNER, ADMIN_OR_READER, ANYBODY,
};
use crate::declared::{Declared, Operation, delete, get, post, put};

const CREATE: &[Operation] = &[post("/floatingips")];

pub(super) const RULES: &[Declared] = &[
    Declared::api("create_floatingip", ADMIN_OR_MEMBER, CREATE).formerly(ANYBODY, "W"),
    Declared::api("create_floatingip:floating_ip_address", ADMIN_OR_MANAGER, CREATE)
        .formerly(ADMIN, "W"),
    Declared::api("create_floatingip:tags", ADMIN_OR_MEMBER, &[post("/floatingips/{id}/tags")])
        .renamed("create_floatingips_tags", "2025.1"),
    Declared::api(
        "get_floatingip",
        ADMIN_OR_READER,
        &[get("/floatingips"), get("/floatingips/{id}")],
    )
    .formerly(ADMIN_OR_OWNER, "W"),
    Declared::api(
        "get_floatingip:tags",
        ADMIN_OR_READER,
        &[get("/floatingips/{id}/tags"), get("/floatingips/{id}/tags/{tag_id}")],
    )
    .renamed("get_floatingips_tags", "2025.1"),
    Declared::api("update_floatingip", ADMIN_OR_MEMBER, &[put("/floatingips/{id}")])
        .formerly(ADMIN_OR_OWNER, "W"),
    Declared::api(
        "update_floatingip:tags",
        ADMIN_OR_MEMBER,
        &[put("/floatingips/{id}/tags"), put("/floatingips/{id}/tags/{tag_id}")],
    )
    .renamed("update_floatingips_tags", "2025.1"),
    Declared::api("delete_floatingip", ADMIN_OR_MEMBER, &[delete("/floatingips/{id}")])
        .formerly(ADMIN_OR_OWNER, "W"),
    Declared::api(
        "delete_floatingip:tags",
        ADMIN_OR_MEMBER,
        &[delete("/floatingips/{id}/tags"), delete("/floatingips/{id}/tags/{tag_id}")],
    )
    .renamed("delete_floatingips_tags", "2025.1"),
    Declared::api("get_floatingip_pool", ADMIN_OR_READER, &[get("/floatingip_pools")])
        .formerly(ANYBODY, "W"),
];
