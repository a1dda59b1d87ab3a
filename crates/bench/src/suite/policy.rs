//! What it costs to ask policy about each object of a list.

use anyhow::{Context, Result};
use nucleon_obs::Clock;
use nucleon_policy::{Credentials, Lookup, Options, Policy, Target, Verdict};

use super::Effort;
use crate::report::{Report, Row, Target as Goal, Unit};
use crate::stats::{Figure, ms};

/// Objects in the list.
const OBJECTS: usize = 10_000;

/// A twentieth of the 100 ms that the list may take.
const MOST: f64 = 5.0;

/// A port, as far as the rule asks.
struct Port(&'static str);

impl Target for Port {
    fn value(&self, name: &str) -> Lookup<'_> {
        match name {
            "project_id" | "tenant_id" => Lookup::text(self.0),
            _ => Lookup::Missing,
        }
    }
}

/// Whether a member of a project may see each of so many ports, by the default rules.
pub fn measure(suite: &'static str, effort: Effort, report: &mut Report) -> Result<()> {
    let policy = Policy::defaults(Options::default());
    let rule = policy.rule("get_port").context("a rule about ports")?;
    let member = Credentials {
        project_id: "p1".to_owned(),
        roles: vec!["member".to_owned(), "reader".to_owned()],
        ..Credentials::default()
    };
    let member = policy.identify(member);
    let ports: Vec<Port> = (0..OBJECTS).map(|_| Port("p1")).collect();
    let clock = Clock::system();
    let mut times = Vec::new();
    for _ in 0..effort.pick(3, 21) {
        let start = clock.mono();
        let sees = |port: &&Port| policy.check(rule, &member, *port) == Verdict::Allowed;
        let seen = ports.iter().filter(sees).count();
        times.push(ms(clock.mono() - start));
        anyhow::ensure!(seen == OBJECTS, "a member sees {seen} of its project's {OBJECTS} ports");
    }
    let figure = Figure::of(times).context("rounds")?;
    let name = format!("get_port asked of {OBJECTS} ports");
    report.add([Row::new(suite, name, Unit::Milliseconds, figure).target(Goal::AtMost(MOST))]);
    Ok(())
}
