//! The application: it sends messages, follows each to its outcome, receives a message, and queries the ports and a balance.
//!
//! It does not depend on the board: it works over any `embassy_net` stack and any flash.

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

/// The gateway over TCP.
type Client<'m> = Gateway<'m, Tcp<'m>>;

/// The messenger over TCP, with its store in the flash `F`.
type Post<'m, F> = Messenger<'m, 'm, Tcp<'m>, FlashStore<'m, F>>;

/// The gateway, the login, and the time limits.
pub(crate) struct Plan {
    /// The gateway's address and port.
    pub(crate) gateway: SocketAddrV4,
    /// The user name and the password.
    pub(crate) credentials: (&'static str, &'static str),
    /// The polling intervals.
    pub(crate) timing: Timing,
    /// The time limit for the whole run.
    pub(crate) end: Instant,
}

/// Pages of a flash that keep their content across resets and have no other use.
pub(crate) struct Pages<F> {
    pub(crate) flash: F,
    pub(crate) range: Range<u32>,
}

/// Runs the application. After a reset at any point, it continues with the stored messages.
///
/// # Errors
///
/// [`Failure`], for example if the work is not done within the time limit.
pub(crate) async fn run<F: NorFlash<Error: fmt::Debug>>(
    stack: Stack<'_>,
    plan: &Plan,
    pages: Pages<F>,
    mut entropy: fn() -> u64,
    memory: &mut Memory,
) -> Result<(), Failure> {
    // A random number, in case the flash was erased but the gateway still has earlier messages. It is in the lower half of the
    // block numbers, so that the user_ids do not wrap around.
    let first_block = (entropy() >> 44) as u32;
    // Only this board sends through the gateway.
    let exclusive = true;
    let settings =
        Settings { timing: plan.timing, incoming: true, first_block, exclusive, ..Settings::default() };
    let memory = memory.lend(plan.gateway);
    let (address, port) = (*plan.gateway.ip(), plan.gateway.port());
    let tcp = Tcp::new(stack, (address, port), memory.tcp_in, memory.tcp_out);
    let (user, password) = plan.credentials;
    let gateway = Gateway::new(tcp, memory.host, memory.gateway, &mut entropy).credentials(user, password);
    let mut store = FlashStore::new(pages.flash, pages.range, memory.table, memory.batch, memory.work)?;
    let mut messages = Messages::restore(&mut store).await?;
    let mut messenger = Messenger::new(gateway, store, memory.buffers, settings);
    messenger.start().await?;

    messages.log_states(&messenger);
    let received = follow::until_done(&mut messenger, &mut messages, plan.end).await?;
    look::at_ports(messenger.gateway()).await?;
    look::at_balance(messenger.gateway()).await?;
    messages.log_outcomes(&messenger);
    follow::acknowledge(&mut messenger, &messages, received).await?;
    messenger.gateway().close().await;
    Ok(())
}
