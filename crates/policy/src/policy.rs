//! The rules of a cloud, compiled.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use crate::credentials::{Credentials, Scope};
use crate::declared::Declared;
use crate::evaluate::Question;
use crate::node::{Node, RuleId};
use crate::problem::Place;
use crate::target::{Parents, Target};

/// What `[oslo_policy]` says of how rules are taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Whether rules say what they say today only. Otherwise what they said before suffices too, and administrators may
    /// do everything.
    pub enforce_new_defaults: bool,
    /// Whether a token that is not for a project is refused where a rule is meant for those.
    pub enforce_scope: bool,
    /// The rule for guarded attributes that have none of their own.
    pub default_rule: String,
}

impl Default for Options {
    fn default() -> Self {
        Self { enforce_new_defaults: true, enforce_scope: true, default_rule: "default".to_owned() }
    }
}

/// What a policy says to a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Allowed,
    Denied,
    /// It hangs on a value of a parent that the target has not loaded.
    NeedsParent,
}

/// Where a rule's text comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Declared by the program.
    Default,
    /// Declared, with what the rule said before as an alternative.
    DefaultOrFormer,
    /// A file, under the rule's name or a former one.
    File(Place),
}

impl Origin {
    /// The place in a file.
    pub const fn place(&self) -> Option<&Place> {
        match self {
            Self::File(place) => Some(place),
            Self::Default | Self::DefaultOrFormer => None,
        }
    }
}

/// The rules of a cloud, compiled. Cheap to clone and to share.
#[derive(Debug, Clone)]
pub struct Policy(Arc<Compiled>);

#[derive(Debug)]
pub(crate) struct Compiled {
    pub options: Options,
    pub rules: Vec<Rule>,
    pub names: HashMap<Box<str>, RuleId>,
    pub default_rule: Option<RuleId>,
    pub about_callers: AboutCallers,
}

/// One rule.
#[derive(Debug)]
pub(crate) struct Rule {
    pub name: Box<str>,
    pub text: Cow<'static, str>,
    pub origin: Origin,
    pub declared: Option<&'static Declared>,
    pub node: Node,
    pub parents: Parents,
}

/// The rules that say what a caller is, whatever they are after.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct AboutCallers {
    pub is_admin: Option<RuleId>,
    pub is_service: Option<RuleId>,
    pub is_advanced_service: Option<RuleId>,
    pub has_global_access: Option<RuleId>,
    pub can_set_project_id: Option<RuleId>,
}

impl Policy {
    pub(crate) fn new(compiled: Compiled) -> Self {
        Self(Arc::new(compiled))
    }

    /// The rule of a name, to be asked for once. `None` for an action that no rule is about: it is denied.
    pub fn rule(&self, name: &str) -> Option<RuleId> {
        self.0.names.get(name).copied()
    }

    /// The names that no rule has, of those given.
    pub fn missing<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
        names.into_iter().filter(|name| self.rule(name).is_none()).collect()
    }

    /// The rule for guarded attributes that have none of their own. One that is not there denies.
    pub fn default_rule(&self) -> RuleId {
        self.0.default_rule.unwrap_or(RuleId::NONE)
    }

    /// Whether `who` may do what the rule is about with the target.
    pub fn check(&self, rule: RuleId, who: &Credentials, target: &dyn Target) -> Verdict {
        if self.passes_unasked(who) {
            return Verdict::Allowed;
        }
        if !self.is_in_scope(rule, who.scope()) {
            return Verdict::Denied;
        }
        Question { policy: self, who, target }.ask(self.node(rule)).into()
    }

    /// Finds out what the caller is by the rules about callers.
    #[must_use]
    pub fn identify(&self, mut who: Credentials) -> Credentials {
        let about = self.0.about_callers;
        let holds = |rule: Option<RuleId>, who: &Credentials| {
            rule.is_some_and(|rule| self.check(rule, who, who) == Verdict::Allowed)
        };
        who.is_admin = false;
        let is_admin = holds(about.is_admin, &who);
        let is_service = holds(about.is_service, &who) || holds(about.is_advanced_service, &who);
        let has_global_access = is_admin || holds(about.has_global_access, &who);
        let can_set_project_id = is_admin || is_service || holds(about.can_set_project_id, &who);
        Credentials { is_admin, is_service, has_global_access, can_set_project_id, ..who }
    }

    /// What of the parents the rule may ask for.
    pub fn parents(&self, rule: RuleId) -> Parents {
        self.get(rule).map(|rule| rule.parents).unwrap_or_default()
    }

    /// What the rule says.
    pub fn text(&self, rule: RuleId) -> &str {
        self.get(rule).map_or("!", |rule| &rule.text)
    }

    pub fn name(&self, rule: RuleId) -> &str {
        self.get(rule).map_or("", |rule| &rule.name)
    }

    /// Where the rule's text comes from.
    pub fn origin(&self, rule: RuleId) -> &Origin {
        self.get(rule).map_or(&Origin::Default, |rule| &rule.origin)
    }

    /// How the program declares the rule; `None` for one that only a file has.
    pub fn declared(&self, rule: RuleId) -> Option<&'static Declared> {
        self.get(rule)?.declared
    }

    /// All rules, the declared ones first.
    pub fn rules(&self) -> impl Iterator<Item = RuleId> + use<> {
        let count = u32::try_from(self.0.rules.len()).unwrap_or(u32::MAX);
        (0..count).map(RuleId)
    }

    pub fn options(&self) -> &Options {
        &self.0.options
    }

    pub(crate) fn node(&self, rule: RuleId) -> &Node {
        self.get(rule).map_or(&Node::Broken, |rule| &rule.node)
    }

    /// As Neutron has it: with the old rules, administrators pass.
    pub(crate) fn passes_unasked(&self, who: &Credentials) -> bool {
        !self.0.options.enforce_new_defaults && who.is_admin
    }

    pub(crate) fn is_in_scope(&self, rule: RuleId, scope: Scope) -> bool {
        let scopes = self.declared(rule).map_or(&[][..], |declared| declared.scopes);
        !self.0.options.enforce_scope || scopes.is_empty() || scopes.contains(&scope)
    }

    fn get(&self, rule: RuleId) -> Option<&Rule> {
        self.0.rules.get(rule.index())
    }
}

#[cfg(test)]
mod tests;
