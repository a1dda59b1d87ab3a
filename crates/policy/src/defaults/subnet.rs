//! Subnets.

use super::words::{ADMIN, ADMIN_OR_NETWORK_OWNER, OWNER_OR_NETWORK_MEMBER};
use crate::declared::{Declared, Operation, delete, get, post, put};

const CREATE: &[Operation] = &[post("/subnets")];
const READ: &[Operation] = &[get("/subnets"), get("/subnets/{id}")];
const UPDATE: &[Operation] = &[put("/subnets/{id}")];

const READ_CHECK: &str = "role:reader and project_id:%(project_id)s or rule:shared \
     or rule:external_network or (rule:admin_only) or (role:reader and rule:network_owner) \
     or rule:service_api";
const READ_TAGS_CHECK: &str = "role:reader and project_id:%(project_id)s or rule:shared \
     or rule:external_network or (rule:admin_only) or (role:reader and rule:network_owner)";

pub(super) const RULES: &[Declared] = &[
    Declared::shared("external_network", "field:subnets:router:external=True"),
    Declared::api(
        "create_subnet",
        "(rule:admin_only) or (role:member and rule:network_owner)",
        CREATE,
    )
    .formerly(ADMIN_OR_NETWORK_OWNER, "W"),
    Declared::api("create_subnet:segment_id", ADMIN, CREATE).formerly(ADMIN, "W"),
    Declared::api("create_subnet:service_types", ADMIN, CREATE).formerly(ADMIN, "W"),
    Declared::api("create_subnet:tags", OWNER_OR_NETWORK_MEMBER, &[post("/subnets/{id}/tags")])
        .renamed("create_subnets_tags", "2025.1"),
    Declared::api("get_subnet", READ_CHECK, READ)
        .formerly("rule:shared or rule:external_network or rule:admin_or_owner", "W"),
    Declared::api("get_subnet:segment_id", ADMIN, READ).formerly(ADMIN, "W"),
    Declared::api(
        "get_subnet:tags",
        READ_TAGS_CHECK,
        &[get("/subnets/{id}/tags"), get("/subnets/{id}/tags/{tag_id}")],
    )
    .renamed("get_subnets_tags", "2025.1"),
    Declared::api("update_subnet", OWNER_OR_NETWORK_MEMBER, UPDATE)
        .formerly(ADMIN_OR_NETWORK_OWNER, "W"),
    Declared::api("update_subnet:segment_id", ADMIN, UPDATE).formerly(ADMIN, "W"),
    Declared::api("update_subnet:service_types", ADMIN, UPDATE).formerly(ADMIN, "W"),
    Declared::api(
        "update_subnet:tags",
        OWNER_OR_NETWORK_MEMBER,
        &[put("/subnets/{id}/tags"), put("/subnets/{id}/tags/{tag_id}")],
    )
    .renamed("update_subnets_tags", "2025.1"),
    Declared::api("delete_subnet", OWNER_OR_NETWORK_MEMBER, &[delete("/subnets/{id}")])
        .formerly(ADMIN_OR_NETWORK_OWNER, "W"),
    Declared::api(
        "delete_subnet:tags",
        OWNER_OR_NETWORK_MEMBER,
        &[delete("/subnets/{id}/tags"), delete("/subnets/{id}/tags/{tag_id}")],
    )
    .renamed("delete_subnets_tags", "2025.1"),
];
