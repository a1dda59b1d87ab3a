use std::collections::BTreeMap;
use std::sync::Arc;

use super::*;
use crate::compile::{Outcome, Override, OverrideCheck};
use crate::problem::Wrong;
use crate::target::{Lookup, NoTarget, Parent};

/// A target of texts, flags and values that are not loaded.
#[derive(Default)]
struct Object(BTreeMap<&'static str, Lookup<'static>>);

impl Object {
    fn with(mut self, name: &'static str, value: Lookup<'static>) -> Self {
        self.0.insert(name, value);
        self
    }

    fn text(self, name: &'static str, value: &'static str) -> Self {
        self.with(name, Lookup::text(value))
    }

    fn not_loaded(self, name: &'static str) -> Self {
        self.with(name, Lookup::NotLoaded)
    }
}

impl Target for Object {
    fn value(&self, name: &str) -> Lookup<'_> {
        self.0.get(name).cloned().unwrap_or(Lookup::Missing)
    }
}

fn given(name: &str, check: &str, line: usize) -> Override {
    Override {
        name: name.to_owned(),
        check: OverrideCheck::Text(check.to_owned()),
        place: Place { file: Arc::from("policy.yaml"), line },
    }
}

fn compiled(rules: &[(&str, &str)]) -> Outcome {
    compiled_with(Options::default(), rules)
}

fn compiled_with(options: Options, rules: &[(&str, &str)]) -> Outcome {
    let rules = rules.iter().enumerate();
    let rules: Vec<Override> =
        rules.map(|(index, (name, check))| given(name, check, index + 1)).collect();
    Policy::compile(options, &rules)
}

fn who(project: &str, roles: &[&str]) -> Credentials {
    Credentials {
        user_id: "U".to_owned(),
        project_id: project.to_owned(),
        roles: roles.iter().map(|role| (*role).to_owned()).collect(),
        ..Credentials::default()
    }
}

/// What a rule of that text says.
fn says(check: &str, who: &Credentials, target: &dyn Target) -> Verdict {
    let outcome = compiled(&[("it", check)]);
    assert_eq!(outcome.problems, []);
    outcome.policy.check(outcome.policy.rule("it").unwrap(), who, target)
}

fn allows(check: &str, who: &Credentials, target: &dyn Target) -> bool {
    match says(check, who, target) {
        Verdict::Allowed => true,
        Verdict::Denied => false,
        Verdict::NeedsParent => panic!("{check} waits"),
    }
}

#[test]
fn roles_are_compared_without_regard_to_case() {
    let member = who("P", &["Member", "ÄRZTE"]);
    assert!(allows("role:member", &member, &NoTarget));
    assert!(allows("role:MEMBER", &member, &NoTarget));
    assert!(allows("role:ärzte", &member, &NoTarget));
    assert!(!allows("role:memb", &member, &NoTarget));
    assert!(!allows("role:members", &member, &NoTarget));
    assert!(!allows("role:", &member, &NoTarget));
    let target = Object::default().text("needed", "MEMBER").text("part", "mber");
    assert!(allows("role:%(needed)s", &member, &target));
    assert!(allows("role:me%(part)s", &member, &target));
    assert!(!allows("role:m%(part)s", &member, &target));
    assert!(!allows("role:%(absent)s", &member, &target));
}

#[test]
fn credentials_are_compared_with_the_targets_values() {
    let caller = who("P", &[]);
    let target = Object::default().text("project_id", "P").text("owner", "U").text("half", "U");
    assert!(allows("project_id:%(project_id)s", &caller, &target));
    assert!(allows("user_id:%(owner)s", &caller, &target));
    assert!(allows("user:%(owner)s", &caller, &target));
    assert!(!allows("user_id:%(project_id)s", &caller, &target));
    assert!(!allows("user_id:%(half)s%(half)s", &caller, &target));
    assert!(allows("user_id:U", &caller, &target));
    assert!(!allows("user_id:u", &caller, &target));
    assert!(!allows("user_id:%(absent)s", &caller, &target));
}

