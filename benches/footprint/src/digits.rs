//! Integers as text, without the standard library's `fmt`, which would otherwise be in every program.

/// A buffer for ten digits.
pub(crate) type Digits = [u8; 10];

/// Writes the decimal digits of a number to the end of the buffer, and returns them.
pub(crate) fn decimal(mut number: u32, room: &mut Digits) -> &[u8] {
    let mut used = 0;
    for place in room.iter_mut().rev() {
        // The digit is below 10.
        *place = b'0' + (number % 10).to_le_bytes()[0];
        number /= 10;
        used += 1;
        if number == 0 {
            break;
        }
    }
    room.get(room.len().saturating_sub(used)..).unwrap_or_default()
}
