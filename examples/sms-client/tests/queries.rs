//! `results`, `deliveries`, `queue`, `stop` and `ports`.

mod common;

use common::{PASSWORD, fails, gateway, gateway_with, json, objects, people, run};
use gateway_emulator::{Canned, Emulator, Fate, Options, Quirks, Reg};
use serde_json::json;

/// Starts a gateway that has three messages. One of them failed, and one has two segments.
async fn busy() -> Emulator {
    let gateway = gateway().await;
    gateway.set_fate("10099", Fate::Fail);
    gateway.set_fate("10070", Fate::Undelivered(70));
    let text = format!("--text={}", "x".repeat(200));
    people(&gateway, &["send", &text, "--to", "10086", "--user-id", "1", "--port", "2"]).await;
    people(
        &gateway,
        &["send", "--text=x", "--to", "10099", "--to", "10070", "--user-id", "2", "--port", "3"],
    )
    .await;
    gateway.idle().await;
    gateway
}

#[tokio::test]
async fn results_are_shown() {
    let gateway = busy().await;
    let out = people(&gateway, &["results"]).await;
    let lines: Vec<_> = out.lines().collect();
    assert_eq!(lines[0], "USER_ID  NUMBER  PORT  TIME                 STATUS     SENT  REF_ID");
    assert!(lines[1].starts_with("      1  10086      2  2014-12-21 1"), "{out}");
    assert!(lines[1].ends_with("DELIVERED   2/2       0"), "{out}");
    assert!(lines[2].contains("FAILED      0/1") && lines[3].contains("SENT_OK     1/1"), "{out}");
    let (records, summary) = json(&gateway, &["results"]).await;
    assert_eq!((records.len(), summary), (3, json!({"error_code": 200})));
    assert_eq!(
        (&records[0]["user_id"], &records[0]["succ_count"], &records[0]["status"]),
        (&json!(1), &json!(2), &json!("DELIVERED"))
    );
}

#[tokio::test]
async fn filters_reach_the_gateway() {
    let gateway = busy().await;
    let filter = ["--number", "10086,10099", "--number", "1", "--port", "2", "--after", "2014-12-21"];
    let filter = [&filter[..], &["--before", "2015-01-01 00:00:00"]].concat();
    let (records, _) = json(&gateway, &[&["results", "--user-id", "1,2"], &filter[..]].concat()).await;
    assert_eq!(records.len(), 1);
    let (records, _) = json(&gateway, &[&["deliveries"], &filter[..]].concat()).await;
    assert_eq!(records.len(), 2);
    let bodies: Vec<_> = gateway.requests().into_iter().map(|request| request.body).collect();
    let common = r#""number":["10086","10099","1"],"port":[2],"time_after":"2014-12-21 00:00:00","time_before":"2015-01-01 00:00:00""#;
    assert!(bodies.contains(&format!("{{{common},\"user_id\":[1,2]}}")), "{bodies:?}");
    assert!(bodies.contains(&format!("{{{common}}}")), "{bodies:?}");
}

#[tokio::test]
async fn deliveries_explain_their_codes() {
    let gateway = busy().await;
    let out = people(&gateway, &["deliveries"]).await;
    assert!(out.starts_with("NUMBER  PORT  REF_ID  TIME                 CODE  MEANING\n"), "{out}");
    assert_eq!((out.matches("    0  received\n").count(), out.matches("   70  failed\n").count()), (2, 1));
    let (records, _) = json(&gateway, &["deliveries", "--number", "10070"]).await;
    assert_eq!((records.len(), &records[0]["status_code"]), (1, &json!(70)));
}

#[tokio::test]
async fn empty_results_are_stated() {
    let gateway = gateway().await;
    assert_eq!(people(&gateway, &["results"]).await, "no results\n");
    assert_eq!(people(&gateway, &["deliveries"]).await, "no status reports\n");
    assert_eq!(people(&gateway, &["inbox"]).await, "no messages\n");
    assert_eq!(people(&gateway, &["queue"]).await, "no message waits to be sent\n");
    assert_eq!(json(&gateway, &["results"]).await, (vec![], json!({"error_code": 200})));
}

