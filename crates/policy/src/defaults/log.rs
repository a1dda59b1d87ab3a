//! Logging of packets.

use super::words::{ADMIN, ADMIN_OR_MANAGER};
use crate::declared::{Declared, delete, get, post, put};

pub(super) const RULES: &[Declared] = &[
    Declared::api("get_loggable_resource", ADMIN_OR_MANAGER, &[get("/log/loggable-resources")])
        .formerly(ADMIN, "W"),
    Declared::api("create_log", ADMIN_OR_MANAGER, &[post("/log/logs")]).formerly(ADMIN, "W"),
    Declared::api("get_log", ADMIN_OR_MANAGER, &[get("/log/logs"), get("/log/logs/{id}")])
        .formerly(ADMIN, "W"),
    Declared::api("update_log", ADMIN_OR_MANAGER, &[put("/log/logs/{id}")]).formerly(ADMIN, "W"),
    Declared::api("delete_log", ADMIN_OR_MANAGER, &[delete("/log/logs/{id}")]).formerly(ADMIN, "W"),
];
