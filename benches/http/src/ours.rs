//! This library: typed calls with a Digest login.

use std::rc::Rc;

use sms_gateway::{
    Error, Gateway,
    core::{
        Number, TaskId, UserId,
        call::{QuerySmsResult, Recipient, SendSms, SmsResult, Status},
        json::Field,
    },
};
use tokio::runtime::Runtime;

use crate::{
    Failure,
    case::{Case, sum},
    contestant::Contestant,
};

pub(crate) fn contestant(runtime: &Rc<Runtime>, case: Case, port: u16) -> Result<Contestant, Failure> {
    let gateway =
        Gateway::builder(&format!("http://127.0.0.1:{port}")).credentials("admin", "secret").build()?;
    Ok(match case {
        Case::Results(count) => {
            let ids = (1..=count).map(UserId::new).collect::<Result<Vec<_>, _>>()?;
            Contestant::new("ours", runtime, async move || Ok(Some(results(&gateway, &ids).await?)))
        }
        Case::SendSms => Contestant::new("ours", runtime, async move || Ok(Some(send(&gateway).await?))),
    })
}

async fn results(gateway: &Gateway, ids: &[UserId]) -> Result<u64, Error> {
    let mut response = gateway.query_sms_result(&QuerySmsResult::new().user_ids(ids)).await?;
    let mut total = 0;
    while let Some(result) = response.next().await? {
        total += record(&result);
    }
    Ok(total)
}

fn record(result: &SmsResult<'_>) -> u64 {
    let numbers = [
        known(result.port).into(),
        known(result.user_id).cast_unsigned(),
        known(result.count).into(),
        known(result.succ_count).into(),
        known(result.ref_id).into(),
    ];
    let texts = [result.number.as_str(), result.imsi.as_str()];
    sum(numbers, texts, known(result.time), known(result.status) == Status::SentOk)
}

fn known<T: Copy>(field: Field<'_, T>) -> T {
    field.get().expect("the responses have the documented form")
}

async fn send(gateway: &Gateway) -> Result<u64, Error> {
    let recipients = [Recipient::new(Number::new("10086")?).user_id(UserId::new(1)?)];
    let accepted = gateway.send_sms(&SendSms::new("Hello", &recipients)?).await?;
    let task = accepted.task_id.map_or(0, TaskId::get).cast_unsigned();
    Ok(task + u64::from(accepted.sms_in_queue.unwrap_or_default()))
}
