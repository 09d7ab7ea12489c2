//! The scenarios, by subject.

mod calls;
mod cuts;
mod dropping;
mod endless;
mod excerpts;
mod framing;
mod kept;
mod life;
mod login;
mod messenger;
mod model;
mod nonces;
mod outage;
mod probes;
mod raw;
mod responses;
mod timeouts;
mod ussd;

pub use calls::printed;
pub use model::GatewayModel;

use crate::Scenario;

/// All of them, in the order of the recording.
pub fn all() -> Vec<Scenario> {
    [
        calls::ALL,
        login::ALL,
        nonces::ALL,
        probes::ALL,
        cuts::ALL,
        kept::ALL,
        framing::ALL,
        responses::ALL,
        timeouts::ALL,
        dropping::ALL,
        endless::ALL,
        raw::ALL,
        excerpts::ALL,
        ussd::ALL,
        messenger::ALL,
        life::ALL,
        outage::ALL,
    ]
    .concat()
}
