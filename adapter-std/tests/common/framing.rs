//! The ends of requests and responses, as clients of this project and the emulator send them.

use std::{future::pending, io};
use tokio::{io::AsyncReadExt, net::TcpStream};

/// The end of a request or a response.
enum End {
    /// The end is after the bytes so far.
    Later,
    At(usize),
    Close,
}

/// Reads the next request. `ahead` holds bytes that were already read, and afterwards those that follow the request.
pub(super) async fn request(client: &mut TcpStream, ahead: &mut Vec<u8>) -> io::Result<Vec<u8>> {
    loop {
        let end = match end(ahead) {
            End::At(end) => Some(end),
            // A request without a length has no body.
            End::Close => head_length(ahead),
            End::Later => None,
        };
        if let Some(end) = end.filter(|end| *end <= ahead.len()) {
            let rest = ahead.split_off(end);
            return Ok(std::mem::replace(ahead, rest));
        }
        if client.read_buf(ahead).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

/// Reads the next response, and returns whether the server closes the connection after it. A truncated response is returned as it is.
pub(super) async fn response(server: &mut TcpStream) -> io::Result<(Vec<u8>, bool)> {
    let mut bytes = Vec::new();
    loop {
        if matches!(end(&bytes), End::At(end) if end <= bytes.len()) {
            return Ok((bytes, false));
        }
        if server.read_buf(&mut bytes).await? == 0 {
            return Ok((bytes, true));
        }
    }
}

/// Waits until the other side closes. If bytes arrive first, this waits forever, and the bytes remain unread.
pub(super) async fn is_closed(stream: &TcpStream) {
    if let Ok(1..) = stream.peek(&mut [0]).await {
        pending::<()>().await;
    }
}

/// Returns the length of a head, or of the trailers after the size of the last chunk.
fn head_length(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|window| window == b"\r\n\r\n").map(|position| position + 4)
}

fn end(bytes: &[u8]) -> End {
    let Some(head_length) = head_length(bytes) else { return End::Later };
    let (head, body) = bytes.split_at(head_length);
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    let length =
        head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
    if let Some(length) = length {
        End::At(head_length.saturating_add(length))
    } else if head.contains("transfer-encoding: chunked") {
        chunks_length(body).map_or(End::Later, |length| End::At(head_length + length))
    } else {
        End::Close
    }
}

/// Returns the length of a chunked body, if it is complete (RFC 9112 section 7.1).
fn chunks_length(body: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        let rest = body.get(at..)?;
        let line = rest.windows(2).position(|window| window == b"\r\n")?;
        let size = std::str::from_utf8(&rest[..line]).ok()?.split(';').next()?;
        match usize::from_str_radix(size.trim(), 16).ok()? {
            0 => return Some(at + line + head_length(&rest[line..])?),
            size => at += line + 2 + size + 2,
        }
    }
}
