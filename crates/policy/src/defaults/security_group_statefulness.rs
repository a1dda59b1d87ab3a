//! Whether security groups are stateful by default.

use super::words::{ADMIN_OR_MANAGER, ADMIN_OR_READER};
use crate::declared::{Declared, delete, get, post, put};

pub(super) const RULES: &[Declared] = &[
    Declared::api(
        "create_security_groups_default_statefulness",
        ADMIN_OR_MANAGER,
        &[post("/security-groups-default-statefulness")],
    ),
    Declared::api(
        "get_security_groups_default_statefulness",
        ADMIN_OR_READER,
        &[
            get("/security-groups-default-statefulness"),
            get("/security-groups-default-statefulness/{id}"),
        ],
    ),
    Declared::api(
        "update_security_groups_default_statefulness",
        ADMIN_OR_MANAGER,
        &[put("/security-groups-default-statefulness/{id}")],
    ),
    Declared::api(
        "delete_security_groups_default_statefulness",
        ADMIN_OR_MANAGER,
        &[delete("/security-groups-default-statefulness/{id}")],
    ),
];
