//! What a check costs: `cargo run --release -p nucleon-policy --example check_cost`.

#![expect(clippy::disallowed_methods, clippy::print_stdout, reason = "this program measures time")]

use std::hint::black_box;
use std::time::Instant;

use nucleon_policy::{Credentials, Guarded, Lookup, Options, Policy, Target, Verdict};

/// A port of project P on a network of project N.
struct Port {
    network_is_loaded: bool,
}

impl Target for Port {
    fn value(&self, name: &str) -> Lookup<'_> {
        match name {
            "project_id" => Lookup::text("5f1c3a0e7d8b4c1f9a2e6b7c8d9e0f10"),
            "network:project_id" | "network:shared" if !self.network_is_loaded => Lookup::NotLoaded,
            "network:project_id" => Lookup::text("0f9e8d7c6b5a49382716051423324150"),
            "network:shared" => Lookup::Bool(true),
            "device_owner" => Lookup::text("compute:nova"),
            _ => Lookup::Missing,
        }
    }
}

const ROUNDS: u32 = 1_000_000;

/// The least of a few runs: what the machine does beside only adds.
fn measure(what: &str, mut once: impl FnMut() -> Verdict) {
    let mut best = f64::MAX;
    let mut verdict = Verdict::Denied;
    for _ in 0..5 {
        let start = Instant::now();
        for _ in 0..ROUNDS {
            verdict = black_box(once());
        }
        best = best.min(start.elapsed().as_secs_f64() * 1e9 / f64::from(ROUNDS));
    }
    println!("{what:<64} {best:>7.0} ns  {verdict:?}");
}

fn main() {
    let policy = Policy::defaults(Options::default());
    let who = |roles: &[&str]| Credentials {
        project_id: "5f1c3a0e7d8b4c1f9a2e6b7c8d9e0f10".to_owned(),
        roles: roles.iter().map(|role| (*role).to_owned()).collect(),
        ..Credentials::default()
    };
    let (admin, member) = (who(&["admin", "member", "reader"]), who(&["member", "reader"]));
    let (known, new) = (Port { network_is_loaded: true }, Port { network_is_loaded: false });
    let cases = [
        ("create_network, a member: role and project", "create_network", &member, &known),
        ("create_port, an administrator", "create_port", &admin, &new),
        ("create_port, a member, network not loaded", "create_port", &member, &new),
        ("create_port, a member on a shared network", "create_port", &member, &known),
        ("update_port, a member", "update_port", &member, &known),
        ("get_port, a member", "get_port", &member, &known),
        ("get_subnet, a member", "get_subnet", &member, &known),
        (
            "create_port:device_owner, a member: a pattern",
            "create_port:device_owner",
            &member,
            &known,
        ),
        (
            "create_port:binding:profile, a member: denied",
            "create_port:binding:profile",
            &member,
            &known,
        ),
    ];
    for (what, name, who, port) in cases {
        let Some(rule) = policy.rule(name) else { continue };
        measure(what, || policy.check(rule, black_box(who), black_box(port)));
    }
    let guarded =
        [Guarded { name: "fixed_ips", keys: &["subnet_id"] }, Guarded::whole("device_id")];
    if let Some(demand) = policy.demand("create_port", guarded) {
        let what = "create_port with fixed_ips and device_id, four rules, made before";
        measure(what, || demand.check(&policy, black_box(&member), black_box(&known)));
    }
    measure("the same, made each time", || {
        policy
            .demand("create_port", black_box(guarded))
            .map_or(Verdict::Denied, |demand| demand.check(&policy, &member, &known))
    });
    let start = Instant::now();
    black_box(Policy::defaults(Options::default()));
    println!("all default rules compiled in {:?}", start.elapsed());
}
