//! `get_port_info`, §10 of the document.

use serde_json::{Value, json};

use crate::{
    device::{
        Device,
        port::{Activity, Port, Ports, Reg},
    },
    json::{Answer, Record},
    params::{Asked, BAD_FORMAT, Query},
    quirks::RegSpelling,
};

/// The field that the document's example requests, although no version of the document lists it.
const SMSC: &str = "smsc";
/// The names listed in §10.2, and `smsc`.
const INFO: [&str; 7] = ["type", "imei", "imsi", "iccid", SMSC, "number", "reg"];
/// The names that later versions of the document add.
const LATER_INFO: [&str; 11] = [
    "slot",
    "callstate",
    "signal",
    "gprs",
    "remain_credit",
    "remain_monthly_credit",
    "remain_daily_credit",
    "remain_daily_calltime",
    "remain_hourly_calltime",
    "remain_daily_connect",
    CALL_FORWARD,
];
/// The name that requests the call forwarding of a port. The key in the response is [`CALL_FORWARDING`].
const CALL_FORWARD: &str = "CallForward";
const CALL_FORWARDING: &str = "CallForwarding";
/// The value of `slot` for a port that holds only one SIM card.
const ONE_SIM: u8 = 255;
/// The signal strength of a port without a network.
const NO_NETWORK: u8 = 99;

pub(super) fn run(device: &mut Device, query: &Query) -> Asked<Answer> {
    let ports = query.ports()?.unwrap_or(Ports::ALL);
    let asked: Vec<&str> = query.items("info_type").ok_or(BAD_FORMAT)?.collect();
    // If one name is unknown, the whole request is refused.
    if !asked.iter().all(|name| is_known(device, name)) {
        return Err(BAD_FORMAT);
    }
    let ports = device.ports.iter().filter(|port| ports.has(port.number));
    Ok(Answer::code(200).array("info", ports.map(|port| record(device, port, &asked)).collect()))
}

fn is_known(device: &Device, name: &str) -> bool {
    let quirks = &device.quirks;
    let documented = INFO.contains(&name) && !(quirks.smsc_refused && name == SMSC);
    documented || (quirks.later_version && LATER_INFO.contains(&name))
}

fn record(device: &Device, port: &Port, asked: &[&str]) -> Record {
    let mut record = vec![("port", port.number.into())];
    for name in INFO.into_iter().chain(LATER_INFO).filter(|name| asked.contains(name)) {
        let value = field(device, port, name);
        let missing = device.quirks.port_fields_missing && (name == SMSC || value == "");
        let key = if name == CALL_FORWARD { CALL_FORWARDING } else { name };
        record.extend((!missing).then_some((key, value)));
    }
    record
}

fn field(device: &Device, port: &Port, name: &str) -> Value {
    match name {
        "type" if device.quirks.later_version => "LTE".into(),
        "type" => "GSM".into(),
        "imei" => port.imei().into(),
        "imsi" => port.imsi().into(),
        "iccid" => port.iccid().into(),
        "smsc" => port.smsc().into(),
        "reg" => reg(port.reg, device.quirks.reg).into(),
        "slot" => ONE_SIM.into(),
        "callstate" => (if port.activity == Activity::Idle { "Idle" } else { "Active" }).into(),
        "signal" => (if port.reg == Reg::RegisterOk { 20 + port.number % 12 } else { NO_NETWORK }).into(),
        "gprs" => (if port.reg == Reg::RegisterOk { "attached" } else { "detached" }).into(),
        CALL_FORWARD => call_forwarding(port),
        name => text(port, name).into(),
    }
}

/// Returns the value of one of the remaining fields: a constant text, or an empty one.
fn text(port: &Port, name: &str) -> &'static str {
    match name {
        "remain_credit" if port.reg.has_sim() => "12.50",
        "remain_daily_calltime" if port.reg.has_sim() => "3600",
        // These are empty: limits that are not set, fields of a port without a SIM card, and the number, which SIM cards seldom know.
        _ => "",
    }
}

/// Returns the numbers to which calls are forwarded, by the reason for forwarding.
fn call_forwarding(port: &Port) -> Value {
    if port.reg.has_sim() { json!({"Unconditional": "", "NoReply": "15012345678"}) } else { json!({}) }
}

