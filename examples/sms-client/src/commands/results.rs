//! `results` and `deliveries`.

use sms_client::table::Column;
use sms_gateway::{
    Gateway,
    core::{
        Invalid, Number, Ports,
        call::{QuerySmsDeliverStatus, QuerySmsResult, SmsResult, StatusReport},
    },
};

use super::show;
use crate::{
    args::{Deliveries, Digits, Filter, Results},
    cells::{field, text},
    failure::Failure,
    output::Output,
};

pub(crate) async fn results(gateway: &Gateway, args: &Results, output: &mut Output) -> Result<(), Failure> {
    let numbers = args.filter.numbers()?;
    let mut request =
        QuerySmsResult::new().numbers(&numbers)?.ports(args.filter.ports()).user_ids(&args.user_id);
    if let Some(time) = args.filter.after {
        request = request.after(time);
    }
    if let Some(time) = args.filter.before {
        request = request.before(time);
    }
    output.table([
        Column::number("USER_ID"),
        Column::text("NUMBER"),
        Column::number("PORT"),
        Column::word("TIME"),
        Column::text("STATUS"),
        Column::number("SENT"),
        Column::number("REF_ID"),
    ]);
    show(gateway.query_sms_result(&request).await?, output, result).await?;
    none(output, "no results")
}

fn result(result: &SmsResult<'_>) -> Vec<String> {
    let sent = match (field(result.succ_count), field(result.count)) {
        (sent, count) if sent.is_empty() && count.is_empty() => String::new(),
        (sent, count) if sent.is_empty() => format!("?/{count}"),
        (sent, count) if count.is_empty() => format!("{sent}/?"),
        (sent, count) => format!("{sent}/{count}"),
    };
    vec![
        field(result.user_id),
        text(result.number),
        field(result.port),
        field(result.time),
        field(result.status),
        sent,
        field(result.ref_id),
    ]
}

pub(crate) async fn deliveries(
    gateway: &Gateway,
    args: &Deliveries,
    output: &mut Output,
) -> Result<(), Failure> {
    let numbers = args.filter.numbers()?;
    let mut request = QuerySmsDeliverStatus::new().numbers(&numbers)?.ports(args.filter.ports());
    if let Some(time) = args.filter.after {
        request = request.after(time);
    }
    if let Some(time) = args.filter.before {
        request = request.before(time);
    }
    output.table([
        Column::text("NUMBER"),
        Column::number("PORT"),
        Column::number("REF_ID"),
        Column::word("TIME"),
        Column::number("CODE"),
        Column::text("MEANING"),
    ]);
    show(gateway.query_sms_deliver_status(&request).await?, output, report).await?;
    none(output, "no status reports")
}

fn report(report: &StatusReport<'_>) -> Vec<String> {
    vec![
        text(report.number),
        field(report.port),
        field(report.ref_id),
        field(report.time),
        field(report.status_code),
        report.delivery().map(|delivery| delivery.to_string()).unwrap_or_default(),
    ]
}

/// Prints a line if there was nothing to show.
pub(super) fn none(output: &mut Output, line: &str) -> Result<(), Failure> {
    if output.records() == 0 {
        output.line(line)?;
    }
    Ok(())
}

impl Filter {
    fn numbers(&self) -> Result<Vec<Number<'_>>, Invalid> {
        self.number.iter().map(Digits::number).collect()
    }

    fn ports(&self) -> Ports {
        self.port.unwrap_or_default()
    }
}
