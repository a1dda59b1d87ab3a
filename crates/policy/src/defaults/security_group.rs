//! Security groups and their rules.

use super::words::{ADMIN_OR_MEMBER, ADMIN_OR_OWNER, ANYBODY};
use crate::declared::{Declared, delete, get, post, put};

const READ_CHECK: &str = "(rule:admin_only) or (role:reader and project_id:%(project_id)s) \
     or rule:shared_security_group";
const GROUP_MEMBER: &str = "(rule:admin_only) or (role:member and rule:sg_owner)";

pub(super) const RULES: &[Declared] = &[
    Declared::shared(
        "admin_or_sg_owner",
        "rule:context_is_admin or project_id:%(security_group:project_id)s",
    ),
    Declared::shared("admin_owner_or_sg_owner", "rule:owner or rule:admin_or_sg_owner"),
    Declared::shared("shared_security_group", "field:security_groups:shared=True"),
    Declared::shared("rule_default_sg", "field:security_group_rules:belongs_to_default_sg=True"),
    Declared::api("create_security_group", ADMIN_OR_MEMBER, &[post("/security-groups")])
        .formerly(ADMIN_OR_OWNER, "W"),
    Declared::api(
        "create_security_group:tags",
        ADMIN_OR_MEMBER,
        &[post("/security-groups/{id}/tags")],
    )
    .renamed("create_security_groups_tags", "2025.1"),
    Declared::api(
        "get_security_group",
        READ_CHECK,
        &[get("/security-groups"), get("/security-groups/{id}")],
    )
    .formerly(ANYBODY, "W"),
    Declared::api(
        "get_security_group:tags",
        READ_CHECK,
        &[get("/security-groups/{id}/tags"), get("/security-groups/{id}/tags/{tag_id}")],
    )
    .renamed("get_security_groups_tags", "2025.1"),
    Declared::api("update_security_group", ADMIN_OR_MEMBER, &[put("/security-groups/{id}")])
        .formerly(ADMIN_OR_OWNER, "W"),
    Declared::api(
        "update_security_group:tags",
        ADMIN_OR_MEMBER,
        &[put("/security-groups/{id}/tags"), put("/security-groups/{id}/tags/{tag_id}")],
    )
    .renamed("update_security_groups_tags", "2025.1"),
    Declared::api("delete_security_group", ADMIN_OR_MEMBER, &[delete("/security-groups/{id}")])
        .formerly(ADMIN_OR_OWNER, "W"),
    Declared::api(
        "delete_security_group:tags",
        ADMIN_OR_MEMBER,
        &[delete("/security-groups/{id}/tags"), delete("/security-groups/{id}/tags/{tag_id}")],
    )
    .renamed("delete_security_groups_tags", "2025.1"),
    Declared::api("create_security_group_rule", GROUP_MEMBER, &[post("/security-group-rules")])
        .formerly(ADMIN_OR_OWNER, "W"),
    Declared::api(
        "get_security_group_rule",
        "(rule:admin_only) or (role:reader and rule:sg_owner)",
        &[get("/security-group-rules"), get("/security-group-rules/{id}")],
    )
    .formerly("rule:admin_owner_or_sg_owner", "W"),
    Declared::api(
        "delete_security_group_rule",
        GROUP_MEMBER,
        &[delete("/security-group-rules/{id}")],
    )
    .formerly(ADMIN_OR_OWNER, "W"),
];
