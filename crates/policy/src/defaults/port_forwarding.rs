//! Port forwardings of floating IPs.

use super::words::{ADMIN_OR_PARENT_MEMBER, ADMIN_OR_PARENT_OWNER, ADMIN_OR_PARENT_READER};
use crate::declared::{Declared, delete, get, post, put};

pub(super) const RULES: &[Declared] = &[
    Declared::api(
        "create_floatingip_port_forwarding",
        ADMIN_OR_PARENT_MEMBER,
        &[post("/floatingips/{floatingip_id}/port_forwardings")],
    )
    .formerly(ADMIN_OR_PARENT_OWNER, "W"),
    Declared::api(
        "get_floatingip_port_forwarding",
        ADMIN_OR_PARENT_READER,
        &[
            get("/floatingips/{floatingip_id}/port_forwardings"),
            get("/floatingips/{floatingip_id}/port_forwardings/{port_forwarding_id}"),
        ],
    )
    .formerly(ADMIN_OR_PARENT_OWNER, "W"),
    Declared::api(
        "update_floatingip_port_forwarding",
        ADMIN_OR_PARENT_MEMBER,
        &[put("/floatingips/{floatingip_id}/port_forwardings/{port_forwarding_id}")],
    )
    .formerly(ADMIN_OR_PARENT_OWNER, "W"),
    Declared::api(
        "delete_floatingip_port_forwarding",
        ADMIN_OR_PARENT_MEMBER,
        &[delete("/floatingips/{floatingip_id}/port_forwardings/{port_forwarding_id}")],
    )
    .formerly(ADMIN_OR_PARENT_OWNER, "W"),
];
