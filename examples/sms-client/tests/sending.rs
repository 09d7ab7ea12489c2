//! `send`, with and without `--dry-run`.

mod common;

use common::{fails, gateway, json, people, run};
use gateway_emulator::Canned;
use serde_json::json;

const TEXT: &str = "Dear #param#, your code is #param#.";

#[tokio::test]
async fn text_is_sent_to_all_recipients() {
    let gateway = gateway().await;
    let args = ["send", "--text", TEXT, "--to", "10086=Ann,4711", "--to", r"+8613800138000=Bob\, Jr.,a=b"];
    let out = people(&gateway, &[&args[..], &["--port", "2,3", "--user-id", "7"]].concat()).await;
    assert_eq!(out, "task 1: 2 messages accepted, 2 in the queue\n");
    let seen: Vec<_> =
        gateway.messages().iter().map(|sms| (sms.number.clone(), sms.text.clone(), sms.user_id)).collect();
    let expected = [
        ("10086", "Dear Ann, your code is 4711.", Some(7)),
        ("+8613800138000", "Dear Bob, Jr., your code is a=b.", Some(8)),
    ];
    assert_eq!(seen, expected.map(|(number, text, id)| (number.to_owned(), text.to_owned(), id)));
    let requests = gateway.requests();
    let body = &requests.iter().find(|request| request.method == "POST").unwrap().body;
    assert!(body.contains(r#""port":[2,3],"encoding":"gsm-7bit""#), "{body}");
}

#[tokio::test]
async fn recipients_are_grouped_by_the_encoding_they_need() {
    let gateway = gateway().await;
    let args =
        ["send", "--text", "Hi #param#", "--to", "1=Ann", "--to", "2=陈", "--to", "3=Eve", "--user-id", "1"];
    let (tasks, summary) = json(&gateway, &args).await;
    assert_eq!(
        tasks,
        [
            json!({"error_code": 202, "sms_in_queue": 2, "task_id": 1,
                "param": [{"number": "1", "user_id": 1}, {"number": "3", "user_id": 3}]}),
            json!({"error_code": 202, "sms_in_queue": 1, "task_id": 2, "param": [{"number": "2", "user_id": 2}]}),
        ]
    );
    assert_eq!(summary, json!({"accepted": 3, "tasks": 2}));
}

fn many(count: u32) -> Vec<String> {
    let to = (0..count).flat_map(|number| ["--to".to_owned(), (10_000 + number).to_string()]);
    ["send", "--text", "x"].map(str::to_owned).into_iter().chain(to).collect()
}

#[tokio::test]
async fn more_than_128_recipients_take_several_tasks() {
    let gateway = gateway().await;
    let args = many(300);
    let out = people(&gateway, &args.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let lines: Vec<_> = out.lines().collect();
    assert!(lines[0].starts_with("task 1: 128 messages accepted, "), "{out}");
    assert!(lines[2].starts_with("task 3: 44 messages accepted, "), "{out}");
    assert_eq!(lines[3..], ["300 messages accepted in 3 tasks"]);
    assert_eq!(gateway.messages().len(), 300);
}

#[tokio::test]
async fn messages_accepted_before_an_error_are_reported() {
    let gateway = gateway().await;
    let args = many(300);
    let args: Vec<_> = args.iter().map(String::as_str).collect();
    gateway.answer_next("send_sms", Canned::truth());
    gateway.answer_next("send_sms", Canned::json(200, r#"{"error_code":500}"#));
    let refused = run(&gateway, &args).await;
    fails(&refused, 3, &["send_sms: 500, other error; 128 of 300 were accepted before; 44 were not sent"]);
    assert!(refused.out.starts_with("task 1: 128 messages accepted"), "{refused:?}");
    gateway.answer_next("send_sms", Canned::truth().cut_at(0));
    let lost = run(&gateway, &["send", "--text", "x", "--to", "10086"]).await;
    fails(&lost, 4, &["broke", "1 message may have been accepted all the same"]);
    assert_eq!((lost.out.as_str(), gateway.messages().len()), ("", 129));
}

#[tokio::test]
async fn dry_run_shows_everything_and_sends_nothing() {
    let gateway = gateway().await;
    let long = "long ".repeat(40);
    let args = ["send", "--dry-run", "--text", "Hi #param#!", "--user-id", "9", "--to"];
    let args = [&args[..], &["10086=Ann", "--to", "+8613800138000=陈先生 😀", "--to"]].concat();
    let to = format!(r"10010={long}\\n");
    let out = people(&gateway, &[&args[..], &[&to]].concat()).await;
    let lines: Vec<_> = out.lines().collect();
    assert_eq!(
        lines[..3],
        [
            "NUMBER          USER_ID  ENCODING  SEGMENTS  UNITS  TEXT",
            "10086                 9  gsm-7bit         1      7  Hi Ann!",
            "+8613800138000       10  unicode          1     10  Hi 陈先生 😀!",
        ]
    );
    assert_eq!(lines[3], format!(r"10010                11  gsm-7bit         2    207  Hi {long}\n!"));
    assert_eq!(lines[lines.len() - 2], "`陈` (U+9648), character 4, makes 1 text Unicode");
    assert_eq!(lines.last(), Some(&"3 messages, 4 segments in 2 requests; nothing was sent"));
    let (records, summary) = json(&gateway, &args[..10]).await;
    assert_eq!(
        records[1],
        json!({"number": "+8613800138000", "user_id": 10, "encoding": "unicode", "segments": 1, "units": 10,
            "text": "Hi 陈先生 😀!", "unicode_character": "陈", "unicode_index": 3})
    );
    assert_eq!(summary, json!({"messages": 2, "segments": 2, "requests": 2}));
    assert!(gateway.requests().is_empty());
}

#[tokio::test]
async fn numbers_may_be_written_as_people_do() {
    let gateway = gateway().await;
    let args =
        ["send", "--text", "Hi #param#", "--to", "+49 151 0000-001=Ann", "--to", "+1 (555) 010-9999=Bob"];
    people(&gateway, &args).await;
    let numbers: Vec<_> = gateway.messages().into_iter().map(|message| message.number).collect();
    assert_eq!(numbers, ["+491510000001", "+15550109999"]);
}

#[tokio::test]
async fn the_characters_that_make_texts_unicode_are_named() {
    let gateway = gateway().await;
    let args = ["send", "--dry-run", "--text", "Ça va, Ørjan – #param#?", "--to", "1=a", "--to", "2=b"];
    let out = people(&gateway, &args).await;
    assert!(out.contains("\n`–` (U+2013), character 14, makes 2 texts Unicode\n"), "{out}");
    let chosen = people(&gateway, &[&args[..], &["--encoding", "unicode"]].concat()).await;
    assert!(!chosen.contains("makes"), "{chosen}");
    let params = ["你", "好", "吗", "再", "见"].map(|word| format!("1={word}"));
    let to: Vec<_> = params.iter().flat_map(|to| ["--to", to]).collect();
    let out = people(&gateway, &[&["send", "--dry-run", "--text", "#param#"], &to[..]].concat()).await;
    assert!(
        out.contains("`再` (U+518D), character 1, makes 1 text Unicode\n1 character more does so too\n"),
        "{out}"
    );
}

#[tokio::test]
async fn encoding_can_be_chosen() {
    let gateway = gateway().await;
    let args = ["send", "--dry-run", "--text", "Hi", "--to", "10086", "--encoding", "unicode"];
    assert!(people(&gateway, &args).await.contains("unicode"));
    let (_, summary) =
        json(&gateway, &["send", "--text", "Grüße", "--to", "1", "--encoding", "gsm-7bit"]).await;
    assert_eq!(summary["accepted"], 1);
}

#[tokio::test]
async fn limits_are_checked_before_anything_is_sent() {
    let gateway = gateway().await;
    let (text, digits) = ("x".repeat(1501), "1".repeat(25));
    let expanded = format!("10086={}", &text[..1500]);
    for (args, words) in [
        (&["--text", TEXT, "--to", "10086=Ann"][..], "10086 has 1 parameter, the text has 2 #param#"),
        (&["--text", "ç", "--to", "10086", "--encoding", "gsm-7bit"], "'ç', which gsm-7bit can't write"),
        (&["--text", &text, "--to", "10086"], "the text has 1501 bytes"),
        (&["--text", "#param#!", "--to", &expanded], "the text for 10086 has 1501 bytes"),
        (&["--text", "x", "--to", &digits], "the number has 25 bytes"),
        (&["--text", "x", "--to", "+1 555 O1"], "the number has 'O' as character 8, not a digit"),
        (&["--text", "x", "--to", "+49 (0)151 1=Ann"], "the (0) from character 5 on is not dialled"),
        (&["--text", "x", "--to", " - "], "the number is empty"),
        (&["--text", "#param#", "--to", r"1=a\"], "a backslash at the end"),
        (&["--text", "x", "--to", "1", "--port", "32"], "port 32 is outside 0 to 31"),
        (&["--text", "x", "--to", "1", "--user-id", "-1"], "-1"),
        (&["--text", "x", "--to", "1", "--to", "2", "--user-id", "2147483647"], "2147483648 is outside"),
        (&["--text", "x"], "--to"),
    ] {
        fails(&run(&gateway, &[&["send"], args].concat()).await, 2, &[words]);
    }
    assert!(gateway.requests().is_empty());
}
