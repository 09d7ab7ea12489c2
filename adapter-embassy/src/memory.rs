//! The memory that a gateway works in.

use core::fmt;

/// The memory that a [`Gateway`](crate::Gateway) works in. The caller lends it and chooses the sizes. If a buffer is too small for a call,
/// the error names the buffer and a sufficient size ([`Failure::TooSmall`](crate::Failure::TooSmall)). [`Memory`] contains all buffers.
pub struct Buffers<'m> {
    /// The memory for a request, head and body, which is sent in one write. A request takes at most 98 bytes, plus the host, twice the
    /// target, and the body. A Digest login adds at most 86 bytes and half of [`challenge`](Self::challenge). A Basic login adds 6 bytes,
    /// and 4 for each started group of 3 bytes of `name:password`. Most challenges take far less than half of `challenge`.
    ///
    /// The longest target is that of get_port_info with all kinds and ports:
    /// [`MAX_TARGET_BYTES`](sms_gateway_core::call::MAX_TARGET_BYTES). The body of a send_sms has at most 176 bytes, plus 53 for each
    /// recipient, the number, and the text in JSON. In JSON, quotes, backslashes and line breaks take two bytes, other control characters
    /// six. So 1024 bytes suffice for the queries of a [`Messenger`](crate::Messenger) and for messages of 250 bytes. For any text of 1500
    /// bytes without such characters, 2304 suffice, or 2048 with a usual login.
    pub request: &'m mut [u8],
    /// The memory that a response is received into. Any size works for any response; a larger one is faster. The target and the login of a
    /// request are written here first. They take at most twice the target, 86 bytes, and half of [`challenge`](Self::challenge). With a
    /// `challenge` of 512 bytes, 512 bytes suffice for targets of up to 85 bytes, and 872 for all.
    pub response: &'m mut [u8],
    /// The memory for one record of a response: at least 64 bytes. 256 suffice for everything but incoming texts. A text that does not fit
    /// is [`Text::TooLong`](sms_gateway_core::json::Text::TooLong).
    pub record: &'m mut [u8],
    /// The memory for login challenges: one half holds the current one, the other receives the next one. 512 bytes usually suffice.
    pub challenge: &'m mut [u8],
}

/// Arrays for the [`Buffers`] of one gateway. `Memory::new()` has sizes that usually suffice, 6 KiB in total. The parameters set other
/// sizes: `Memory::<2048, 1024, 512, 512>::new()`.
pub struct Memory<
    const REQUEST: usize = 2048,
    const RESPONSE: usize = 1536,
    const RECORD: usize = 2048,
    const CHALLENGE: usize = 512,
> {
    request: [u8; REQUEST],
    response: [u8; RESPONSE],
    record: [u8; RECORD],
    challenge: [u8; CHALLENGE],
}

impl<const REQUEST: usize, const RESPONSE: usize, const RECORD: usize, const CHALLENGE: usize>
    Memory<REQUEST, RESPONSE, RECORD, CHALLENGE>
{
    /// Creates empty memory.
    pub const fn new() -> Self {
        Self {
            request: [0; REQUEST],
            response: [0; RESPONSE],
            record: [0; RECORD],
            challenge: [0; CHALLENGE],
        }
    }

    /// Lends the arrays.
    pub const fn buffers(&mut self) -> Buffers<'_> {
        Buffers {
            request: &mut self.request,
            response: &mut self.response,
            record: &mut self.record,
            challenge: &mut self.challenge,
        }
    }
}

impl<const REQUEST: usize, const RESPONSE: usize, const RECORD: usize, const CHALLENGE: usize> Default
    for Memory<REQUEST, RESPONSE, RECORD, CHALLENGE>
{
    fn default() -> Self {
        Self::new()
    }
}

/// Shows only sizes, because the contents include secrets.
impl fmt::Debug for Buffers<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { request, response, record, challenge } = self;
        show("Buffers", [request.len(), response.len(), record.len(), challenge.len()], f)
    }
}

/// Shows only sizes, like [`Buffers`].
impl<const REQUEST: usize, const RESPONSE: usize, const RECORD: usize, const CHALLENGE: usize> fmt::Debug
    for Memory<REQUEST, RESPONSE, RECORD, CHALLENGE>
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show("Memory", [REQUEST, RESPONSE, RECORD, CHALLENGE], f)
    }
}

fn show(name: &str, sizes: [usize; 4], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut shown = f.debug_struct(name);
    for (field, size) in ["request", "response", "record", "challenge"].into_iter().zip(&sizes) {
        shown.field(field, size);
    }
    shown.finish()
}

/// Copies as many bytes as the shorter slice has. Unlike `copy_from_slice`, it contains no panic for different lengths.
pub(crate) fn copy(to: &mut [u8], from: &[u8]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = *from;
    }
}
