//! Declarations and files to a policy.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use crate::declared::Declared;
use crate::defaults;
use crate::language::{Check, Expr, ParseError, parse, parse_lists};
use crate::node::{Findings, Linker, Node, RuleId};
use crate::order::order;
use crate::policy::{AboutCallers, Compiled, Options, Origin, Policy, Rule};
use crate::problem::{Place, Problem, Warning, Wrong};

/// A rule as a file has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    pub name: String,
    pub check: OverrideCheck,
    pub place: Place,
}

/// A rule's check as a file has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OverrideCheck {
    Text(String),
    /// The form from before the language had operators.
    Lists(Vec<Vec<String>>),
}

impl OverrideCheck {
    fn parse(&self) -> Result<Expr, ParseError> {
        match self {
            Self::Text(text) => parse(text),
            Self::Lists(lists) => parse_lists(lists),
        }
    }
}

/// A policy, and what was noticed on the way. It can be used whatever `problems` there are: a rule with a problem denies.
#[derive(Debug)]
pub struct Outcome {
    pub policy: Policy,
    pub problems: Vec<Problem>,
    pub warnings: Vec<Warning>,
}

impl Policy {
    /// The rules that hold where no file says otherwise.
    pub fn defaults(options: Options) -> Self {
        Self::compile(options, &[]).policy
    }

    /// The declared rules, with `overrides` in their place. Where a name comes twice, the later one holds: overrides are
    /// given in the order of their files.
    pub fn compile(options: Options, overrides: &[Override]) -> Outcome {
        Compiler::new(options, overrides).compile()
    }
}

/// A rule between text and node.
struct Draft<'a> {
    name: &'a str,
    text: Cow<'static, str>,
    /// `None` for a text that is no rule.
    expr: Option<Expr>,
    origin: Origin,
    declared: Option<&'static Declared>,
}

struct Compiler<'a> {
    options: Options,
    /// What holds of each name that files have, in the order of its first mention.
    overrides: Vec<&'a Override>,
    by_name: HashMap<&'a str, &'a Override>,
    former_names: HashSet<&'static str>,
    problems: Vec<Problem>,
    warnings: Vec<Warning>,
}

impl<'a> Compiler<'a> {
    fn new(options: Options, overrides: &'a [Override]) -> Self {
        let mut by_name = HashMap::new();
        for given in overrides {
            by_name.insert(given.name.as_str(), given);
        }
        let holds = |given: &&Override| {
            by_name.get(given.name.as_str()).is_some_and(|last| std::ptr::eq(*last, *given))
        };
        let overrides = overrides.iter().filter(holds).collect();
        let former = defaults::declared().filter_map(|declared| declared.former);
        Self {
            options,
            overrides,
            by_name,
            former_names: former.map(|former| former.name).collect(),
            problems: Vec::new(),
            warnings: Vec::new(),
        }
    }

    fn compile(mut self) -> Outcome {
        let mut drafts: Vec<Draft<'a>> =
            defaults::declared().map(|declared| self.declared(declared)).collect();
        let mut names: HashMap<Box<str>, RuleId> = HashMap::with_capacity(drafts.len());
        for draft in &drafts {
            names.insert(draft.name.into(), next_id(&names));
        }
        for given in self.overrides.clone() {
            if !names.contains_key(given.name.as_str()) {
                names.insert(given.name.as_str().into(), next_id(&names));
                drafts.push(self.only_in_file(given));
            }
        }
        let linked: Vec<(Node, Findings)> =
            drafts.iter().map(|draft| link(draft, &names)).collect();
        let rules = self.rules(drafts, linked);
        let find = |name: &str| names.get(name).copied();
        let compiled = Compiled {
            default_rule: find(&self.options.default_rule),
            about_callers: AboutCallers {
                is_admin: find("context_is_admin"),
                is_service: find("service_api"),
                is_advanced_service: find("context_is_advsvc"),
                has_global_access: find("context_with_global_access"),
                can_set_project_id: find("context_can_set_project_id"),
            },
            options: self.options.clone(),
            rules,
            names,
        };
        let Self { problems, warnings, .. } = self;
        Outcome { policy: Policy::new(compiled), problems, warnings }
    }

