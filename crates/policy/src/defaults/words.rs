//! What many rules say, with the names of those it lets in.

/// Administrators.
pub(super) const ADMIN: &str = "rule:admin_only";
/// Whoever has a token.
pub(super) const ANYBODY: &str = "rule:regular_user";
/// Readers, and whoever may do more.
pub(super) const READER: &str = "role:reader";
/// Services, such as the compute service.
pub(super) const SERVICE: &str = "rule:service_api";
/// Administrators, and every role in the project.
pub(super) const ADMIN_OR_OWNER: &str = "rule:admin_or_owner";
/// Administrators, and every role in the network's project.
pub(super) const ADMIN_OR_NETWORK_OWNER: &str = "rule:admin_or_network_owner";
/// Administrators, and every role in the project of the enclosing object.
pub(super) const ADMIN_OR_PARENT_OWNER: &str = "rule:admin_or_ext_parent_owner";
/// Administrators and services.
pub(super) const ADMIN_OR_SERVICE: &str = "(rule:admin_only) or (rule:service_api)";
/// Administrators, and managers of the project.
pub(super) const ADMIN_OR_MANAGER: &str =
    "(rule:admin_only) or (role:manager and project_id:%(project_id)s)";
/// Administrators, and members of the project.
pub(super) const ADMIN_OR_MEMBER: &str =
    "(rule:admin_only) or (role:member and project_id:%(project_id)s)";
/// Administrators, and readers of the project.
pub(super) const ADMIN_OR_READER: &str =
    "(rule:admin_only) or (role:reader and project_id:%(project_id)s)";
/// Administrators, and managers of the project of the enclosing object.
pub(super) const ADMIN_OR_PARENT_MANAGER: &str =
    "(rule:admin_only) or (role:manager and rule:ext_parent_owner)";
/// Administrators, and members of the project of the enclosing object.
pub(super) const ADMIN_OR_PARENT_MEMBER: &str =
    "(rule:admin_only) or (role:member and rule:ext_parent_owner)";
/// Administrators, and readers of the project of the enclosing object.
pub(super) const ADMIN_OR_PARENT_READER: &str =
    "(rule:admin_only) or (role:reader and rule:ext_parent_owner)";
/// Members of the project, administrators, and members of the network's project.
pub(super) const OWNER_OR_NETWORK_MEMBER: &str = "role:member and project_id:%(project_id)s \
     or (rule:admin_only) or (role:member and rule:network_owner)";
