//! How the program declares its rules.

use crate::credentials::Scope;

/// A rule that the program knows, with the check it has unless a file says otherwise.
#[derive(Debug, Clone, Copy)]
pub struct Declared {
    pub name: &'static str,
    pub check: &'static str,
    /// The kinds of token that it is meant for; empty for any.
    pub scopes: &'static [Scope],
    /// The requests that it decides; none for a rule that others refer to.
    pub operations: &'static [Operation],
    pub former: Option<Former>,
}

/// A request that a rule decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operation {
    pub method: &'static str,
    pub path: &'static str,
}

/// What a rule was called, and said, before.
#[derive(Debug, Clone, Copy)]
pub struct Former {
    pub name: &'static str,
    pub check: &'static str,
    /// The release of OpenStack that changed it.
    pub since: &'static str,
}

impl Declared {
    /// A rule that others refer to.
    pub(crate) const fn shared(name: &'static str, check: &'static str) -> Self {
        Self { name, check, scopes: &[], operations: &[], former: None }
    }

    /// A rule that decides requests.
    pub(crate) const fn api(
        name: &'static str,
        check: &'static str,
        operations: &'static [Operation],
    ) -> Self {
        Self { name, check, scopes: &[Scope::Project], operations, former: None }
    }

    /// It said something else before.
    pub(crate) const fn formerly(self, check: &'static str, since: &'static str) -> Self {
        self.replacing(self.name, check, since)
    }

    /// It was called something else before, and said the same.
    pub(crate) const fn renamed(self, name: &'static str, since: &'static str) -> Self {
        self.replacing(name, self.check, since)
    }

    /// It was called something else before, and said something else.
    pub(crate) const fn replacing(
        mut self,
        name: &'static str,
        check: &'static str,
        since: &'static str,
    ) -> Self {
        self.former = Some(Former { name, check, since });
        self
    }
}

pub(crate) const fn get(path: &'static str) -> Operation {
    Operation { method: "GET", path }
}

pub(crate) const fn post(path: &'static str) -> Operation {
    Operation { method: "POST", path }
}

pub(crate) const fn put(path: &'static str) -> Operation {
    Operation { method: "PUT", path }
}

pub(crate) const fn delete(path: &'static str) -> Operation {
    Operation { method: "DELETE", path }
}
