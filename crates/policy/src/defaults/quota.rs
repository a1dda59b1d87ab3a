//! Quotas.

use super::words::{ADMIN, ADMIN_OR_MANAGER};
use crate::declared::{Declared, delete, get, put};

pub(super) const RULES: &[Declared] = &[
    Declared::api("get_quota", ADMIN_OR_MANAGER, &[get("/quota"), get("/quota/{id}")])
        .formerly(ADMIN, "W"),
    Declared::api("update_quota", ADMIN, &[put("/quota/{id}")]).formerly(ADMIN, "W"),
    Declared::api("delete_quota", ADMIN, &[delete("/quota/{id}")]).formerly(ADMIN, "W"),
];
