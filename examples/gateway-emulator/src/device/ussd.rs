//! USSD: a request on a port, and the network's reply some seconds later.

use std::collections::HashMap;

use super::{
    Device,
    event::Happening,
    port::{Activity, Reg},
};

/// The replies that the network sends, and the last ids of requests and sessions.
#[derive(Debug, Default)]
pub(crate) struct Ussd {
    /// The replies by port and code. `None` applies to all ports without a reply of their own.
    replies: HashMap<(Option<u8>, String), String>,
    last_request: u64,
    sessions: u64,
}

impl Ussd {
    pub(crate) fn set(&mut self, port: Option<u8>, code: &str, reply: &str) {
        self.replies.insert((port, code.to_owned()), reply.to_owned());
    }

    pub(crate) fn next_request(&mut self) -> u64 {
        self.last_request += 1;
        self.last_request
    }

    pub(crate) fn forget(&mut self, ids_restart: bool) {
        if ids_restart {
            self.last_request = 0;
        }
    }

    fn reply(&self, port: u8, code: &str) -> Option<String> {
        let own = self.replies.get(&(Some(port), code.to_owned()));
        own.or_else(|| self.replies.get(&(None, code.to_owned()))).cloned()
    }
}

impl Device {
    /// Sends a code through one port. Returns the status of the port: 200 sent, 486 busy, 503 not available.
    pub(crate) fn send_ussd(&mut self, port: u8, code: &str) -> u16 {
        let text = self.ussd.reply(port, code);
        let session = self.ussd.sessions + 1;
        match self.ports.get_mut(usize::from(port)) {
            Some(port) if port.is_idle() => port.activity = Activity::Ussd(session),
            Some(port) if port.reg == Reg::RegisterOk => return 486,
            _ => return 503,
        }
        self.ussd.sessions = session;
        let answered = self.now + self.lasting(2000, 4000);
        self.schedule(answered, Happening::UssdAnswered(port, session, text));
        200
    }

    /// Ends the USSD session of a port, if there is one, without a reply. Returns the status of the port: 200 done, 503 not available.
    pub(crate) fn cancel_ussd(&mut self, port: u8) -> u16 {
        match self.ports.get_mut(usize::from(port)) {
            Some(port) if port.reg == Reg::RegisterOk => {
                if matches!(port.activity, Activity::Ussd(_)) {
                    port.activity = Activity::Idle;
                }
                200
            }
            _ => 503,
        }
    }

    /// Ends a session. Its reply replaces the previous one. If the network does not know the code, the previous reply stays.
    pub(super) fn ussd_answered(&mut self, port: u8, session: u64, text: Option<String>) {
        let Some(port) = self.ports.get_mut(usize::from(port)) else { return };
        if port.activity == Activity::Ussd(session) {
            port.activity = Activity::Idle;
            port.ussd_reply = text.unwrap_or_else(|| port.ussd_reply.clone());
        }
    }
}
