//! Flavors and their service profiles.

use super::words::{ADMIN, ADMIN_OR_READER, ANYBODY, READER};
use crate::declared::{Declared, delete, get, post, put};

pub(super) const RULES: &[Declared] = &[
    Declared::api("create_flavor", ADMIN, &[post("/flavors")]).formerly(ADMIN, "W"),
    Declared::api("get_flavor", READER, &[get("/flavors"), get("/flavors/{id}")])
        .formerly(ANYBODY, "W"),
    Declared::api("update_flavor", ADMIN, &[put("/flavors/{id}")]).formerly(ADMIN, "W"),
    Declared::api("delete_flavor", ADMIN, &[delete("/flavors/{id}")]).formerly(ADMIN, "W"),
    Declared::api("create_service_profile", ADMIN, &[post("/service_profiles")])
        .formerly(ADMIN, "W"),
    Declared::api(
        "get_service_profile",
        ADMIN,
        &[get("/service_profiles"), get("/service_profiles/{id}")],
    )
    .formerly(ADMIN, "W"),
    Declared::api("update_service_profile", ADMIN, &[put("/service_profiles/{id}")])
        .formerly(ADMIN, "W"),
    Declared::api("delete_service_profile", ADMIN, &[delete("/service_profiles/{id}")])
        .formerly(ADMIN, "W"),
    Declared::api("get_flavor_service_profile", ADMIN_OR_READER, &[]).formerly(ANYBODY, "W"),
    Declared::api(
        "create_flavor_service_profile",
        ADMIN,
        &[post("/flavors/{flavor_id}/service_profiles")],
    )
    .formerly(ADMIN, "W"),
    Declared::api(
        "delete_flavor_service_profile",
        ADMIN,
        &[delete("/flavors/{flavor_id}/service_profiles/{profile_id}")],
    )
    .formerly(ADMIN, "W"),
];
