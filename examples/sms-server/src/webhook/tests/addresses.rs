//! Addresses that are not public: no connection is made to them.

use std::{
    net::SocketAddr,
    process::Command,
    sync::atomic::{AtomicUsize, Ordering},
};

use super::*;

/// A socket that counts its connections.
struct Counter {
    port: u16,
    connections: Arc<AtomicUsize>,
}

impl Counter {
    /// Listens on all addresses of this machine.
    async fn start() -> Self {
        Self::at("0.0.0.0:0").await
    }

    async fn at(address: &str) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let (port, connections) = (listener.local_addr().unwrap().port(), Arc::new(AtomicUsize::new(0)));
        let counted = Arc::clone(&connections);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                drop(stream);
            }
        });
        Self { port, connections }
    }

    /// Returns the number of connections so far, after one of this test's own. Connections are accepted in order.
    async fn before_now(&self) -> usize {
        let before = self.connections.load(Ordering::SeqCst);
        let _own = tokio::net::TcpStream::connect(("127.0.0.1", self.port)).await.unwrap();
        while self.connections.load(Ordering::SeqCst) == before {
            tokio::task::yield_now().await;
        }
        self.connections.load(Ordering::SeqCst) - 1
    }
}

/// Returns a receiver at `http://name.example` whose lookups return these lists in turn, and the number of lookups.
fn resolving(
    port: u16,
    found: Vec<Vec<IpAddr>>,
    permits: fn(IpAddr) -> bool,
) -> (Receiver, Arc<AtomicUsize>) {
    let lookups = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&lookups);
    let lookup = move |_| -> futures_util::future::BoxFuture<'static, _> {
        let number = counted.fetch_add(1, Ordering::SeqCst);
        let found = found[number.min(found.len() - 1)].iter();
        let found = found.map(|address| SocketAddr::new(*address, 0)).collect();
        Box::pin(async move { Ok(found) })
    };
    let resolver = Resolver { lookup: Arc::new(lookup), permits };
    let mut receiver = receiver(&format!("http://name.example:{port}/"));
    receiver.client = client(resolver, TIMEOUT).unwrap();
    (receiver, lookups)
}

fn addresses(written: &[&str]) -> Vec<IpAddr> {
    written.iter().map(|address| address.parse().unwrap()).collect()
}

#[tokio::test]
async fn events_are_not_sent_inside_unless_that_is_allowed() {
    let counter = Counter::start().await;
    let port = format!("{}/", counter.port);
    for inside in [
        format!("http://127.0.0.1:{port}"),
        format!("http://[::1]:{port}"),
        format!("http://[::ffff:127.0.0.1]:{port}"),
        format!("http://0x7f000001:{port}"),
        format!("http://2130706433:{port}"),
        "http://169.254.169.254/latest".to_owned(),
    ] {
        let refused = Receiver::new(ACCOUNT, &inside, SECRET, (true, false), Names::default()).err();
        assert_eq!(refused, Some(Unfit::Private(inside)));
    }
    // A name is refused when it is resolved.
    let receiver =
        Receiver::new(ACCOUNT, &format!("http://localhost:{port}"), SECRET, (true, false), Names::default())
            .unwrap();
    let (storage, _) = storage().await;
    assert_eq!(receiver.send_due(&storage, Time::now()).await.unwrap(), Progress::Sent);
    assert_eq!(storage.due(ACCOUNT, Time::NEVER, 9).await.unwrap()[0].attempts, 1);
    assert_eq!(counter.before_now().await, 0);
}

