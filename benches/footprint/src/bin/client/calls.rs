//! Each call on its own. `life` makes the calls that the tracker asks for.
#![allow(unused_imports)]

use core::hint::black_box;

use footprint::{NUMBER, TEXT};
use sms_gateway_core::{
    Number, Port, Ports, TaskId, UserId,
    call::{
        Flag, GetPortInfo, InfoSet, QueryIncomingSms, QuerySmsDeliverStatus, QuerySmsInQueue, QuerySmsResult,
        QueryUssdReply, Recipient, SendSms, SendUssd, StopSms,
    },
};

use crate::exchange::{Client, Failed};

/// Makes each of the enabled calls once, and uses all values of its response.
#[inline(never)]
pub(crate) fn make(client: &mut Client<'_>) -> Result<(), Failed> {
    client.call(&QuerySmsInQueue, |_| {}).map(|summary| _ = black_box(&summary))?;
    #[cfg(all(feature = "send-sms", not(feature = "track")))]
    {
        let to = [Recipient::new(Number::new(black_box(NUMBER))?).user_id(UserId::new(black_box(1))?)];
        client.call(&SendSms::new(black_box(TEXT), &to)?, |_| {}).map(|summary| _ = black_box(&summary))?;
    }
    #[cfg(all(feature = "sms-result", not(feature = "track")))]
    {
        let ids = [UserId::new(black_box(1))?];
        client.call(&QuerySmsResult::new().user_ids(&ids), |record| _ = black_box(&record))?;
    }
    #[cfg(all(feature = "deliver-status", not(feature = "track")))]
    {
        let call = QuerySmsDeliverStatus::new().ports(ports());
        client.call(&call, |record| _ = black_box(&record))?;
    }
    #[cfg(all(feature = "incoming-sms", not(feature = "track")))]
    {
        let call = QueryIncomingSms::new(Flag::All).after(black_box(1));
        client.call(&call, |record| _ = black_box(&record))?;
    }
    #[cfg(feature = "send-ussd")]
    {
        let call = SendUssd::send(ports(), black_box("*100#"))?;
        client.call(&call, |record| _ = black_box(&record))?;
    }
    #[cfg(feature = "ussd-reply")]
    client.call(&QueryUssdReply::new(ports())?, |record| _ = black_box(&record))?;
    #[cfg(feature = "stop-sms")]
    client.call(&StopSms::new(TaskId::new(black_box(7))), |_| {}).map(|summary| _ = black_box(&summary))?;
    #[cfg(feature = "port-info")]
    {
        let call = GetPortInfo::new(InfoSet::DOCUMENTED)?.ports(ports());
        client.call(&call, |record| _ = black_box(&record))?;
    }
    Ok(())
}

/// Returns a set of one port.
#[allow(dead_code)]
fn ports() -> Ports {
    [black_box(Port::new(2))].into_iter().flatten().collect()
}
