//! Asking policy, in the words of its refusals.

use nucleon_model::{AttrSet, Flags, Resource};

use crate::policy::{Action, Target};
use crate::{Caller, Core, Error, Result};

impl Core {
    /// Whether the caller may do this to an object of the target's standing, with the attributes that the request
    /// names.
    ///
    /// # Errors
    /// For a create, and for whoever may see the object: that it is forbidden, naming the rules. For others: that the
    /// object is not there.
    pub(crate) fn authorise<R: Resource>(
        &self,
        caller: &Caller,
        action: Action,
        given: AttrSet,
        target: &Target<'_>,
        id: &str,
    ) -> Result<()> {
        let allowed = self.policy().allows(caller, action, R::DECL, target);
        let refused = self.refused_attributes::<R>(caller, action, given, target);
        if allowed && refused.is_empty() {
            return Ok(());
        }
        let visible =
            action == Action::Create || self.policy().allows(caller, Action::Get, R::DECL, target);
        if !visible {
            return Err(Error::not_found(R::DECL, id));
        }
        let rule = format!("{}_{}", action.verb(), R::DECL.name);
        let mut rules = vec![rule.clone()];
        rules.extend(refused.iter().map(|name| format!("{rule}:{name}")));
        Err(Error::forbidden(&rules))
    }

    fn refused_attributes<R: Resource>(
        &self,
        caller: &Caller,
        action: Action,
        given: AttrSet,
        target: &Target<'_>,
    ) -> Vec<&'static str> {
        if action == Action::Delete {
            return Vec::new();
        }
        let attributes = R::DECL.attributes.iter().enumerate();
        attributes
            .filter(|(index, attribute)| given.contains(*index) && attribute.is(Flags::GUARDED))
            .filter(|(_, attribute)| {
                !self.policy().allows_attribute(caller, action, R::DECL, attribute, target)
            })
            .map(|(_, attribute)| attribute.name)
            .collect()
    }

    /// The attributes of an object that the caller may see.
    pub(crate) fn shown<R: Resource>(&self, caller: &Caller, target: &Target<'_>) -> AttrSet {
        R::DECL.select(|attribute| {
            !attribute.is(Flags::HIDDEN)
                && self.policy().allows_attribute(caller, Action::Get, R::DECL, attribute, target)
        })
    }

    /// The project whose objects a caller may see, or `None` for all.
    pub(crate) fn viewer(caller: &Caller) -> Option<&str> {
        (!caller.is_admin()).then(|| caller.project_id())
    }
}
