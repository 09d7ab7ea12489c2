//! Moments that random histories seldom meet.

use std::time::Duration;

use axum::http::Method;
use gateway_emulator::Options;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::{
    line::Condition,
    steps::Steps,
    storage::block_on,
    world::{ACCOUNT, Process, World},
};
use crate::storage::{Message, Place, State, Storage};

/// Returns a world with a gateway that cannot be reached any more after its ports were queried.
async fn world() -> (World, Process) {
    let mut world = World::new(1, &[Options::default()], Steps::default()).await;
    let server = world.start().await;
    sleep(Duration::from_secs(2)).await;
    world.lines[0].set(Condition::Unreachable);
    (world, server)
}

fn message(world: &World) -> Message {
    block_on(world.storage.list(Some(ACCOUNT), None, 1)).unwrap().remove(0).1
}

/// Sends a message, and waits until it is bound. Returns its path.
async fn send(world: &World, server: &Process) -> String {
    let body = json!({ "to": "+4915100001", "text": "Hello" });
    let (status, accepted) = server.call(Method::POST, "/v1/messages", "", &body).await;
    assert_eq!(status, 202, "{accepted}");
    while message(world).place == Place::Queued {
        sleep(Duration::from_millis(1)).await;
    }
    format!("/v1/messages/{}", accepted["id"].as_str().unwrap())
}

#[test]
fn a_message_that_is_cancelled_at_the_moment_it_is_bound_is_not_sent() {
    super::runtime().block_on(async {
        let (world, server) = world().await;
        // Its binding is committed, and the task that binds it does not know.
        let path = send(&world, &server).await;
        assert_eq!(server.call(Method::DELETE, &path, "", &Value::Null).await.0, 202);
        let began = Instant::now();
        while message(&world).place != Place::Ended {
            assert!(began.elapsed() < Duration::from_secs(2), "{:?}", message(&world));
            sleep(Duration::from_millis(100)).await;
        }
        assert_eq!(message(&world).state, State::Cancelled);
    });
}

#[test]
fn a_message_stays_bound_to_a_gateway_that_is_not_configured_until_it_returns() {
    let (mut world, crashed) = super::runtime().block_on(async {
        let (world, server) = world().await;
        send(&world, &server).await;
        (world, Instant::now())
    });
    let line = world.lines.pop().unwrap();
    let crashed = super::runtime().block_on(async {
        super::continue_at(crashed).await;
        let _server = world.start().await;
        sleep(Duration::from_secs(300)).await;
        assert!(matches!(message(&world).place, Place::Bound { .. }), "{:?}", message(&world));
        Instant::now()
    });
    line.set(Condition::Well);
    world.lines.push(line);
    super::runtime().block_on(async {
        super::continue_at(crashed).await;
        let _server = world.start().await;
        sleep(Duration::from_secs(120)).await;
        assert_eq!(message(&world).state, State::Delivered);
        assert_eq!(world.lines[0].emulator().messages().len(), 1);
    });
}