#[tokio::test]
async fn query_accepts_32_numbers() {
    let gateway = gateway().await;
    let numbers: Vec<_> = (0..33).map(|number: u32| number.to_string()).collect();
    people(&gateway, &["results", "--number", &numbers[..32].join(",")]).await;
    let before = gateway.requests().len();
    for call in ["results", "deliveries"] {
        fails(&run(&gateway, &[call, "--number", &numbers.join(",")]).await, 2, &["33 numbers", "32"]);
    }
    assert_eq!(gateway.requests().len(), before);
}

#[tokio::test]
async fn queue_is_shown_and_a_task_is_stopped() {
    // At this speed, sending takes at least 5 seconds. The test does not wait for that.
    let options = Options { ports: 1, password: PASSWORD.to_owned(), ..Options::default() };
    let gateway = Emulator::start(options).await.unwrap();
    people(&gateway, &["send", "--text=x", "--to", "1", "--to", "1"]).await;
    assert_eq!(people(&gateway, &["queue"]).await, "1 message waits to be sent\n");
    people(&gateway, &["send", "--text=x", "--to", "1"]).await;
    assert_eq!(people(&gateway, &["queue"]).await, "2 messages wait to be sent\n");
    assert_eq!(json(&gateway, &["queue"]).await, (vec![], json!({"error_code": 200, "in_queue": 2})));
    let out = people(&gateway, &["stop", "1"]).await;
    assert_eq!(out, "task 1 stopped; what was sent already stays sent\n");
    assert_eq!(json(&gateway, &["stop", "2"]).await, (vec![], json!({"error_code": 200})));
    assert_eq!(people(&gateway, &["queue"]).await, "no message waits to be sent\n");
    fails(&run(&gateway, &["stop", "99"]).await, 3, &["stop_sms: 404, task not found"]);
    fails(&run(&gateway, &["stop", "x"]).await, 2, &["'x'", "not an integer"]);
}

#[tokio::test]
async fn ports_are_a_table() {
    let gateway = gateway_with(Options { ports: 3, ..Options::default() }).await;
    gateway.set_reg(1, Reg::NoSim);
    let out = people(&gateway, &["ports"]).await;
    assert_eq!(
        out.lines().take(3).collect::<Vec<_>>(),
        [
            "PORT  TYPE  REG          NUMBER  IMEI             IMSI",
            "   0  GSM   REGISTER_OK  -       863070017051706  460016529802200",
            "   1  GSM   NO_SIM       -       863070017051714  -",
        ]
    );
    let out = people(&gateway, &["ports", "--info", "all", "--port", "0-1"]).await;
    let lines: Vec<_> = out.lines().collect();
    // The table is wider than a usual screen, but a file has no width.
    assert!(lines.len() == 3 && lines[0].ends_with("ICCID                 SMSC"), "{out}");
    assert!(lines[1].ends_with("89860114840400428100  +8613010868500"), "{out}");
    let (records, _) = json(&gateway, &["ports", "--info", "reg,type", "--port", "1"]).await;
    assert_eq!(records, [json!({"port": 1, "type": "GSM", "reg": "NO_SIM"})]);
    fails(&run(&gateway, &["ports", "--info", "colour"]).await, 2, &["`colour`", "imei"]);
}

#[tokio::test]
async fn later_firmware_has_more_kinds() {
    let quirks: Quirks = "later-version".parse().unwrap();
    let gateway = gateway_with(Options { quirks, ports: 1, ..Options::default() }).await;
    let out = people(&gateway, &["ports", "--info", "signal,slot,callstate,gprs"]).await;
    assert_eq!(out, "PORT  SIGNAL     SLOT  CALLSTATE  GPRS\n   0      20  one SIM  Idle       attached\n");
}

