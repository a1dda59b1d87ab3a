//! Why a rule decides as it does, for people.

use std::fmt::{self, Display, Formatter};

use crate::credentials::{Credentials, Held};
use crate::evaluate::{Question, Truth};
use crate::language::Part;
use crate::node::{Asker, Field, Node, Pieces, RuleId};
use crate::policy::{Policy, Verdict};
use crate::target::{Lookup, Target};

/// How a rule came to its verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    pub verdict: Verdict,
    /// What decided before the rule was looked at: what kind of token was used, or who the caller is.
    pub before: Option<String>,
    pub rule: Branch,
}

/// A part of a rule, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Branch {
    pub text: String,
    /// `None` where it hangs on a value that is not there.
    pub holds: Option<bool>,
    /// The values that were compared.
    pub because: Option<String>,
    pub parts: Vec<Branch>,
}

impl Policy {
    /// What [`Policy::check`] says, and how it comes to that.
    pub fn explain(&self, rule: RuleId, who: &Credentials, target: &dyn Target) -> Explanation {
        let question = Question { policy: self, who, target };
        let explained = Explainer { question: &question }.branch(&Node::Rule(rule));
        let (text, because) = (self.name(rule).to_owned(), Some(self.text(rule).to_owned()));
        let root = Branch { text, because, ..explained };
        Explanation {
            verdict: self.check(rule, who, target),
            before: self.decided_before(rule, who),
            rule: root,
        }
    }

    fn decided_before(&self, rule: RuleId, who: &Credentials) -> Option<String> {
        if self.passes_unasked(who) {
            return Some("administrators pass while enforce_new_defaults is false".to_owned());
        }
        let scope = who.scope();
        (!self.is_in_scope(rule, scope)).then(|| {
            let scopes = self.declared(rule).map_or(&[][..], |declared| declared.scopes);
            let scopes: Vec<&str> = scopes.iter().map(|scope| scope.as_str()).collect();
            format!("the token's scope is {}, the rule's is {}", scope.as_str(), scopes.join(", "))
        })
    }
}

struct Explainer<'a> {
    question: &'a Question<'a>,
}

impl Explainer<'_> {
    fn branch(&self, node: &Node) -> Branch {
        let (text, because, parts) = match node {
            Node::Always => ("@".to_owned(), None, Vec::new()),
            Node::Never => ("!".to_owned(), None, Vec::new()),
            Node::Broken => ("a rule that cannot be followed".to_owned(), None, Vec::new()),
            Node::Not(inner) => ("not".to_owned(), None, vec![self.branch(inner)]),
            Node::All(terms) => ("all of".to_owned(), None, self.branches(terms)),
            Node::Any(terms) => ("any of".to_owned(), None, self.branches(terms)),
            Node::Rule(rule) => {
                let policy = self.question.policy;
                let parts = vec![self.branch(policy.node(*rule))];
                (format!("rule:{}", policy.name(*rule)), None, parts)
            }
            Node::Role(role) => {
                let roles = &self.question.who.roles;
                (
                    format!("role:{role}"),
                    Some(self.with_target(&held(Held::List(roles)), role)),
                    Vec::new(),
                )
            }
            Node::Same { left, right, .. } => {
                let who = match left {
                    Asker::Credential(credential) => held(credential.of(self.question.who)),
                    Asker::Literal(_) => String::new(),
                    Asker::Nobody => "callers never have it".to_owned(),
                };
                (format!("{left}:{right}"), Some(self.with_target(&who, right)), Vec::new())
            }
            Node::Field(field) => (field.to_string(), Some(self.field(field)), Vec::new()),
        };
        let holds = match self.question.ask(node) {
            Truth::Yes => Some(true),
            Truth::No => Some(false),
            Truth::Stuck | Truth::Waits => None,
        };
        Branch { text, holds, because: because.filter(|because| !because.is_empty()), parts }
    }

    fn branches(&self, terms: &[Node]) -> Vec<Branch> {
        terms.iter().map(|term| self.branch(term)).collect()
    }

    /// What the caller has, and what the target has under the names that the template asks for.
    fn with_target(&self, who: &str, template: &Pieces) -> String {
        let mut all = if who.is_empty() { Vec::new() } else { vec![format!("caller: {who}")] };
        let names: Vec<&str> = match template {
            Pieces::Text(_) => Vec::new(),
            Pieces::Value(name) => vec![name],
            Pieces::Many(parts) => parts
                .iter()
                .filter_map(|part| match part {
                    Part::Value(name) => Some(name.as_str()),
                    Part::Text(_) => None,
                })
                .collect(),
        };
        all.extend(names.into_iter().map(|name| self.value(name)));
        all.join(", ")
    }

    fn field(&self, field: &Field) -> String {
        let own = self.question.target.value(&field.name);
        match (own, &field.otherwise) {
            (Lookup::Missing, Some(otherwise)) => self.value(otherwise),
            _ => self.value(&field.name),
        }
    }

    fn value(&self, name: &str) -> String {
        let value = self.question.target.value(name);
        let mut text = format!("{name}: ");
        match value {
            Lookup::Missing => text.push_str("not there"),
            Lookup::NotLoaded => text.push_str("not known"),
            // Writing to a text does not fail.
            value => drop(value.write(&mut text)),
        }
        text
    }
}

