#![no_main]
//! A policy file: whatever is read is compiled, and every rule can be asked and explained.

use libfuzzer_sys::fuzz_target;
use nucleon_policy::{Credentials, NoTarget, Options, Policy, read_rules};

fuzz_target!(|text: &str| {
    let (rules, _) = read_rules("fuzz", text);
    let outcome = Policy::compile(Options::default(), &rules);
    let who = outcome.policy.identify(Credentials {
        project_id: "P".to_owned(),
        roles: vec!["member".to_owned()],
        ..Credentials::default()
    });
    for given in &rules {
        let rule = outcome.policy.rule(&given.name).expect("a rule of a file has a name");
        let explanation = outcome.policy.explain(rule, &who, &NoTarget);
        assert_eq!(explanation.verdict, outcome.policy.check(rule, &who, &NoTarget));
    }
});
