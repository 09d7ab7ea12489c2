//! A running gateway, and the methods that control it.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
    sync::{Notify, watch},
    task::JoinHandle,
    time::{Instant, sleep_until},
};
use tokio_rustls::TlsAcceptor;

use crate::{
    Canned, Certificate, Counts, IncomingSeen, MessageSeen, Options, Plan, Quirks, Reg, RequestSeen, Restart,
    device::inbox::Flag, exchange::World, server, tls::Tls,
};

/// The supported speeds. A message takes hours at the lowest and microseconds at the highest.
const SPEEDS: std::ops::RangeInclusive<f64> = 0.001..=1e6;

/// The state that the connections share with the [`Emulator`]. The lock is never held across an await.
pub(crate) struct Shared {
    world: Mutex<World>,
    changed: Notify,
}

impl Shared {
    /// Processes the events that are due, and then changes the gateway.
    pub(crate) fn control<R>(&self, act: impl FnOnce(&mut World) -> R) -> R {
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        world.device.advance(Instant::now());
        let result = act(&mut world);
        world.device.dispatch();
        drop(world);
        self.changed.notify_waiters();
        result
    }

    /// Processes the events that are due, and then reads from the gateway.
    fn look<R>(&self, look: impl FnOnce(&World) -> R) -> R {
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        world.device.advance(Instant::now());
        look(&world)
    }
}

/// A gateway that runs on the current tokio runtime. When it is dropped, it stops and closes its connections.
pub struct Emulator {
    shared: Arc<Shared>,
    addr: SocketAddr,
    /// Closes all connections when its value changes or the sender is dropped.
    stop: watch::Sender<u64>,
    certificate: Option<Certificate>,
    acceptor: Option<TlsAcceptor>,
    accepting: JoinHandle<()>,
}

impl Emulator {
    /// Starts a gateway.
    ///
    /// # Errors
    /// - The address is in use or not available.
    /// - The number of ports is not 1 to 32, or the speed is not 0.001 to 1,000,000.
    /// - No certificate of the requested kind is possible.
    pub async fn start(options: Options) -> io::Result<Self> {
        check(&options)?;
        let listener = listen(options.listen).await?;
        let addr = listener.local_addr()?;
        let tls = options.https.as_ref().map(|https| Tls::new(https, addr.ip())).transpose()?;
        let (certificate, acceptor) = tls.map(|tls| (tls.certificate, tls.acceptor)).unzip();
        let world = Mutex::new(World::new(&options, Instant::now()));
        let shared = Arc::new(Shared { world, changed: Notify::new() });
        let (stop, stopped) = watch::channel(0);
        let accepting = tokio::spawn(server::accept(listener, acceptor.clone(), shared.clone(), stopped));
        Ok(Self { shared, addr, stop, certificate, acceptor, accepting })
    }

    /// Returns the address on which the gateway listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Returns the URL: `http://` or `https://` and the address, without a final slash.
    pub fn url(&self) -> String {
        let scheme = if self.certificate.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.addr)
    }

    /// Serves a connection over a stream of the caller, for example one end of [`tokio::io::duplex`], as if it had come over the network.
    /// The future ends with the connection. A test without sockets can pause tokio's time.
    pub fn serve<S>(&self, stream: S) -> impl Future<Output = ()> + Send + use<S>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let (acceptor, stop) = (self.acceptor.clone(), self.stop.subscribe());
        server::serve(Box::new(stream), self.addr, acceptor, self.shared.clone(), stop)
    }

    /// Returns the certificate that was generated at the start, if the gateway serves HTTPS.
    pub fn certificate(&self) -> Option<&Certificate> {
        self.certificate.as_ref()
    }

    /// Sets the fate of the messages for one recipient. The fate applies to messages accepted from now on. The number must be spelt as in
    /// the requests.
    pub fn set_fate(&self, number: &str, plan: impl Into<Plan>) {
        self.shared.control(|world| world.device.set_fate(number, plan.into()));
    }

    /// Simulates the arrival of an SMS, and returns its id.
    pub fn receive_sms(&self, port: u8, number: &str, text: &str) -> u64 {
        self.shared.control(|world| world.device.receive_sms(port, number, text))
    }

    /// Marks an SMS as read, as if a user had read it in the gateway's web pages.
    pub fn read_sms(&self, id: u64) {
        self.shared.control(|world| world.device.inbox.mark_read(&[id]));
    }

    /// Sets the reply to a USSD code on one port, or on all ports without a reply of their own. A code for which no reply is set
    /// gets none.
    pub fn set_ussd(&self, port: Option<u8>, code: &str, reply: &str) {
        self.shared.control(|world| world.device.ussd.set(port, code, reply));
    }

    /// Changes the registration state of a port. Messages for a port that is not registered continue to wait.
    pub fn set_reg(&self, port: u8, reg: Reg) {
        self.shared.control(|world| world.device.set_reg(port, reg));
    }

    /// Steps the gateway's clock by this number of seconds, backwards if it is negative.
    pub fn step_clock(&self, seconds: i64) {
        self.shared.control(|world| world.device.clock.step(seconds));
    }

    /// Restarts the gateway. It forgets its queue, tasks, results, reports, nonces and lock-outs, and all connections close.
    /// Reports of messages already sent still arrive, because the network holds them.
    pub fn restart(&self, how: Restart) {
        self.shared.control(|world| world.restart(how));
        self.stop.send_modify(|restarts| *restarts += 1);
    }

    /// Returns the counts of requests, connections and messages since the start.
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

    /// Returns every accepted message, oldest first, including messages that the gateway has forgotten. If there are more than
    /// 65,536, the oldest finished messages are missing.
    pub fn messages(&self) -> Vec<MessageSeen> {
        self.shared.look(|world| world.device.outbox.all().map(MessageSeen::from).collect())
    }

    /// Returns the inbox, oldest first.
    pub fn inbox(&self) -> Vec<IncomingSeen> {
        self.shared.look(|world| world.device.inbox.select(0, Flag::All).map(IncomingSeen::from).collect())
    }

    /// Returns the latest 4096 requests, oldest first.
    pub fn requests(&self) -> Vec<RequestSeen> {
        self.shared.look(|world| world.log.after(0))
    }

    /// Returns the requests after the one with this serial number. Waits until there is at least one later request.
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

    /// Prepares a response to the next request of this call, for example `send_sms`. Several prepared responses are used one after
    /// the other. A request that is refused because of its login or its method does not use up a response.
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

    /// Waits until the gateway has nothing more to do: no message is being sent, no waiting message can be sent, and no report or
    /// USSD reply is outstanding.
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
