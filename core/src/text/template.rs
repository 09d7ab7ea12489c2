//! The `#param#` placeholders of `send_sms` (section 2.2 of the gateway's API document, version 0.4).
//!
//! Each recipient has its own `text_param` array. The gateway replaces the placeholders with the elements of this array, from
//! left to right. This module does the same, so that each recipient's text can be checked before it is sent.

use super::{Encoding, NotInAlphabet, Shape, shape};
use crate::TooSmall;
use crate::writer::Writer;
use core::{fmt, slice};

/// The placeholder. It is matched exactly, in lower case.
///
/// To send a text that contains a literal `#param#`, send `PLACEHOLDER` as the template and the text as its only parameter.
/// Parameters are not expanded again.
pub const PLACEHOLDER: &str = "#param#";

/// Counts the placeholders of a text, from left to right without overlaps.
///
/// ```
/// use sms_gateway_core::text::placeholders;
///
/// assert_eq!(placeholders("#param# and #param#"), 2);
/// // Two placeholders would share a #.
/// assert_eq!(placeholders("#param#param#"), 1);
/// ```
pub fn placeholders(text: &str) -> usize {
    let mut count = 0_usize;
    let mut rest = text;
    while let Some((_, behind)) = cut(rest) {
        count = count.saturating_add(1);
        rest = behind;
    }
    count
}

/// Returns the text before and after the first placeholder.
fn cut(text: &str) -> Option<(&str, &str)> {
    let at =
        text.as_bytes().windows(PLACEHOLDER.len()).position(|window| window == PLACEHOLDER.as_bytes())?;
    let (before, rest) = text.split_at_checked(at)?;
    Some((before, rest.strip_prefix(PLACEHOLDER)?))
}

/// A number of parameters that differs from the number of placeholders. The document does not specify what the gateway sends in
/// this case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WrongCount {
    /// Number of placeholders in the text.
    pub placeholders: usize,
    /// Number of parameters.
    pub parameters: usize,
}

impl fmt::Display for WrongCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { placeholders, parameters } = self;
        write!(f, "{parameters} parameters were given for {placeholders} placeholders {PLACEHOLDER}")
    }
}

impl core::error::Error for WrongCount {}

/// A text with its placeholders counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Template<'t> {
    text: &'t str,
    placeholders: usize,
}

impl<'t> Template<'t> {
    /// Creates a template. A text without placeholders is a template too.
    pub fn new(text: &'t str) -> Self {
        Self { text, placeholders: placeholders(text) }
    }

    /// Returns the text with its placeholders.
    pub fn text(&self) -> &'t str {
        self.text
    }

    /// Returns the number of placeholders.
    pub fn placeholders(&self) -> usize {
        self.placeholders
    }

    /// Replaces the placeholders with the parameters, in order. The parameters are not expanded: a placeholder
    /// in a parameter is kept.
    ///
    /// # Errors
    /// [`WrongCount`] if the numbers of parameters and placeholders differ.
    ///
    /// # Example
    /// ```
    /// use sms_gateway_core::text::{Template, WrongCount};
    ///
    /// let template = Template::new("#param#: #param# °C");
    /// let mut buffer = [0; 40];
    /// assert_eq!(template.expand(&["Cellar", "12"])?.write(&mut buffer), Ok("Cellar: 12 °C"));
    ///
    /// let error = template.expand(&["Cellar"]).unwrap_err();
    /// assert_eq!(error, WrongCount { placeholders: 2, parameters: 1 });
    /// # Ok::<(), WrongCount>(())
    /// ```
    pub fn expand<'a>(&self, parameters: &'a [&'a str]) -> Result<Expansion<'a>, WrongCount>
    where
        't: 'a,
    {
        if parameters.len() != self.placeholders {
            return Err(WrongCount { placeholders: self.placeholders, parameters: parameters.len() });
        }
        Ok(Expansion { text: self.text, parameters })
    }
}

/// One recipient's text: a template with its parameters. The text is assembled each time it is read.
#[derive(Clone, Copy, Debug)]
pub struct Expansion<'a> {
    text: &'a str,
    parameters: &'a [&'a str],
}

impl<'a> Expansion<'a> {
    /// Returns the pieces of the text in order. Some may be empty.
    pub fn pieces(&self) -> Pieces<'a> {
        Pieces { rest: Some(self.text), parameter: None, parameters: self.parameters.iter() }
    }

    /// Returns the characters of the text.
    pub fn chars(&self) -> impl Iterator<Item = char> + use<'a> {
        self.pieces().flat_map(str::chars)
    }

    /// Returns the length in bytes of UTF-8.
    pub fn len(&self) -> usize {
        self.pieces().map(str::len).fold(0, usize::saturating_add)
    }

    /// Returns whether the text is empty.
    pub fn is_empty(&self) -> bool {
        self.pieces().all(str::is_empty)
    }

    /// Returns the shape of the text: see [`shape`].
    ///
    /// # Errors
    /// [`NotInAlphabet`] with the position in the expanded text. It only occurs with [`Encoding::Gsm7Bit`].
    pub fn shape(&self, encoding: Encoding) -> Result<Shape, NotInAlphabet> {
        shape(self.chars(), encoding)
    }

    /// Writes the text to the start of the lent buffer. The text takes [`len`](Self::len) bytes.
    ///
    /// # Errors
    /// [`TooSmall`] with the size needed.
    pub fn write<'b>(&self, out: &'b mut [u8]) -> Result<&'b str, TooSmall> {
        let mut writer = Writer::new(out);
        self.pieces().for_each(|piece| writer.str(piece));
        // Only whole strings were written, so this is UTF-8.
        Ok(core::str::from_utf8(writer.finish()?).unwrap_or_default())
    }
}

