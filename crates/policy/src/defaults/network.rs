//! Networks.

use super::words::{ADMIN, ADMIN_OR_MEMBER, ADMIN_OR_OWNER, ADMIN_OR_READER, ANYBODY};
use crate::declared::{Declared, Operation, delete, get, post, put};

const CREATE: &[Operation] = &[post("/networks")];
const READ: &[Operation] = &[get("/networks"), get("/networks/{id}")];
const UPDATE: &[Operation] = &[put("/networks/{id}")];

const READ_CHECK: &str = "(rule:admin_only) or (role:reader and project_id:%(project_id)s) \
     or rule:service_api or rule:shared or rule:external or rule:context_is_advsvc";
const READ_FORMERLY: &str =
    "rule:admin_or_owner or rule:shared or rule:external or rule:context_is_advsvc";
const READ_TAGS_CHECK: &str = "(rule:admin_only) or (role:reader and project_id:%(project_id)s) \
     or rule:shared or rule:external or rule:context_is_advsvc";

pub(super) const RULES: &[Declared] = &[
    Declared::shared("external", "field:networks:router:external=True"),
    Declared::api("create_network", ADMIN_OR_MEMBER, CREATE).formerly(ANYBODY, "W"),
    Declared::api("create_network:shared", ADMIN, CREATE).formerly(ADMIN, "W"),
    Declared::api("create_network:router:external", ADMIN, CREATE).formerly(ADMIN, "W"),
    Declared::api("create_network:is_default", ADMIN, CREATE).formerly(ADMIN, "W"),
    Declared::api("create_network:port_security_enabled", ADMIN_OR_MEMBER, CREATE)
        .formerly(ANYBODY, "W"),
    Declared::api("create_network:segments", ADMIN, CREATE).formerly(ADMIN, "W"),
    Declared::api("create_network:provider:network_type", ADMIN, CREATE).formerly(ADMIN, "W"),
    Declared::api("create_network:provider:physical_network", ADMIN, CREATE).formerly(ADMIN, "W"),
    Declared::api("create_network:provider:segmentation_id", ADMIN, CREATE).formerly(ADMIN, "W"),
    Declared::api("create_network:tags", ADMIN_OR_MEMBER, &[post("/networks/{id}/tags")])
        .renamed("create_networks_tags", "2025.1"),
    Declared::api("get_network", READ_CHECK, READ).formerly(READ_FORMERLY, "W"),
    Declared::api("get_network:segments", ADMIN, READ).formerly(ADMIN, "W"),
    Declared::api("get_network:provider:network_type", ADMIN, READ).formerly(ADMIN, "W"),
    Declared::api("get_network:provider:physical_network", ADMIN, READ).formerly(ADMIN, "W"),
    Declared::api("get_network:provider:segmentation_id", ADMIN, READ).formerly(ADMIN, "W"),
    Declared::api(
        "get_network:tags",
        READ_TAGS_CHECK,
        &[get("/networks/{id}/tags"), get("/networks/{id}/tags/{tag_id}")],
    )
    .replacing("get_networks_tags", ADMIN_OR_READER, "2025.1"),
    Declared::api("update_network", ADMIN_OR_MEMBER, UPDATE).formerly(ADMIN_OR_OWNER, "W"),
    Declared::api("update_network:segments", ADMIN, UPDATE).formerly(ADMIN, "W"),
    Declared::api("update_network:shared", ADMIN, UPDATE).formerly(ADMIN, "W"),
    Declared::api("update_network:provider:network_type", ADMIN, UPDATE).formerly(ADMIN, "W"),
    Declared::api("update_network:provider:physical_network", ADMIN, UPDATE).formerly(ADMIN, "W"),
    Declared::api("update_network:provider:segmentation_id", ADMIN, UPDATE).formerly(ADMIN, "W"),
    Declared::api("update_network:router:external", ADMIN, UPDATE).formerly(ADMIN, "W"),
    Declared::api("update_network:is_default", ADMIN, UPDATE).formerly(ADMIN, "W"),
    Declared::api("update_network:port_security_enabled", ADMIN_OR_MEMBER, UPDATE)
        .formerly(ADMIN_OR_OWNER, "W"),
    Declared::api(
        "update_network:tags",
        ADMIN_OR_MEMBER,
        &[put("/networks/{id}/tags"), put("/networks/{id}/tags/{tag_id}")],
    )
    .renamed("update_networks_tags", "2025.1"),
    Declared::api("delete_network", ADMIN_OR_MEMBER, &[delete("/networks/{id}")])
        .formerly(ADMIN_OR_OWNER, "W"),
    Declared::api(
        "delete_network:tags",
        ADMIN_OR_MEMBER,
        &[delete("/networks/{id}/tags"), delete("/networks/{id}/tags/{tag_id}")],
    )
    .renamed("delete_networks_tags", "2025.1"),
];
