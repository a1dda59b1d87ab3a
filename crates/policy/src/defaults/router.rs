//! Routers.

use super::words::{
    ADMIN, ADMIN_OR_MANAGER, ADMIN_OR_MEMBER, ADMIN_OR_OWNER, ADMIN_OR_READER, ANYBODY,
};
use crate::declared::{Declared, Operation, delete, get, post, put};

const CREATE: &[Operation] = &[post("/routers")];
const READ: &[Operation] = &[get("/routers"), get("/routers/{id}")];
const UPDATE: &[Operation] = &[put("/routers/{id}")];

pub(super) const RULES: &[Declared] = &[
    Declared::api("create_router", ADMIN_OR_MEMBER, CREATE).formerly(ANYBODY, "W"),
    Declared::api("create_router:distributed", ADMIN, CREATE).formerly(ADMIN, "W"),
    Declared::api("create_router:ha", ADMIN, CREATE).formerly(ADMIN, "W"),
    Declared::api("create_router:external_gateway_info", ADMIN_OR_MEMBER, CREATE)
        .formerly(ADMIN_OR_OWNER, "W"),
    Declared::api("create_router:external_gateway_info:network_id", ADMIN_OR_MEMBER, CREATE)
        .formerly(ADMIN_OR_OWNER, "W"),
    Declared::api("create_router:external_gateway_info:enable_snat", ADMIN, CREATE)
        .formerly(ADMIN, "W"),
    Declared::api("create_router:external_gateway_info:external_fixed_ips", ADMIN, CREATE)
        .formerly(ADMIN, "W"),
    Declared::api("create_router:enable_default_route_bfd", ADMIN, CREATE),
    Declared::api("create_router:enable_default_route_ecmp", ADMIN, CREATE),
    Declared::api("create_router:tags", ADMIN_OR_MEMBER, &[post("/routers/{id}/tags")]).replacing(
        "create_routers_tags",
        ADMIN_OR_MANAGER,
        "2025.1",
    ),
    Declared::api("get_router", ADMIN_OR_READER, READ).formerly(ADMIN_OR_OWNER, "W"),
    Declared::api("get_router:distributed", ADMIN, READ).formerly(ADMIN, "W"),
    Declared::api("get_router:ha", ADMIN, READ).formerly(ADMIN, "W"),
    Declared::api(
        "get_router:tags",
        ADMIN_OR_READER,
        &[get("/routers/{id}/tags"), get("/routers/{id}/tags/{tag_id}")],
    )
    .renamed("get_routers_tags", "2025.1"),
    Declared::api("update_router", ADMIN_OR_MEMBER, UPDATE).formerly(ADMIN_OR_OWNER, "W"),
    Declared::api("update_router:distributed", ADMIN, UPDATE).formerly(ADMIN, "W"),
    Declared::api("update_router:ha", ADMIN, UPDATE).formerly(ADMIN, "W"),
    Declared::api("update_router:external_gateway_info", ADMIN_OR_MEMBER, UPDATE)
        .formerly(ADMIN_OR_OWNER, "W"),
    Declared::api("update_router:external_gateway_info:network_id", ADMIN_OR_MEMBER, UPDATE)
        .formerly(ADMIN_OR_OWNER, "W"),
    Declared::api("update_router:external_gateway_info:enable_snat", ADMIN, UPDATE)
        .formerly(ADMIN, "W"),
    Declared::api("update_router:external_gateway_info:external_fixed_ips", ADMIN, UPDATE)
        .formerly(ADMIN, "W"),
    Declared::api("update_router:enable_default_route_bfd", ADMIN, UPDATE),
    Declared::api("update_router:enable_default_route_ecmp", ADMIN, UPDATE),
    Declared::api(
        "update_router:tags",
        ADMIN_OR_MEMBER,
        &[put("/routers/{id}/tags"), put("/routers/{id}/tags/{tag_id}")],
    )
    .replacing("update_routers_tags", ADMIN_OR_MANAGER, "2025.1"),
    Declared::api("delete_router", ADMIN_OR_MEMBER, &[delete("/routers/{id}")])
        .formerly(ADMIN_OR_OWNER, "W"),
    Declared::api(
        "delete_router:tags",
        ADMIN_OR_MEMBER,
        &[delete("/routers/{id}/tags"), delete("/routers/{id}/tags/{tag_id}")],
    )
    .replacing("delete_routers_tags", ADMIN_OR_MANAGER, "2025.1"),
    Declared::api(
        "add_router_interface",
        ADMIN_OR_MEMBER,
        &[put("/routers/{id}/add_router_interface")],
    )
    .formerly(ADMIN_OR_OWNER, "W"),
    Declared::api(
        "remove_router_interface",
        ADMIN_OR_MEMBER,
        &[put("/routers/{id}/remove_router_interface")],
    )
    .formerly(ADMIN_OR_OWNER, "W"),
    Declared::api("add_extraroutes", ADMIN_OR_MEMBER, &[put("/routers/{id}/add_extraroutes")])
        .formerly(ADMIN_OR_OWNER, "Xena"),
    Declared::api(
        "remove_extraroutes",
        ADMIN_OR_MEMBER,
        &[put("/routers/{id}/remove_extraroutes")],
    )
    .formerly(ADMIN_OR_OWNER, "Xena"),
    Declared::api("add_external_gateways", ADMIN_OR_MEMBER, UPDATE),
    Declared::api("add_external_gateways:external_gateways", ADMIN_OR_MEMBER, UPDATE),
    Declared::api("add_external_gateways:external_gateways:network_id", ADMIN_OR_MEMBER, UPDATE),
    Declared::api("add_external_gateways:external_gateways:enable_snat", ADMIN, UPDATE),
    Declared::api("add_external_gateways:external_gateways:external_fixed_ips", ADMIN, UPDATE),
    Declared::api("update_external_gateways", ADMIN_OR_MEMBER, UPDATE),
    Declared::api("update_external_gateways:external_gateways", ADMIN_OR_MEMBER, UPDATE),
    Declared::api("update_external_gateways:external_gateways:network_id", ADMIN_OR_MEMBER, UPDATE),
    Declared::api("update_external_gateways:external_gateways:enable_snat", ADMIN, UPDATE),
    Declared::api("update_external_gateways:external_gateways:external_fixed_ips", ADMIN, UPDATE),
    Declared::api("remove_external_gateways", ADMIN_OR_MEMBER, UPDATE),
    Declared::api("remove_external_gateways:external_gateways", ADMIN_OR_MEMBER, UPDATE),
];
