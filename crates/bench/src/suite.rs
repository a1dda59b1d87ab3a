//! What is measured.

pub mod api;
pub mod cloud;
pub mod compare;
pub mod dhcp;
pub mod identity;
pub mod policy;
pub mod restart;
pub mod wiring;

/// How much is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    /// Whether it runs at all, and roughly how fast.
    Quick,
    Full,
}

impl Effort {
    /// One of two numbers.
    pub fn pick(self, quick: usize, full: usize) -> usize {
        match self {
            Self::Quick => quick,
            Self::Full => full,
        }
    }
}
