//! `ports`.

use sms_client::table::Column;
use sms_gateway::{
    Error, Failure as CallFailure, Gateway,
    core::{
        call::{GetPortInfo, Info, InfoSet, PortInfo, Refusal},
        json::Field,
    },
};

use super::{Unshown, results::none, try_show};
use crate::{
    args::PortsOf,
    cells::{field, text},
    failure::Failure,
    output::Output,
};

pub(crate) async fn ports(gateway: &Gateway, args: &PortsOf, output: &mut Output) -> Result<(), Failure> {
    let infos: Vec<_> = ORDER.into_iter().filter(|info| args.info.contains(*info)).collect();
    output.table(std::iter::once(Column::number("PORT")).chain(infos.iter().copied().map(column)));
    let row = |port: &PortInfo<'_>| {
        std::iter::once(field(port.port)).chain(infos.iter().map(|info| cell(port, *info))).collect()
    };
    let ask = async |kinds, output: &mut Output| {
        let request = GetPortInfo::new(kinds).map_err(Error::from)?.ports(args.port.unwrap_or_default());
        try_show(gateway.get_port_info(&request).await?, output, row).await
    };
    let rest = args.info.without(Info::Smsc);
    match ask(args.info, output).await {
        Err(Unshown::Call(error))
            if rest != args.info
                && rest != InfoSet::NONE
                && output.records() == 0
                && is_bad_format(&error) =>
        {
            ask(rest, output).await?;
            output.note(SMSC_REFUSED)?;
        }
        shown => shown?,
    }
    none(output, "no ports")
}

const SMSC_REFUSED: &str = "the gateway does not know smsc, so the ports are shown without it";

/// Whether the gateway refuses the format of the request, for example because it does not know a requested kind of information.
const fn is_bad_format(error: &Error) -> bool {
    matches!(
        error.failure,
        CallFailure::Refused(Refusal { code: Some(400), .. })
            | CallFailure::Http { status: 400, request_sent: true }
    )
}

/// The order of the columns.
const ORDER: [Info; 11] = [
    Info::Type,
    Info::Registration,
    Info::Signal,
    Info::Number,
    Info::Imei,
    Info::Imsi,
    Info::Iccid,
    Info::Smsc,
    Info::Slot,
    Info::CallState,
    Info::Gprs,
];

fn column(info: Info) -> Column {
    match info {
        Info::Type => Column::word("TYPE"),
        Info::Imei => Column::word("IMEI"),
        Info::Imsi => Column::word("IMSI"),
        Info::Iccid => Column::word("ICCID"),
        Info::Smsc => Column::word("SMSC"),
        Info::Number => Column::word("NUMBER"),
        Info::Registration => Column::word("REG"),
        Info::Slot => Column::number("SLOT"),
        Info::CallState => Column::word("CALLSTATE"),
        Info::Signal => Column::number("SIGNAL"),
        Info::Gprs => Column::word("GPRS"),
    }
}

/// Formats a value. If the value is `number`, `name` is shown instead.
fn named(value: Field<'_, u32>, number: u32, name: &str) -> String {
    if value == Field::Known(number) { name.to_owned() } else { field(value) }
}

fn cell(port: &PortInfo<'_>, info: Info) -> String {
    match info {
        Info::Type => field(port.kind),
        Info::Imei => text(port.imei),
        Info::Imsi => text(port.imsi),
        Info::Iccid => text(port.iccid),
        Info::Smsc => text(port.smsc),
        Info::Number => text(port.number),
        Info::Registration => field(port.reg),
        Info::Slot => named(port.slot, PortInfo::ONE_SIM, "one SIM"),
        Info::CallState => text(port.callstate),
        Info::Signal => named(port.signal, PortInfo::NO_NETWORK, "no network"),
        Info::Gprs => text(port.gprs),
    }
}