fn held(held: Held<'_>) -> String {
    match held {
        Held::Text("") | Held::List([]) => "none".to_owned(),
        Held::Text(text) => text.to_owned(),
        Held::Flag(flag) => if flag { "True" } else { "False" }.to_owned(),
        Held::List(texts) => texts.join(" "),
    }
}

impl Display for Pieces {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Value(name) => write!(f, "%({name})s"),
            Self::Many(parts) => parts.iter().try_for_each(|part| match part {
                Part::Text(text) => f.write_str(text),
                Part::Value(name) => write!(f, "%({name})s"),
            }),
        }
    }
}

impl Display for Asker {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Credential(credential) => f.write_str(credential.as_str()),
            Self::Literal(text) => write!(f, "'{text}'"),
            Self::Nobody => f.write_str("?"),
        }
    }
}

impl Display for Field {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "field:{}={}", self.name, self.text)
    }
}

/// A tree: the verdict, and below it each part with `yes`, `no` or `?` before it.
impl Display for Explanation {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let verdict = match self.verdict {
            Verdict::Allowed => "allowed",
            Verdict::Denied => "denied",
            Verdict::NeedsParent => "undecided",
        };
        write!(f, "{verdict}")?;
        if let Some(before) = &self.before {
            write!(f, ": {before}")?;
        }
        self.rule.write(f, 0)
    }
}

impl Branch {
    fn write(&self, f: &mut Formatter<'_>, depth: usize) -> fmt::Result {
        let mark = match self.holds {
            Some(true) => "yes",
            Some(false) => "no",
            None => "?",
        };
        write!(f, "\n{:indent$}{mark:<4}{}", "", self.text, indent = 2 * depth)?;
        if let Some(because) = &self.because {
            write!(f, "  ({because})")?;
        }
        self.parts.iter().try_for_each(|part| part.write(f, depth + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Options;

    struct Port;

    impl Target for Port {
        fn value(&self, name: &str) -> Lookup<'_> {
            match name {
                "project_id" => Lookup::text("P"),
                "network:project_id" => Lookup::text("Q"),
                "network:shared" => Lookup::Bool(false),
                _ => Lookup::Missing,
            }
        }
    }

    fn explained(options: Options, who: &Credentials) -> String {
        let policy = Policy::defaults(options);
        policy.explain(policy.rule("create_port").unwrap(), who, &Port).to_string()
    }

    fn member() -> Credentials {
        Credentials {
            project_id: "P".to_owned(),
            roles: vec!["member".to_owned(), "reader".to_owned()],
            ..Credentials::default()
        }
    }

    #[test]
    fn a_refusal_shows_what_was_compared_in_each_branch() {
        let expected = "\
denied
no  create_port  ((rule:admin_only) or (rule:service_api) or role:member and rule:network_owner or rule:shared)
  no  any of
    no  rule:admin_only
      no  rule:context_is_admin
        no  role:admin  (caller: member reader)
    no  rule:service_api
      no  role:service  (caller: member reader)
    no  all of
      yes role:member  (caller: member reader)
      no  rule:network_owner
        no  project_id:%(network:project_id)s  (caller: P, network:project_id: Q)
    no  rule:shared
      no  field:shared=True  (network:shared: False)";
        assert_eq!(explained(Options::default(), &member()), expected);
    }

    #[test]
    fn what_decides_before_the_rule_is_named() {
        let system = Credentials { system_scope: "all".to_owned(), ..member() };
        let text = explained(Options::default(), &system);
        assert!(
            text.starts_with("denied: the token's scope is system, the rule's is project\n"),
            "{text}"
        );
        let old = Options { enforce_new_defaults: false, ..Options::default() };
        let admin = Credentials { is_admin: true, ..member() };
        let text = explained(old, &admin);
        let expected = "allowed: administrators pass while enforce_new_defaults is false\n";
        assert!(text.starts_with(expected), "{text}");
    }

    #[test]
    fn what_is_not_known_is_marked() {
        struct New;
        impl Target for New {
            fn value(&self, _: &str) -> Lookup<'_> {
                Lookup::NotLoaded
            }
        }
        let policy = Policy::defaults(Options::default());
        let rule = policy.rule("network_owner").unwrap();
        let text = policy.explain(rule, &member(), &New).to_string();
        let expected = "\
undecided
?   network_owner  (project_id:%(network:project_id)s)
  ?   project_id:%(network:project_id)s  (caller: P, network:project_id: not known)";
        assert_eq!(text, expected);
    }
}
