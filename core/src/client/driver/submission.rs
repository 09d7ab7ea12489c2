//! The request that submits messages.

use crate::{
    Invalid, Ports,
    call::{Recipient, SendSms},
    text::{Alphabet, PLACEHOLDER},
};

/// Builds the request that submits several messages together. The text of the request is only the placeholder `#param#`, and
/// each recipient's parameter is the whole text of its message.
///
/// # Errors
/// [`Invalid`] if a text breaks a limit of the API.
pub fn send_sms<'a>(
    recipients: &'a [Recipient<'a>],
    ports: Ports,
    alphabet: Option<Alphabet>,
    status_report: bool,
) -> Result<SendSms<'a>, Invalid> {
    let mut request = SendSms::new(PLACEHOLDER, recipients)?.ports(ports);
    if let Some(alphabet) = alphabet {
        request = request.encoding(alphabet.into())?;
    }
    Ok(if status_report { request } else { request.status_report(false) })
}
