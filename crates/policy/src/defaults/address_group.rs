//! Address groups.

use super::words::{ADMIN_OR_MEMBER, ADMIN_OR_OWNER, ANYBODY};
use crate::declared::{Declared, delete, get, post, put};

const READ_CHECK: &str = "(rule:admin_only) or (role:reader and project_id:%(project_id)s) \
     or rule:shared_address_groups";

pub(super) const RULES: &[Declared] = &[
    Declared::shared("shared_address_groups", "field:address_groups:shared=True"),
    Declared::api("create_address_group", ADMIN_OR_MEMBER, &[post("/address-groups")])
        .formerly(ANYBODY, "W"),
    Declared::api(
        "get_address_group",
        READ_CHECK,
        &[get("/address-groups"), get("/address-groups/{id}")],
    )
    .formerly("rule:admin_or_owner or rule:shared_address_groups", "W"),
    Declared::api("update_address_group", ADMIN_OR_MEMBER, &[put("/address-groups/{id}")])
        .formerly(ADMIN_OR_OWNER, "W"),
    Declared::api("delete_address_group", ADMIN_OR_MEMBER, &[delete("/address-groups/{id}")])
        .formerly(ADMIN_OR_OWNER, "W"),
    Declared::api("add_addresses", ADMIN_OR_MEMBER, &[put("/address-groups/{id}/add_addresses")])
        .formerly(ADMIN_OR_OWNER, "W"),
    Declared::api(
        "remove_addresses",
        ADMIN_OR_MEMBER,
        &[put("/address-groups/{id}/remove_addresses")],
    )
    .formerly(ADMIN_OR_OWNER, "W"),
];