#[test]
fn lists_of_credentials_are_searched_as_they_are() {
    let caller = Credentials { service_roles: vec!["service".to_owned()], ..who("P", &["Reader"]) };
    assert!(allows("service_roles:service", &caller, &NoTarget));
    assert!(allows("roles:Reader", &caller, &NoTarget));
    assert!(!allows("roles:reader", &caller, &NoTarget));
}

#[test]
fn flags_numbers_and_nothing_read_as_python_writes_them() {
    let caller = Credentials { is_admin_project: true, ..who("P", &[]) };
    assert!(allows("is_admin_project:True", &caller, &NoTarget));
    assert!(allows("is_admin:False", &caller, &NoTarget));
    assert!(!allows("is_admin:false", &caller, &NoTarget));
    let target = Object::default()
        .with("shared", Lookup::Bool(true))
        .with("mtu", Lookup::Int(1500))
        .with("qos_policy_id", Lookup::Null);
    assert!(allows("True:%(shared)s", &caller, &target));
    assert!(allows("1500:%(mtu)s", &caller, &target));
    assert!(!allows("150:%(mtu)s", &caller, &target));
    assert!(allows("None:%(qos_policy_id)s", &caller, &target));
    assert!(!allows("None:%(absent)s", &caller, &target));
    assert!(allows("'a':a", &caller, &target) && !allows("'a':'a'x", &caller, &target));
}

#[test]
fn a_value_that_is_not_there_equals_nothing() {
    let nobody = Credentials::default();
    let target = Object::default().text("project_id", "").with("tenant", Lookup::Null);
    assert!(!allows("project_id:%(project_id)s", &nobody, &target));
    assert!(!allows("project_id:%(tenant)s", &nobody, &target));
    assert!(!allows("domain_id:None", &nobody, &target));
    assert!(!allows("user_id:", &nobody, &target));
}

#[test]
fn a_credential_that_nobody_has_denies_even_under_not() {
    let outcome = compiled(&[("it", "not token.secret:1"), ("or", "token.secret:1 or role:r")]);
    let [first, ..] = outcome.warnings.as_slice() else { panic!() };
    assert_eq!(
        first.to_string(),
        "policy.yaml:1: rule it is not known: only other rules can refer to it"
    );
    assert!(outcome.warnings.iter().any(
        |warning| warning.message == "rule it asks for token.secret, which callers never have"
    ));
    let rule = |name: &str| outcome.policy.rule(name).unwrap();
    assert_eq!(outcome.policy.check(rule("it"), &who("P", &["r"]), &NoTarget), Verdict::Denied);
    assert_eq!(outcome.policy.check(rule("or"), &who("P", &["r"]), &NoTarget), Verdict::Allowed);
}

#[test]
fn fields_are_compared_by_the_type_of_the_value() {
    let caller = who("P", &[]);
    let target = Object::default()
        .with("shared", Lookup::Bool(true))
        .with("mtu", Lookup::Int(1500))
        .with("nothing", Lookup::Null)
        .text("name", "True")
        .text("device_owner", "network:dhcp");
    for (check, allowed) in [
        ("field:networks:shared=True", true),
        ("field:networks:shared=true", true),
        ("field:networks:shared=1", true),
        ("field:networks:shared=False", false),
        ("field:networks:shared=maybe", false),
        ("field:networks:mtu=1500", true),
        ("field:networks:mtu=1501", false),
        ("field:networks:name=True", true),
        ("field:networks:name=true", false),
        ("field:port:device_owner=~^network:", true),
        ("field:port:device_owner=~dhcp", false),
        ("field:port:device_owner=~network:(dhcp|router)$", true),
        ("field:networks:shared=~True", false),
        ("field:networks:nothing=None", false),
        ("field:networks:absent=", false),
        ("not field:networks:absent=x", true),
    ] {
        assert_eq!(allows(check, &caller, &target), allowed, "{check}");
    }
}

