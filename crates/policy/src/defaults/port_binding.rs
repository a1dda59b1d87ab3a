//! Bindings of ports to hosts.

use super::words::{ADMIN_OR_SERVICE, SERVICE};
use crate::declared::{Declared, delete, get, post, put};

pub(super) const RULES: &[Declared] = &[
    Declared::api("get_port_binding", ADMIN_OR_SERVICE, &[get("/ports/{port_id}/bindings/")]),
    Declared::api("create_port_binding", SERVICE, &[post("/ports/{port_id}/bindings/")]),
    Declared::api("delete_port_binding", SERVICE, &[delete("/ports/{port_id}/bindings/")]),
    Declared::api("activate", SERVICE, &[put("/ports/{port_id}/bindings/{host}")]),
];
