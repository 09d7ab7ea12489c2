//! What the firmware does: it sends messages, follows each to its outcome, receives one, and asks for the ports and a balance.
//!
//! Nothing here knows the board: it works over any `embassy_net` stack and any flash.

mod failure;
mod follow;
mod look;
mod memory;
mod messages;
mod shown;

use core::{fmt, net::SocketAddrV4, ops::Range};

use embassy_net::Stack;
use embassy_time::Instant;
use embedded_storage_async::nor_flash::NorFlash;
use sms_gateway_embassy::{
    Gateway, Messenger,
    core::track::{Settings, Timing},
    net::Tcp,
    store::FlashStore,
};

use self::messages::Messages;
pub(crate) use self::{failure::Failure, memory::Memory};

/// The gateway as the application has it.
type Client<'m> = Gateway<'m, Tcp<'m>>;

/// The messenger as the application has it; `F` is the flash.
type Post<'m, F> = Messenger<'m, 'm, Tcp<'m>, FlashStore<'m, F>>;

/// Where the gateway is, who asks it, and how long things may take.
pub(crate) struct Plan {
    /// Its address and port.
    pub(crate) gateway: SocketAddrV4,
    /// The user's name that the gateway knows, and the password.
    pub(crate) credentials: (&'static str, &'static str),
    /// When it is asked.
    pub(crate) timing: Timing,
    /// When all is to be done.
    pub(crate) end: Instant,
}

/// Storage that outlives a reset: these pages of a flash, which nobody else uses.
pub(crate) struct Pages<F> {
    pub(crate) flash: F,
    pub(crate) range: Range<u32>,
}

/// Does all that is to be done. After a reset it goes on with what is stored, whenever the reset came.
///
/// # Errors
///
/// [`Failure`]: what is missing when the time is over, for example.
pub(crate) async fn run<F: NorFlash<Error: fmt::Debug>>(
    stack: Stack<'_>,
    plan: &Plan,
    pages: Pages<F>,
    mut entropy: fn() -> u64,
    memory: &mut Memory,
) -> Result<(), Failure> {
    // Any number, in case that the flash is erased and the gateway is not. From the lower half, so that ids always grow.
    let first_block = (entropy() >> 44) as u32;
    let settings = Settings { timing: plan.timing, incoming: true, first_block, ..Settings::default() };
    let memory = memory.lend(plan.gateway);
    let (address, port) = (*plan.gateway.ip(), plan.gateway.port());
    let tcp = Tcp::new(stack, (address, port), memory.tcp_in, memory.tcp_out);
    let (user, password) = plan.credentials;
    let gateway = Gateway::new(tcp, memory.host, memory.gateway, &mut entropy).credentials(user, password);
    let mut store = FlashStore::new(pages.flash, pages.range, memory.table, memory.batch, memory.work)?;
    let mut messages = Messages::restore(&mut store).await?;
    let mut messenger = Messenger::new(gateway, store, memory.buffers, settings);
    messenger.start().await?;

    messages.tell(&messenger);
    let received = follow::to_the_end(&mut messenger, &mut messages, plan.end).await?;
    look::at_ports(messenger.gateway()).await?;
    look::at_balance(messenger.gateway()).await?;
    messages.tell_outcomes(&messenger);
    follow::acknowledge(&mut messenger, &messages, received).await?;
    messenger.gateway().close().await;
    Ok(())
}