#[test]
fn whether_a_network_is_shared_is_asked_of_the_network_where_the_target_is_none() {
    let caller = who("P", &[]);
    let shared = |value: Lookup<'static>| Object::default().with("network:shared", value);
    let check = "field:networks:shared=True";
    assert_eq!(says(check, &caller, &shared(Lookup::Bool(true))), Verdict::Allowed);
    assert_eq!(says(check, &caller, &shared(Lookup::Bool(false))), Verdict::Denied);
    assert_eq!(says(check, &caller, &shared(Lookup::NotLoaded)), Verdict::NeedsParent);
    assert_eq!(
        says("field:subnets:shared=True", &caller, &shared(Lookup::Bool(true))),
        Verdict::Denied
    );
}

#[test]
fn a_known_operand_decides_wherever_it_stands() {
    let caller = who("P", &["yes"]);
    let target = Object::default().not_loaded("network:project_id");
    let open = "project_id:%(network:project_id)s";
    for (check, verdict) in [
        (open.to_owned(), Verdict::NeedsParent),
        (format!("not {open}"), Verdict::NeedsParent),
        (format!("{open} or role:yes"), Verdict::Allowed),
        (format!("role:yes or {open}"), Verdict::Allowed),
        (format!("{open} or role:no"), Verdict::NeedsParent),
        (format!("role:no or {open}"), Verdict::NeedsParent),
        (format!("{open} and role:no"), Verdict::Denied),
        (format!("role:no and {open}"), Verdict::Denied),
        (format!("{open} and role:yes"), Verdict::NeedsParent),
        (format!("not ({open} or role:yes)"), Verdict::Denied),
        (format!("not ({open} and role:no)"), Verdict::Allowed),
        (format!("({open} and role:yes) or role:yes"), Verdict::Allowed),
        (format!("({open} or role:no) and role:no"), Verdict::Denied),
    ] {
        assert_eq!(says(&check, &caller, &target), verdict, "{check}");
    }
}

#[test]
fn an_owner_who_cannot_be_told_is_neither_the_caller_nor_not_the_caller() {
    let caller = who("P", &["yes"]);
    let target = Object::default();
    assert_eq!(says("project_id:%(network:project_id)s", &caller, &target), Verdict::Denied);
    assert_eq!(says("not project_id:%(network:project_id)s", &caller, &target), Verdict::Denied);
    assert_eq!(says("not project_id:%(project_id)s", &caller, &target), Verdict::Denied);
    assert_eq!(
        says("not project_id:%(project_id)s or role:yes", &caller, &target),
        Verdict::Allowed
    );
    let nobody = Credentials::default();
    assert_eq!(says("not project_id:%(project_id)s", &nobody, &target), Verdict::Denied);
    let owned = Object::default().text("project_id", "P");
    assert_eq!(says("not project_id:%(project_id)s", &nobody, &owned), Verdict::Allowed);
    // Other values that are missing are merely different, as in oslo.policy.
    assert_eq!(says("not user_id:%(user_id)s", &caller, &target), Verdict::Allowed);
}

#[test]
fn tenants_are_projects() {
    let caller = who("P", &[]);
    let target = Object::default().text("project_id", "P").text("network:project_id", "P");
    for check in [
        "tenant_id:%(tenant_id)s",
        "tenant_id:%(network:tenant_id)s",
        "project_id:%(network_tenant_id)s",
        "tenant_id:%(network_project_id)s",
    ] {
        assert!(allows(check, &caller, &target), "{check}");
    }
    let outcome = compiled(&[("it", "tenant_id:%(tenant_id)s")]);
    assert!(
        outcome.warnings.iter().any(|warning| warning.message.contains("project_id since 2026.1"))
    );
}

