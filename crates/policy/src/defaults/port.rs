//! Ports.

use super::words::{ADMIN, ADMIN_OR_NETWORK_OWNER, ADMIN_OR_SERVICE, ANYBODY, SERVICE};
use crate::declared::{Declared, Operation, delete, get, post, put};

const CREATE: &[Operation] = &[post("/ports")];
const READ: &[Operation] = &[get("/ports"), get("/ports/{id}")];
const UPDATE: &[Operation] = &[put("/ports/{id}")];

const PROJECT_OR_SERVICE: &str =
    "(rule:admin_only) or (role:member and project_id:%(project_id)s) or rule:service_api";
const SERVICE_OR_PROJECT: &str =
    "(rule:admin_only) or (rule:service_api) or role:member and project_id:%(project_id)s";
const PROJECT_OR_ADVSVC: &str =
    "(rule:admin_only) or (role:member and project_id:%(project_id)s) or rule:context_is_advsvc";
const SERVICE_OR_NETWORK: &str =
    "(rule:admin_only) or (rule:service_api) or role:member and rule:network_owner";
const SERVICE_OR_NETWORK_MANAGER: &str =
    "(rule:admin_only) or (rule:service_api) or role:manager and rule:network_owner";
const SERVICE_OR_NETWORK_OR_SHARED: &str =
    "(rule:admin_only) or (rule:service_api) or role:member and rule:network_owner or rule:shared";
const NETWORK_OR_SERVICE: &str =
    "(rule:admin_only) or (role:member and rule:network_owner) or rule:service_api";
const NO_NETWORK_DEVICE: &str = "not rule:network_device or (rule:admin_only) \
     or (rule:service_api) or role:member and rule:network_owner";
const NO_NETWORK_DEVICE_FORMERLY: &str =
    "not rule:network_device or rule:context_is_advsvc or rule:admin_or_network_owner";
const READ_CHECK: &str = "(rule:admin_only) or (rule:service_api) \
     or role:reader and rule:network_owner or role:reader and project_id:%(project_id)s";
const READ_TAGS_CHECK: &str = "rule:context_is_advsvc or (rule:admin_only) \
     or (role:reader and rule:network_owner) or role:reader and project_id:%(project_id)s";
const DELETE_CHECK: &str = "(rule:admin_only) or (rule:service_api) \
     or role:member and rule:network_owner or role:member and project_id:%(project_id)s";
const DELETE_TAGS_CHECK: &str = "rule:context_is_advsvc \
     or role:member and project_id:%(project_id)s or (rule:admin_only) \
     or (role:member and rule:network_owner)";
const ADVSVC_OR_NETWORK: &str = "rule:context_is_advsvc or rule:admin_or_network_owner";
const ADVSVC_OR_NETWORK_OR_SHARED: &str =
    "rule:context_is_advsvc or rule:admin_or_network_owner or rule:shared";
const ADVSVC_OR_OWNER_OR_NETWORK: &str =
    "rule:context_is_advsvc or rule:admin_owner_or_network_owner";
const OWNER_OR_ADVSVC: &str = "rule:admin_or_owner or rule:context_is_advsvc";

