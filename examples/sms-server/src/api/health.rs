//! Whether the server works.

/// Responds while the process runs.
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}