#[test]
fn a_rule_knows_the_parents_that_it_may_ask_through_others() {
    let policy = Policy::defaults(Options::default());
    let parents = |name: &str| policy.parents(policy.rule(name).unwrap());
    assert!(parents("create_port").contains(Parent::Network));
    assert!(parents("get_subnet").contains(Parent::Network));
    assert!(!parents("create_port").contains(Parent::SecurityGroup));
    assert!(parents("create_security_group_rule").contains(Parent::SecurityGroup));
    assert!(parents("get_policy_bandwidth_limit_rule").contains(Parent::Enclosing));
    assert!(parents("create_network:provider:network_type").is_empty());
}

#[test]
fn unknown_names_have_no_rule() {
    let policy = Policy::defaults(Options::default());
    assert_eq!(policy.rule("create_unicorn"), None);
    assert_eq!(policy.missing(["create_port", "fly", "get_port", "sing"]), ["fly", "sing"]);
    let beyond = RuleId(u32::MAX);
    assert_eq!(policy.check(beyond, &who("P", &["admin"]), &NoTarget), Verdict::Denied);
}

#[test]
fn the_defaults_are_without_fault() {
    for enforce_new_defaults in [true, false] {
        let options = Options { enforce_new_defaults, ..Options::default() };
        let outcome = Policy::compile(options, &[]);
        assert_eq!(outcome.problems, []);
        assert_eq!(outcome.warnings, []);
    }
}

#[test]
fn declared_rules_keep_their_identity_whatever_files_say() {
    let before = Policy::defaults(Options::default());
    let after = compiled(&[("aaa", "@"), ("create_port", "!"), ("zzz", "rule:aaa")]).policy;
    for declared in crate::declared() {
        assert_eq!(before.rule(declared.name), after.rule(declared.name), "{}", declared.name);
    }
    assert_eq!(after.text(after.rule("create_port").unwrap()), "!");
}

#[test]
fn the_last_of_several_files_holds() {
    let outcome = compiled(&[("create_port", "@"), ("create_port", "!")]);
    let rule = outcome.policy.rule("create_port").unwrap();
    assert_eq!(outcome.policy.text(rule), "!");
    assert_eq!(outcome.policy.origin(rule).place().unwrap().line, 2);
}

#[test]
fn a_bad_text_denies_and_is_named_with_its_place() {
    let outcome = compiled(&[("create_port", "role:admin or"), ("it", "not rule:create_port")]);
    let [problem] = outcome.problems.as_slice() else { panic!("{:?}", outcome.problems) };
    assert_eq!(
        problem.to_string(),
        "policy.yaml:1: rule create_port: at character 14: the rule ends where a check belongs"
    );
    for name in ["create_port", "it"] {
        let rule = outcome.policy.rule(name).unwrap();
        assert_eq!(
            outcome.policy.check(rule, &who("P", &["admin"]), &NoTarget),
            Verdict::Denied,
            "{name}"
        );
    }
}

#[test]
fn an_undefined_reference_denies_even_under_not() {
    let outcome = compiled(&[("it", "not rule:nowhere"), ("other", "@ and not rule:it")]);
    let [problem] = outcome.problems.as_slice() else { panic!("{:?}", outcome.problems) };
    assert_eq!(problem.what, Wrong::Undefined("nowhere".to_owned()));
    for name in ["it", "other"] {
        let rule = outcome.policy.rule(name).unwrap();
        assert_eq!(
            outcome.policy.check(rule, &who("P", &["admin"]), &NoTarget),
            Verdict::Denied,
            "{name}"
        );
    }
}

