//! Writes into a lent buffer. Bytes that do not fit are counted, so that the error can state the size needed.

use crate::TooSmall;

/// A cursor over a lent buffer. It continues counting past the end of the buffer.
pub(crate) struct Writer<'b> {
    buffer: &'b mut [u8],
    /// Number of bytes written so far, including those that did not fit.
    length: usize,
}

impl<'b> Writer<'b> {
    pub(crate) fn new(buffer: &'b mut [u8]) -> Self {
        Self { buffer, length: 0 }
    }

    /// Creates a writer that only counts.
    pub(crate) fn counting() -> Self {
        Self::new(&mut [])
    }

    pub(crate) fn length(&self) -> usize {
        self.length
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        let room = self.buffer.get_mut(self.length..).unwrap_or_default();
        if let Some(room) = room.get_mut(..bytes.len()) {
            copy(room, bytes);
        }
        self.length = self.length.saturating_add(bytes.len());
    }

    pub(crate) fn str(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    // Not inlined on microcontrollers: the function is small, but it has so many callers that inlining would take much flash.
    #[cfg_attr(target_os = "none", inline(never))]
    pub(crate) fn byte(&mut self, byte: u8) {
        if let Some(room) = self.buffer.get_mut(self.length) {
            *room = byte;
        }
        self.length = self.length.saturating_add(1);
    }

    /// Writes a decimal number.
    pub(crate) fn number(&mut self, value: u64) {
        let mut digits = [0; 20];
        let mut rest = value;
        let mut used = 0;
        for place in digits.iter_mut().rev() {
            let (quotient, digit) = by_ten(rest);
            *place = b'0' | digit;
            rest = quotient;
            used += 1;
            if rest == 0 {
                break;
            }
        }
        self.bytes(digits.get(20_usize.saturating_sub(used)..).unwrap_or_default());
    }

    /// Returns the bytes written.
    ///
    /// # Errors
    /// [`TooSmall`] if the bytes did not all fit.
    pub(crate) fn finish(self) -> Result<&'b [u8], TooSmall> {
        let needed = self.length;
        let buffer: &'b [u8] = self.buffer;
        buffer.get(..needed).ok_or(TooSmall { needed })
    }
}

/// Returns the quotient and the remainder of a division by ten.
const fn by_ten(value: u64) -> (u64, u8) {
    if cfg!(target_pointer_width = "64") {
        #[allow(clippy::cast_possible_truncation)]
        (value / 10, (value % 10) as u8)
    } else {
        by_ten_in_words(value)
    }
}

/// Divides by ten by long division, with 16-bit digits. Dividing 64 bits at once needs a function of 400 bytes on a 32-bit processor.
#[allow(clippy::cast_possible_truncation)]
const fn by_ten_in_words(value: u64) -> (u64, u8) {
    let high = (value >> 32) as u32;
    let middle = ((high % 10) << 16) | ((value >> 16) as u32 & 0xFFFF);
    let low = ((middle % 10) << 16) | (value as u32 & 0xFFFF);
    // The middle and the low quotient are below 2^16, because their dividends are below 10 * 2^16.
    let lower = ((middle / 10) << 16) | (low / 10);
    (((high / 10) as u64) << 32 | lower as u64, (low % 10) as u8)
}

/// Copies bytes up to the end of the shorter slice. `copy_from_slice`, if not inlined, contains a panic for different lengths.
#[inline]
pub(crate) fn copy(to: &mut [u8], from: &[u8]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = *from;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn bytes_that_do_not_fit_are_counted() {
        for room in 0..12 {
            let mut buffer = [0; 12];
            let mut writer = Writer::new(&mut buffer[..room]);
            writer.str("ab");
            writer.byte(b'-');
            writer.number(1_234_567);
            assert_eq!(writer.length(), 10);
            match writer.finish() {
                Ok(written) => assert_eq!((written, room >= 10), (&b"ab-1234567"[..], true)),
                Err(error) => assert_eq!((error.needed, room < 10), (10, true)),
            }
        }
    }

    proptest! {
        #[test]
        fn division_in_words_agrees_with_division(value: u64, bits in 0..64_u32) {
            let value = value >> bits;
            prop_assert_eq!(by_ten_in_words(value), (value / 10, (value % 10) as u8));
        }
    }

    #[test]
    fn numbers_agree_with_display() {
        for value in [0, 1, 9, 10, 99, 100, 4_294_967_295, u64::MAX] {
            let mut buffer = [0; 20];
            let mut writer = Writer::new(&mut buffer);
            writer.number(value);
            assert_eq!(writer.finish().unwrap(), std::format!("{value}").as_bytes());
        }
    }
}
