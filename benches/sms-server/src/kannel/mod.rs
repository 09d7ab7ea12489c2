//! Kannel: its two processes, and its way to accept messages.

mod smsc;
mod trial;

use std::{
    env, fs,
    net::{Ipv4Addr, SocketAddr},
    ops::Range,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Request, StatusCode};
use server_trial::{Api, Failure, Target, messages};
use tokio::{
    net::{TcpListener, TcpStream},
    process::{Child, Command},
    time::{sleep, timeout},
};

pub use smsc::{Arrived, Smsc};
pub use trial::{Outcome, trial};

/// The time limit of the start of both processes.
const LIMIT: Duration = Duration::from_secs(60);

/// The ports from which Kannel's are drawn.
const PORTS: Range<u16> = 20_000..30_000;

/// The time between two attempts to connect to a process that starts.
const POLL: Duration = Duration::from_millis(10);

/// The place of accepted messages until they are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Store {
    /// Memory: the default.
    Memory,
    /// A file for each message.
    Spool,
}

/// Kannel's programs with a configuration.
#[derive(Clone, Debug)]
pub struct Kannel {
    programs: [PathBuf; 2],
    config: PathBuf,
    /// The port on which smsbox connects to bearerbox.
    inner: SocketAddr,
    /// The port on which smsbox accepts messages.
    sendsms: SocketAddr,
}

impl Kannel {
    /// Writes a configuration into a folder, with the URL of an SMSC. Returns `None` if Kannel is not installed.
    ///
    /// # Errors
    /// The system's.
    pub async fn new(folder: &Path, store: Store, smsc: &str) -> Result<Option<Self>, Failure> {
        let (Some(bearerbox), Some(smsbox)) = (find("bearerbox"), find("smsbox")) else { return Ok(None) };
        let (admin, inner, sendsms) = (free_address().await?, free_address().await?, free_address().await?);
        let spool = folder.join("spool");
        fs::create_dir_all(&spool)?;
        let store = match store {
            Store::Memory => String::new(),
            Store::Spool => format!("store-type = spool\nstore-location = \"{}\"\n", spool.display()),
        };
        let (admin, inner_port, sendsms_port) = (admin.port(), inner.port(), sendsms.port());
        let text = format!(
            "group = core\nadmin-port = {admin}\nadmin-interface = 127.0.0.1\nadmin-password = trial\nsmsbox-port = {inner_port}\n\
             smsbox-interface = 127.0.0.1\nbox-allow-ip = 127.0.0.1\n{store}\n\
             group = smsc\nsmsc = http\nsmsc-id = trial\nsystem-type = kannel\nsmsc-username = trial\nsmsc-password = trial\n\
             connect-allow-ip = 127.0.0.1\nsend-url = \"{smsc}\"\n\n\
             group = smsbox\nsmsbox-id = trial\nbearerbox-host = 127.0.0.1\nsendsms-port = {sendsms_port}\n\
             sendsms-interface = 127.0.0.1\nglobal-sender = 12345\n\n\
             group = sendsms-user\nusername = trial\npassword = trial\n"
        );
        let config = folder.join("kannel.conf");
        fs::write(&config, text)?;
        Ok(Some(Self { programs: [bearerbox, smsbox], config, inner, sendsms }))
    }

    fn spawn(&self, program: &Path) -> Result<Child, Failure> {
        let mut command = Command::new(program);
        // Only panics are logged.
        command.args(["-v", "5"]).arg(&self.config).stdout(Stdio::null()).stderr(Stdio::null());
        Ok(command.kill_on_drop(true).spawn()?)
    }
}

/// Finds a program where Debian installs it, or in the path.
fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    folders.map(|folder| folder.join(program)).find(|program| program.is_file())
}

/// Returns an address that is not used now. Its port is none of those that the system gives to outgoing connections: one of them could take
/// the port before Kannel does, even the connection that waits for Kannel.
async fn free_address() -> Result<SocketAddr, Failure> {
    for _ in 0..PORTS.len() {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, fastrand::u16(PORTS)));
        if TcpListener::bind(address).await.is_ok() {
            return Ok(address);
        }
    }
    Err("no port is free".into())
}

/// Both processes. They are killed when they are dropped.
#[derive(Debug)]
pub struct Boxes {
    bearerbox: Child,
    /// It starts once bearerbox listens.
    smsbox: Option<Child>,
}

impl Target for Kannel {
    type Life = Boxes;

    fn start(&self) -> Result<Boxes, Failure> {
        Ok(Boxes { bearerbox: self.spawn(&self.programs[0])?, smsbox: None })
    }

    async fn ready(&self, life: &mut Boxes) -> Result<SocketAddr, Failure> {
        listens(self.inner).await?;
        life.smsbox = Some(self.spawn(&self.programs[1])?);
        listens(self.sendsms).await?;
        Ok(self.sendsms)
    }

    async fn kill(&self, life: Boxes) -> Result<(), Failure> {
        if let Some(smsbox) = life.smsbox {
            server_trial::kill(smsbox).await?;
        }
        server_trial::kill(life.bearerbox).await
    }
}

/// Waits until a process listens on an address.
async fn listens(address: SocketAddr) -> Result<(), Failure> {
    let connected = async {
        while TcpStream::connect(address).await.is_err() {
            sleep(POLL).await;
        }
    };
    timeout(LIMIT, connected).await.map_err(|_| "Kannel does not start")?;
    Ok(())
}

/// Kannel's `sendsms`.
#[derive(Clone, Debug)]
pub struct Sendsms;

impl Api for Sendsms {
    const SIZES: &'static [usize] = &[1];
    const IS_IDEMPOTENT: bool = false;

    fn request(&self, messages: Range<usize>) -> Result<Request<Full<Bytes>>, Failure> {
        let (number, text) = (messages::number(messages.start), messages::text(messages.start));
        let (number, text) = (number.replace('+', "%2B"), text.replace(' ', "+"));
        let path = format!("/cgi-bin/sendsms?username=trial&password=trial&to={number}&text={text}");
        Ok(Request::get(path).header("Host", "kannel").body(Full::default())?)
    }

    fn accepted(&self, status: StatusCode, _: &[u8]) -> Result<Option<Vec<String>>, Failure> {
        Ok((status == StatusCode::ACCEPTED).then(|| vec![String::new()]))
    }
}
