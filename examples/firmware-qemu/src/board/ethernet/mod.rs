//! The LAN9118 Ethernet controller. The processor reads and writes its FIFOs word by word.
//!
//! This driver has only been tested with QEMU's model of the controller.

mod registers;

use core::{
    sync::atomic::{AtomicBool, Ordering},
    task::Context,
};

use embassy_net_driver::{Capabilities, Driver, HardwareAddress, LinkState, RxToken, TxToken};
use embassy_sync::waitqueue::AtomicWaker;
use static_cell::ConstStaticCell;

use self::registers::{Mac, Phy, Register, read, read_mac, read_phy, write, write_mac, write_phy};
use super::reset;

/// Maximum length of a frame without its checksum: header and 1,500 bytes.
const FRAME: usize = 1514;
/// Size of a frame's buffer, in whole words.
const BUFFER: usize = FRAME.next_multiple_of(4);
const CHECKSUM: usize = 4;

/// RSFL: the RX status FIFO contains a frame's status. The bit stays set until it is cleared.
const RECEIVED: u32 = 1 << 3;
/// PHY_INT: the PHY has an event. The bit stays set until the PHY's register is read.
const PHY: u32 = 1 << 18;
/// Interrupt output: active high, push-pull and enabled, as the board's interrupt controller expects.
const INTERRUPT_CONFIG: u32 = 0x111;
/// RSFL is set by the first frame. The upper byte concerns sending, and has its reset value.
const FIFO_INTERRUPT: u32 = 0x4800_0000;
const TX_ON: u32 = 1 << 1;
/// Full duplex, sending and receiving enabled. Accepts frames for this address, and broadcasts.
const MAC_CONTROL: u32 = 1 << 20 | 1 << 3 | 1 << 2;
/// The PHY's interrupts: energy (7), negotiation done (6), link down (4).
const PHY_INTERRUPTS: u32 = 1 << 7 | 1 << 6 | 1 << 4;
const PHY_NEGOTIATE: u32 = 1 << 12;
const PHY_LINK_UP: u32 = 1 << 2;
/// The error summary of a frame's RX status.
const RX_ERROR: u32 = 1 << 15;
/// A frame that is both the first and the last segment to send.
const TX_WHOLE: u32 = 0x3000;
/// Size of the two command words before a frame in the TX data FIFO, in bytes.
const TX_COMMANDS: usize = 8;

/// Woken by the interrupt. There is one controller, so only one task waits for it.
static WAKER: AtomicWaker = AtomicWaker::new();
static PHY_CALLED: AtomicBool = AtomicBool::new(false);

/// The controller.
pub(crate) struct Ethernet {
    address: [u8; 6],
    link: LinkState,
    frames: &'static mut Frames,
}

/// A buffer for one frame in each direction. The buffers are in a static, because [`Ethernet`] is moved over the stack on its way
/// to its task.
struct Frames {
    received: [u8; BUFFER],
    sent: [u8; BUFFER],
}

impl Ethernet {
    /// Starts the controller. Called once, when the board starts.
    pub(super) fn start() -> Self {
        static FRAMES: ConstStaticCell<Frames> =
            ConstStaticCell::new(Frames { received: [0; BUFFER], sent: [0; BUFFER] });
        write(Register::InterruptConfig, INTERRUPT_CONFIG);
        write(Register::FifoInterrupt, FIFO_INTERRUPT);
        write(Register::TxConfig, TX_ON);
        write_mac(Mac::Control, MAC_CONTROL);
        write_phy(Phy::Control, PHY_NEGOTIATE);
        write_phy(Phy::InterruptMask, PHY_INTERRUPTS);
        write(Register::InterruptEnable, RECEIVED | PHY);
        // A link that is already up causes no interrupt.
        PHY_CALLED.store(true, Ordering::Relaxed);
        Self { address: address(), link: LinkState::Down, frames: FRAMES.take() }
    }

    /// Reads the next frame without an error from the FIFO, and returns its length.
    fn take_frame(&mut self) -> Option<usize> {
        while frames_waiting() > 0 {
            let status = read(Register::RxStatus);
            let length = (status >> 16 & 0x3fff) as usize;
            read_words(length.div_ceil(4), &mut self.frames.received);
            let frame = length.saturating_sub(CHECKSUM);
            reset::step();
            if status & RX_ERROR == 0 && frame <= FRAME {
                return Some(frame);
            }
        }
        None
    }
}

impl Driver for Ethernet {
    type RxToken<'a> = Received<'a>;
    type TxToken<'a> = Sending<'a>;

