//! Rules that other rules are made of.

use super::words::ADMIN_OR_OWNER;
use crate::declared::Declared;

pub(super) const RULES: &[Declared] = &[
    Declared::shared("context_is_admin", "role:admin"),
    Declared::shared("context_with_global_access", "!"),
    Declared::shared("service_api", "role:service"),
    Declared::shared("owner", "project_id:%(project_id)s"),
    Declared::shared("admin_or_owner", "rule:context_is_admin or rule:owner"),
    // neutron-lib reads this one beside those that Neutron lists.
    Declared::shared("context_can_set_project_id", "!"),
    Declared::shared("context_is_advsvc", "role:advsvc"),
    Declared::shared(
        "admin_or_network_owner",
        "rule:context_is_admin or project_id:%(network:project_id)s",
    ),
    Declared::shared("admin_owner_or_network_owner", "rule:owner or rule:admin_or_network_owner"),
    Declared::shared("network_owner", "project_id:%(network:project_id)s"),
    Declared::shared("admin_only", "rule:context_is_admin"),
    Declared::shared("regular_user", ""),
    Declared::shared("shared", "field:networks:shared=True"),
    Declared::shared("default", ADMIN_OR_OWNER),
    Declared::shared(
        "admin_or_ext_parent_owner",
        "rule:context_is_admin or project_id:%(ext_parent:project_id)s",
    ),
    Declared::shared("ext_parent_owner", "project_id:%(ext_parent:project_id)s"),
    Declared::shared("sg_owner", "project_id:%(security_group:project_id)s"),
];
