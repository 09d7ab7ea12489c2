//! All output except the progress of messages: the ports, the outcomes, the inbox, and a balance.

use std::{error::Error, io::Write};

use sms_client::{
    outcome,
    table::{Column, Table},
    text::{cut, escape},
};
use sms_gateway::{
    Ussd, UssdWait,
    core::{
        call::{GetPortInfo, Info, InfoSet},
        text::{Encoding, shape},
        track,
    },
};

use crate::{message::Message, stage::Stage};

pub(crate) fn opening(stage: &Stage, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let url = escape(&stage.url);
    match stage.emulator {
        Some(_) => writeln!(
            out,
            "A gateway is played on {url}, with Digest login and the\n\
             oddities of real devices, {} times as fast as they are.\n\
             Times below are the gateway's own.",
            stage.speed
        )?,
        None => writeln!(out, "The gateway at {url}")?,
    }
    Ok(())
}

pub(crate) async fn ports(stage: &Stage, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    writeln!(out, "\nIts ports:")?;
    let infos: InfoSet = [Info::Type, Info::Registration, Info::Imei, Info::Imsi].into_iter().collect();
    let mut table = Table::new([
        Column::number("PORT"),
        Column::word("TYPE"),
        Column::text("REG"),
        Column::word("IMEI"),
        Column::word("IMSI"),
    ]);
    let request = GetPortInfo::new(infos)?.ports(stage.ports);
    let mut response = stage.messenger.gateway().get_port_info(&request).await?;
    while let Some(port) = response.next().await? {
        let words = [port.port.to_string(), port.kind.to_string(), port.reg.to_string()];
        table.row(words.into_iter().chain([port.imei.to_string(), port.imsi.to_string()]));
    }
    print(&mut table, out)
}

/// Prints for each message its encoding, its segments, and as much of its text as fits on a line.
pub(crate) fn texts(messages: &[Message], out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    writeln!(out, "\nWhat is sent:")?;
    let mut table = Table::new([
        Column::text("TO"),
        Column::word("ENCODING"),
        Column::number("SEGMENTS"),
        Column::text("TEXT"),
    ]);
    for message in messages {
        let shape = shape(message.text.chars(), Encoding::Auto)?;
        table.row([
            &*message.name,
            shape.alphabet.as_str(),
            &shape.segments.to_string(),
            &cut(&message.text, 40),
        ]);
    }
    print(&mut table, out)
}

pub(crate) fn messages(
    messages: &[Message],
    outcomes: &[track::Message],
    out: &mut impl Write,
) -> Result<(), Box<dyn Error>> {
    writeln!(out, "\nWhat became of them:")?;
    let columns = [Column::text("TO"), Column::word("NUMBER")];
    let mut table = Table::new(columns.into_iter().chain(outcome::columns()));
    for (message, outcome) in messages.iter().zip(outcomes) {
        let to = [message.name.clone(), message.number.clone()];
        table.row(to.into_iter().chain(outcome::cells(outcome)));
    }
    print(&mut table, out)
}

pub(crate) fn inbox(
    newest: impl IntoIterator<Item = [String; 3]>,
    out: &mut impl Write,
) -> Result<(), Box<dyn Error>> {
    writeln!(out, "\nThe newest messages that came in:")?;
    let mut table = Table::new([Column::text("FROM"), Column::word("RECEIVED"), Column::text("TEXT")]);
    for row in newest {
        table.row(row);
    }
    print(&mut table, out)
}

pub(crate) async fn ussd(stage: &Stage, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let Some((code, ports)) = &stage.ussd else { return Ok(()) };
    writeln!(out, "\nWhat the network says to USSD {}:", escape(code))?;
    let wait = UssdWait { interval: stage.outside(2), limit: stage.outside(30) };
    let mut table = Table::new([Column::number("PORT"), Column::text("REPLY")]);
    for (port, outcome) in stage.messenger.gateway().ussd(*ports, code, wait).await? {
        let reply = match outcome {
            Ussd::Reply(text) => text,
            Ussd::Unchanged(text) => format!("{text} (as before)"),
            Ussd::NoReply => "no reply came".to_owned(),
            Ussd::NotSent(outcome) => format!("not sent: {outcome}"),
            Ussd::Untold => "the gateway does not tell".to_owned(),
        };
        table.row([port.to_string(), reply]);
    }
    print(&mut table, out)
}

pub(crate) fn ending(stage: &Stage, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    if stage.emulator.is_some() {
        writeln!(
            out,
            "\nThe same on your own gateway, with one message to a number of yours:\n\n  \
             SMS_GATEWAY_PASSWORD=… cargo run -p quickstart -- \\\n      \
             --gateway http://192.168.1.9 --user admin --to +8613800138000\n\n\
             And for daily use: cargo run -p sms-client -- --help"
        )?;
    }
    Ok(())
}

fn print(table: &mut Table, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let block = if table.is_empty() { "none\n".to_owned() } else { table.take() };
    Ok(out.write_all(block.as_bytes())?)
}
