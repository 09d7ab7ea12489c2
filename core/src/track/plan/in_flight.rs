//! The request in flight.

use crate::{
    Ports, TaskId,
    track::clock::{GatewaySeconds, Reach, Sequence},
};

/// A request and its parameters.
#[derive(Clone, Copy, Debug)]
pub(in crate::track) enum Request {
    /// Submits the messages in flight.
    Submit,
    /// Queries the results of the messages in flight.
    Results,
    /// Queries all results after a time. `latest` is a time that the gateway's clock had certainly reached. `is_list`: the results continue
    /// the list of all programs' messages.
    ResultsByTime { after: GatewaySeconds, latest: GatewaySeconds, is_list: bool },
    /// Queries reports of these ports for the messages in flight. The time of the reports is limited by `after` and `before`, if given.
    Reports { ports: Ports, after: Option<GatewaySeconds>, before: Option<GatewaySeconds> },
    /// A look: queries the reports of all ports, or those after a time.
    Arrivals { after: Option<GatewaySeconds>, reach: Reach },
    /// Queries the number of messages that wait to be sent.
    Queue,
    /// Queries the inbox.
    Incoming,
    /// Stops a task.
    Stop(TaskId),
}

/// The request in flight, if there is one, and the serial number of its token.
#[derive(Debug)]
pub(super) struct InFlight {
    // Not an `Option`, so that all bytes of the initial value are zero and it takes no flash.
    is_any: bool,
    request: Request,
    serial: u32,
    started: Sequence,
}

impl InFlight {
    pub(super) const NONE: Self =
        Self { is_any: false, request: Request::Submit, serial: 0, started: Sequence::NEVER };

    /// Begins a request, and returns the serial number of its token.
    pub(super) fn begin(&mut self, request: Request, started: Sequence) -> u32 {
        (self.is_any, self.request, self.started) = (true, request, started);
        self.serial = self.serial.wrapping_add(1);
        self.serial
    }

    /// Returns the request whose token has this serial number; `None` for a stale token.
    pub(super) fn of(&self, serial: u32) -> Option<&Request> {
        (self.is_any && serial == self.serial).then_some(&self.request)
    }

    /// Ends the request in flight, and returns it.
    pub(super) fn take(&mut self) -> Option<Request> {
        core::mem::take(&mut self.is_any).then_some(self.request)
    }

    /// Returns the sequence number of the latest request.
    pub(super) fn started(&self) -> Sequence {
        self.started
    }

    /// Forgets the request that was in flight before a restart. The serial number is kept, so that no later token has the same one.
    pub(super) fn reset(&mut self) {
        self.is_any = false;
    }
}