#[tokio::test]
async fn ports_are_shown_without_an_smsc_that_is_refused() {
    let quirks: Quirks = "later-version,smsc-refused".parse().unwrap();
    let gateway = gateway_with(Options { quirks, ports: 1, ..Options::default() }).await;
    let note = "sms-client: note: the gateway does not know smsc, so the ports are shown without it
";
    let shown = run(&gateway, &["ports", "--info", "reg,smsc"]).await;
    assert_eq!((shown.code, &*shown.err), (Some(0), note));
    assert_eq!(
        shown.out,
        "PORT  REG          SMSC
   0  REGISTER_OK  -
"
    );
    let shown = run(&gateway, &["ports", "--info", "all", "--json"]).await;
    assert_eq!((shown.code, &*shown.err), (Some(0), note));
    let [port, summary] = &objects(&shown.out)[..] else { panic!("{shown:?}") };
    assert_eq!((&port["reg"], port.get("smsc")), (&json!("REGISTER_OK"), None));
    assert_eq!(summary["error_code"], 200);
}

#[tokio::test]
async fn ports_are_asked_for_once_more_only_after_a_refusal_of_the_format() {
    let gateway = gateway_with(Options { ports: 1, ..Options::default() }).await;
    let asked = |gateway: &Emulator| {
        let requests = gateway.requests();
        requests.iter().filter(|request| request.uri.starts_with("/api/get_port_info")).count()
    };
    for (kinds, code, body, requests) in [
        ("reg,smsc", 200, r#"{"error_code":500}"#, 1),
        ("reg,smsc", 403, "no", 1),
        ("reg", 200, r#"{"error_code":400}"#, 1),
        ("smsc", 200, r#"{"error_code":400}"#, 1),
        ("reg,smsc", 200, r#"{"info":[{"port":1}],"error_code":400}"#, 1),
        ("reg,smsc,slot", 200, r#"{"error_code":400}"#, 2),
    ] {
        let before = asked(&gateway);
        gateway.answer_next("get_port_info", Canned::json(code, body));
        let refused = run(&gateway, &["ports", "--info", kinds]).await;
        fails(&refused, if code == 403 { 4 } else { 3 }, &[]);
        assert_eq!(asked(&gateway) - before, requests, "{kinds}, {code}, {body}");
        assert!(!refused.err.contains("note"), "{refused:?}");
    }
    gateway.answer_next("get_port_info", Canned::json(400, ""));
    assert_eq!(run(&gateway, &["ports", "--info", "reg,smsc"]).await.code, Some(0));
}

#[tokio::test]
async fn a_port_without_a_network_is_named_in_the_table_and_numbered_in_json() {
    let quirks: Quirks = "later-version".parse().unwrap();
    let gateway = gateway_with(Options { quirks, ports: 1, ..Options::default() }).await;
    gateway.set_reg(0, Reg::SearchingNetwork);
    let args = ["ports", "--info", "signal,slot"];
    assert_eq!(
        people(&gateway, &args).await,
        "PORT      SIGNAL     SLOT
   0  no network  one SIM
"
    );
    let (records, _) = json(&gateway, &args).await;
    assert_eq!(records, [json!({"port": 0, "signal": 99, "slot": 255})]);
}

#[tokio::test]
async fn quirks_and_misprints_of_devices_are_tolerated() {
    let gateway =
        gateway_with(Options { quirks: "observed,printed".parse().unwrap(), ..Options::default() }).await;
    people(&gateway, &["send", "--text=x", "--to", "13800138000", "--user-id", "1"]).await;
    gateway.idle().await;
    assert!(people(&gateway, &["results"]).await.contains("DELIVERED   ?/1"));
    assert!(people(&gateway, &["deliveries"]).await.contains("+8613800138000"));
    assert!(people(&gateway, &["ports", "--port", "0,1"]).await.contains("Mobile Registered"));
    fails(&run(&gateway, &["stop", "99"]).await, 3, &["486, task not found"]);
}

#[tokio::test]
async fn unexpected_values_stay_in_their_columns() {
    let gateway = gateway().await;
    let (long, blank) = ("9".repeat(300), r#"{"port":"a\u001bb","status":"\u202eODD\n","ref_id":-1},{}"#);
    let result = format!(r#"{{"error_code":200,"result":[{{"number":"{long}"}},{blank}]}}"#);
    gateway.answer_next("query_sms_result", Canned::json(200, &result));
    let out = people(&gateway, &["results"]).await;
    assert_eq!(out.matches('9').count(), 300);
    assert!(out.contains(r"a\u{1b}b") && out.contains(r"\u{202e}ODD\n") && out.contains("-1"), "{out}");
}
