//! The program is killed while it sends messages through gateways with faults: nothing is lost, and nothing is sent twice.
//!
//! `benches/sms-server` runs the same trial with more messages and kills.

use std::time::Duration;

use server_trial::Trial;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_message_is_lost_or_doubled_although_the_program_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let trial = Trial {
        program: env!("CARGO_BIN_EXE_sms-server").into(),
        messages: 300,
        kills: 6,
        gateways: 3,
        speed: 100.0,
        seed: fastrand::u64(..),
        patience: Duration::from_secs(60),
        limit: Duration::from_secs(300),
    };
    println!("{trial:?}");
    let verdict = trial.run(folder.path()).await.unwrap();
    assert!(verdict.is_flawless(), "{verdict}");
    assert_eq!((verdict.messages, verdict.kills), (300, 6));
}
