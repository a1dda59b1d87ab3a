//! Topologies that are made on demand.

use super::words::{ADMIN_OR_MEMBER, ADMIN_OR_OWNER, ADMIN_OR_READER};
use crate::declared::{Declared, delete, get};

pub(super) const RULES: &[Declared] = &[
    Declared::api(
        "get_auto_allocated_topology",
        ADMIN_OR_READER,
        &[get("/auto-allocated-topology/{project_id}")],
    )
    .formerly(ADMIN_OR_OWNER, "W"),
    Declared::api(
        "delete_auto_allocated_topology",
        ADMIN_OR_MEMBER,
        &[delete("/auto-allocated-topology/{project_id}")],
    )
    .formerly(ADMIN_OR_OWNER, "W"),
];
