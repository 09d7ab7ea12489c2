//! How this workspace's programs show things to people: foreign text made harmless, and tables that fit a screen.

pub mod table;
pub mod text;
