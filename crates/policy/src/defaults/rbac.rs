//! RBAC policies.

use super::words::{ADMIN_OR_MEMBER, ADMIN_OR_OWNER, ADMIN_OR_READER, ANYBODY};
use crate::declared::{Declared, Operation, delete, get, post, put};

const CREATE: &[Operation] = &[post("/rbac-policies")];
const UPDATE: &[Operation] = &[put("/rbac-policies/{id}")];

const NOT_FOR_ALL: &str = "rule:admin_only \
     or (not field:rbac_policy:target_tenant=* and not field:rbac_policy:target_project=*)";
const NOT_FOR_ALL_PROJECTS: &str = "rule:admin_only or not field:rbac_policy:target_project=*";
const RESTRICT_WILDCARD: &str = "(not field:rbac_policy:target_tenant=* and not \
     field:rbac_policy:target_project=*) or rule:admin_only";

pub(super) const RULES: &[Declared] = &[
    Declared::shared("restrict_wildcard", RESTRICT_WILDCARD),
    Declared::api("create_rbac_policy", ADMIN_OR_MEMBER, CREATE).formerly(ANYBODY, "W"),
    Declared::api("create_rbac_policy:target_tenant", NOT_FOR_ALL, CREATE)
        .formerly("rule:restrict_wildcard", "W"),
    Declared::api("create_rbac_policy:target_project", NOT_FOR_ALL_PROJECTS, CREATE),
    Declared::api("update_rbac_policy", ADMIN_OR_MEMBER, UPDATE).formerly(ADMIN_OR_OWNER, "W"),
    Declared::api("update_rbac_policy:target_tenant", NOT_FOR_ALL, UPDATE)
        .formerly("rule:restrict_wildcard and rule:admin_or_owner", "W"),
    Declared::api("update_rbac_policy:target_project", NOT_FOR_ALL_PROJECTS, UPDATE),
    Declared::api(
        "get_rbac_policy",
        ADMIN_OR_READER,
        &[get("/rbac-policies"), get("/rbac-policies/{id}")],
    )
    .formerly(ADMIN_OR_OWNER, "W"),
    Declared::api("delete_rbac_policy", ADMIN_OR_MEMBER, &[delete("/rbac-policies/{id}")])
        .formerly(ADMIN_OR_OWNER, "W"),
];
