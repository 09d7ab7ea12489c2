//! The LAN9118's registers, numbered as in its data sheet (DS00002266).

use core::ptr;

/// The controller's address on the board (application note AN386, table 3-1).
const BASE: usize = 0x4020_0000;

/// A register, by its offset (section 5.3 of the data sheet).
#[derive(Debug, Clone, Copy)]
pub(super) enum Register {
    RxData = 0x00,
    TxData = 0x20,
    RxStatus = 0x40,
    TxStatus = 0x48,
    InterruptConfig = 0x54,
    InterruptStatus = 0x58,
    InterruptEnable = 0x5c,
    FifoInterrupt = 0x68,
    TxConfig = 0x70,
    RxFifo = 0x7c,
    TxFifo = 0x80,
    MacCommand = 0xa4,
    MacData = 0xa8,
}

/// A register of the MAC, accessed through `MacCommand` and `MacData` (section 5.4).
#[derive(Debug, Clone, Copy)]
pub(super) enum Mac {
    Control = 1,
    AddressHigh = 2,
    AddressLow = 3,
    MiiAccess = 6,
    MiiData = 7,
}

/// A register of the PHY, accessed through the MAC's `MiiAccess` and `MiiData` (section 5.5).
#[derive(Debug, Clone, Copy)]
pub(super) enum Phy {
    Control = 0,
    Status = 1,
    InterruptSource = 29,
    InterruptMask = 30,
}

const MAC_BUSY: u32 = 1 << 31;
const MAC_READ: u32 = 1 << 30;
const MII_BUSY: u32 = 1;
const MII_WRITE: u32 = 1 << 1;
/// The PHY in the chip always has address 1.
const MII_PHY: u32 = 1 << 11;

pub(super) fn read(register: Register) -> u32 {
    // SAFETY: the board has the controller's registers at these addresses, all of them aligned words.
    unsafe { ptr::with_exposed_provenance::<u32>(BASE + register as usize).read_volatile() }
}

pub(super) fn write(register: Register, value: u32) {
    // SAFETY: as in `read`. No register lets the controller access the program's memory.
    unsafe { ptr::with_exposed_provenance_mut::<u32>(BASE + register as usize).write_volatile(value) }
}

/// Reads a register in several steps, so it must not be called from interrupts.
pub(super) fn read_mac(register: Mac) -> u32 {
    write(Register::MacCommand, MAC_BUSY | MAC_READ | register as u32);
    wait_for_mac();
    read(Register::MacData)
}

/// Writes a register in several steps, so it must not be called from interrupts.
pub(super) fn write_mac(register: Mac, value: u32) {
    write(Register::MacData, value);
    write(Register::MacCommand, MAC_BUSY | register as u32);
    wait_for_mac();
}

/// Reads a register in several steps, so it must not be called from interrupts.
pub(super) fn read_phy(register: Phy) -> u32 {
    write_mac(Mac::MiiAccess, MII_PHY | (register as u32) << 6);
    wait_for_mii();
    read_mac(Mac::MiiData)
}

/// Writes a register in several steps, so it must not be called from interrupts.
pub(super) fn write_phy(register: Phy, value: u32) {
    write_mac(Mac::MiiData, value);
    write_mac(Mac::MiiAccess, MII_PHY | (register as u32) << 6 | MII_WRITE);
    wait_for_mii();
}

fn wait_for_mac() {
    while read(Register::MacCommand) & MAC_BUSY != 0 {}
}

fn wait_for_mii() {
    while read_mac(Mac::MiiAccess) & MII_BUSY != 0 {}
}
