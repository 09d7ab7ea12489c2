//! `get_port_info`, §10 of the document.

use serde_json::Value;

use crate::{
    device::{
        Device,
        port::{Activity, Port, Ports, Reg},
    },
    json::{Answer, Record},
    params::{Asked, BAD_FORMAT, Query},
    quirks::RegSpelling,
};

/// What may be asked: the list of §10.2, and `smsc`, which its example asks.
const INFO: [&str; 7] = ["type", "imei", "imsi", "iccid", "smsc", "number", "reg"];
/// What later versions add.
const LATER_INFO: [&str; 4] = ["slot", "callstate", "signal", "gprs"];

pub(super) fn run(device: &mut Device, query: &Query) -> Asked<Answer> {
    let ports = query.ports()?.unwrap_or(Ports::ALL);
    let asked: Vec<&str> = query.items("info_type").ok_or(BAD_FORMAT)?.collect();
    let known =
        |name: &&str| INFO.contains(name) || (device.quirks.later_version && LATER_INFO.contains(name));
    if !asked.iter().all(known) {
        return Err(BAD_FORMAT);
    }
    let ports = device.ports.iter().filter(|port| ports.has(port.number));
    Ok(Answer::code(200).array("info", ports.map(|port| record(device, port, &asked)).collect()))
}

fn record(device: &Device, port: &Port, asked: &[&str]) -> Record {
    let mut record = vec![("port", port.number.into())];
    for name in INFO.into_iter().chain(LATER_INFO).filter(|name| asked.contains(name)) {
        let value = field(device, port, name);
        let missing = device.quirks.port_fields_missing && (name == "smsc" || value == "");
        record.extend((!missing).then_some((name, value)));
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
        "slot" => (if port.reg.has_sim() { 0 } else { 255 }).into(),
        "callstate" => (if port.activity == Activity::Idle { "Idle" } else { "Active" }).into(),
        "signal" => (if port.reg == Reg::RegisterOk { 20 + port.number % 12 } else { 0 }).into(),
        "gprs" => (if port.reg == Reg::RegisterOk { "attached" } else { "detached" }).into(),
        // SIM cards seldom know their own number.
        _ => "".into(),
    }
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
    use crate::{Options, Reg, test_client::open};

    const ALL: &str = "info_type=imei,imsi,iccid,smsc,type,number,reg";

    #[tokio::test]
    async fn what_the_documents_example_asks() {
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
        assert_eq!(all["info"][7], serde_json::json!({"port": 7, "reg": "REGISTER_OK"}));
    }

    #[tokio::test]
    async fn registration_is_spelt_in_several_ways() {
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
    async fn later_versions_know_more() {
        let later = "/api/get_port_info?port=0&info_type=type,slot,callstate,signal,gprs";
        let (gateway, mut client) = open(Options::default()).await;
        assert_eq!(client.get(later).await["error_code"], 400);
        gateway.set_quirks("later-version".parse().unwrap());
        let answer = client.get(later).await;
        let expected = serde_json::json!({"port": 0, "type": "LTE", "slot": 0, "callstate": "Idle", "signal": 20, "gprs": "attached"});
        assert_eq!(answer["info"][0], expected);
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
