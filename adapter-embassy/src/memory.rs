//! The memory that a gateway works in.

use core::fmt;

/// The memory that a [`Gateway`](crate::Gateway) works in, lent by the caller. Each has a size of the caller's choice; a call that one is too
/// small for says which and how much is needed ([`Error::TooSmall`](crate::Error::TooSmall)). [`Memory`] has them all.
pub struct Buffers<'m> {
    /// Where a request is written, head and body, to leave in one write. At most that is 98 bytes, the host, twice the target, the
    /// body, and with a login 86 bytes and half of [`challenge`](Self::challenge), or for Basic 6 bytes and 4 for each begun 3 of
    /// `name:password`. Most gateways' challenges take far less than half of `challenge`.
    ///
    /// The longest target, that of get_port_info for all kinds of all ports, has
    /// [`MAX_TARGET_BYTES`](sms_gateway_core::call::MAX_TARGET_BYTES). The body of a send_sms has at most 176 bytes, and for each
    /// recipient 53, the number and the text as it is in JSON: quotes and line breaks take two bytes, other control characters six. So
    /// 1024 bytes do for the questions of a [`Messenger`](crate::Messenger) and for messages of 250 bytes, and 2304 for any text of 1500
    /// without such characters, 2048 with a usual login.
    pub request: &'m mut [u8],
    /// Where the bytes of an answer come in: any size does for any answer; larger is faster. Before that the request's target and login
    /// are written here: at most twice the target, 86 bytes and half of [`challenge`](Self::challenge), so that 512 bytes do for targets of up
    /// to 85 bytes, and 872 for all.
    pub response: &'m mut [u8],
    /// Where one record of an answer is held: at least 64 bytes; 256 do for all but incoming texts. A longer text comes out as
    /// [`Text::TooLong`](sms_gateway_core::json::Text::TooLong).
    pub record: &'m mut [u8],
    /// Where the login's challenge is kept, in one half, and the next one comes in, in the other: 512 bytes do as a rule.
    pub challenge: &'m mut [u8],
}

/// Arrays for the [`Buffers`] of one gateway. `Memory::new()` has the sizes that do as a rule, 6 KiB together; other sizes are other
/// parameters: `Memory::<2048, 1024, 512, 512>::new()`.
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
    /// Memory that holds nothing yet.
    pub const fn new() -> Self {
        Self {
            request: [0; REQUEST],
            response: [0; RESPONSE],
            record: [0; RECORD],
            challenge: [0; CHALLENGE],
        }
    }

    /// Lends it.
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

/// Shows sizes: what calls leave behind has secrets among it.
impl fmt::Debug for Buffers<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { request, response, record, challenge } = self;
        show("Buffers", [request.len(), response.len(), record.len(), challenge.len()], f)
    }
}

/// Shows sizes, as [`Buffers`] do.
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

/// Copies as many bytes as both have. `copy_from_slice`, where it is not inlined, keeps a panic for lengths that differ.
pub(crate) fn copy(to: &mut [u8], from: &[u8]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = *from;
    }
}
