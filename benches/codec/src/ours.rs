//! This library's typed decoders, over a small buffer and in constant memory.

use sms_gateway_core::{
    call::{Call, Decoder, IncomingSms, IncomingSmsSummary, SmsResult, SmsResultSummary},
    json::{Field, ReadError},
};

use crate::checksum::{Checksum, Summed};

/// Reads a response in pieces of at most `piece` bytes.
pub(crate) fn read<C: Call>(response: &[u8], piece: usize, buffer: &mut [u8]) -> Result<u64, ReadError>
where
    for<'a> C::Record<'a>: Summed,
    for<'a> C::Summary<'a>: Summed,
{
    let mut sum = Checksum::default();
    let mut decoder = Decoder::<C, _>::new(buffer);
    for mut piece in response.chunks(piece) {
        while let Some(record) = decoder.next(&mut piece)? {
            sum.add(&record);
        }
    }
    sum.add(&decoder.finish()?);
    Ok(sum.value())
}

fn known<T: Copy>(field: Field<'_, T>) -> T {
    field.get().expect("generated values have the documented form")
}

impl Summed for SmsResult<'_> {
    fn add_to(&self, sum: &mut Checksum) {
        sum.number(known(self.port));
        sum.number(known(self.user_id).cast_unsigned());
        sum.text(self.number.as_str());
        sum.time(known(self.time));
        sum.number(known(self.status) as u64);
        sum.number(known(self.count));
        sum.number(known(self.succ_count));
        sum.number(known(self.ref_id));
        sum.text(self.imsi.as_str());
    }
}

impl Summed for SmsResultSummary<'_> {
    fn add_to(&self, sum: &mut Checksum) {
        sum.number(known(self.error_code));
        sum.text(self.sn.as_str());
    }
}

impl Summed for IncomingSms<'_> {
    fn add_to(&self, sum: &mut Checksum) {
        sum.number(known(self.incoming_sms_id).cast_unsigned());
        sum.number(known(self.port));
        sum.text(self.number.as_str());
        sum.text(self.smsc.as_str());
        sum.time(known(self.timestamp));
        sum.text(self.text.as_str());
        sum.text(self.imsi.as_str());
    }
}

impl Summed for IncomingSmsSummary<'_> {
    fn add_to(&self, sum: &mut Checksum) {
        sum.number(known(self.error_code));
        sum.number(known(self.read));
        sum.number(known(self.unread));
        sum.text(self.sn.as_str());
    }
}