#[tokio::test]
async fn a_name_that_resolves_to_any_inside_address_is_refused() {
    let counter = Counter::start().await;
    let insides = [
        "0.0.0.0",
        "10.0.0.1",
        "100.64.0.1",
        "127.0.0.1",
        "169.254.169.254",
        "172.16.0.1",
        "192.168.1.9",
        "224.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:127.0.0.1",
        "::ffff:0.0.0.0",
        "64:ff9b::7f00:1",
        "2002:7f00:1::1",
        "fd00:ec2::254",
        "fe80::1",
        "ff02::1",
    ];
    let lists = insides.iter().flat_map(|inside| [vec![*inside], vec!["203.0.114.1", *inside]]);
    let lists: Vec<_> = lists.map(|list| addresses(&list)).collect();
    let count = lists.len();
    let (receiver, lookups) = resolving(counter.port, lists, address::is_public);
    let (storage, _) = storage().await;
    for number in 0..count {
        receiver.send_due(&storage, Time::NEVER).await.unwrap();
        let failed = storage.due(ACCOUNT, Time::NEVER, 9).await.unwrap().remove(0);
        let failure = failed.failure.unwrap();
        assert!(failure.contains("which is not public"), "{}: {failure}", insides[number / 2]);
    }
    assert_eq!(lookups.load(Ordering::SeqCst), count);
    assert_eq!(counter.before_now().await, 0);
}

/// The first lookup returns an address that is permitted, and all later ones an address that is not.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_name_is_resolved_once_for_a_connection_which_goes_to_the_checked_address() {
    let permitted = Counter::at("127.0.0.2:0").await;
    let inside = Counter::at(&format!("127.0.0.1:{}", permitted.port)).await;
    let found = vec![addresses(&["127.0.0.2"]), addresses(&["127.0.0.1"])];
    let permits = |address: IpAddr| address == IpAddr::from([127, 0, 0, 2]);
    let (receiver, lookups) = resolving(permitted.port, found, permits);
    let (storage, _) = storage().await;
    receiver.send_due(&storage, Time::NEVER).await.unwrap();
    assert_eq!(lookups.load(Ordering::SeqCst), 1);
    assert_eq!(permitted.connections.load(Ordering::SeqCst), 1);
    receiver.send_due(&storage, Time::NEVER).await.unwrap();
    assert_eq!(lookups.load(Ordering::SeqCst), 2);
    assert_eq!(storage.due(ACCOUNT, Time::NEVER, 9).await.unwrap()[0].attempts, 2);
    assert_eq!(permitted.connections.load(Ordering::SeqCst), 1);
    assert_eq!(inside.before_now().await, 0);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let counter = Counter::start().await;
    let (peer, url) = peer(&[301, 302, 303, 307, 308]).await;
    *peer.location.lock().unwrap() = format!("http://127.0.0.1:{}/", counter.port);
    let (storage, _) = storage().await;
    let receiver = receiver(&url);
    for _ in 0..5 {
        receiver.send_due(&storage, Time::NEVER).await.unwrap();
    }
    assert_eq!(storage.due(ACCOUNT, Time::NEVER, 9).await.unwrap()[0].attempts, 5);
    assert_eq!(counter.before_now().await, 0);
}

/// A proxy would resolve the name again, and connect to any address.
#[tokio::test]
async fn a_proxy_of_the_environment_is_not_used() {
    let proxy = Counter::start().await;
    let url = format!("http://127.0.0.1:{}", proxy.port);
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["webhook::tests::addresses::an_event_for_a_name_inside_fails", "--exact", "--ignored"])
        .envs([("HTTP_PROXY", &url), ("http_proxy", &url), ("ALL_PROXY", &url)])
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success() && printed.contains("1 passed"), "{printed}");
    assert_eq!(proxy.before_now().await, 0);
}

#[tokio::test]
#[ignore = "run by the test of proxies, in a process with a proxy"]
async fn an_event_for_a_name_inside_fails() {
    let allowed = (true, false);
    let receiver = Receiver::new(ACCOUNT, "http://localhost:9", SECRET, allowed, Names::default()).unwrap();
    let (storage, _) = storage().await;
    receiver.send_due(&storage, Time::now()).await.unwrap();
    let failed = storage.due(ACCOUNT, Time::NEVER, 9).await.unwrap().remove(0);
    assert!(failed.failure.unwrap().contains("which is not public"));
}
