//! Options of who may do what: oslo.policy's.

use std::path::PathBuf;

use crate::option::options;
use crate::value::Many;

options! {
    /// The rules of a cloud, and where they are written.
    pub struct Policy in "oslo_policy" {
        /// Whether only what rules say today counts. Otherwise what they said before counts too,
        /// and administrators may do everything.
        enforce_new_defaults: bool = "true";
        /// Whether tokens of a domain or of the whole system are refused where a rule is for those
        /// of projects.
        enforce_scope: bool = "true";
        /// The file with the rules that are not as they are by default. A relative path is looked
        /// for beside the configuration files, then in /etc/neutron. It is read again when it
        /// changes.
        policy_file: PathBuf = "policy.yaml";
        /// The rule for guarded attributes that have none of their own.
        policy_default_rule: String = "default";
        /// A directory whose files are read after policy_file, by name.
        policy_dirs: Many<PathBuf> = "policy.d";
    }
}
