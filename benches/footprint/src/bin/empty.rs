//! A program that contains only the part that all programs share. Its size is subtracted from that of the others.
#![no_std]
#![no_main]

use core::hint::black_box;

use footprint::{Wire, end};

#[cortex_m_rt::entry]
fn main() -> ! {
    let mut wire = Wire::new(0);
    let mut buffer = [0; 64];
    wire.write(black_box(&buffer[..]));
    let length = wire.read(black_box(&mut buffer[..]));
    #[cfg(feature = "flash")]
    flash(&mut buffer);
    end(length != 0);
}

#[cfg(feature = "flash")]
fn flash(buffer: &mut [u8]) {
    if let Some(mut flash) = footprint::Flash::new() {
        black_box(flash.clear(black_box(0), black_box(0)).is_ok());
        black_box(flash.put(black_box(0), black_box(&*buffer)).is_ok());
        black_box(flash.get(black_box(0), black_box(buffer)).is_ok());
    }
}
