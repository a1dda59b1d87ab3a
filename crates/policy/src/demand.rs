//! All that a request has to satisfy: the rule of its action, and those of the guarded attributes that it names.

use std::fmt::{self, Display, Formatter};

use crate::credentials::Credentials;
use crate::node::RuleId;
use crate::policy::{Policy, Verdict};
use crate::target::Target;

/// A guarded attribute that a request sets, and the keys within its value that are guarded too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Guarded<'a> {
    pub name: &'a str,
    pub keys: &'a [&'a str],
}

impl<'a> Guarded<'a> {
    /// An attribute whose value has no parts.
    pub const fn whole(name: &'a str) -> Self {
        Self { name, keys: &[] }
    }
}

/// All that a request has to satisfy. Its text is the one of Neutron's refusals:
/// `(rule:create_network and rule:create_network:shared)`.
#[derive(Debug, Clone)]
pub struct Demand<'a> {
    action: &'a str,
    guarded: Vec<Guarded<'a>>,
    rules: Vec<RuleId>,
}

impl Policy {
    /// What a request for `action` has to satisfy: `create_port`, and for each attribute `create_port:fixed_ips`, and for
    /// each key `create_port:fixed_ips:subnet_id`. An attribute without a rule of its own falls under the default rule,
    /// as in Neutron; one that is read does not come here, for without a rule whoever sees the object sees it too.
    ///
    /// `None` for an action that no rule is about: it is denied.
    pub fn demand<'a>(
        &self,
        action: &'a str,
        guarded: impl IntoIterator<Item = Guarded<'a>>,
    ) -> Option<Demand<'a>> {
        let guarded: Vec<Guarded<'a>> = guarded.into_iter().collect();
        let mut rules = vec![self.rule(action)?];
        let mut name = String::new();
        let mut add = |parts: &[&str]| {
            name.clear();
            for (index, part) in parts.iter().enumerate() {
                name.push_str(if index == 0 { "" } else { ":" });
                name.push_str(part);
            }
            let rule = self.rule(&name).unwrap_or_else(|| self.default_rule());
            if !rules.contains(&rule) {
                rules.push(rule);
            }
        };
        for attribute in &guarded {
            add(&[action, attribute.name]);
            for key in attribute.keys {
                add(&[action, attribute.name, key]);
            }
        }
        Some(Demand { action, guarded, rules })
    }
}

impl Demand<'_> {
    /// The rules, each once, the action's first.
    pub fn rules(&self) -> &[RuleId] {
        &self.rules
    }

    /// Whether all of the rules hold.
    pub fn check(&self, policy: &Policy, who: &Credentials, target: &dyn Target) -> Verdict {
        let mut verdict = Verdict::Allowed;
        for rule in &self.rules {
            match policy.check(*rule, who, target) {
                Verdict::Denied => return Verdict::Denied,
                Verdict::NeedsParent => verdict = Verdict::NeedsParent,
                Verdict::Allowed => {}
            }
        }
        verdict
    }
}

