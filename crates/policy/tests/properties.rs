//! What holds of every text and every target.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::borrow::Cow;

use nucleon_policy::language::{Expr, MAX_DEPTH, parse};
use nucleon_policy::{
    Credentials, Lookup, Options, Override, OverrideCheck, Place, Policy, Target, Verdict,
    read_rules,
};
use proptest::prelude::*;

/// Checks of all kinds. Those with `v` in their names ask for values.
const CHECKS: &[&str] = &[
    "@",
    "!",
    "role:r1",
    "role:r2",
    "role:%(v1)s",
    "rule:admin_only",
    "rule:shared",
    "user_id:%(v1)s",
    "user_id:%(v2)s",
    "project_id:%(v1)s",
    "project_id:%(network:project_id)s",
    "'x':%(v2)s",
    "True:%(v1)s",
    "field:a:v1=x",
    "field:a:v2=~^x",
    "field:a:v2=1",
    "unknown:x",
    "('a':'b')",
    "user_id:%(v1)s-%(v2)s",
];

fn rule_text() -> impl Strategy<Value = String> {
    let check = prop::sample::select(CHECKS).prop_map(str::to_owned);
    check.prop_recursive(5, 32, 4, |inner| {
        let some = prop::collection::vec(inner.clone(), 2..5);
        prop_oneof![
            some.clone().prop_map(|all| format!("({})", all.join(" and "))),
            some.clone().prop_map(|any| format!("({})", any.join(" or "))),
            some.prop_map(|mixed| mixed.join(" or ")),
            inner.prop_map(|one| format!("not ({one})")),
        ]
    })
}

fn value() -> impl Strategy<Value = Option<Lookup<'static>>> {
    prop_oneof![
        Just(None),
        prop::sample::select(vec!["x", "r1", "U", "P", "U-x", ""])
            .prop_map(|text| Some(Lookup::Text(Cow::Borrowed(text)))),
        any::<bool>().prop_map(|flag| Some(Lookup::Bool(flag))),
        (0..3i64).prop_map(|number| Some(Lookup::Int(number))),
        Just(Some(Lookup::Null)),
        Just(Some(Lookup::Missing)),
    ]
}

const NAMES: &[&str] = &["v1", "v2", "network:project_id", "network:shared"];

/// A target with a value for each of the names; `None` where it has not been loaded.
#[derive(Debug, Clone)]
struct Object(Vec<Option<Lookup<'static>>>);

impl Object {
    /// With `other`'s values where this one has not been loaded.
    fn loaded_from(&self, other: &Self) -> Self {
        let pairs = self.0.iter().zip(&other.0);
        let fallback = || Some(Lookup::Missing);
        Self(
            pairs
                .map(|(own, other)| own.clone().or_else(|| other.clone()).or_else(fallback))
                .collect(),
        )
    }
}

impl Target for Object {
    fn value(&self, name: &str) -> Lookup<'_> {
        match NAMES.iter().position(|known| *known == name) {
            Some(index) => self.0[index].clone().unwrap_or(Lookup::NotLoaded),
            None => Lookup::Missing,
        }
    }
}

fn object() -> impl Strategy<Value = Object> {
    prop::collection::vec(value(), NAMES.len()).prop_map(Object)
}

fn caller() -> impl Strategy<Value = Credentials> {
    let roles = prop::sample::subsequence(vec!["R1", "r2", "admin"], 0..=3);
    (roles, any::<bool>()).prop_map(|(roles, with_project)| Credentials {
        user_id: "U".to_owned(),
        project_id: if with_project { "P".to_owned() } else { String::new() },
        roles: roles.into_iter().map(str::to_owned).collect(),
        ..Credentials::default()
    })
}

fn policy(text: &str) -> Policy {
    let rule = Override {
        name: "it".to_owned(),
        check: OverrideCheck::Text(text.to_owned()),
        place: Place { file: "f".into(), line: 1 },
    };
    let outcome = Policy::compile(Options::default(), &[rule]);
    assert_eq!(outcome.problems, []);
    outcome.policy
}

fn says(text: &str, who: &Credentials, target: &Object) -> Verdict {
    asked(&policy(text), who, target)
}

fn asked(policy: &Policy, who: &Credentials, target: &Object) -> Verdict {
    policy.check(policy.rule("it").unwrap(), who, target)
}

