//! SMS text.
