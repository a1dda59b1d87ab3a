//! Address scopes.

use super::words::{ADMIN, ADMIN_OR_MEMBER, ADMIN_OR_OWNER, ANYBODY};
use crate::declared::{Declared, Operation, delete, get, post, put};

const CREATE: &[Operation] = &[post("/address-scopes")];
const UPDATE: &[Operation] = &[put("/address-scopes/{id}")];

const READ_CHECK: &str =
    "rule:admin_only or role:reader and project_id:%(project_id)s or rule:shared_address_scopes";

pub(super) const RULES: &[Declared] = &[
    Declared::shared("shared_address_scopes", "field:address_scopes:shared=True"),
    Declared::api("create_address_scope", ADMIN_OR_MEMBER, CREATE).formerly(ANYBODY, "W"),
    Declared::api("create_address_scope:shared", ADMIN, CREATE).formerly(ADMIN, "W"),
    Declared::api(
        "get_address_scope",
        READ_CHECK,
        &[get("/address-scopes"), get("/address-scopes/{id}")],
    )
    .formerly("rule:admin_or_owner or rule:shared_address_scopes", "W"),
    Declared::api("update_address_scope", ADMIN_OR_MEMBER, UPDATE).formerly(ADMIN_OR_OWNER, "W"),
    Declared::api("update_address_scope:shared", ADMIN, UPDATE).formerly(ADMIN, "W"),
    Declared::api("delete_address_scope", ADMIN_OR_MEMBER, &[delete("/address-scopes/{id}")])
        .formerly(ADMIN_OR_OWNER, "W"),
];
