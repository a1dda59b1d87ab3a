//! What the machine itself does, measured in the same minute as the figure beside it.

pub mod commit;
pub mod disk;
pub mod echo;
pub mod switch;
