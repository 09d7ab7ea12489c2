//! HTTP without I/O.
