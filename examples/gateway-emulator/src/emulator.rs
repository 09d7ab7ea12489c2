//! A running gateway and its controls.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::{
    net::TcpListener,
    sync::{Notify, watch},
    task::JoinHandle,
    time::{Instant, sleep_until},
};

use crate::{
    Canned, Certificate, Counts, IncomingSeen, MessageSeen, Options, Plan, Quirks, Reg, RequestSeen, Restart,
    device::inbox::Flag, exchange::World, server, tls::Tls,
};

/// The supported speeds: a message takes hours at the slow end and microseconds at the fast one.
const SPEEDS: std::ops::RangeInclusive<f64> = 0.001..=1e6;

/// The state that connections and their owner share. The lock is never held over an await.
pub(crate) struct Shared {
    world: Mutex<World>,
    changed: Notify,
}

impl Shared {
    /// Brings the gateway up to the present and changes it.
    pub(crate) fn control<R>(&self, act: impl FnOnce(&mut World) -> R) -> R {
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        world.device.advance(Instant::now());
        let result = act(&mut world);
        world.device.dispatch();
        drop(world);
        self.changed.notify_waiters();
        result
    }

    /// Brings the gateway up to the present and reads from it.
    fn look<R>(&self, look: impl FnOnce(&World) -> R) -> R {
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        world.device.advance(Instant::now());
        look(&world)
    }
}

/// A gateway that runs on the current tokio runtime. It stops, and its connections close, when it is dropped.
pub struct Emulator {
    shared: Arc<Shared>,
    addr: SocketAddr,
    /// A change or a drop closes all connections.
    stop: watch::Sender<u64>,
    certificate: Option<Certificate>,
    accepting: JoinHandle<()>,
}

impl Emulator {
    /// Starts a gateway.
    ///
    /// # Errors
    /// If the address is in use or not available, if there are not 1 to 32 ports, if the speed is not 0.001 to 1,000,000, or if
    /// there is no certificate of the kind.
    pub async fn start(options: Options) -> io::Result<Self> {
        check(&options)?;
        let listener = listen(options.listen).await?;
        let addr = listener.local_addr()?;
        let tls = options.https.as_ref().map(|https| Tls::new(https, addr.ip())).transpose()?;
        let (certificate, acceptor) = tls.map(|tls| (tls.certificate, tls.acceptor)).unzip();
        let world = Mutex::new(World::new(&options, Instant::now()));
        let shared = Arc::new(Shared { world, changed: Notify::new() });
        let (stop, stopped) = watch::channel(0);
        let accepting = tokio::spawn(server::accept(listener, acceptor, shared.clone(), stopped));
        Ok(Self { shared, addr, stop, certificate, accepting })
    }

