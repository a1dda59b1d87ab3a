//! Conntrack helpers of routers.

use super::words::{ADMIN_OR_PARENT_MEMBER, ADMIN_OR_PARENT_OWNER, ADMIN_OR_PARENT_READER};
use crate::declared::{Declared, delete, get, post, put};

pub(super) const RULES: &[Declared] = &[
    Declared::api(
        "create_router_conntrack_helper",
        ADMIN_OR_PARENT_MEMBER,
        &[post("/routers/{router_id}/conntrack_helpers")],
    )
    .formerly(ADMIN_OR_PARENT_OWNER, "W"),
    Declared::api(
        "get_router_conntrack_helper",
        ADMIN_OR_PARENT_READER,
        &[
            get("/routers/{router_id}/conntrack_helpers"),
            get("/routers/{router_id}/conntrack_helpers/{conntrack_helper_id}"),
        ],
    )
    .formerly(ADMIN_OR_PARENT_OWNER, "W"),
    Declared::api(
        "update_router_conntrack_helper",
        ADMIN_OR_PARENT_MEMBER,
        &[put("/routers/{router_id}/conntrack_helpers/{conntrack_helper_id}")],
    )
    .formerly(ADMIN_OR_PARENT_OWNER, "W"),
    Declared::api(
        "delete_router_conntrack_helper",
        ADMIN_OR_PARENT_MEMBER,
        &[delete("/routers/{router_id}/conntrack_helpers/{conntrack_helper_id}")],
    )
    .formerly(ADMIN_OR_PARENT_OWNER, "W"),
];
