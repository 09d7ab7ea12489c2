//! The memory that a gateway works in, and its time limits.

use core::fmt;

use embassy_time::Duration;

/// The memory that a [`Gateway`](crate::Gateway) works in, lent by the caller. Each has a size of the caller's choice; a call that one is too
/// small for says which and how much is needed ([`Error::TooSmall`](crate::Error::TooSmall)). [`Memory`] has them all.
pub struct Buffers<'m> {
    /// Where a request is written, head and body, to leave in one write. At most that is 98 bytes, the host, twice the target, the
    /// body, and with a login 86 bytes and half of [`login`](Self::login), or for Basic 6 bytes and 4 for each begun 3 of
    /// `name:password`. Most gateways' challenges take far less than half of `login`.
    ///
    /// The longest target, that of get_port_info for all kinds of all ports, has
    /// [`MAX_TARGET_BYTES`](sms_gateway_core::call::MAX_TARGET_BYTES). The body of a send_sms has at most 176 bytes, and for each
    /// recipient 53, the number and the text as it is in JSON: quotes and line breaks take two bytes, other control characters six. So
    /// 1024 bytes do for the questions of a [`Messenger`](crate::Messenger) and for messages of 250 bytes, and 2304 for any text of 1500
    /// without such characters, 2048 with a usual login.
    pub request: &'m mut [u8],
    /// Where the bytes of an answer come in: any size does for any answer; larger is faster. Before that the request's target and login
    /// are written here: at most twice the target, 86 bytes and half of [`login`](Self::login), so that 512 bytes do for targets of up
    /// to 85 bytes, and 872 for all.
    pub answer: &'m mut [u8],
    /// Where one record of an answer is held: at least 64 bytes; 256 do for all but incoming texts. A longer text comes out as
    /// [`Text::TooLong`](sms_gateway_core::json::Text::TooLong).
    pub record: &'m mut [u8],
    /// Where the login's challenge is kept, in one half, and the next one comes in, in the other: 512 bytes do as a rule.
    pub login: &'m mut [u8],
}

/// Arrays for the [`Buffers`] of one gateway. `Memory::new()` has the sizes that do as a rule, 6 KiB together; other sizes are other
/// parameters: `Memory::<2048, 1024, 512, 512>::new()`.
pub struct Memory<
    const REQUEST: usize = 2048,
    const ANSWER: usize = 1536,
    const RECORD: usize = 2048,
    const LOGIN: usize = 512,
> {
    request: [u8; REQUEST],
    answer: [u8; ANSWER],
    record: [u8; RECORD],
    login: [u8; LOGIN],
}

impl<const REQUEST: usize, const ANSWER: usize, const RECORD: usize, const LOGIN: usize>
    Memory<REQUEST, ANSWER, RECORD, LOGIN>
{
    /// Memory that holds nothing yet.
    pub const fn new() -> Self {
        Self { request: [0; REQUEST], answer: [0; ANSWER], record: [0; RECORD], login: [0; LOGIN] }
    }

    /// Lends it.
    pub const fn buffers(&mut self) -> Buffers<'_> {
        Buffers {
            request: &mut self.request,
            answer: &mut self.answer,
            record: &mut self.record,
            login: &mut self.login,
        }
    }
}

impl<const REQUEST: usize, const ANSWER: usize, const RECORD: usize, const LOGIN: usize> Default
    for Memory<REQUEST, ANSWER, RECORD, LOGIN>
{
    fn default() -> Self {
        Self::new()
    }
}

/// Shows sizes: what calls leave behind has secrets among it.
impl fmt::Debug for Buffers<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { request, answer, record, login } = self;
        show("Buffers", [request.len(), answer.len(), record.len(), login.len()], f)
    }
}

/// Shows sizes, as [`Buffers`] do.
impl<const REQUEST: usize, const ANSWER: usize, const RECORD: usize, const LOGIN: usize> fmt::Debug
    for Memory<REQUEST, ANSWER, RECORD, LOGIN>
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show("Memory", [REQUEST, ANSWER, RECORD, LOGIN], f)
    }
}

fn show(name: &str, sizes: [usize; 4], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut shown = f.debug_struct(name);
    for (field, size) in ["request", "answer", "record", "login"].into_iter().zip(&sizes) {
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

/// Limits on how long things may take. The defaults are generous, for a small device that is busy with radio.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// On connecting: 10 s.
    pub connect: Duration,
    /// From a request to its answer's head: 30 s.
    pub answer: Duration,
    /// On the wait for an answer's next byte: 30 s.
    pub idle: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            answer: Duration::from_secs(30),
            idle: Duration::from_secs(30),
        }
    }
}
