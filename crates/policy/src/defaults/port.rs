//! Ports.

use super::words::{ADMIN, ADMIN_OR_NETWORK_OWNER, ADMIN_OR_SERVICE, ANYBODY, SERVICE};
use crate::declared::{Declared, Operation, delete, get, post, put};

const CREATE: &[Operation] = &[post("/ports")];
const READ: &[Operation] = &[get("/ports"), get("/ports/{id}")];
const UPDATE: &[Operation] = &[put("/ports/{id}")];

pub(super) const RULES: &[Declared] = &[
    Declared::shared("network_device", "field:port:device_owner=~^network:"),
    Declared::shared("admin_or_data_plane_int", "rule:context_is_admin or role:data_plane_integrator"),
    Declared::api("create_port", "(rule:admin_only) or (rule:service_api) or role:member and rule:network_owner or rule:shared", CREATE).formerly(ANYBODY, "W"),
    Declared::api("create_port:device_id", "(rule:admin_only) or (role:member and project_id:%(project_id)s) or rule:service_api", CREATE).formerly(ANYBODY, "W"),
    Declared::api("create_port:device_owner", "not rule:network_device or (rule:admin_only) or (rule:service_api) or role:member and rule:network_owner", CREATE).formerly("not rule:network_device or rule:context_is_advsvc or rule:admin_or_network_owner", "W"),
    Declared::api("create_port:mac_address", "(rule:admin_only) or (rule:service_api) or role:member and rule:network_owner", CREATE).formerly("rule:context_is_advsvc or rule:admin_or_network_owner", "W"),
    Declared::api("create_port:fixed_ips", "(rule:admin_only) or (rule:service_api) or role:member and rule:network_owner or rule:shared", CREATE).formerly("rule:context_is_advsvc or rule:admin_or_network_owner or rule:shared", "W"),
    Declared::api("create_port:fixed_ips:ip_address", "(rule:admin_only) or (rule:service_api) or role:member and rule:network_owner", CREATE).formerly("rule:context_is_advsvc or rule:admin_or_network_owner", "W"),
    Declared::api("create_port:fixed_ips:subnet_id", "(rule:admin_only) or (rule:service_api) or role:member and rule:network_owner or rule:shared", CREATE).formerly("rule:context_is_advsvc or rule:admin_or_network_owner or rule:shared", "W"),
    Declared::api("create_port:port_security_enabled", "(rule:admin_only) or (rule:service_api) or role:member and rule:network_owner", CREATE).formerly("rule:context_is_advsvc or rule:admin_or_network_owner", "W"),
    Declared::api("create_port:binding:host_id", ADMIN_OR_SERVICE, CREATE).formerly(ADMIN, "W"),
    Declared::api("create_port:binding:profile", SERVICE, CREATE).formerly(ADMIN, "W"),
    Declared::api("create_port:binding:vnic_type", "(rule:admin_only) or (role:member and project_id:%(project_id)s) or rule:service_api", CREATE).formerly(ANYBODY, "W"),
    Declared::api("create_port:allowed_address_pairs", "(rule:admin_only) or (role:member and rule:network_owner) or rule:service_api", CREATE).formerly(ADMIN_OR_NETWORK_OWNER, "W"),
    Declared::api("create_port:allowed_address_pairs:mac_address", "(rule:admin_only) or (role:member and rule:network_owner) or rule:service_api", CREATE).formerly(ADMIN_OR_NETWORK_OWNER, "W"),
    Declared::api("create_port:allowed_address_pairs:ip_address", "(rule:admin_only) or (role:member and rule:network_owner) or rule:service_api", CREATE).formerly(ADMIN_OR_NETWORK_OWNER, "W"),
    Declared::api("create_port:hints", ADMIN, CREATE),
    Declared::api("create_port:trusted", ADMIN, CREATE),
    Declared::api("create_port:tags", "(rule:admin_only) or (role:member and project_id:%(project_id)s) or rule:context_is_advsvc", &[post("/ports/{id}/tags")]).renamed("create_ports_tags", "2025.1"),
    Declared::api("get_port", "(rule:admin_only) or (rule:service_api) or role:reader and rule:network_owner or role:reader and project_id:%(project_id)s", READ).formerly("rule:context_is_advsvc or rule:admin_owner_or_network_owner", "W"),
    Declared::api("get_port:binding:vif_type", ADMIN_OR_SERVICE, READ).formerly(ADMIN, "W"),
    Declared::api("get_port:binding:vif_details", ADMIN_OR_SERVICE, READ).formerly(ADMIN, "W"),
    Declared::api("get_port:binding:host_id", ADMIN_OR_SERVICE, READ).formerly(ADMIN, "W"),
    Declared::api("get_port:binding:profile", ADMIN_OR_SERVICE, READ).formerly(ADMIN, "W"),
    Declared::api("get_port:resource_request", ADMIN, READ).formerly(ADMIN, "W"),
    Declared::api("get_port:hints", ADMIN, READ),
    Declared::api("get_port:trusted", ADMIN, READ),
    Declared::api("get_port:tags", "rule:context_is_advsvc or (rule:admin_only) or (role:reader and rule:network_owner) or role:reader and project_id:%(project_id)s", &[get("/ports/{id}/tags"), get("/ports/{id}/tags/{tag_id}")]).renamed("get_ports_tags", "2025.1"),
    Declared::api("update_port", "(rule:admin_only) or (rule:service_api) or role:member and project_id:%(project_id)s", UPDATE).formerly("rule:admin_or_owner or rule:context_is_advsvc", "W"),
    Declared::api("update_port:device_id", "(rule:admin_only) or (role:member and project_id:%(project_id)s) or rule:service_api", UPDATE).formerly(ANYBODY, "W"),
    Declared::api("update_port:device_owner", "not rule:network_device or (rule:admin_only) or (rule:service_api) or role:member and rule:network_owner", UPDATE).formerly("not rule:network_device or rule:context_is_advsvc or rule:admin_or_network_owner", "W"),
    Declared::api("update_port:mac_address", "(rule:admin_only) or (rule:service_api) or role:manager and rule:network_owner", UPDATE).formerly("rule:admin_only or rule:context_is_advsvc", "W"),
    Declared::api("update_port:fixed_ips", "(rule:admin_only) or (rule:service_api) or role:member and rule:network_owner", UPDATE).formerly("rule:context_is_advsvc or rule:admin_or_network_owner", "W"),
    Declared::api("update_port:fixed_ips:ip_address", "(rule:admin_only) or (rule:service_api) or role:member and rule:network_owner", UPDATE).formerly("rule:context_is_advsvc or rule:admin_or_network_owner", "W"),
    Declared::api("update_port:fixed_ips:subnet_id", "(rule:admin_only) or (rule:service_api) or role:member and rule:network_owner or rule:shared", UPDATE).formerly("rule:context_is_advsvc or rule:admin_or_network_owner or rule:shared", "W"),
    Declared::api("update_port:port_security_enabled", "(rule:admin_only) or (rule:service_api) or role:member and rule:network_owner", UPDATE).formerly("rule:context_is_advsvc or rule:admin_or_network_owner", "W"),
    Declared::api("update_port:binding:host_id", ADMIN_OR_SERVICE, UPDATE).formerly(ADMIN, "W"),
    Declared::api("update_port:binding:profile", SERVICE, UPDATE).formerly(ADMIN, "W"),
    Declared::api("update_port:binding:vnic_type", "(rule:admin_only) or (rule:service_api) or role:member and project_id:%(project_id)s", UPDATE).formerly("rule:admin_or_owner or rule:context_is_advsvc", "W"),
    Declared::api("update_port:allowed_address_pairs", "(rule:admin_only) or (role:member and rule:network_owner) or rule:service_api", UPDATE).formerly(ADMIN_OR_NETWORK_OWNER, "W"),
    Declared::api("update_port:allowed_address_pairs:mac_address", "(rule:admin_only) or (role:member and rule:network_owner) or rule:service_api", UPDATE).formerly(ADMIN_OR_NETWORK_OWNER, "W"),
    Declared::api("update_port:allowed_address_pairs:ip_address", "(rule:admin_only) or (role:member and rule:network_owner) or rule:service_api", UPDATE).formerly(ADMIN_OR_NETWORK_OWNER, "W"),
    Declared::api("update_port:data_plane_status", "rule:admin_only or role:data_plane_integrator", UPDATE).formerly("rule:admin_or_data_plane_int", "W"),
    Declared::api("update_port:hints", ADMIN, UPDATE),
    Declared::api("update_port:trusted", ADMIN, UPDATE),
    Declared::api("update_port:tags", "(rule:admin_only) or (role:member and project_id:%(project_id)s) or rule:context_is_advsvc", &[put("/ports/{id}/tags"), put("/ports/{id}/tags/{tag_id}")]).renamed("update_ports_tags", "2025.1"),
    Declared::api("delete_port", "(rule:admin_only) or (rule:service_api) or role:member and rule:network_owner or role:member and project_id:%(project_id)s", &[delete("/ports/{id}")]).formerly("rule:context_is_advsvc or rule:admin_owner_or_network_owner", "W"),
    Declared::api("delete_port:tags", "rule:context_is_advsvc or role:member and project_id:%(project_id)s or (rule:admin_only) or (role:member and rule:network_owner)", &[delete("/ports/{id}/tags"), delete("/ports/{id}/tags/{tag_id}")]).renamed("delete_ports_tags", "2025.1"),
];
