//! Input of commands from files and standard input, such as the text and the recipients of `send`.

use std::{
    fs,
    io::{self, BufRead, IsTerminal, Read, Write},
};

use crate::{
    args::{Send, To},
    failure::Failure,
};

/// The file name that stands for standard input.
pub(crate) const STDIN: &str = "-";

/// Reads the files that the command line names, and asks for confirmation before an empty text is sent.
pub(crate) fn complete(send: &mut Send) -> Result<(), Failure> {
    if stdin_uses(send) > 1 {
        return Err(Failure::usage("standard input can be read only once: give `-` once"));
    }
    if let Some(file) = &send.text_file {
        let text = read_text(file)?;
        // Editors add a line feed to the last line, which is not meant to be sent.
        let end = if text.ends_with("\r\n") { "\r\n" } else { "\n" };
        send.text = Some(text.strip_suffix(end).unwrap_or(&text).to_owned());
    }
    for file in &send.to_file {
        send.to.extend(recipients(file, &read_text(file)?)?);
    }
    if send.to.is_empty() {
        return Err(Failure::usage("no recipients: the files name none"));
    }
    if send.text().is_empty() && !send.dry_run && !send.yes { confirm_empty(send) } else { Ok(()) }
}

/// Reads a file, or standard input if its name is [`STDIN`].
pub(crate) fn read(file: &str) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let read =
        if file == STDIN { io::stdin().read_to_end(&mut bytes).map(|_| bytes) } else { fs::read(file) };
    read.map_err(|error| Failure::usage(format!("{}: {error}", name(file))))
}

fn read_text(file: &str) -> Result<String, Failure> {
    String::from_utf8(read(file)?).map_err(|_| Failure::usage(format!("{}: not UTF-8", name(file))))
}

fn name(file: &str) -> &str {
    if file == STDIN { "the standard input" } else { file }
}

/// Returns how often the command line names standard input.
fn stdin_uses(send: &Send) -> usize {
    send.to_file.iter().chain(&send.text_file).filter(|file| *file == STDIN).count()
}

/// Parses one recipient per line. Empty lines and comments are skipped.
fn recipients(file: &str, text: &str) -> Result<Vec<To>, Failure> {
    let lines = text.lines().map(str::trim).zip(1..);
    let lines = lines.filter(|(line, _)| !line.is_empty() && !line.starts_with('#'));
    let recipient = |(line, place): (&str, u32)| {
        line.parse::<To>().map_err(|error| Failure::usage(format!("{}, line {place}: {error}", name(file))))
    };
    lines.map(recipient).collect()
}

/// Asks on the terminal whether an empty text is intended.
fn confirm_empty(send: &Send) -> Result<(), Failure> {
    if stdin_uses(send) > 0 || !io::stdin().is_terminal() {
        return Err(Failure::usage("the text is empty; with --yes it is sent all the same"));
    }
    let _ = write!(io::stderr(), "The text is empty. Send it all the same? [y/N] ");
    let mut answer = String::new();
    let _ = io::stdin().lock().read_line(&mut answer);
    if matches!(answer.trim(), "y" | "Y" | "yes") { Ok(()) } else { Err(Failure::usage("nothing was sent")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_recipients_may_have_comments() {
        let text = "# team\n\n+8613800138000=Ann\n  10086  \r\n#10010\n";
        let numbers: Vec<_> = recipients("team.txt", text).unwrap();
        let numbers: Vec<_> = numbers.iter().map(|to| to.number.number().unwrap().to_string()).collect();
        assert_eq!(numbers, ["+8613800138000", "10086"]);
    }

    #[test]
    fn an_error_in_a_file_names_the_line() {
        let error = recipients("team.txt", "10086\n\nAnn\n").unwrap_err().to_string();
        assert!(error.starts_with("team.txt, line 3: "), "{error}");
    }
}
