//! Output for people, shared by this workspace's programs: foreign text made safe for a terminal, tables that fit a screen, and
//! the outcomes of messages.

pub mod outcome;
pub mod screen;
pub mod table;
pub mod text;
