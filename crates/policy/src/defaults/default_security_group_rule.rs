//! The rules that new security groups start with.

use super::words::{ADMIN, ANYBODY, READER};
use crate::declared::{Declared, delete, get, post};

pub(super) const RULES: &[Declared] = &[
    Declared::api(
        "create_default_security_group_rule",
        ADMIN,
        &[post("/default-security-group-rules")],
    )
    .formerly(ADMIN, "2023.2"),
    Declared::api(
        "get_default_security_group_rule",
        READER,
        &[get("/default-security-group-rules"), get("/default-security-group-rules/{id}")],
    )
    .formerly(ANYBODY, "2023.2"),
    Declared::api(
        "delete_default_security_group_rule",
        ADMIN,
        &[delete("/default-security-group-rules/{id}")],
    )
    .formerly(ADMIN, "2023.2"),
];
