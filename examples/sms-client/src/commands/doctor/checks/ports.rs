//! The fields that get_port_info knows, and the version of the API that they indicate.

use crate::{
    commands::doctor::{
        ask::{Answer, Asker, Login},
        finding::Findings,
        json::Value,
        schema::{self, PORTS},
    },
    failure::Failure,
};

const DOCUMENTED: [&str; 6] = ["type", "imei", "imsi", "iccid", "number", "reg"];
const LATER: [&str; 4] = ["slot", "callstate", "signal", "gprs"];
/// The registrations that the document lists.
const REGISTRATIONS: [&str; 8] = [
    "POWER_OFF",
    "NO_SIM",
    "PIN_REQUIRE",
    "PUK_REQUIRE",
    "UNREGISTER",
    "SEARCHING_NETWORK",
    "REGISTER_OK",
    "UNKNOWN",
];

pub(super) async fn check(asker: &mut Asker, findings: &mut Findings) -> Result<(), Failure> {
    if let Some(ports) = query(asker, &DOCUMENTED, findings).await?.1 {
        schema::note_refusal(&PORTS, &ports, findings);
        let records = ports.records("info");
        findings.fact("ports", "ports", format!("Ports: {}.", records.len()));
        note_missing(records, &DOCUMENTED, findings);
        for port in records {
            note_registration(port.text("reg"), findings);
        }
        if ports.get("sn").is_some() {
            let text = "Responses contain a serial number (sn), as later versions of the API have it.";
            findings.quirk("firmware", "later-version", text);
        }
    }
    match query(asker, &["smsc"], findings).await? {
        (_, Some(ports)) if ports.integer("error_code") == Some(200) => {
            note_missing(ports.records("info"), &["smsc"], findings);
        }
        (answer, _) if matches!(answer.status, Some(200 | 400)) => {
            let text = "get_port_info refuses smsc, and with it the whole request.";
            findings.quirk("ports", "smsc-refused", text);
        }
        _ => {}
    }
    match query(asker, &LATER, findings).await?.1 {
        Some(ports) if ports.integer("error_code") == Some(200) => {
            let text = "get_port_info knows fields of later versions of the API.";
            findings.quirk("firmware", "later-version", text);
        }
        Some(_) => {
            findings.fact("firmware", "first-version", "get_port_info knows no fields of later versions.");
        }
        None => {}
    }
    Ok(())
}

/// Makes a query with a comma that is not percent-encoded.
pub(super) async fn check_comma(asker: &mut Asker, findings: &mut Findings) -> Result<(), Failure> {
    let Some(answer) = asker.get_fresh("/api/get_port_info?info_type=type,reg").await? else { return Ok(()) };
    if answer.is_login_refused() {
        let text = "A comma in a query that is not encoded is refused as if the password were wrong.";
        findings.quirk("comma", "raw-comma-refused", text);
    } else if answer.status == Some(200) {
        findings.fact("comma", "raw-comma-accepted", "A comma in a query need not be encoded.");
    }
    Ok(())
}

async fn query(
    asker: &mut Asker,
    infos: &[&str],
    findings: &mut Findings,
) -> Result<(Answer, Option<Value>), Failure> {
    let target = format!("/api/get_port_info?info_type={}", infos.join("%2C"));
    let answer = asker.get(Login::With, &target).await?;
    let value = schema::examine(&PORTS, &answer, findings);
    Ok((answer, value))
}

fn note_missing(records: &[Value], infos: &[&str], findings: &mut Findings) {
    let missing = |info: &&&str| records.iter().any(|port| port.get(info).is_none());
    let missing: Vec<_> = infos.iter().filter(missing).copied().collect();
    if !missing.is_empty() {
        let text = format!("get_port_info omits requested fields of some ports: {}.", missing.join(", "));
        findings.quirk("ports", "port-fields-missing", text);
    }
}

fn note_registration(word: &str, findings: &mut Findings) {
    match word {
        "REGISTERED" => {
            findings.quirk("ports", "reg-registered", "The word for a registered port is REGISTERED.");
        }
        "Mobile Registered" => {
            findings.quirk(
                "ports",
                "reg-mobile-registered",
                "The word for a registered port is Mobile Registered.",
            );
        }
        word if !word.is_empty() && !REGISTRATIONS.contains(&word) => {
            schema::note_unknown_word(PORTS.name, "reg", word, findings);
        }
        _ => {}
    }
}
