//! The ids that relate responses to requests.

use core::fmt;

use serde::Serialize;

use super::Invalid;
use crate::show::Decimal;

/// The caller's id for a message (document §2.2): an integer of at least 0. It is sent with the message and repeated in its result.
///
/// The document sets no upper limit. This crate uses 31 bits, because a small device may store a signed 32-bit integer.
///
/// ```
/// use sms_gateway_core::{Invalid, UserId};
/// assert_eq!(UserId::new(1)?.get(), 1);
/// assert_eq!(UserId::new(-1), Err(Invalid::UserId { value: -1 }));
/// # Ok::<(), Invalid>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct UserId(u32);

impl UserId {
    /// The minimum.
    pub(crate) const ZERO: Self = Self(0);

    /// The maximum, 2³¹ − 1.
    pub const MAX: Self = Self(0x7FFF_FFFF);

    /// Creates a user_id.
    ///
    /// # Errors
    /// [`Invalid::UserId`] outside 0 to [`UserId::MAX`].
    pub fn new(value: i64) -> Result<Self, Invalid> {
        match u32::try_from(value) {
            Ok(id) if id <= Self::MAX.0 => Ok(Self(id)),
            _ => Err(Invalid::UserId { value }),
        }
    }

    /// Returns the value.
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The gateway's id for an accepted send_sms request (document §2.3). It is needed to stop the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct TaskId(i64);

impl TaskId {
    /// Creates a task_id from the gateway's value.
    pub const fn new(value: i64) -> Self {
        Self(value)
    }

    /// Returns the value.
    pub const fn get(self) -> i64 {
        self.0
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Decimal::from(self.0).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_ids_have_31_bits() {
        assert_eq!(UserId::new(-1), Err(Invalid::UserId { value: -1 }));
        assert!(UserId::new(0).is_ok());
        assert!(UserId::new(1).is_ok());
        assert!(UserId::new(0x7FFF_FFFE).is_ok());
        assert_eq!(UserId::new(0x7FFF_FFFF), Ok(UserId::MAX));
        assert_eq!(UserId::new(0x8000_0000), Err(Invalid::UserId { value: 0x8000_0000 }));
    }
}
