//! What nearly all resources have: identifier, owner, revision, times, tags.

use crate::declare::Resource;
use crate::id::Id;
use crate::time::Timestamp;

/// The standard attributes of a resource, for code that treats all alike. What a resource does not have is empty, and
/// setting it does nothing.
pub trait Standard: Resource + Clone + Default {
    type Id: Id;

    fn id(&self) -> Self::Id;

    fn set_id(&mut self, id: Self::Id);

    /// How often it was changed. Every table has it, whether or not the API shows it: it orders changes.
    fn revision(&self) -> i64;

    fn set_revision(&mut self, revision: i64);

    /// Whose it is; empty where nobody owns such things.
    #[expect(clippy::unnecessary_literal_bound, reason = "most give out a field")]
    fn project_id(&self) -> &str {
        ""
    }

    fn set_project_id(&mut self, project: String) {
        let _ = project;
    }

    /// Whose the object is that this one belongs to (the network of a port, the router of a conntrack helper), where
    /// it was looked up. Policy rules ask for it as `network:project_id`, `ext_parent:project_id` and the like.
    fn parent_project(&self) -> Option<&str> {
        None
    }

    fn set_parent_project(&mut self, project: Option<String>) {
        let _ = project;
    }

    /// Whether the network that the object is on is shared with the viewer, where it was looked up.
    fn parent_shared(&self) -> Option<bool> {
        None
    }

    fn set_created_at(&mut self, now: Timestamp) {
        let _ = now;
    }

    fn set_updated_at(&mut self, now: Timestamp) {
        let _ = now;
    }

    fn tags(&self) -> &[String] {
        &[]
    }

    fn set_tags(&mut self, tags: Vec<String>) {
        let _ = tags;
    }

    /// Makes it new: at its first revision, made now.
    fn mark_new(&mut self, id: Self::Id, now: Timestamp) {
        self.set_id(id);
        self.set_revision(FIRST_REVISION);
        self.set_created_at(now);
        self.set_updated_at(now);
    }

    /// Makes it the successor of what is stored: at the next revision, changed now.
    fn mark_changed(&mut self, now: Timestamp) {
        self.set_revision(self.revision() + 1);
        self.set_updated_at(now);
    }
}

/// The revision of a new object.
pub const FIRST_REVISION: i64 = 1;

/// `standard! { Router: RouterId, project_id created_at updated_at tags }`: which of the standard attributes are fields of
/// the record. Identifier and revision always are.
macro_rules! standard {
    ($record:ident: $id:ty $(, $($part:ident)*)?) => {
        impl $crate::standard::Standard for $record {
            type Id = $id;

            fn id(&self) -> $id {
                self.id
            }

            fn set_id(&mut self, id: $id) {
                self.id = id;
            }

            fn revision(&self) -> i64 {
                self.revision_number
            }

            fn set_revision(&mut self, revision: i64) {
                self.revision_number = revision;
            }

            $($( $crate::standard::part! { $part } )*)?
        }
    };
}

/// One standard attribute that is a field.
macro_rules! part {
    (project_id) => {
        fn project_id(&self) -> &str {
            &self.project_id
        }

        fn set_project_id(&mut self, project: String) {
            self.project_id = project;
        }
    };
    (parent_project) => {
        fn parent_project(&self) -> Option<&str> {
            self.parent_project.as_deref()
        }

        fn set_parent_project(&mut self, project: Option<String>) {
            self.parent_project = project;
        }
    };
    (parent_shared) => {
        fn parent_shared(&self) -> Option<bool> {
            self.parent_shared
        }
    };
    (created_at) => {
        fn set_created_at(&mut self, now: $crate::time::Timestamp) {
            self.created_at = now;
        }
    };
    (updated_at) => {
        fn set_updated_at(&mut self, now: $crate::time::Timestamp) {
            self.updated_at = now;
        }
    };
    (tags) => {
        fn tags(&self) -> &[String] {
            &self.tags
        }

        fn set_tags(&mut self, tags: Vec<String>) {
            self.tags = tags;
        }
    };
}

pub(crate) use {part, standard};