#[test]
fn rules_that_refer_to_themselves_are_found_and_deny() {
    let outcome = compiled(&[
        ("self", "not rule:self"),
        ("a", "role:x or rule:b"),
        ("b", "rule:c and @"),
        ("c", "not rule:a"),
        ("behind", "rule:a or role:admin"),
    ]);
    let wrong: Vec<(&str, String)> = outcome
        .problems
        .iter()
        .map(|problem| (problem.rule.as_deref().unwrap(), problem.what.to_string()))
        .collect();
    assert_eq!(
        wrong,
        [
            ("self", "refers to itself: self -> self".to_owned()),
            ("a", "refers to itself: a -> b -> c -> a".to_owned()),
            ("b", "refers to itself: b -> c -> a -> b".to_owned()),
            ("c", "refers to itself: c -> a -> b -> c".to_owned()),
        ]
    );
    let check = |name: &str, role: &str| {
        let rule = outcome.policy.rule(name).unwrap();
        outcome.policy.check(rule, &who("P", &[role]), &NoTarget)
    };
    for name in ["self", "a", "b", "c"] {
        assert_eq!(check(name, "x"), Verdict::Denied, "{name}");
    }
    assert_eq!(check("behind", "admin"), Verdict::Allowed);
    assert_eq!(check("behind", "x"), Verdict::Denied);
}

#[test]
fn a_long_chain_of_rules_is_refused_where_it_gets_too_deep() {
    let names: Vec<String> = (0..20_000).map(|index| format!("r{index}")).collect();
    let mut rules: Vec<(String, String)> =
        names.windows(2).map(|pair| (pair[0].clone(), format!("rule:{}", pair[1]))).collect();
    rules.push((names.last().unwrap().clone(), "@".to_owned()));
    let rules: Vec<(&str, &str)> =
        rules.iter().map(|(name, check)| (name.as_str(), check.as_str())).collect();
    let outcome = compiled(&rules);
    assert!(outcome.problems.iter().all(|problem| matches!(problem.what, Wrong::TooDeep(_))));
    assert!(!outcome.problems.is_empty());
    let rule = |name: &str| outcome.policy.rule(name).unwrap();
    assert_eq!(outcome.policy.check(rule("r19900"), &who("P", &[]), &NoTarget), Verdict::Allowed);
    assert_eq!(outcome.policy.check(rule("r0"), &who("P", &[]), &NoTarget), Verdict::Denied);
}

fn old() -> Options {
    Options { enforce_new_defaults: false, ..Options::default() }
}

#[test]
fn what_a_rule_said_before_suffices_only_while_old_defaults_do() {
    let target = Object::default().text("project_id", "P").text("network:project_id", "Q");
    let outsider = who("R", &["member"]);
    let check =
        |policy: &Policy| policy.check(policy.rule("create_port").unwrap(), &outsider, &target);
    assert_eq!(check(&Policy::defaults(Options::default())), Verdict::Denied);
    let policy = Policy::defaults(old());
    assert_eq!(check(&policy), Verdict::Allowed);
    assert_eq!(policy.origin(policy.rule("create_port").unwrap()), &Origin::DefaultOrFormer);
    // A file's word stands alone.
    let policy = compiled_with(old(), &[("create_port", "role:nobody")]).policy;
    assert_eq!(check(&policy), Verdict::Denied);
}

#[test]
fn administrators_pass_unasked_while_old_defaults_hold() {
    let admin = Credentials { is_admin: true, ..who("P", &["admin"]) };
    let rules = [("create_port", "!")];
    let check = |options: Options| {
        let policy = compiled_with(options, &rules).policy;
        policy.check(policy.rule("create_port").unwrap(), &admin, &NoTarget)
    };
    assert_eq!(check(Options::default()), Verdict::Denied);
    assert_eq!(check(old()), Verdict::Allowed);
}

