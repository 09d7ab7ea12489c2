//! Gateways in the API, with an emulated one.

use axum::http::Method;
use gateway_emulator::{Emulator, Options};
use serde_json::{Value, json};
use sms_gateway::{Gateway, core::track::Timing};

use super::{
    openapi_tests::assert_described,
    tests::{call, operators},
    *,
};
use crate::{
    gateway::{Settings, Shared, Sims},
    keywords::Keywords,
    routes::Route,
    storage::{AccountId, Mode, PoolId, Redb},
};

/// Returns the service of a server with one gateway, once its ports are known.
async fn api(emulator: &Emulator) -> Router {
    let storage: Arc<dyn Storage> = Arc::new(Redb::in_memory().unwrap());
    let queue = Queue::open(Arc::clone(&storage)).await.unwrap();
    let (id, pool) = (GatewayId(0), PoolId(0));
    let settings = Settings {
        id,
        name: "box".into(),
        gateway: Gateway::builder(&emulator.url()).credentials("admin", "admin").build().unwrap(),
        mode: Mode::Active,
        pools: vec![pool],
        timing: Timing::default(),
        incoming: None,
        keywords: Keywords::default(),
        exclusive: true,
        per_port: 2,
        ports_every: std::time::Duration::from_secs(30),
        failover_after: std::time::Duration::from_secs(30),
    };
    let shared = Shared { storage: Arc::clone(&storage), queue: queue.clone(), sims: Sims::default() };
    let running = Running::start(settings, shared);
    while running.ports().is_empty() {
        tokio::task::yield_now().await;
    }
    let names = Names::new(
        [(id, "box".into())].into(),
        [(AccountId(0), "shop".into())].into(),
        [(pool, "all".into())].into(),
    );
    let routes = Routes(vec![Route { account: None, prefix: "+49".to_owned(), pool }]);
    let gateways = [(id, running)].into();
    router(Arc::new(Api {
        backups: "/dev/null/backups".into(),
        storage,
        queue,
        routes,
        keys: operators(),
        names,
        gateways,
        process: Process::default(),
    }))
}

#[tokio::test(flavor = "multi_thread")]
async fn gateways_are_shown_and_paused_as_described() {
    let emulator = Emulator::start(Options::default()).await.unwrap();
    emulator.set_ussd(Some(0), "*100#", "Your balance is 5.00");
    let api = api(&emulator).await;
    let get = async |path: &str, template: &str| {
        let (status, body) = call(&api, Method::GET, path, "role operator", &[], &Value::Null).await;
        assert_described("GET", template, status, &body);
        body
    };
    let listed = get("/v1/gateways", "/v1/gateways").await;
    assert_eq!(listed["gateways"][0], get("/v1/gateways/box", "/v1/gateways/{name}").await);
    assert_eq!(listed["gateways"][0]["ports"][0]["is_registered"], true);
    for (action, mode) in [("pause", "paused"), ("drain", "draining"), ("resume", "active")] {
        let path = format!("/v1/gateways/box/{action}");
        let (status, body) = call(&api, Method::POST, &path, "role operator", &[], &Value::Null).await;
        assert_described("POST", &format!("/v1/gateways/{{name}}/{action}"), status, &body);
        assert_eq!((status, &body["mode"]), (200, &json!(mode)));
    }
    let explain = "/v1/routes/explain";
    let explained = get(&format!("{explain}?to=%2B49151&account=shop"), explain).await;
    assert_eq!((&explained["pool"], &explained["gateways"][0]["name"]), (&json!("all"), &json!("box")));
    let unrouted = get(&format!("{explain}?to=%2B43151&account=shop"), explain).await;
    assert_eq!((&unrouted["pool"], &unrouted["gateways"]), (&Value::Null, &json!([])));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ussd_code_gets_its_reply() {
    let emulator = Emulator::start(Options { speed: 10.0, ..Options::default() }).await.unwrap();
    emulator.set_ussd(Some(0), "*100#", "Your balance is 5.00");
    let api = api(&emulator).await;
    let template = "/v1/gateways/{name}/ports/{port}/ussd";
    for (port, body, status, expected) in [
        ("0", json!({ "code": "*100#" }), 200, json!("reply")),
        ("0", json!({ "code": "" }), 400, Value::Null),
        ("0", json!({ "code": "*100#", "wait": 121 }), 400, Value::Null),
        ("x", json!({ "code": "*100#" }), 404, Value::Null),
    ] {
        let path = format!("/v1/gateways/box/ports/{port}/ussd");
        let (found, response) = call(&api, Method::POST, &path, "role operator", &[], &body).await;
        assert_described("POST", template, found, &response);
        assert_eq!((found, &response["outcome"]), (status, &expected), "{response}");
    }
}
