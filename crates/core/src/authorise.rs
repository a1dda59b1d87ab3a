//! Asking policy, in the words of its refusals.

use nucleon_model::{AttrSet, Attribute, Draft, Flags, Resource, Standard};

use crate::policy::{Action, Object, Verdict};
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

    /// Whether the caller may change something about this stored object that is no attribute of it.
    pub(crate) fn authorise_change<R: Standard>(&self, caller: &Caller, object: &R) -> Result<()> {
        self.authorise(caller, Action::Update, AttrSet::default(), None, object)
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
        let target = Object(object);
        let allowed = self.policy().allows(caller, action, R::DECL, &target) == Verdict::Allowed;
        let refused = |(attribute, member): (&Attribute, Option<&str>)| {
            let asked = (attribute, member);
            self.policy().allows_attribute(caller, action, R::DECL, asked, &target)
                != Verdict::Allowed
        };
        let rule = format!("{}_{}", action.verb(), R::DECL.name);
        let mut rules = vec![rule.clone()];
        for index in attributes.iter() {
            let Some(attribute) = guarded::<R>(index) else { continue };
            if refused((attribute, None)) {
                rules.push(format!("{rule}:{}", attribute.name));
            }
            for (_, member) in
                draft.iter().flat_map(|draft| &draft.asked().members).filter(|(at, _)| *at == index)
            {
                if refused((attribute, Some(member))) {
                    rules.push(format!("{rule}:{}:{member}", attribute.name));
                }
            }
        }
        if allowed && rules.len() == 1 {
            return Ok(());
        }
        if action != Action::Create && !self.sees(caller, object) {
            return Err(Error::not_found(R::DECL, object.id()));
        }
        Err(Error::forbidden(&rules))
    }

    /// Whether the caller may see the object.
    pub(crate) fn sees<R: Standard>(&self, caller: &Caller, object: &R) -> bool {
        self.sight(caller, object) == Verdict::Allowed
    }

    /// As [`Core::sees`], and tells where that hangs on the object's parent.
    pub(crate) fn sight<R: Standard>(&self, caller: &Caller, object: &R) -> Verdict {
        self.policy().allows(caller, Action::Get, R::DECL, &Object(object))
    }

    /// The attributes of an object that the caller may see.
    pub(crate) fn shown<R: Standard>(&self, caller: &Caller, object: &R) -> AttrSet {
        let target = Object(object);
        R::DECL.select(|attribute| {
            !attribute.is(Flags::HIDDEN)
                && (!attribute.is(Flags::GUARDED)
                    || self.policy().allows_attribute(
                        caller,
                        Action::Get,
                        R::DECL,
                        (attribute, None),
                        &target,
                    ) == Verdict::Allowed)
        })
    }

    /// The project whose objects a caller may see, or `None` for all.
    pub(crate) fn viewer(caller: &Caller) -> Option<&str> {
        (!caller.is_admin()).then(|| caller.project_id())
    }
}

fn guarded<R: Resource>(index: usize) -> Option<&'static Attribute> {
    R::DECL.attributes.get(index).filter(|attribute| attribute.is(Flags::GUARDED))
}
