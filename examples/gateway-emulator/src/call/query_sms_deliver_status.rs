//! `query_sms_deliver_status`, §4 of the document.

use crate::{
    clock,
    device::{Device, port::Ports},
    json::Answer,
    params::{Asked, Body},
};

use super::query_sms_result::given;

pub(super) fn run(device: &mut Device, body: &Body) -> Asked<Answer> {
    let numbers = body.numbers()?;
    let ports = body.ports()?.filter(|ports| !ports.is_empty()).unwrap_or(Ports::ALL);
    let quirks = &device.quirks;
    let period = body.period(quirks)?;
    let mut records = Vec::new();
    for report in device.reports.iter() {
        let number = report.number(quirks.report_number);
        let time = report.time(quirks);
        let numbered = given(numbers.as_ref(), |list| list.contains(&number.as_str()));
        if !numbered || !ports.has(report.port) || !period.has(time) {
            continue;
        }
        let mut record = vec![
            ("port", report.port.into()),
            ("number", number.into()),
            ("time", clock::format(time).into()),
            ("ref_id", report.ref_id.into()),
            ("status_code", report.status_code.into()),
        ];
        record.extend(device.imsi_field(report.port));
        records.push(record);
    }
    Ok(Answer::code(200).array("result", records))
}
