//! What is shown beside the messages' way: the ports, what became of the messages, the inbox, a balance.

use std::{collections::VecDeque, error::Error, io::Write};

use sms_client::{
    table::{Column, Table},
    text::{cut, escape},
};
use sms_gateway::{
    Ussd, UssdWait,
    core::{
        call::{Flag, GetPortInfo, Info, Infos, QueryIncomingSms},
        text::{Encoding, shape},
    },
};

use crate::{message::Message, stage::Stage};

/// How many messages of the inbox are shown.
const NEWEST: usize = 3;

pub(crate) fn opening(stage: &Stage, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let url = escape(&stage.url);
    match stage.played {
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
    let infos: Infos = [Info::Type, Info::Reg, Info::Imei, Info::Imsi].into_iter().collect();
    let mut table = Table::new([
        Column::number("PORT"),
        Column::word("TYPE"),
        Column::text("REG"),
        Column::word("IMEI"),
        Column::word("IMSI"),
    ]);
    let request = GetPortInfo::new(infos)?.ports(stage.ports);
    let mut answer = stage.gateway.get_port_info(&request).await?;
    while let Some(port) = answer.next().await? {
        let words = [port.port.to_string(), port.kind.to_string(), port.reg.to_string()];
        table.row(words.into_iter().chain([port.imei.to_string(), port.imsi.to_string()]));
    }
    print(&mut table, out)
}

/// What each is sent, as far as it fits a line.
pub(crate) fn texts(messages: &[Message], out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let mut table = Table::new([Column::text("TO"), Column::text("TEXT")]);
    for message in messages {
        table.row([message.name.clone(), cut(&message.text()?, 60).into_owned()]);
    }
    print(&mut table, out)
}

pub(crate) fn messages(messages: &[Message], out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let mut table = Table::new([
        Column::text("TO"),
        Column::word("NUMBER"),
        Column::word("ENCODING"),
        Column::number("SEGMENTS"),
        Column::number("PORT"),
        Column::word("STATUS"),
        Column::text("REPORTS"),
    ]);
    for message in messages {
        let shape = shape(message.text()?.chars(), Encoding::Auto)?;
        let sent = message.sent;
        table.row([
            message.name.clone(),
            message.number.clone(),
            shape.alphabet.as_str().to_owned(),
            sent.map_or(shape.segments, |sent| sent.segments).to_string(),
            sent.and_then(|sent| sent.port).map(|port| port.to_string()).unwrap_or_default(),
            message.status().to_owned(),
            message.received(),
        ]);
    }
    print(&mut table, out)
}

/// The newest messages of the inbox, which is read page by page and not marked as read.
pub(crate) async fn inbox(stage: &Stage, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    if let Some(emulator) = &stage.played {
        emulator.receive_sms(2, "+8613800138000", "Thank you! I shall be at home. 😀\nAnn");
    }
    writeln!(out, "\nThe newest messages that came in:")?;
    let mut newest = VecDeque::new();
    let mut last = 0;
    loop {
        let request = QueryIncomingSms::new(Flag::All).after(last);
        let mut answer = stage.gateway.query_incoming_sms(&request).await?;
        let begin = last;
        while let Some(sms) = answer.next().await? {
            last = last.max(sms.incoming_sms_id.get().unwrap_or(0));
            newest.push_back([sms.number.to_string(), sms.timestamp.to_string(), sms.text.to_string()]);
            newest.drain(..newest.len().saturating_sub(NEWEST));
        }
        if last == begin {
            break;
        }
    }
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
    for (port, outcome) in stage.gateway.ussd(*ports, code, wait).await? {
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
    if stage.played.is_some() {
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
