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
