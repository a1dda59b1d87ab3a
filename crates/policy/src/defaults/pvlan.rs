//! Private VLANs on ports and networks.

use super::words::{ADMIN_OR_MEMBER, ADMIN_OR_READER};
use crate::declared::{Declared, Operation, get, post, put};

const CREATE: &[Operation] = &[post("/ports")];
const UPDATE: &[Operation] = &[put("/ports/{id}")];
const READ: &[Operation] = &[get("/ports"), get("/ports/{id}")];

pub(super) const RULES: &[Declared] = &[
    Declared::api("create_port:pvlan_type", ADMIN_OR_MEMBER, CREATE),
    Declared::api("create_port:pvlan_community", ADMIN_OR_MEMBER, CREATE),
    Declared::api("update_port:pvlan_type", ADMIN_OR_MEMBER, UPDATE),
    Declared::api("update_port:pvlan_community", ADMIN_OR_MEMBER, UPDATE),
    Declared::api("get_port:pvlan_type", ADMIN_OR_READER, READ),
    Declared::api("get_port:pvlan_community", ADMIN_OR_READER, READ),
    Declared::api("create_network:pvlan", ADMIN_OR_MEMBER, &[post("/networks")]),
    Declared::api("update_network:pvlan", ADMIN_OR_MEMBER, &[put("/networks/{id}")]),
    Declared::api("get_network:pvlan", ADMIN_OR_READER, &[get("/networks"), get("/networks/{id}")]),
];
