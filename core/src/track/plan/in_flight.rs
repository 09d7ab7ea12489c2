//! The request in flight.

use crate::{
    Ports, TaskId,
    track::{
        ask::Token,
        clock::{GatewaySeconds, Sequence},
    },
};

/// A kind of request, and what it asks.
#[derive(Clone, Copy, Debug)]
pub(in crate::track) enum Request {
    /// Submits the messages in flight.
    Submit,
    /// Queries the results of the messages in flight.
    Results,
    /// Queries all results from a time on. `latest` is a time that the gateway's clock had surely reached.
    ResultsByTime { after: GatewaySeconds, latest: GatewaySeconds },
    /// Queries reports for the messages in flight, from a time on and before another one, if they are limited.
    Reports { ports: Ports, after: Option<GatewaySeconds>, before: Option<GatewaySeconds> },
    /// Queries the reports of all ports after a time, if it is limited: those that arrived lately, or from far back.
    Arrivals { after: Option<GatewaySeconds>, is_wide: bool },
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
    request: Option<Request>,
    serial: u32,
    started: Sequence,
}

impl InFlight {
    pub(super) const NONE: Self = Self { request: None, serial: 0, started: Sequence::NEVER };

    /// Begins a request, and returns the serial number of its token.
    pub(super) fn begin(&mut self, request: Request, started: Sequence) -> u32 {
        (self.request, self.started) = (Some(request), started);
        self.serial = self.serial.wrapping_add(1);
        self.serial
    }

    /// Returns the request that a token stands for; `None` for a stale token.
    pub(super) fn of<C>(&self, token: &Token<C>) -> Option<Request> {
        self.request.filter(|_| token.serial() == self.serial)
    }

    /// Ends the request.
    pub(super) fn take(&mut self) -> Option<Request> {
        self.request.take()
    }

    /// Returns the sequence number of the latest request.
    pub(super) fn started(&self) -> Sequence {
        self.started
    }

    /// Forgets the request of an earlier life. Its serial number stays, so that its token is stale.
    pub(super) fn reset(&mut self) {
        self.request = None;
    }
}
