//! Local IPs and their ports.

use super::words::{
    ADMIN_OR_MEMBER, ADMIN_OR_OWNER, ADMIN_OR_PARENT_MEMBER, ADMIN_OR_PARENT_OWNER,
    ADMIN_OR_PARENT_READER, ADMIN_OR_READER, ANYBODY,
};
use crate::declared::{Declared, delete, get, post, put};

pub(super) const RULES: &[Declared] = &[
    Declared::api("create_local_ip", ADMIN_OR_MEMBER, &[post("/local-ips")]).formerly(ANYBODY, "W"),
    Declared::api("get_local_ip", ADMIN_OR_READER, &[get("/local-ips"), get("/local-ips/{id}")])
        .formerly(ADMIN_OR_OWNER, "W"),
    Declared::api("update_local_ip", ADMIN_OR_MEMBER, &[put("/local-ips/{id}")])
        .formerly(ADMIN_OR_OWNER, "W"),
    Declared::api("delete_local_ip", ADMIN_OR_MEMBER, &[delete("/local-ips/{id}")])
        .formerly(ADMIN_OR_OWNER, "W"),
    Declared::api(
        "create_local_ip_port_association",
        ADMIN_OR_PARENT_MEMBER,
        &[post("/local_ips/{local_ip_id}/port_associations")],
    )
    .formerly(ADMIN_OR_PARENT_OWNER, "W"),
    Declared::api(
        "get_local_ip_port_association",
        ADMIN_OR_PARENT_READER,
        &[
            get("/local_ips/{local_ip_id}/port_associations"),
            get("/local_ips/{local_ip_id}/port_associations/{fixed_port_id}"),
        ],
    )
    .formerly(ADMIN_OR_PARENT_OWNER, "W"),
    Declared::api(
        "delete_local_ip_port_association",
        ADMIN_OR_PARENT_MEMBER,
        &[delete("/local_ips/{local_ip_id}/port_associations/{fixed_port_id}")],
    )
    .formerly(ADMIN_OR_PARENT_OWNER, "W"),
];
