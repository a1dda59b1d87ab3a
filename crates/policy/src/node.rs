//! Rules as they are evaluated: names resolved, nothing left to look up but the target's values.

use crate::credentials::Credential;
use crate::language::{Check, Expr, Left, Part, Pattern, Template};
use crate::target::{Parent, Parents};

/// A rule of a [`crate::Policy`]. The rules that the program declares have the same identity in every policy, whatever
/// files say, so that it is resolved once; one that only a file has is good for that policy alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RuleId(pub(crate) u32);

impl RuleId {
    /// A rule that no policy has; asking it denies.
    pub(crate) const NONE: Self = Self(u32::MAX);

    pub(crate) const fn index(self) -> usize {
        self.0 as usize
    }
}

#[derive(Debug)]
pub(crate) enum Node {
    Always,
    Never,
    /// A rule that cannot be followed. It denies, also under `not`.
    Broken,
    Not(Box<Node>),
    All(Box<[Node]>),
    Any(Box<[Node]>),
    Rule(RuleId),
    Role(Pieces),
    Same {
        left: Asker,
        right: Pieces,
        owner: bool,
    },
    Field(Field),
}

/// The left side of a comparison.
#[derive(Debug)]
pub(crate) enum Asker {
    Credential(Credential),
    Literal(Box<str>),
    /// The credentials have no such value. It denies, also under `not`.
    Nobody,
}

/// A template. Almost all are of one piece.
#[derive(Debug)]
pub(crate) enum Pieces {
    Text(Box<str>),
    Value(Box<str>),
    Many(Box<[Part]>),
}

/// The value that an attribute is to have, read as each type that it could be of.
#[derive(Debug)]
pub(crate) struct Field {
    pub name: Box<str>,
    /// Where to ask when the target itself has no such attribute.
    pub otherwise: Option<Box<str>>,
    pub text: Box<str>,
    pub flag: Option<bool>,
    pub number: Option<i64>,
    pub pattern: Option<Pattern>,
}

/// What a rule is made of besides its node.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub references: Vec<RuleId>,
    pub undefined: Vec<String>,
    pub parents: Parents,
    /// Credentials that there are none of.
    pub unknown: Vec<String>,
    /// Whether the rule says `tenant_id` where it means `project_id`.
    pub says_tenant: bool,
    pub depth: usize,
}

/// Resolves the names in expressions.
pub(crate) struct Linker<'a> {
    pub find: &'a dyn Fn(&str) -> Option<RuleId>,
    pub findings: Findings,
}

impl Linker<'_> {
    pub(crate) fn node(&mut self, expr: &Expr, depth: usize) -> Node {
        self.findings.depth = self.findings.depth.max(depth);
        let below = depth + 1;
        match expr {
            Expr::Always => Node::Always,
            Expr::Never => Node::Never,
            Expr::Not(inner) => Node::Not(Box::new(self.node(inner, below))),
            Expr::And(terms) => {
                Node::All(terms.iter().map(|term| self.node(term, below)).collect())
            }
            Expr::Or(terms) => Node::Any(terms.iter().map(|term| self.node(term, below)).collect()),
            Expr::Check(check) => self.check(check),
        }
    }

    fn check(&mut self, check: &Check) -> Node {
        match check {
            Check::Rule(name) => self.rule(name),
            Check::Role(role) => Node::Role(self.pieces(role)),
            Check::Same { left, right, owner } => {
                Node::Same { left: self.asker(left), right: self.pieces(right), owner: *owner }
            }
            Check::Field { resource, name, value, pattern } => {
                Node::Field(self.field(resource, name, value, pattern.as_ref()))
            }
        }
    }

    fn rule(&mut self, name: &str) -> Node {
        let Some(rule) = (self.find)(name) else {
            self.findings.undefined.push(name.to_owned());
            return Node::Broken;
        };
        self.findings.references.push(rule);
        Node::Rule(rule)
    }

    fn asker(&mut self, left: &Left) -> Asker {
        match (left, left.credential()) {
            (_, Some(credential)) => {
                self.findings.says_tenant |=
                    matches!(left, Left::Credential(name) if name.starts_with("tenant"));
                Asker::Credential(credential)
            }
            (Left::Literal { text, .. }, None) => Asker::Literal(text.as_str().into()),
            (Left::Credential(name), None) => {
                self.findings.unknown.push(name.clone());
                Asker::Nobody
            }
        }
    }

    fn pieces(&mut self, template: &Template) -> Pieces {
        match template.parts() {
            [Part::Text(text)] => Pieces::Text(text.as_str().into()),
            [Part::Value(name)] => Pieces::Value(self.value(name).into()),
            parts => Pieces::Many(
                parts
                    .iter()
                    .map(|part| match part {
                        Part::Text(text) => Part::Text(text.clone()),
                        Part::Value(name) => Part::Value(self.value(name)),
                    })
                    .collect(),
            ),
        }
    }

    /// The name under which a target is asked: projects were tenants once, and a parent was set off by an underscore.
    fn value(&mut self, name: &str) -> String {
        let name = match name {
            "network_tenant_id" | "network_project_id" => "network:project_id".to_owned(),
            "tenant_id" => "project_id".to_owned(),
            name => match name.strip_suffix(":tenant_id") {
                Some(parent) => format!("{parent}:project_id"),
                None => name.to_owned(),
            },
        };
        self.asks(&name);
        name
    }

    fn asks(&mut self, name: &str) {
        if let Some(parent) = Parent::asked_by(name) {
            self.findings.parents = self.findings.parents.with(parent);
        }
    }

    fn field(
        &mut self,
        resource: &str,
        name: &str,
        value: &str,
        pattern: Option<&Pattern>,
    ) -> Field {
        // A shared network's ports and subnets are asked whether the network is.
        let otherwise = (resource == "networks" && name == "shared").then_some("network:shared");
        if let Some(otherwise) = otherwise {
            self.asks(otherwise);
        }
        Field {
            name: name.into(),
            otherwise: otherwise.map(Into::into),
            text: value.into(),
            flag: match value.to_ascii_lowercase().as_str() {
                "true" | "1" => Some(true),
                "false" | "0" => Some(false),
                _ => None,
            },
            number: value.parse().ok(),
            pattern: pattern.cloned(),
        }
    }
}