#[test]
fn a_former_name_in_a_file_stands_for_the_new_one() {
    let text = |rules: &[(&str, &str)]| {
        let outcome = compiled(rules);
        assert_eq!(outcome.problems, []);
        let rule = outcome.policy.rule("create_port:tags").unwrap();
        (outcome.policy.text(rule).to_owned(), outcome.warnings)
    };
    let (said, warnings) = text(&[("create_ports_tags", "role:tagger")]);
    assert_eq!(said, "role:tagger");
    let [warning] = warnings.as_slice() else { panic!("{warnings:?}") };
    assert_eq!(
        warning.to_string(),
        "policy.yaml:1: rule create_ports_tags is called create_port:tags since 2025.1"
    );
    // The new name wins; what a sample file writes says nothing.
    let (default, _) = text(&[]);
    assert_eq!(
        text(&[("create_ports_tags", "role:a"), ("create_port:tags", "role:b")]).0,
        "role:b"
    );
    assert_eq!(text(&[("create_ports_tags", "rule:create_port:tags")]).0, default);
    assert_eq!(text(&[("create_ports_tags", &default)]).0, default);
}

#[test]
fn a_bad_text_under_a_former_name_denies_the_new_one() {
    let outcome = compiled(&[("create_ports_tags", "bogus")]);
    assert_eq!(outcome.problems.len(), 1);
    let rule = outcome.policy.rule("create_port:tags").unwrap();
    assert_eq!(outcome.policy.check(rule, &who("P", &["admin"]), &NoTarget), Verdict::Denied);
}

#[test]
fn lists_are_taken_from_files_too() {
    let given = Override {
        check: OverrideCheck::Lists(vec![
            vec!["role:a".to_owned()],
            vec!["role:b".to_owned(), "role:c".to_owned()],
        ]),
        ..given("it", "", 3)
    };
    let outcome = Policy::compile(Options::default(), &[given]);
    let rule = outcome.policy.rule("it").unwrap();
    assert_eq!(outcome.policy.text(rule), "(role:a or (role:b and role:c))");
    assert_eq!(outcome.policy.check(rule, &who("P", &["b", "c"]), &NoTarget), Verdict::Allowed);
    assert_eq!(outcome.policy.check(rule, &who("P", &["b"]), &NoTarget), Verdict::Denied);
}

#[test]
fn a_token_that_is_not_for_a_project_is_out_of_scope() {
    let target = Object::default().text("project_id", "P");
    let system = Credentials { system_scope: "all".to_owned(), ..who("", &["admin"]) };
    let domain = Credentials { domain_id: "D".to_owned(), ..who("", &["admin"]) };
    for caller in [&system, &domain] {
        let check = |enforce_scope| {
            let policy = Policy::defaults(Options { enforce_scope, ..Options::default() });
            policy.check(policy.rule("create_network").unwrap(), caller, &target)
        };
        assert_eq!(check(true), Verdict::Denied);
        assert_eq!(check(false), Verdict::Allowed);
    }
    // Rules that only others refer to are for any token.
    let policy = Policy::defaults(Options::default());
    assert_eq!(
        policy.check(policy.rule("context_is_admin").unwrap(), &system, &system),
        Verdict::Allowed
    );
}

#[test]
fn what_a_caller_is_is_found_out_by_rules() {
    let identify = |rules: &[(&str, &str)], who| {
        let who = compiled(rules).policy.identify(who);
        (who.is_admin, who.is_service, who.has_global_access, who.can_set_project_id)
    };
    assert_eq!(identify(&[], who("P", &["Admin"])), (true, false, true, true));
    assert_eq!(identify(&[], who("P", &["service"])), (false, true, false, true));
    assert_eq!(identify(&[], who("P", &["advsvc"])), (false, true, false, true));
    assert_eq!(identify(&[], who("P", &["member"])), (false, false, false, false));
    let rules = [("context_is_admin", "role:boss"), ("context_with_global_access", "role:auditor")];
    assert_eq!(identify(&rules, who("P", &["admin"])), (false, false, false, false));
    assert_eq!(identify(&rules, who("P", &["boss"])), (true, false, true, true));
    assert_eq!(identify(&rules, who("P", &["auditor"])), (false, false, true, false));
    // An old claim does not help.
    let claimed = Credentials { is_admin: true, ..who("P", &[]) };
    assert_eq!(identify(&[], claimed), (false, false, false, false));
}