    /// What holds of a declared rule: a file's word, under its name or a former one; else the declaration.
    fn declared(&mut self, declared: &'static Declared) -> Draft<'a> {
        let draft = |text, expr, origin| Draft {
            name: declared.name,
            text,
            expr,
            origin,
            declared: Some(declared),
        };
        if let Some(given) = self.by_name.get(declared.name).copied() {
            let expr = self.parsed(given);
            return draft(text_of(given, expr.as_ref()), expr, Origin::File(given.place.clone()));
        }
        let check = self.own(declared.name, declared.check);
        let Some(former) = declared.former else {
            return draft(declared.check.into(), check, Origin::Default);
        };
        let old = self.own(declared.name, former.check);
        if former.name != declared.name
            && let Some(given) = self.by_name.get(former.name).copied()
        {
            self.warnings.push(Warning {
                place: Some(given.place.clone()),
                message: format!(
                    "rule {} is called {} since {}",
                    former.name, declared.name, former.since
                ),
            });
            // What is wrong with it is said where the former name itself is looked at.
            let expr = given.check.parse().ok();
            // A sample file lets the former name refer to the new one, or repeats the former default: neither says
            // anything about the new name.
            let refers =
                matches!(&expr, Some(Expr::Check(Check::Rule(name))) if name == declared.name);
            if expr != old && !refers {
                return draft(
                    text_of(given, expr.as_ref()),
                    expr,
                    Origin::File(given.place.clone()),
                );
            }
        }
        match (check, old) {
            (Some(check), Some(old))
                if !self.options.enforce_new_defaults && former.check != declared.check =>
            {
                let either = Expr::Or(vec![check, old]);
                draft(either.to_string().into(), Some(either), Origin::DefaultOrFormer)
            }
            (check, _) => draft(declared.check.into(), check, Origin::Default),
        }
    }

    fn only_in_file(&mut self, given: &'a Override) -> Draft<'a> {
        let expr = self.parsed(given);
        Draft {
            name: &given.name,
            text: text_of(given, expr.as_ref()),
            expr,
            origin: Origin::File(given.place.clone()),
            declared: None,
        }
    }

    fn parsed(&mut self, given: &Override) -> Option<Expr> {
        let parsed = given.check.parse();
        parsed.map_err(|error| self.problem(Some(&given.place), &given.name, error)).ok()
    }

    fn own(&mut self, name: &str, check: &str) -> Option<Expr> {
        parse(check).map_err(|error| self.problem(None, name, error)).ok()
    }

    /// Puts the rules together: what refers to itself, or to nothing, or goes too deep, denies.
    fn rules(&mut self, drafts: Vec<Draft<'_>>, linked: Vec<(Node, Findings)>) -> Vec<Rule> {
        let findings: Vec<&Findings> = linked.iter().map(|(_, findings)| findings).collect();
        let name =
            |rule: RuleId| drafts.get(rule.index()).map_or("", |draft| draft.name).to_owned();
        let known = order(&findings, name);
        let mut rules = Vec::with_capacity(drafts.len());
        for ((draft, (node, findings)), known) in drafts.into_iter().zip(linked).zip(known) {
            self.note(&draft, &findings);
            let node = if known.wrong.is_some() { Node::Broken } else { node };
            if let Some(what) = known.wrong {
                self.problem(draft.origin.place(), draft.name, what);
            }
            rules.push(Rule {
                name: draft.name.into(),
                text: draft.text,
                origin: draft.origin,
                declared: draft.declared,
                node,
                parents: known.parents,
            });
        }
        rules
    }

    fn problem(&mut self, place: Option<&Place>, rule: &str, what: impl Into<Wrong>) {
        let place = place.cloned();
        self.problems.push(Problem { place, rule: Some(rule.to_owned()), what: what.into() });
    }

    fn note(&mut self, draft: &Draft<'_>, findings: &Findings) {
        let Some(place) = draft.origin.place() else { return };
        let mut warn =
            |message| self.warnings.push(Warning { place: Some(place.clone()), message });
        let name = draft.name;
        if draft.declared.is_none() && !self.former_names.contains(name) {
            warn(format!("rule {name} is not known: only other rules can refer to it"));
        }
        for credential in &findings.unknown {
            warn(format!("rule {name} asks for {credential}, which callers never have"));
        }
        if findings.says_tenant {
            warn(format!("rule {name} says tenant_id, which is project_id since 2026.1"));
        }
    }
}

fn next_id(names: &HashMap<Box<str>, RuleId>) -> RuleId {
    RuleId(u32::try_from(names.len()).unwrap_or(u32::MAX))
}

fn text_of(given: &Override, expr: Option<&Expr>) -> Cow<'static, str> {
    match (&given.check, expr) {
        (OverrideCheck::Text(text), _) => Cow::Owned(text.clone()),
        (OverrideCheck::Lists(_), Some(expr)) => Cow::Owned(expr.to_string()),
        (OverrideCheck::Lists(lists), None) => Cow::Owned(format!("{lists:?}")),
    }
}

fn link(draft: &Draft<'_>, names: &HashMap<Box<str>, RuleId>) -> (Node, Findings) {
    let find = |name: &str| names.get(name).copied();
    let mut linker = Linker { find: &find, findings: Findings::default() };
    let node = draft.expr.as_ref().map_or(Node::Broken, |expr| linker.node(expr, 1));
    (node, linker.findings)
}
