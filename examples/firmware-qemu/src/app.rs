//! What the firmware does. Nothing here knows the board: it works over any `embassy_net` stack.

use core::{fmt::Write, net::SocketAddrV4};

use embassy_net::Stack;
use embassy_time::Duration;
use log::info;
use sms_gateway_embassy::{
    self as gateway, Gateway, Ussd, UssdWait,
    core::{
        Number, Port, Ports, UserId,
        call::{
            Flag, GetPortInfo, Infos, QueryIncomingSms, QuerySmsDeliverStatus, QuerySmsResult, Recipient,
            SendSms,
        },
    },
    net::{Tcp, TcpError},
};

pub(crate) type Error = gateway::Error<TcpError>;

/// How long a USSD reply is waited for.
const WAIT: UssdWait = UssdWait { interval: Duration::from_secs(1), limit: Duration::from_secs(10) };

/// The gateway as the application has it.
type Client<'m> = Gateway<'m, Tcp<'m>>;

/// The memory it works in. In a static, since a task's own memory passes over the stack when it is spawned.
pub(crate) struct Memory {
    incoming: [u8; 2048],
    outgoing: [u8; 512],
    gateway: gateway::Memory,
    host: heapless::String<24>,
}

impl Memory {
    pub(crate) const fn new() -> Self {
        Self {
            incoming: [0; 2048],
            outgoing: [0; 512],
            gateway: gateway::Memory::new(),
            host: heapless::String::new(),
        }
    }
}

/// Makes each call once, and shows what the gateway answers.
///
/// # Errors
///
/// When a call fails.
pub(crate) async fn run(
    stack: Stack<'_>,
    address: SocketAddrV4,
    mut entropy: fn() -> u64,
    memory: &mut Memory,
) -> Result<(), Error> {
    memory.host.clear();
    // It has room for any address and port.
    let _ = write!(memory.host, "{address}");
    let tcp = Tcp::new(stack, (*address.ip(), address.port()), &mut memory.incoming, &mut memory.outgoing);
    let mut gateway =
        Gateway::new(tcp, &memory.host, memory.gateway.buffers(), &mut entropy).credentials("admin", "admin");
    look(&mut gateway).await?;
    ask_balance(&mut gateway).await?;
    send(&mut gateway).await?;
    read(&mut gateway).await?;
    gateway.close().await;
    Ok(())
}

/// What the gateway has and is.
async fn look(gateway: &mut Client<'_>) -> Result<(), Error> {
    let waiting = gateway.query_sms_in_queue().await?.unwrap_or_default();
    info!("{waiting} messages wait to be sent");
    let mut ports = gateway.get_port_info(&GetPortInfo::new(Infos::DOCUMENTED)?).await?;
    while let Some(port) = ports.next().await? {
        let number = port.port.get().unwrap_or_default();
        info!("port {number}: {}, registered: {}", port.number.as_str(), port.is_registered());
    }
    Ok(())
}

async fn ask_balance(gateway: &mut Client<'_>) -> Result<(), Error> {
    let mut reply = [0; 256];
    match gateway.ussd(Port::new(0)?, "*125#", WAIT, &mut reply).await? {
        Ussd::Reply(text) => info!("USSD: {text}"),
        other => info!("no USSD reply: {other:?}"),
    }
    Ok(())
}

/// Sends a message, and stops it if it is still waiting.
async fn send(gateway: &mut Client<'_>) -> Result<(), Error> {
    let id = [UserId::new(1)?];
    let recipients = [Recipient::new(Number::new("10086")?).user_id(id[0])];
    let accepted = gateway.send_sms(&SendSms::new("Hello from the board", &recipients)?).await?;
    info!("accepted: {:?}", accepted.task_id);
    let mut results = gateway.query_sms_result(&QuerySmsResult::new().user_ids(&id)).await?;
    while let Some(result) = results.next().await? {
        info!("to {}: {:?}", result.number.as_str(), result.status);
    }
    let mut reports = gateway.query_sms_deliver_status(&QuerySmsDeliverStatus::new()).await?;
    while let Some(report) = reports.next().await? {
        info!("reported: {}: {:?}", report.number.as_str(), report.status_code);
    }
    match accepted.task_id {
        Some(task) => match gateway.stop_sms(task).await {
            Err(Error::Refused(refusal)) => info!("{refusal}"),
            outcome => outcome?,
        },
        None => info!("the gateway did not name the task"),
    }
    Ok(())
}

async fn read(gateway: &mut Client<'_>) -> Result<(), Error> {
    let mut inbox = gateway.query_incoming_sms(&QueryIncomingSms::new(Flag::All)).await?;
    while let Some(sms) = inbox.next().await? {
        info!("from {}: {}", sms.number.as_str(), sms.text.as_str());
    }
    inbox.finish().await?;
    let mut replies = gateway.query_ussd_reply(Ports::ALL).await?;
    replies.finish().await?;
    Ok(())
}
