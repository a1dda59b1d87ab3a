//! Subnet pools.

use super::words::{ADMIN, ADMIN_OR_MEMBER, ADMIN_OR_OWNER, ANYBODY};
use crate::declared::{Declared, Operation, delete, get, post, put};

const CREATE: &[Operation] = &[post("/subnetpools")];
const UPDATE: &[Operation] = &[put("/subnetpools/{id}")];

const READ_CHECK: &str =
    "(rule:admin_only) or (role:reader and project_id:%(project_id)s) or rule:shared_subnetpools";

pub(super) const RULES: &[Declared] = &[
    Declared::shared("shared_subnetpools", "field:subnetpools:shared=True"),
    Declared::api("create_subnetpool", ADMIN_OR_MEMBER, CREATE).formerly(ANYBODY, "W"),
    Declared::api("create_subnetpool:shared", ADMIN, CREATE).formerly(ADMIN, "W"),
    Declared::api("create_subnetpool:is_default", ADMIN, CREATE).formerly(ADMIN, "W"),
    Declared::api("create_subnetpool:tags", ADMIN_OR_MEMBER, &[post("/subnetpools/{id}/tags")])
        .renamed("create_subnetpools_tags", "2025.1"),
    Declared::api("get_subnetpool", READ_CHECK, &[get("/subnetpools"), get("/subnetpools/{id}")])
        .formerly("rule:admin_or_owner or rule:shared_subnetpools", "W"),
    Declared::api(
        "get_subnetpool:tags",
        READ_CHECK,
        &[get("/subnetpools/{id}/tags"), get("/subnetpools/{id}/tags/{tag_id}")],
    )
    .renamed("get_subnetpools_tags", "2025.1"),
    Declared::api("update_subnetpool", ADMIN_OR_MEMBER, UPDATE).formerly(ADMIN_OR_OWNER, "W"),
    Declared::api("update_subnetpool:is_default", ADMIN, UPDATE).formerly(ADMIN, "W"),
    Declared::api(
        "update_subnetpool:tags",
        ADMIN_OR_MEMBER,
        &[put("/subnetpools/{id}/tags"), put("/subnetpools/{id}/tags/{tag_id}")],
    )
    .renamed("update_subnetpools_tags", "2025.1"),
    Declared::api("delete_subnetpool", ADMIN_OR_MEMBER, &[delete("/subnetpools/{id}")])
        .formerly(ADMIN_OR_OWNER, "W"),
    Declared::api(
        "delete_subnetpool:tags",
        ADMIN_OR_MEMBER,
        &[delete("/subnetpools/{id}/tags"), delete("/subnetpools/{id}/tags/{tag_id}")],
    )
    .renamed("delete_subnetpools_tags", "2025.1"),
    Declared::api(
        "onboard_network_subnets",
        ADMIN_OR_MEMBER,
        &[put("/subnetpools/{id}/onboard_network_subnets")],
    )
    .formerly(ADMIN_OR_OWNER, "W"),
    Declared::api("add_prefixes", ADMIN_OR_MEMBER, &[put("/subnetpools/{id}/add_prefixes")])
        .formerly(ADMIN_OR_OWNER, "W"),
    Declared::api("remove_prefixes", ADMIN_OR_MEMBER, &[put("/subnetpools/{id}/remove_prefixes")])
        .formerly(ADMIN_OR_OWNER, "W"),
];
