//! Dynamic routing.

use super::words::ADMIN;
use crate::declared::{Declared, delete, get, post, put};

pub(super) const RULES: &[Declared] = &[
    Declared::api("create_bgp_speaker", ADMIN, &[post("/bgp-speakers")]).formerly(ADMIN, "2026.1"),
    Declared::api("update_bgp_speaker", ADMIN, &[put("/bgp-speakers/{id}")])
        .formerly(ADMIN, "2026.1"),
    Declared::api("delete_bgp_speaker", ADMIN, &[delete("/bgp-speakers/{id}")])
        .formerly(ADMIN, "2026.1"),
    Declared::api("get_bgp_speaker", ADMIN, &[get("/bgp-speakers"), get("/bgp-speakers/{id}")])
        .formerly(ADMIN, "2026.1"),
    Declared::api("add_bgp_peer", ADMIN, &[put("/bgp-speakers/{id}/add_bgp_peer")])
        .formerly(ADMIN, "2026.1"),
    Declared::api("remove_bgp_peer", ADMIN, &[put("/bgp-speakers/{id}/remove_bgp_peer")])
        .formerly(ADMIN, "2026.1"),
    Declared::api("add_gateway_network", ADMIN, &[put("/bgp-speakers/{id}/add_gateway_network")])
        .formerly(ADMIN, "2026.1"),
    Declared::api(
        "remove_gateway_network",
        ADMIN,
        &[put("/bgp-speakers/{id}/remove_gateway_network")],
    )
    .formerly(ADMIN, "2026.1"),
    Declared::api(
        "get_advertised_routes",
        ADMIN,
        &[get("/bgp-speakers/{id}/get_advertised_routes")],
    )
    .formerly(ADMIN, "2026.1"),
    Declared::api("create_bgp_peer", ADMIN, &[post("/bgp-peers")]).formerly(ADMIN, "2026.1"),
    Declared::api("update_bgp_peer", ADMIN, &[put("/bgp-peers/{id}")]).formerly(ADMIN, "2026.1"),
    Declared::api("delete_bgp_peer", ADMIN, &[delete("/bgp-peers/{id}")]).formerly(ADMIN, "2026.1"),
    Declared::api("get_bgp_peer", ADMIN, &[get("/bgp-peers"), get("/bgp-peers/{id}")])
        .formerly(ADMIN, "2026.1"),
    Declared::api(
        "add_bgp_speaker_to_dragent",
        ADMIN,
        &[post("/agents/{agent_id}/bgp-drinstances")],
    )
    .formerly(ADMIN, "2026.1"),
    Declared::api(
        "remove_bgp_speaker_from_dragent",
        ADMIN,
        &[delete("/agents/{agent_id}/bgp-drinstances/{bgp_speaker_id}")],
    )
    .formerly(ADMIN, "2026.1"),
    Declared::api(
        "list_bgp_speaker_on_dragent",
        ADMIN,
        &[get("/agents/{agent_id}/bgp-drinstances")],
    )
    .formerly(ADMIN, "2026.1"),
    Declared::api(
        "list_dragent_hosting_bgp_speaker",
        ADMIN,
        &[get("/bgp-speakers/{bgp_speaker_id}/bgp-dragents")],
    )
    .formerly(ADMIN, "2026.1"),
];
