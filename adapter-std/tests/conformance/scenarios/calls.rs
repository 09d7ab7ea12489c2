//! The nine calls, with and without a login.

use crate::{
    harness::Harness,
    list,
    peer::Request,
    reply::Reply,
    subject::{ApiCall, GatewaySetup},
};
use sms_gateway::core::call::CommaEncoding;

list![nine_calls, nine_calls_behind_digest, commas_are_raw_by_choice];

/// Returns the response that the API document prints for the call, or a similar one.
pub fn printed(request: &Request) -> Reply {
    Reply::json(match request.call() {
        "send_sms" => r#"{"error_code":202,"sms_in_queue":2,"task_id":2}"#,
        "query_sms_result" => {
            r#"{"error_code":200"result":[{"port":2,"user_id":7,"number":"10086","time":"2026-01-01 10:00:00","status":"DELIVERED","count":1,"succ_count":1,"ref_id":212,"imsi":"460004642148063"},{"port":3,"number":"2","user_id":8,"status":"FAILED"},]}"#
        }
        "query_sms_deliver_status" => {
            r#"{"error_code":200,"result":[{"port":2,"number":"10086","time":"2026-01-01 10:00:00","ref_id":212,"status_code":0,"imsi":"460004642148063"}]}"#
        }
        "query_sms_in_queue" => r#"{"error_code":200,"in_queue":3}"#,
        "query_incoming_sms" => {
            r#"{"error_code":200,"sms":[{"incoming_sms_id":7,"port":2,"number":"10086","smsc":"8613800755500","timestamp":"2026-01-01 10:00:00","text":"\ud83d\ude00"}],"read":0,"unread":1}"#
        }
        "send_ussd" => r#"{"error_code":202,"result":[{"port":2,"status":200},{"port":3,"status":486}]}"#,
        "query_ussd_reply" => {
            r#"{"error_code":200,"reply":[{"port":2,"text":"Balance 12"},{"port":3,"text":" "}]}"#
        }
        "stop_sms" => r#"{"error_code":200}"#,
        "get_port_info" => {
            r#"{"error_code":200,"info":[{"port":2,"type":"GSM","imei":"356874","imsi":"460004642148063","number":"10010","reg":"REGISTER_OK"},{"port":3,"type":"GSM","reg":"UNREGISTER"}]}"#
        }
        other => panic!("{other}"),
    })
}

async fn nine_calls(harness: &mut Harness) {
    harness.set_up_open();
    harness.peer.script(printed);
    for call in ApiCall::ALL {
        harness.call(call).await;
    }
}

async fn nine_calls_behind_digest(harness: &mut Harness) {
    harness
        .peer
        .script(|request| if request.has_nonce("n1") { printed(request) } else { Reply::digest("n1") });
    for call in ApiCall::ALL {
        harness.call(call).await;
    }
}

async fn commas_are_raw_by_choice(harness: &mut Harness) {
    harness.set_up(&GatewaySetup { commas: CommaEncoding::Raw, ..GatewaySetup::default() });
    harness
        .peer
        .script(|request| if request.has_nonce("n1") { printed(request) } else { Reply::digest("n1") });
    for call in [ApiCall::UssdReply, ApiCall::PortInfo, ApiCall::Incoming, ApiCall::Results] {
        harness.call(call).await;
    }
}
