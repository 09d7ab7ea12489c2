//! Batches are split into requests by the limits of the API and the encodings of their messages.

use sms_gateway::{
    Batch, Invalid, Number,
    core::{call::Recipient, text::Encoding},
};

fn batch<'a>(recipients: &'a [Recipient<'a>], encoding: Option<Encoding>) -> Vec<(usize, usize)> {
    let batch = Batch::new("#param#", recipients);
    let batch = encoding.map_or(batch, |encoding| batch.encoding(encoding));
    let parts = batch.requests().unwrap();
    parts.iter().map(|part| (part.indices[0], part.indices.len())).collect()
}

#[test]
fn a_part_has_at_most_128_recipients() {
    let one = Recipient::new(Number::new("1").unwrap()).params(&["x"]);
    assert_eq!(batch(&[one; 127], None), [(0, 127)]);
    assert_eq!(batch(&[one; 128], None), [(0, 128)]);
    assert_eq!(batch(&[one; 129], None), [(0, 128), (128, 1)]);
    assert_eq!(Batch::new("", &[]).requests().err(), Some(Invalid::Recipients { count: 0 }));
}

#[test]
fn auto_groups_recipients_by_the_alphabet_of_their_text() {
    let to = Recipient::new(Number::new("1").unwrap());
    let recipients = [to.params(&["x"]), to.params(&["你"]), to.params(&["y"])];
    assert_eq!(batch(&recipients, Some(Encoding::Auto)), [(0, 2), (1, 1)]);
    assert_eq!(batch(&recipients, Some(Encoding::Unicode)), [(0, 3)]);
    let seven_bit = Batch::new("#param#", &recipients).encoding(Encoding::Gsm7Bit);
    assert_eq!(seven_bit.requests().err(), Some(Invalid::Alphabet { recipient: 1, character: '你' }));
}

#[test]
fn an_invalid_recipient_is_reported_by_its_index_in_the_batch() {
    let to = Recipient::new(Number::new("1").unwrap());
    let mut recipients = vec![to.params(&["x"]); 130];
    recipients[129] = to;
    let wrong = Invalid::TextParams { recipient: 129, placeholders: 1, params: 0 };
    assert_eq!(Batch::new("#param#", &recipients).requests().err(), Some(wrong));
}