fn reg(reg: Reg, spelling: RegSpelling) -> &'static str {
    match (reg, spelling) {
        (Reg::RegisterOk, RegSpelling::Registered) => "REGISTERED",
        (Reg::RegisterOk, RegSpelling::MobileRegistered) => "Mobile Registered",
        (reg, _) => reg.as_str(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::{Options, Reg, test_client::open};

    const ALL: &str = "info_type=imei,imsi,iccid,smsc,type,number,reg";

    #[tokio::test]
    async fn the_documents_example_is_answered() {
        let (gateway, mut client) = open(Options::default()).await;
        gateway.set_reg(3, Reg::NoSim);
        let raw =
            client.request("GET", &format!("/api/get_port_info?port=2,3,9&{ALL}"), "", "").await.unwrap();
        assert_eq!(
            raw.body,
            r#"{"error_code":200,"info":[{"port":2,"type":"GSM","imei":"863070017051722","imsi":"460016529802202","iccid":"89860114840400428102","smsc":"+8613010868500","number":"","reg":"REGISTER_OK"},{"port":3,"type":"GSM","imei":"863070017051730","imsi":"","iccid":"","smsc":"","number":"","reg":"NO_SIM"}]}"#
        );
        let all = client.get("/api/get_port_info?info_type=reg").await;
        assert_eq!(all["info"].as_array().unwrap().len(), 8);
        assert_eq!(all["info"][7], json!({"port": 7, "reg": "REGISTER_OK"}));
    }

    #[tokio::test]
    async fn registration_has_several_spellings() {
        for (list, spelt) in
            [("reg-registered", "REGISTERED"), ("reg-mobile-registered", "Mobile Registered")]
        {
            let (gateway, mut client) =
                open(Options { quirks: list.parse().unwrap(), ..Options::default() }).await;
            gateway.set_reg(1, Reg::PinRequire);
            let answer = client.get("/api/get_port_info?info_type=reg").await;
            assert_eq!(
                (&answer["info"][0]["reg"], &answer["info"][1]["reg"]),
                (&spelt.into(), &"PIN_REQUIRE".into())
            );
        }
    }

    #[tokio::test]
    async fn fields_can_be_missing() {
        let quirks = "port-fields-missing".parse().unwrap();
        let (_gateway, mut client) = open(Options { quirks, ..Options::default() }).await;
        let answer = client.get(&format!("/api/get_port_info?port=0&{ALL}")).await;
        assert_eq!((answer["info"][0].get("smsc"), answer["info"][0].get("number")), (None, None));
        assert_eq!(answer["info"][0]["type"], "GSM");
    }

    #[tokio::test]
    async fn later_versions_list_more_names() {
        let later = "/api/get_port_info?port=0&info_type=type,slot,callstate,signal,gprs";
        let (gateway, mut client) = open(Options::default()).await;
        assert_eq!(client.get(later).await["error_code"], 400);
        gateway.set_quirks("later-version".parse().unwrap());
        let answer = client.get(later).await;
        let expected = json!({"port": 0, "type": "LTE", "slot": 255, "callstate": "Idle", "signal": 20, "gprs": "attached"});
        assert_eq!(answer["info"][0], expected);
    }

    #[tokio::test]
    async fn later_versions_list_limits_and_call_forwarding() {
        let names = "remain_credit,remain_monthly_credit,remain_daily_credit,remain_daily_calltime,\
                     remain_hourly_calltime,remain_daily_connect,CallForward";
        let later = format!("/api/get_port_info?port=0&info_type={names}");
        let (gateway, mut client) = open(Options::default()).await;
        assert_eq!(client.get(&later).await["error_code"], 400);
        gateway.set_quirks("later-version".parse().unwrap());
        let record = &client.get(&later).await["info"][0];
        for name in names.split(',').filter(|name| *name != "CallForward") {
            assert!(record[name].is_string(), "{name}: {record}");
        }
        assert_eq!(record["CallForwarding"], json!({"Unconditional": "", "NoReply": "15012345678"}));
        assert_eq!(record.get("CallForward"), None);
    }

    #[tokio::test]
    async fn ports_without_a_network_have_signal_99() {
        let (gateway, mut client) =
            open(Options { quirks: "later-version".parse().unwrap(), ..Options::default() }).await;
        gateway.set_reg(0, Reg::SearchingNetwork);
        let answer = client.get("/api/get_port_info?port=0,1&info_type=signal,slot").await;
        assert_eq!(
            answer["info"],
            json!([{"port": 0, "slot": 255, "signal": 99}, {"port": 1, "slot": 255, "signal": 21}])
        );
    }

    #[tokio::test]
    async fn an_smsc_can_be_refused_with_the_whole_request() {
        let quirks = "later-version,smsc-refused".parse().unwrap();
        let (_gateway, mut client) = open(Options { quirks, ..Options::default() }).await;
        for (names, code) in [(ALL, 400), ("info_type=smsc", 400), ("info_type=reg,number,slot", 200)] {
            let answer = client.get(&format!("/api/get_port_info?port=0&{names}")).await;
            assert_eq!(answer["error_code"], code, "{names}");
        }
    }

    #[tokio::test]
    async fn faults_are_refused() {
        let (_gateway, mut client) = open(Options::default()).await;
        for query in
            ["", "port=1", "info_type=", "info_type=imei,", "info_type=IMEI", "info_type=imei&port=32"]
        {
            assert_eq!(
                client.get(&format!("/api/get_port_info?{query}")).await["error_code"],
                400,
                "{query}"
            );
        }
    }
}