    fn receive(&mut self, context: &mut Context<'_>) -> Option<(Received<'_>, Sending<'_>)> {
        // The waker is registered before the check, so that a frame arriving in between wakes the task.
        WAKER.register(context.waker());
        if !has_room(context) {
            return None;
        }
        let length = self.take_frame()?;
        Some((Received(&mut self.frames.received[..length]), Sending(&mut self.frames.sent)))
    }

    fn transmit(&mut self, context: &mut Context<'_>) -> Option<Sending<'_>> {
        has_room(context).then_some(Sending(&mut self.frames.sent))
    }

    fn link_state(&mut self, context: &mut Context<'_>) -> LinkState {
        WAKER.register(context.waker());
        if PHY_CALLED.swap(false, Ordering::Acquire) {
            // Reading the PHY's register clears it. After that, the controller's bit can be cleared.
            read_phy(Phy::InterruptSource);
            write(Register::InterruptStatus, PHY);
            write(Register::InterruptEnable, RECEIVED | PHY);
            let up = read_phy(Phy::Status) & PHY_LINK_UP != 0;
            self.link = if up { LinkState::Up } else { LinkState::Down };
        }
        self.link
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::default();
        capabilities.max_transmission_unit = FRAME;
        // A burst size of 1 would limit TCP's window to one segment.
        capabilities.max_burst_size = None;
        capabilities
    }

    fn hardware_address(&self) -> HardwareAddress {
        HardwareAddress::Ethernet(self.address)
    }
}

/// A frame that was received.
pub(crate) struct Received<'a>(&'a mut [u8]);

impl RxToken for Received<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, read: F) -> R {
        read(self.0)
    }
}

/// A buffer for a frame to be sent.
pub(crate) struct Sending<'a>(&'a mut [u8; BUFFER]);

impl TxToken for Sending<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, fill: F) -> R {
        let frame = &mut self.0[..length];
        let result = fill(frame);
        send(frame);
        result
    }
}

/// Handles the controller's interrupt. It only wakes the task, because only the task may access registers that take several
/// steps.
pub(super) fn interrupt() {
    let status = read(Register::InterruptStatus);
    write(Register::InterruptStatus, RECEIVED);
    if status & PHY != 0 {
        PHY_CALLED.store(true, Ordering::Release);
        // Disables PHY_INT, because the interrupt would repeat until the task has read the PHY.
        write(Register::InterruptEnable, RECEIVED);
    }
    WAKER.wake();
}

/// Returns the controller's address, which its EEPROM or QEMU has set.
fn address() -> [u8; 6] {
    let mut address = [0; 6];
    address[..4].copy_from_slice(&read_mac(Mac::AddressLow).to_le_bytes());
    address[4..].copy_from_slice(&read_mac(Mac::AddressHigh).to_le_bytes()[..2]);
    address
}

/// Returns RXSUSED, the number of statuses in the RX status FIFO.
fn frames_waiting() -> u32 {
    read(Register::RxFifo) >> 16 & 0xff
}

/// Returns whether a frame of any length can be sent. If not, the task is woken at once to check again. The FIFO holds three
/// frames of the maximum length, and the line soon empties it.
fn has_room(context: &Context<'_>) -> bool {
    // TXSUSED: the statuses of sent frames. They are not needed, but unread ones would stop the controller.
    for _ in 0..read(Register::TxFifo) >> 16 & 0xff {
        read(Register::TxStatus);
    }
    let free = (read(Register::TxFifo) & 0xffff) as usize;
    let room = free >= TX_COMMANDS + BUFFER;
    if !room {
        context.waker().wake_by_ref();
    }
    room
}

/// Reads a frame's words. Words that do not fit `buffer` are read, too, but dropped.
fn read_words(count: usize, buffer: &mut [u8; BUFFER]) {
    let mut places = buffer.as_chunks_mut().0.iter_mut();
    for _ in 0..count {
        let word = read(Register::RxData);
        if let Some(place) = places.next() {
            *place = word.to_le_bytes();
        }
    }
}

fn send(frame: &[u8]) {
    // A frame is not longer than its buffer, so its length fits into eleven bits.
    let length = u32::try_from(frame.len()).unwrap_or_default();
    write(Register::TxData, TX_WHOLE | length);
    write(Register::TxData, length << 16 | length);
    let (words, rest) = frame.as_chunks();
    for word in words {
        write(Register::TxData, u32::from_le_bytes(*word));
    }
    if !rest.is_empty() {
        let mut word = [0; 4];
        word[..rest.len()].copy_from_slice(rest);
        write(Register::TxData, u32::from_le_bytes(word));
    }
    reset::step();
}
