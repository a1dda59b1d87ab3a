//! Asking policy, in the words of its refusals.

use nucleon_model::{AttrSet, Attribute, Draft, Flags, Resource, Standard};
use nucleon_policy::{Guarded, NoTarget, Target, Verdict};

use crate::policy::{Action, Object, OfProject, Viewing};
use crate::{Caller, Core, Error, Result};

impl Core {
    /// Whether the caller may create this object, as the request asks for it.
    pub(crate) fn authorise_create<R: Standard>(
        &self,
        caller: &Caller,
        draft: &R::Draft,
        object: &R,
    ) -> Result<()> {
        // What is at its default asks for nothing special.
        self.authorise(caller, Action::Create, draft.asked().attributes, Some(draft), object)
    }

    /// Whether the caller may change this stored object as the request says.
    ///
    /// To set an attribute to its default is to set it (CVE-2014-6414).
    pub(crate) fn authorise_update<R: Standard>(
        &self,
        caller: &Caller,
        draft: &R::Draft,
        object: &R,
    ) -> Result<()> {
        self.authorise(caller, Action::Update, draft.given(), Some(draft), object)
    }

    /// Whether the caller may delete this stored object.
    pub(crate) fn authorise_delete<R: Standard>(&self, caller: &Caller, object: &R) -> Result<()> {
        self.authorise(caller, Action::Delete, AttrSet::default(), None, object)
    }

    /// Whether the caller may do with the tags of this stored object what `action` says.
    pub(crate) fn authorise_tags<R: Standard>(
        &self,
        caller: &Caller,
        action: Action,
        object: &R,
    ) -> Result<()> {
        self.authorise_rule(caller, &format!("{}:tags", action.on(R::DECL)), object)
    }

    /// Whether the caller may do with this stored object what a rule of its own is about: `add_router_interface`.
    ///
    /// # Errors
    /// As for an update.
    pub(crate) fn authorise_rule<R: Standard>(
        &self,
        caller: &Caller,
        rule: &str,
        object: &R,
    ) -> Result<()> {
        let rules = self.rules().get();
        let verdict = rules.policy.rule(rule).map_or(Verdict::Denied, |id| {
            rules.policy.check(id, caller.credentials(), &Object(object))
        });
        match verdict {
            Verdict::Allowed => Ok(()),
            _ if self.sees(caller, object) => Err(Error::forbidden(format!("rule:{rule}"))),
            _ => Err(Error::not_found(R::DECL, object.id())),
        }
    }

    /// Whether the caller may do what a rule is about, whatever the object: `get_dhcp-agents`.
    pub(crate) fn permit(&self, caller: &Caller, rule: &str) -> Result<()> {
        self.permit_with(caller, rule, &NoTarget)
    }

    /// Whether the caller may do what a rule is about with what a project has: `get_auto_allocated_topology`.
    pub(crate) fn permit_in(&self, caller: &Caller, rule: &str, project: &str) -> Result<()> {
        self.permit_with(caller, rule, &OfProject(project))
    }

    fn permit_with(&self, caller: &Caller, rule: &str, target: &impl Target) -> Result<()> {
        let rules = self.rules().get();
        let verdict = rules
            .policy
            .rule(rule)
            .map_or(Verdict::Denied, |id| rules.policy.check(id, caller.credentials(), target));
        match verdict {
            Verdict::Allowed => Ok(()),
            _ => Err(Error::forbidden(format!("rule:{rule}"))),
        }
    }

    /// Whether who may not change an object is told so: whoever sees it by what rules about changes are asked of. (An
    /// address group that is shared with a project is not there for it to change; a network is.)
    fn sees_to_change<R: Standard>(&self, caller: &Caller, object: &R) -> bool {
        let own = caller.is_admin() || object.project_id() == caller.project_id();
        let unasked = |(_, shared): (usize, &Attribute)| !shared.is(Flags::FOR_POLICY);
        self.sees(caller, object) && (own || !R::DECL.find("shared").is_some_and(unasked))
    }

    /// # Errors
    /// For a create, and for whoever may see the object: that it is forbidden, naming the rules. For others: that the
    /// object is not there.
    fn authorise<R: Standard>(
        &self,
        caller: &Caller,
        action: Action,
        attributes: AttrSet,
        draft: Option<&R::Draft>,
        object: &R,
    ) -> Result<()> {
        let rules = self.rules().get();
        let name = action.on(R::DECL);
        let asked: Vec<(&str, Vec<&str>)> = attributes
            .iter()
            .filter_map(|index| {
                let attribute = R::DECL.attributes.get(index)?;
                let members = draft.iter().flat_map(|draft| &draft.asked().members);
                let members = members.filter(|(at, _)| *at == index);
                let members = members.map(|(_, member)| member.as_str()).collect();
                attribute.is(Flags::GUARDED).then_some((attribute.name, members))
            })
            .collect();
        let guarded = asked.iter().map(|(name, keys)| Guarded { name, keys });
        let Some(demand) = rules.policy.demand(&name, guarded) else {
            return Err(Error::forbidden(format!("rule:{name}")));
        };
        let verdict = demand.check(&rules.policy, caller.credentials(), &Object(object));
        if verdict == Verdict::Allowed {
            return Ok(());
        }
        let told = match action {
            Action::Create => true,
            Action::Update => self.sees_to_change(caller, object),
            Action::Delete | Action::Get => self.sees(caller, object),
        };
        if !told {
            return Err(Error::not_found(R::DECL, object.id()));
        }
        Err(Error::forbidden(demand))
    }

    /// Whether the caller may see the object.
    pub(crate) fn sees<R: Standard>(&self, caller: &Caller, object: &R) -> bool {
        self.sight(caller, object) == Verdict::Allowed
    }

    /// As [`Core::sees`], and tells where that hangs on the object's parent.
    pub(crate) fn sight<R: Standard>(&self, caller: &Caller, object: &R) -> Verdict {
        self.rules().get().sight(caller, object)
    }

    /// What the caller may see of the objects of a resource.
    pub fn viewing<R: Resource>(&self, caller: &Caller) -> Viewing {
        Viewing::new::<R>(self.rules().get(), caller)
    }

    /// The project whose objects a caller may see, or `None` for all.
    pub(crate) fn viewer(caller: &Caller) -> Option<&str> {
        let credentials = caller.credentials();
        let all = credentials.has_global_access || credentials.is_service;
        (!all).then(|| caller.project_id())
    }
}