impl<'a> IntoIterator for Expansion<'a> {
    type Item = &'a str;
    type IntoIter = Pieces<'a>;

    fn into_iter(self) -> Pieces<'a> {
        self.pieces()
    }
}

impl fmt::Display for Expansion<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.pieces().try_for_each(|piece| f.write_str(piece))
    }
}

/// The pieces of an [`Expansion`]: see [`Expansion::pieces`].
#[derive(Clone, Debug)]
pub struct Pieces<'a> {
    /// The rest of the template.
    rest: Option<&'a str>,
    /// The next piece, if it is a parameter.
    parameter: Option<&'a str>,
    parameters: slice::Iter<'a, &'a str>,
}

impl<'a> Iterator for Pieces<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        if let Some(parameter) = self.parameter.take() {
            return Some(parameter);
        }
        let rest = self.rest.take()?;
        let Some((before, behind)) = cut(rest) else { return Some(rest) };
        self.parameter = self.parameters.next().copied();
        self.rest = Some(behind);
        Some(before)
    }
}

impl core::iter::FusedIterator for Pieces<'_> {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::string::{String, ToString};
    use std::vec::Vec;

    fn expanded(text: &str, parameters: &[&str]) -> String {
        Template::new(text).expand(parameters).unwrap().to_string()
    }

    #[test]
    fn placeholders_are_found_from_left_to_right() {
        for (text, count) in [
            ("", 0),
            ("#param", 0),
            ("#PARAM#", 0),
            ("#param#", 1),
            ("##param##", 1),
            ("#param#param#", 1),
            ("#param##param#", 2),
            ("#para#param#m#", 1),
            ("é#param#é", 1),
        ] {
            assert_eq!(placeholders(text), count, "{text}");
            assert_eq!(Template::new(text).placeholders(), count);
        }
    }

    #[test]
    fn parameters_are_not_expanded() {
        assert_eq!(expanded("#param#", &["#param#"]), "#param#");
        assert_eq!(expanded("#par#param#", &["am#"]), "#param#");
        assert_eq!(expanded("<#param##param#>", &["#par", "am#"]), "<#param#>");
    }

    #[test]
    fn number_of_parameters_must_match_the_placeholders() {
        for given in 0..4 {
            let parameters = ["p"; 4];
            let result = Template::new("#param##param#").expand(&parameters[..given]);
            match result {
                Ok(_) => assert_eq!(given, 2),
                Err(error) => {
                    assert_eq!(error, WrongCount { placeholders: 2, parameters: given });
                    assert_ne!(given, 2);
                }
            }
        }
    }

    #[test]
    fn error_has_the_position_in_the_expanded_text() {
        let parameters = ["é", "ç"];
        let expansion = Template::new("#param#-#param#").expand(&parameters).unwrap();
        let error = expansion.shape(Encoding::Gsm7Bit).unwrap_err();
        assert_eq!(error, NotInAlphabet { character: 'ç', index: 2, offset: 3 });
    }

    #[test]
    fn expansion_without_text_is_empty() {
        let empty = [""];
        let expansion = Template::new("#param#").expand(&empty).unwrap();
        assert!(expansion.is_empty());
        assert_eq!((expansion.len(), expansion.write(&mut [])), (0, Ok("")));
        assert!(!Template::new(" ").expand(&[]).unwrap().is_empty());
    }

    proptest! {
        #[test]
        fn expansion_agrees_with_splitting_and_joining(text in "(#param#|#|param|é|😀){0,12}", seed in "[#param é]{0,9}") {
            let parts: Vec<&str> = text.split(PLACEHOLDER).collect();
            prop_assert_eq!(placeholders(&text), parts.len() - 1);
            let parameters: Vec<String> = (1..parts.len()).map(|n| seed.repeat(n % 3)).collect();
            let parameters: Vec<&str> = parameters.iter().map(String::as_str).collect();
            let mut whole = String::from(parts[0]);
            for (parameter, part) in parameters.iter().zip(&parts[1..]) {
                whole.push_str(parameter);
                whole.push_str(part);
            }

            let expansion = Template::new(&text).expand(&parameters).unwrap();
            prop_assert_eq!(expansion.to_string(), whole.as_str());
            prop_assert_eq!(expansion.chars().collect::<String>(), whole.as_str());
            prop_assert_eq!(expansion.into_iter().collect::<String>(), whole.as_str());
            prop_assert_eq!(expansion.len(), whole.len());
            for encoding in [Encoding::Auto, Encoding::Gsm7Bit, Encoding::Unicode] {
                prop_assert_eq!(expansion.shape(encoding), shape(whole.chars(), encoding));
            }
            for room in 0..=whole.len() + 1 {
                let mut buffer = std::vec![0xAA; room];
                let needed = whole.len();
                let expected = if room < needed { Err(TooSmall { needed }) } else { Ok(whole.as_str()) };
                prop_assert_eq!(expansion.write(&mut buffer), expected);
            }
        }
    }
}
