//! Trunks.

use super::words::{ADMIN_OR_MEMBER, ADMIN_OR_OWNER, ADMIN_OR_READER, ANYBODY};
use crate::declared::{Declared, delete, get, post, put};

pub(super) const RULES: &[Declared] = &[
    Declared::api("create_trunk", ADMIN_OR_MEMBER, &[post("/trunks")]).formerly(ANYBODY, "W"),
    Declared::api("create_trunk:tags", ADMIN_OR_MEMBER, &[post("/trunks/{id}/tags")])
        .renamed("create_trunks_tags", "2025.1"),
    Declared::api("get_trunk", ADMIN_OR_READER, &[get("/trunks"), get("/trunks/{id}")])
        .formerly(ADMIN_OR_OWNER, "W"),
    Declared::api(
        "get_trunk:tags",
        ADMIN_OR_READER,
        &[get("/trunks/{id}/tags"), get("/trunks/{id}/tags/{tag_id}")],
    )
    .renamed("get_trunks_tags", "2025.1"),
    Declared::api("update_trunk", ADMIN_OR_MEMBER, &[put("/trunks/{id}")])
        .formerly(ADMIN_OR_OWNER, "W"),
    Declared::api(
        "update_trunk:tags",
        ADMIN_OR_MEMBER,
        &[put("/trunks/{id}/tags"), put("/trunks/{id}/tags/{tag_id}")],
    )
    .renamed("update_trunks_tags", "2025.1"),
    Declared::api("delete_trunk", ADMIN_OR_MEMBER, &[delete("/trunks/{id}")])
        .formerly(ADMIN_OR_OWNER, "W"),
    Declared::api(
        "delete_trunk:tags",
        ADMIN_OR_MEMBER,
        &[delete("/trunks/{id}/tags"), delete("/trunks/{id}/tags/{tag_id}")],
    )
    .renamed("delete_trunks_tags", "2025.1"),
    Declared::api("get_subports", ADMIN_OR_READER, &[get("/trunks/{id}/get_subports")])
        .formerly(ANYBODY, "W"),
    Declared::api("add_subports", ADMIN_OR_MEMBER, &[put("/trunks/{id}/add_subports")])
        .formerly(ADMIN_OR_OWNER, "W"),
    Declared::api("remove_subports", ADMIN_OR_MEMBER, &[put("/trunks/{id}/remove_subports")])
        .formerly(ADMIN_OR_OWNER, "W"),
];
