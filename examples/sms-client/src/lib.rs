//! How this workspace's programs show things to people: foreign text made harmless, tables that fit a screen, and what became of
//! messages.

pub mod outcome;
pub mod table;
pub mod text;