impl Display for Demand<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&"(".repeat(self.guarded.len()))?;
        write!(f, "rule:{}", self.action)?;
        for Guarded { name, keys } in &self.guarded {
            f.write_str(" and ")?;
            let rule = format_args!("rule:{}:{name}", self.action);
            if keys.is_empty() {
                write!(f, "{rule})")?;
                continue;
            }
            write!(f, "({rule} and (")?;
            for (index, key) in keys.iter().enumerate() {
                f.write_str(if index == 0 { "" } else { " and " })?;
                write!(f, "{rule}:{key}")?;
            }
            f.write_str(")))")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Options;
    use crate::target::Lookup;

    /// A port of project P on P's network.
    struct Port;

    impl Target for Port {
        fn value(&self, name: &str) -> Lookup<'_> {
            match name {
                "project_id" | "network:project_id" => Lookup::text("P"),
                _ => Lookup::Missing,
            }
        }
    }

    fn policy() -> Policy {
        Policy::defaults(Options::default())
    }

    fn who(project: &str, role: &str) -> Credentials {
        Credentials {
            project_id: project.to_owned(),
            roles: vec![role.to_owned()],
            ..Credentials::default()
        }
    }

    fn text(action: &str, guarded: &[Guarded<'_>]) -> String {
        policy().demand(action, guarded.iter().copied()).unwrap().to_string()
    }

    #[test]
    fn a_refusal_reads_as_neutrons() {
        let whole = Guarded::whole;
        assert_eq!(text("update_network", &[]), "rule:update_network");
        assert_eq!(
            text("create_network", &[whole("shared")]),
            "(rule:create_network and rule:create_network:shared)"
        );
        assert_eq!(
            text(
                "create_rbac_policy",
                &["object_type", "object_id", "target_tenant", "action"].map(whole)
            ),
            "((((rule:create_rbac_policy and rule:create_rbac_policy:object_type) and \
             rule:create_rbac_policy:object_id) and rule:create_rbac_policy:target_tenant) and \
             rule:create_rbac_policy:action)"
        );
        let gateway =
            Guarded { name: "external_gateway_info", keys: &["network_id", "enable_snat"] };
        assert_eq!(
            text("update_router", &[gateway]),
            "(rule:update_router and (rule:update_router:external_gateway_info and \
             (rule:update_router:external_gateway_info:network_id and \
             rule:update_router:external_gateway_info:enable_snat)))"
        );
        let one = Guarded { name: "fixed_ips", keys: &["subnet_id"] };
        assert_eq!(
            text("create_port", &[one, whole("mac_address")]),
            "((rule:create_port and (rule:create_port:fixed_ips and (rule:create_port:fixed_ips:subnet_id))) and \
             rule:create_port:mac_address)"
        );
    }

    #[test]
    fn all_rules_have_to_hold() {
        let policy = policy();
        let check = |guarded: &[Guarded<'_>], who: &Credentials| {
            policy
                .demand("create_port", guarded.iter().copied())
                .unwrap()
                .check(&policy, who, &Port)
        };
        let member = who("P", "member");
        assert_eq!(check(&[], &member), Verdict::Allowed);
        assert_eq!(check(&[Guarded::whole("mac_address")], &member), Verdict::Allowed);
        assert_eq!(check(&[Guarded::whole("binding:host_id")], &member), Verdict::Denied);
        assert_eq!(
            check(&[Guarded::whole("binding:host_id")], &who("P", "admin")),
            Verdict::Allowed
        );
    }

    #[test]
    fn an_attribute_without_a_rule_falls_under_the_default_rule() {
        let policy = policy();
        let qos = [Guarded::whole("qos_policy_id")];
        let demand = policy.demand("create_port", qos).unwrap();
        assert_eq!(
            demand.rules(),
            [policy.rule("create_port").unwrap(), policy.rule("default").unwrap()]
        );
        assert_eq!(demand.check(&policy, &who("P", "member"), &Port), Verdict::Allowed);
        // A service may make ports for anybody, but not with attributes that nobody thought of.
        let service = who("S", "service");
        assert_eq!(
            policy.demand("create_port", []).unwrap().check(&policy, &service, &Port),
            Verdict::Allowed
        );
        assert_eq!(demand.check(&policy, &service, &Port), Verdict::Denied);
    }

    #[test]
    fn an_unknown_default_rule_denies() {
        let policy =
            Policy::defaults(Options { default_rule: "nowhere".to_owned(), ..Options::default() });
        let demand = policy.demand("create_port", [Guarded::whole("qos_policy_id")]).unwrap();
        assert_eq!(demand.check(&policy, &who("P", "admin"), &Port), Verdict::Denied);
    }

    #[test]
    fn an_unknown_action_has_no_demand() {
        assert!(policy().demand("create_unicorn", []).is_none());
    }

    #[test]
    fn what_waits_does_not_hide_what_denies() {
        struct NewPort;
        impl Target for NewPort {
            fn value(&self, name: &str) -> Lookup<'_> {
                if name.starts_with("network:") { Lookup::NotLoaded } else { Lookup::Missing }
            }
        }
        let policy = policy();
        let check = |name| {
            let demand = policy.demand("create_port", [Guarded::whole(name)]).unwrap();
            demand.check(&policy, &who("P", "member"), &NewPort)
        };
        assert_eq!(check("mac_address"), Verdict::NeedsParent);
        assert_eq!(check("binding:host_id"), Verdict::Denied);
    }
}