pub(super) const RULES: &[Declared] = &[
    Declared::shared("network_device", "field:port:device_owner=~^network:"),
    Declared::shared(
        "admin_or_data_plane_int",
        "rule:context_is_admin or role:data_plane_integrator",
    ),
    Declared::api("create_port", SERVICE_OR_NETWORK_OR_SHARED, CREATE).formerly(ANYBODY, "W"),
    Declared::api("create_port:device_id", PROJECT_OR_SERVICE, CREATE).formerly(ANYBODY, "W"),
    Declared::api("create_port:device_owner", NO_NETWORK_DEVICE, CREATE)
        .formerly(NO_NETWORK_DEVICE_FORMERLY, "W"),
    Declared::api("create_port:mac_address", SERVICE_OR_NETWORK, CREATE)
        .formerly(ADVSVC_OR_NETWORK, "W"),
    Declared::api("create_port:fixed_ips", SERVICE_OR_NETWORK_OR_SHARED, CREATE)
        .formerly(ADVSVC_OR_NETWORK_OR_SHARED, "W"),
    Declared::api("create_port:fixed_ips:ip_address", SERVICE_OR_NETWORK, CREATE)
        .formerly(ADVSVC_OR_NETWORK, "W"),
    Declared::api("create_port:fixed_ips:subnet_id", SERVICE_OR_NETWORK_OR_SHARED, CREATE)
        .formerly(ADVSVC_OR_NETWORK_OR_SHARED, "W"),
    Declared::api("create_port:port_security_enabled", SERVICE_OR_NETWORK, CREATE)
        .formerly(ADVSVC_OR_NETWORK, "W"),
    Declared::api("create_port:binding:host_id", ADMIN_OR_SERVICE, CREATE).formerly(ADMIN, "W"),
    Declared::api("create_port:binding:profile", SERVICE, CREATE).formerly(ADMIN, "W"),
    Declared::api("create_port:binding:vnic_type", PROJECT_OR_SERVICE, CREATE)
        .formerly(ANYBODY, "W"),
    Declared::api("create_port:allowed_address_pairs", NETWORK_OR_SERVICE, CREATE)
        .formerly(ADMIN_OR_NETWORK_OWNER, "W"),
    Declared::api("create_port:allowed_address_pairs:mac_address", NETWORK_OR_SERVICE, CREATE)
        .formerly(ADMIN_OR_NETWORK_OWNER, "W"),
    Declared::api("create_port:allowed_address_pairs:ip_address", NETWORK_OR_SERVICE, CREATE)
        .formerly(ADMIN_OR_NETWORK_OWNER, "W"),
    Declared::api("create_port:hints", ADMIN, CREATE),
    Declared::api("create_port:trusted", ADMIN, CREATE),
    Declared::api("create_port:tags", PROJECT_OR_ADVSVC, &[post("/ports/{id}/tags")])
        .renamed("create_ports_tags", "2025.1"),
    Declared::api("get_port", READ_CHECK, READ).formerly(ADVSVC_OR_OWNER_OR_NETWORK, "W"),
    Declared::api("get_port:binding:vif_type", ADMIN_OR_SERVICE, READ).formerly(ADMIN, "W"),
    Declared::api("get_port:binding:vif_details", ADMIN_OR_SERVICE, READ).formerly(ADMIN, "W"),
    Declared::api("get_port:binding:host_id", ADMIN_OR_SERVICE, READ).formerly(ADMIN, "W"),
    Declared::api("get_port:binding:profile", ADMIN_OR_SERVICE, READ).formerly(ADMIN, "W"),
    Declared::api("get_port:resource_request", ADMIN, READ).formerly(ADMIN, "W"),
    Declared::api("get_port:hints", ADMIN, READ),
    Declared::api("get_port:trusted", ADMIN, READ),
    Declared::api(
        "get_port:tags",
        READ_TAGS_CHECK,
        &[get("/ports/{id}/tags"), get("/ports/{id}/tags/{tag_id}")],
    )
    .renamed("get_ports_tags", "2025.1"),
    Declared::api("update_port", SERVICE_OR_PROJECT, UPDATE).formerly(OWNER_OR_ADVSVC, "W"),
    Declared::api("update_port:device_id", PROJECT_OR_SERVICE, UPDATE).formerly(ANYBODY, "W"),
    Declared::api("update_port:device_owner", NO_NETWORK_DEVICE, UPDATE)
        .formerly(NO_NETWORK_DEVICE_FORMERLY, "W"),
    Declared::api("update_port:mac_address", SERVICE_OR_NETWORK_MANAGER, UPDATE)
        .formerly("rule:admin_only or rule:context_is_advsvc", "W"),
    Declared::api("update_port:fixed_ips", SERVICE_OR_NETWORK, UPDATE)
        .formerly(ADVSVC_OR_NETWORK, "W"),
    Declared::api("update_port:fixed_ips:ip_address", SERVICE_OR_NETWORK, UPDATE)
        .formerly(ADVSVC_OR_NETWORK, "W"),
    Declared::api("update_port:fixed_ips:subnet_id", SERVICE_OR_NETWORK_OR_SHARED, UPDATE)
        .formerly(ADVSVC_OR_NETWORK_OR_SHARED, "W"),
    Declared::api("update_port:port_security_enabled", SERVICE_OR_NETWORK, UPDATE)
        .formerly(ADVSVC_OR_NETWORK, "W"),
    Declared::api("update_port:binding:host_id", ADMIN_OR_SERVICE, UPDATE).formerly(ADMIN, "W"),
    Declared::api("update_port:binding:profile", SERVICE, UPDATE).formerly(ADMIN, "W"),
    Declared::api("update_port:binding:vnic_type", SERVICE_OR_PROJECT, UPDATE)
        .formerly(OWNER_OR_ADVSVC, "W"),
    Declared::api("update_port:allowed_address_pairs", NETWORK_OR_SERVICE, UPDATE)
        .formerly(ADMIN_OR_NETWORK_OWNER, "W"),
    Declared::api("update_port:allowed_address_pairs:mac_address", NETWORK_OR_SERVICE, UPDATE)
        .formerly(ADMIN_OR_NETWORK_OWNER, "W"),
    Declared::api("update_port:allowed_address_pairs:ip_address", NETWORK_OR_SERVICE, UPDATE)
        .formerly(ADMIN_OR_NETWORK_OWNER, "W"),
    Declared::api(
        "update_port:data_plane_status",
        "rule:admin_only or role:data_plane_integrator",
        UPDATE,
    )
    .formerly("rule:admin_or_data_plane_int", "W"),
    Declared::api("update_port:hints", ADMIN, UPDATE),
    Declared::api("update_port:trusted", ADMIN, UPDATE),
    Declared::api(
        "update_port:tags",
        PROJECT_OR_ADVSVC,
        &[put("/ports/{id}/tags"), put("/ports/{id}/tags/{tag_id}")],
    )
    .renamed("update_ports_tags", "2025.1"),
    Declared::api("delete_port", DELETE_CHECK, &[delete("/ports/{id}")])
        .formerly(ADVSVC_OR_OWNER_OR_NETWORK, "W"),
    Declared::api(
        "delete_port:tags",
        DELETE_TAGS_CHECK,
        &[delete("/ports/{id}/tags"), delete("/ports/{id}/tags/{tag_id}")],
    )
    .renamed("delete_ports_tags", "2025.1"),
];
