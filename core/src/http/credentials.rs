//! The credentials of a login.

use core::fmt;

/// The user name and password of a gateway's account.
///
/// Both are borrowed, so that their owner can wipe them. `Debug` shows only the name, and nothing in this crate shows the
/// password.
#[derive(Clone, Copy)]
pub struct Credentials<'a> {
    username: &'a str,
    password: &'a str,
}

impl<'a> Credentials<'a> {
    /// Accepts any name and password. If a header can't carry them, writing the header fails with
    /// [`LoginError`](super::LoginError) before anything is sent.
    pub const fn new(username: &'a str, password: &'a str) -> Self {
        Self { username, password }
    }

    /// Returns the user name.
    pub const fn username(&self) -> &'a str {
        self.username
    }

    pub(crate) const fn password(&self) -> &'a str {
        self.password
    }
}

impl fmt::Debug for Credentials<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("username", &self.username).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;

    #[test]
    fn debug_hides_the_password() {
        let credentials = Credentials::new("admin", "hunter2");
        assert_eq!(format!("{credentials:?}"), r#"Credentials { username: "admin", .. }"#);
        assert_eq!((credentials.username(), credentials.password()), ("admin", "hunter2"));
    }
}
