//! Who may do what: the rules in force, asked about records.
//!
//! Decisions fall in the transaction, on the stored object. An action that no rule is about is denied.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use nucleon_model::{AttrSet, Flags, Resource, ResourceDecl, Standard};
use nucleon_policy::{Lookup, Policy, RuleId, Target, Verdict};

use crate::caller::Caller;

/// A thing that somebody wants to do with a resource, or with one attribute of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    Create,
    Update,
    Delete,
    Get,
}

impl Action {
    /// As in rule names: `create_port`.
    pub const fn verb(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::Get => "get",
        }
    }

    /// `create_port`
    pub(crate) fn on(self, decl: &ResourceDecl) -> String {
        format!("{}_{}", self.verb(), decl.ruled)
    }
}

/// The rules in force; they are replaced as a whole when their files change.
#[derive(Debug)]
pub(crate) struct Rules(RwLock<Arc<InForce>>);

/// One set of rules, and which of them are about looking at which resource.
#[derive(Debug)]
pub(crate) struct InForce {
    pub(crate) policy: Policy,
    looks: RwLock<HashMap<&'static str, Arc<Looks>>>,
}

/// The rules about looking at a resource.
#[derive(Debug)]
struct Looks {
    object: Option<RuleId>,
    /// Guarded attributes with a rule of their own. One without is seen by whoever sees the object.
    attributes: Vec<(usize, RuleId)>,
}

impl Rules {
    pub(crate) fn new(policy: Policy) -> Self {
        Self(RwLock::new(Arc::new(InForce::new(policy))))
    }

    pub(crate) fn replace(&self, policy: Policy) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(InForce::new(policy));
    }

    pub(crate) fn get(&self) -> Arc<InForce> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl InForce {
    fn new(policy: Policy) -> Self {
        Self { policy, looks: RwLock::default() }
    }

    fn looks<R: Resource>(&self) -> Arc<Looks> {
        let known = self.looks.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(looks) = known.get(R::DECL.name) {
            return looks.clone();
        }
        drop(known);
        let action = Action::Get.on(R::DECL);
        let own = |(index, attribute): (usize, &nucleon_model::Attribute)| {
            let name = format!("{action}:{}", attribute.name);
            Some((index, self.policy.rule(&name)?)).filter(|_| attribute.is(Flags::GUARDED))
        };
        let looks = Arc::new(Looks {
            object: self.policy.rule(&action),
            attributes: R::DECL.attributes.iter().enumerate().filter_map(own).collect(),
        });
        let mut known = self.looks.write().unwrap_or_else(PoisonError::into_inner);
        known.entry(R::DECL.name).or_insert(looks).clone()
    }

    /// Whether the caller may see the object, or that this hangs on its parent.
    pub(crate) fn sight<R: Standard>(&self, caller: &Caller, object: &R) -> Verdict {
        let rule = self.looks::<R>().object;
        rule.map_or(Verdict::Denied, |rule| {
            self.policy.check(rule, caller.credentials(), &Object(object))
        })
    }
}

/// What a caller may see of the objects of one resource. What does not hang on the object is found out once, so that a
/// long list costs little.
#[derive(Debug)]
pub struct Viewing {
    rules: Arc<InForce>,
    caller: Caller,
    object: Known,
    always: AttrSet,
    /// Attributes that are shown of no object.
    never: AttrSet,
    /// Attributes whose rules want to look at the object.
    sometimes: Vec<(usize, RuleId)>,
}

/// What is known of a rule before any object is.
#[derive(Debug, Clone, Copy)]
enum Known {
    Always,
    Never,
    Depends(RuleId),
}

impl Viewing {
    pub(crate) fn new<R: Resource>(rules: Arc<InForce>, caller: &Caller) -> Self {
        let looks = rules.looks::<R>();
        let know = |rule: RuleId| match rules.policy.check(rule, caller.credentials(), &Anything) {
            Verdict::Allowed => Known::Always,
            Verdict::Denied => Known::Never,
            Verdict::NeedsParent => Known::Depends(rule),
        };
        let mut always = R::DECL.visible();
        let mut never = AttrSet::default();
        let mut sometimes = Vec::new();
        for &(index, rule) in &looks.attributes {
            match know(rule) {
                Known::Always => {}
                Known::Never => {
                    always.remove(index);
                    never.insert(index);
                }
                Known::Depends(rule) => {
                    always.remove(index);
                    sometimes.push((index, rule));
                }
            }
        }
        let object = looks.object.map_or(Known::Never, know);
        Self { rules, caller: caller.clone(), object, always, never, sometimes }
    }

    /// Whether the object may be seen.
    pub fn sees<R: Standard>(&self, object: &R) -> bool {
        match self.object {
            Known::Always => true,
            Known::Never => false,
            Known::Depends(rule) => self.allows(rule, object),
        }
    }

    /// Whether an attribute is shown of no object, so that nothing may be learnt of it by a filter or an order either.
    pub fn hides(&self, attribute: usize) -> bool {
        self.never.contains(attribute)
    }

    /// Whether what may be seen of the object hangs on its parent, which was not looked up.
    pub(crate) fn needs_parent<R: Standard>(&self, object: &R) -> bool {
        let object_rule = match self.object {
            Known::Depends(rule) => Some(rule),
            Known::Always | Known::Never => None,
        };
        let rules = object_rule.into_iter().chain(self.sometimes.iter().map(|&(_, rule)| rule));
        rules.into_iter().any(|rule| self.verdict(rule, object) == Verdict::NeedsParent)
    }

    /// The attributes of the object that may be seen.
    pub fn shown<R: Standard>(&self, object: &R) -> AttrSet {
        let mut shown = self.always;
        for &(index, rule) in &self.sometimes {
            if self.allows(rule, object) {
                shown.insert(index);
            }
        }
        shown
    }

    fn allows<R: Standard>(&self, rule: RuleId, object: &R) -> bool {
        self.verdict(rule, object) == Verdict::Allowed
    }

    fn verdict<R: Standard>(&self, rule: RuleId, object: &R) -> Verdict {
        self.rules.policy.check(rule, self.caller.credentials(), &Object(object))
    }
}

/// An object of which nothing is known: what a rule says of it holds for all.
#[derive(Debug)]
struct Anything;

impl Target for Anything {
    fn value(&self, _: &str) -> Lookup<'_> {
        Lookup::NotLoaded
    }
}

/// Whatever a project has.
#[derive(Debug)]
pub(crate) struct OfProject<'p>(pub(crate) &'p str);

impl Target for OfProject<'_> {
    fn value(&self, name: &str) -> Lookup<'_> {
        match name {
            "project_id" | "tenant_id" => Lookup::text(self.0),
            _ => Lookup::Missing,
        }
    }
}

/// A record as rules see it: its attributes by name, and its parent's as `network:project_id`.
#[derive(Debug)]
pub(crate) struct Object<'a, R>(pub(crate) &'a R);

impl<R: Standard> Target for Object<'_, R> {
    fn value(&self, name: &str) -> Lookup<'_> {
        if matches!(name, "project_id" | "tenant_id") {
            return Lookup::text(self.0.project_id());
        }
        if let Some((index, _)) = R::DECL.find(name) {
            return self.0.fact(index).map_or(Lookup::Null, Lookup::Text);
        }
        match name.split_once(':') {
            Some((_, "project_id" | "tenant_id")) => {
                self.0.parent_project().map_or(Lookup::NotLoaded, Lookup::text)
            }
            Some(("network", "shared")) => {
                self.0.parent_shared().map_or(Lookup::NotLoaded, Lookup::Bool)
            }
            _ => Lookup::Missing,
        }
    }
}
