//! A proxy between a client and an emulator. It spoils exchanges at any stage, at random from a seed.
//!
//! It does not use timers: a stall lasts until the client closes its connection.

mod plan;

use super::framing::{is_closed, request, response};
use plan::{Fault, Plan};
use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpSocket, TcpStream},
    task::{JoinHandle, JoinSet},
};

pub use plan::{Counts, Faults, Kind, Stage};

/// A running proxy. Dropping this ends the proxy and closes its connections.
pub struct Proxy {
    target: SocketAddr,
    plan: Arc<Mutex<Plan>>,
    /// Keeps the port reserved while nothing listens.
    holder: TcpSocket,
    accepting: JoinHandle<()>,
}

impl Proxy {
    /// Starts a proxy for a server. If a client sends requests one by one, the same seed spoils the same requests.
    pub fn start(target: SocketAddr, seed: u64, faults: Faults) -> Self {
        let holder = socket(SocketAddr::from(([127, 0, 0, 1], 0)));
        let plan = Arc::new(Mutex::new(Plan::new(seed, faults)));
        let accepting = listen(&holder, target, Arc::clone(&plan));
        Self { target, plan, holder, accepting }
    }

    pub fn addr(&self) -> SocketAddr {
        self.holder.local_addr().unwrap()
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.addr())
    }

    /// Returns the number of times that each fault has happened.
    pub fn counts(&self) -> Counts {
        self.plan.lock().unwrap().counts.clone()
    }

    /// Sets other faults, from the next connection or request on.
    pub fn set_faults(&self, faults: Faults) {
        self.plan.lock().unwrap().faults = faults;
    }

    /// Closes all connections, and refuses new ones.
    pub async fn go_down(&mut self) {
        self.accepting.abort();
        let _ = (&mut self.accepting).await;
    }

    /// Accepts connections again.
    pub fn come_up(&mut self) {
        self.accepting = listen(&self.holder, self.target, Arc::clone(&self.plan));
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Returns a socket that shares its port with other sockets from this function.
fn socket(addr: SocketAddr) -> TcpSocket {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseport(true).unwrap();
    socket.bind(addr).unwrap();
    socket
}

/// Accepts connections on the holder's port.
fn listen(holder: &TcpSocket, target: SocketAddr, plan: Arc<Mutex<Plan>>) -> JoinHandle<()> {
    let listener: TcpListener = socket(holder.local_addr().unwrap()).listen(64).unwrap();
    tokio::spawn(async move {
        // The connections end with this task.
        let mut connections = JoinSet::new();
        loop {
            let (client, _) = listener.accept().await.unwrap();
            connections.spawn(relay(client, target, Arc::clone(&plan)));
            while connections.try_join_next().is_some() {}
        }
    })
}

/// Forwards requests and responses until either side closes or a fault strikes.
async fn relay(mut client: TcpStream, target: SocketAddr, plan: Arc<Mutex<Plan>>) {
    let fault = plan.lock().unwrap().connection();
    if let Some(fault) = fault {
        return fault.kind.strike(client, None).await;
    }
    let Ok(mut server) = TcpStream::connect(target).await else { return };
    let mut ahead = Vec::new();
    loop {
        let exchange = exchange(&mut client, &mut server, &mut ahead, &plan);
        match exchange.await {
            Ok(Some(fault)) => return fault.kind.strike(client, Some(server)).await,
            Ok(None) => {}
            // One side has closed, so both connections are closed.
            Err(_) => return,
        }
    }
}

/// Forwards a request and its response, up to the stage at which a fault strikes.
async fn exchange(
    client: &mut TcpStream,
    server: &mut TcpStream,
    ahead: &mut Vec<u8>,
    plan: &Mutex<Plan>,
) -> io::Result<Option<Fault>> {
    let closed = || io::Error::from(io::ErrorKind::ConnectionAborted);
    let request = tokio::select! {
        request = request(client, ahead) => request?,
        () = is_closed(server) => return Err(closed()),
    };
    let (fault, late) = {
        let mut plan = plan.lock().unwrap();
        (plan.request(), plan.due())
    };
    if let Some(late) = late {
        forward(server.peer_addr()?, &late).await?;
    }
    let at = |stage| fault.filter(|fault| fault.stage == stage);
    if let Some(fault) = at(Stage::BeforeRequest) {
        if fault.kind == Kind::Late {
            plan.lock().unwrap().delay(request);
        }
        return Ok(Some(fault));
    }
    if let Some(fault) = at(Stage::AmidRequest) {
        server.write_all(fault.part_of(&request)).await?;
        return Ok(Some(fault));
    }
    server.write_all(&request).await?;
    // The whole response is read here, so the request was carried out even if the client gets only a part of the response.
    let (response, last) = tokio::select! {
        response = response(server) => response?,
        () = is_closed(client) => return Err(closed()),
    };
    if let Some(fault) = at(Stage::BeforeAnswer) {
        return Ok(Some(fault));
    }
    if let Some(fault) = at(Stage::AmidAnswer) {
        client.write_all(fault.part_of(&response)).await?;
        return Ok(Some(fault));
    }
    client.write_all(&response).await?;
    if last && fault.is_none() { Err(closed()) } else { Ok(fault) }
}

/// Forwards a late request, whose response has no receiver.
async fn forward(target: SocketAddr, request: &[u8]) -> io::Result<()> {
    let mut server = TcpStream::connect(target).await?;
    server.write_all(request).await?;
    response(&mut server).await.map(drop)
}

impl Kind {
    /// Ends a connection.
    async fn strike(self, mut client: TcpStream, server: Option<TcpStream>) {
        match self {
            Self::Close | Self::Late => {}
            Self::Reset => {
                for stream in [Some(&client), server.as_ref()].into_iter().flatten() {
                    let _ = stream.set_zero_linger();
                }
            }
            Self::Stall => while client.read_u8().await.is_ok() {},
        }
    }
}
