//! The scenarios, by subject.

mod calls;
mod clocks;
mod cuts;
mod dropping;
mod endless;
mod excerpts;
mod framing;
mod inbox;
mod kept;
mod life;
mod login;
mod messenger;
mod model;
mod nonces;
mod outage;
mod probes;
mod raw;
mod refusals;
mod responses;
mod results;
mod timeouts;
mod ussd;
mod wishes;

pub use calls::printed;
pub use model::GatewayModel;

use crate::Scenario;

/// Returns all scenarios, in the order of the recording.
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
        results::ALL,
        refusals::ALL,
        inbox::ALL,
        clocks::ALL,
        wishes::ALL,
    ]
    .concat()
}
