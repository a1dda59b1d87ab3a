//! Agents, and what is scheduled to them.

use super::words::ADMIN;
use crate::declared::{Declared, delete, get, post, put};

pub(super) const RULES: &[Declared] = &[
    Declared::api("create_agent", ADMIN, &[post("/agents")]),
    Declared::api("get_agent", ADMIN, &[get("/agents"), get("/agents/{id}")]).formerly(ADMIN, "W"),
    Declared::api("update_agent", ADMIN, &[put("/agents/{id}")]).formerly(ADMIN, "W"),
    Declared::api("delete_agent", ADMIN, &[delete("/agents/{id}")]).formerly(ADMIN, "W"),
    Declared::api("create_dhcp-network", ADMIN, &[post("/agents/{agent_id}/dhcp-networks")])
        .formerly(ADMIN, "W"),
    Declared::api("get_dhcp-networks", ADMIN, &[get("/agents/{agent_id}/dhcp-networks")])
        .formerly(ADMIN, "W"),
    Declared::api(
        "delete_dhcp-network",
        ADMIN,
        &[delete("/agents/{agent_id}/dhcp-networks/{network_id}")],
    )
    .formerly(ADMIN, "W"),
    Declared::api("create_l3-router", ADMIN, &[post("/agents/{agent_id}/l3-routers")])
        .formerly(ADMIN, "W"),
    Declared::api("get_l3-routers", ADMIN, &[get("/agents/{agent_id}/l3-routers")])
        .formerly(ADMIN, "W"),
    Declared::api("update_l3-router", ADMIN, &[put("/agents/{agent_id}/l3-routers/{router_id}")])
        .formerly(ADMIN, "W"),
    Declared::api(
        "delete_l3-router",
        ADMIN,
        &[delete("/agents/{agent_id}/l3-routers/{router_id}")],
    )
    .formerly(ADMIN, "W"),
    Declared::api("get_dhcp-agents", ADMIN, &[get("/networks/{network_id}/dhcp-agents")])
        .formerly(ADMIN, "W"),
    Declared::api("get_l3-agents", ADMIN, &[get("/routers/{router_id}/l3-agents")])
        .formerly(ADMIN, "W"),
];