/// Another order of the operands of every `and` and `or`.
fn turned_round(expr: &Expr) -> Expr {
    let turned = |terms: &[Expr]| terms.iter().rev().map(turned_round).collect();
    match expr {
        Expr::And(terms) => Expr::And(turned(terms)),
        Expr::Or(terms) => Expr::Or(turned(terms)),
        Expr::Not(inner) => Expr::Not(Box::new(turned_round(inner))),
        other => other.clone(),
    }
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in ".{0,200}") {
        let _ = parse(&text);
    }

    #[test]
    fn no_words_of_the_language_make_the_parser_panic(
        words in prop::collection::vec(prop::sample::select(vec![
            "and", "or", "not", "(", ")", "%(", ")s", "%", ":", "'", "\"", "~", "=", "field:", "role:", "é", "[", "@", "!",
        ]), 0..30),
        blank in prop::sample::select(vec!["", " ", "\t"]),
    ) {
        let _ = parse(&words.join(blank));
    }

    #[test]
    fn an_error_is_placed_within_the_text_or_just_after_it(text in ".{0,60}") {
        if let Err(error) = parse(&text) {
            prop_assert!((1..=text.chars().count() + 1).contains(&error.at), "{error:?}");
        }
    }

    #[test]
    fn what_is_printed_is_read_as_the_same(text in rule_text()) {
        let expr = parse(&text).unwrap();
        let printed = expr.to_string();
        prop_assert_eq!(parse(&printed).unwrap(), expr, "{}", printed);
    }

    #[test]
    fn no_file_makes_the_reader_panic(text in ".{0,200}") {
        let _ = read_rules("f", &text);
    }

    #[test]
    fn no_words_of_yaml_make_the_reader_panic(
        words in prop::collection::vec(prop::sample::select(vec![
            "a", ":", " ", "\n", "  ", "- ", "[", "]", "{", "}", "&x", "*x", "!", "\"", "'", "|", ">", "#", "---", "? ", ",", "\t",
        ]), 0..40),
    ) {
        let _ = read_rules("f", &words.concat());
    }

    #[test]
    fn depth_is_refused_and_never_followed(depth in 0..2000usize, open in prop::sample::select(vec!["(", "not ", "not ("])) {
        let closed = if open.contains('(') { ")" } else { "" };
        let text = format!("{}role:r1{}", open.repeat(depth), closed.repeat(depth));
        prop_assert_eq!(parse(&text).is_ok(), depth * (if open == "not (" { 2 } else { 1 }) < MAX_DEPTH);
    }
}

/// Fewer cases, for each compiles all rules.
fn fewer() -> ProptestConfig {
    let config = ProptestConfig::default();
    ProptestConfig { cases: config.cases / 4, ..config }
}

proptest! {
    #![proptest_config(fewer())]

    #[test]
    fn the_order_of_operands_does_not_matter(text in rule_text(), who in caller(), target in object()) {
        let other = turned_round(&parse(&text).unwrap()).to_string();
        prop_assert_eq!(says(&text, &who, &target), says(&other, &who, &target), "{}", other);
    }

    /// What is decided before all is loaded stays so, whatever is loaded.
    #[test]
    fn loading_decides_what_waited_and_nothing_else(
        text in rule_text(),
        who in caller(),
        target in object(),
        others in prop::collection::vec(object(), 4),
    ) {
        let policy = policy(&text);
        let before = asked(&policy, &who, &target);
        for other in &others {
            let after = asked(&policy, &who, &target.loaded_from(other));
            prop_assert_ne!(after, Verdict::NeedsParent);
            prop_assert!(before == Verdict::NeedsParent || before == after, "{:?} became {:?}", before, after);
        }
    }

    #[test]
    fn not_turns_a_verdict_round_unless_nothing_can_be_told(text in rule_text(), who in caller(), target in object()) {
        let negated = says(&format!("not ({text})"), &who, &target);
        match says(&text, &who, &target) {
            Verdict::Allowed => prop_assert_eq!(negated, Verdict::Denied),
            Verdict::NeedsParent => prop_assert_eq!(negated, Verdict::NeedsParent),
            // An owner who cannot be told denies both.
            Verdict::Denied => prop_assert_ne!(negated, Verdict::NeedsParent),
        }
    }

    #[test]
    fn an_explanation_comes_to_the_same_verdict(text in rule_text(), who in caller(), target in object()) {
        let policy = policy(&text);
        let rule = policy.rule("it").unwrap();
        let explanation = policy.explain(rule, &who, &target);
        prop_assert_eq!(explanation.verdict, policy.check(rule, &who, &target));
        prop_assert_eq!(explanation.rule.holds == Some(true), explanation.verdict == Verdict::Allowed);
    }
}