    /// The address on which it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// `http://` or `https://` and the address, without a final slash.
    pub fn url(&self) -> String {
        let scheme = if self.certificate.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.addr)
    }

    /// The certificate that was made at the start, if the gateway serves HTTPS.
    pub fn certificate(&self) -> Option<&Certificate> {
        self.certificate.as_ref()
    }

    /// Sets the fate of messages to a number, in the spelling of the requests, that are accepted from now on.
    pub fn set_fate(&self, number: &str, plan: impl Into<Plan>) {
        self.shared.control(|world| world.device.set_fate(number, plan.into()));
    }

    /// Receives an SMS. Returns its id.
    pub fn receive_sms(&self, port: u8, number: &str, text: &str) -> u64 {
        self.shared.control(|world| world.device.receive_sms(port, number, text))
    }

    /// Marks an SMS as read, as someone who reads it in the gateway's web pages does.
    pub fn read_sms(&self, id: u64) {
        self.shared.control(|world| world.device.inbox.mark_read(&[id]));
    }

    /// Sets the reply to a USSD code, on one port or on all ports without a reply of their own. Other codes get no reply.
    pub fn set_ussd(&self, port: Option<u8>, code: &str, reply: &str) {
        self.shared.control(|world| world.device.ussd.set(port, code, reply));
    }

    /// Changes a port's registration. Messages for a port that is not registered continue to wait.
    pub fn set_reg(&self, port: u8, reg: Reg) {
        self.shared.control(|world| world.device.set_reg(port, reg));
    }

    /// Steps the gateway's clock, backwards if negative.
    pub fn step_clock(&self, seconds: i64) {
        self.shared.control(|world| world.device.clock.step(seconds));
    }

    /// Restarts the gateway: it forgets its queue, tasks, results, reports and nonces, and all connections close.
    /// Reports of messages already sent still arrive, since the network holds them.
    pub fn restart(&self, how: Restart) {
        self.shared.control(|world| world.restart(how));
        self.stop.send_modify(|restarts| *restarts += 1);
    }

    /// Counts of what happened since the start.
    pub fn counts(&self) -> Counts {
        self.shared.look(World::counts)
    }

    /// Waits until the counts satisfy a condition, and returns them.
    pub async fn counts_when(&self, condition: impl Fn(&Counts) -> bool) -> Counts {
        loop {
            let mut changed = std::pin::pin!(self.shared.changed.notified());
            changed.as_mut().enable();
            let counts = self.counts();
            if condition(&counts) {
                return counts;
            }
            changed.await;
        }
    }

    /// Every accepted message, oldest first, including those that the gateway has forgotten. The oldest finished ones are
    /// missing if there are too many to keep.
    pub fn messages(&self) -> Vec<MessageSeen> {
        self.shared.look(|world| world.device.outbox.all().map(MessageSeen::from).collect())
    }

    /// The inbox, oldest first.
    pub fn inbox(&self) -> Vec<IncomingSeen> {
        self.shared.look(|world| world.device.inbox.select(0, Flag::All).map(IncomingSeen::from).collect())
    }

    /// The newest requests, oldest first.
    pub fn requests(&self) -> Vec<RequestSeen> {
        self.shared.look(|world| world.log.after(0))
    }

    /// Returns the requests after the one with this serial. Waits if there are none yet.
    pub async fn requests_after(&self, serial: u64) -> Vec<RequestSeen> {
        loop {
            let mut changed = std::pin::pin!(self.shared.changed.notified());
            changed.as_mut().enable();
            let requests = self.shared.look(|world| world.log.after(serial));
            if !requests.is_empty() {
                return requests;
            }
            changed.await;
        }
    }

    /// Prepares a response to the next request of a call (`send_sms`) whose login is accepted. Several are used in turn.
    /// A request that is refused before does not use it up.
    pub fn answer_next(&self, call: &str, canned: Canned) {
        self.shared.control(|world| world.canned.entry(call.to_owned()).or_default().push_back(canned));
    }

    /// Replaces the quirks, from the next request on.
    pub fn set_quirks(&self, quirks: Quirks) {
        self.shared.control(|world| world.device.quirks = quirks);
    }

    /// Changes the password, from the next request on.
    pub fn set_password(&self, password: &str) {
        self.shared.control(|world| world.login.set_password(password));
    }

    /// Waits until nothing is being sent, no report or USSD reply is outstanding, and no message waits that could be sent.
    pub async fn idle(&self) {
        loop {
            let mut changed = std::pin::pin!(self.shared.changed.notified());
            changed.as_mut().enable();
            let Some(next) = self.shared.look(|world| world.device.next_event()) else { return };
            tokio::select! {
                () = sleep_until(next) => {}
                () = changed => {}
            }
        }
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let explain = |error: io::Error| {
        let reason = match error.kind() {
            io::ErrorKind::AddrInUse => "another program uses this port".to_owned(),
            io::ErrorKind::AddrNotAvailable => "this machine does not have the address".to_owned(),
            _ => error.to_string(),
        };
        io::Error::new(error.kind(), format!("cannot listen on {address}: {reason}"))
    };
    TcpListener::bind(address).await.map_err(explain)
}

fn check(options: &Options) -> io::Result<()> {
    let fault = if !(1..=32).contains(&options.ports) {
        "a gateway has 1 to 32 ports"
    } else if !(SPEEDS.contains(&options.speed)) {
        "the speed must be 0.001 to 1000000"
    } else {
        return Ok(());
    };
    Err(io::Error::new(io::ErrorKind::InvalidInput, fault))
}
