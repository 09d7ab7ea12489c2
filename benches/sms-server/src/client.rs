//! A client of the server's API that does as little as possible.

use std::io;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::Instant,
};

/// A connection to the API.
pub struct Client {
    stream: TcpStream,
    account: String,
    response: Vec<u8>,
}

impl Client {
    /// Connects to the server at an address, for an account of [`start`](crate::server::start).
    ///
    /// # Errors
    /// The system's.
    pub async fn connect(address: &str, account: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, account: account.to_owned(), response: Vec::new() })
    }

    /// Sends messages with these texts to different numbers. Returns the time of the response.
    ///
    /// # Errors
    /// The system's, or a response other than 202.
    pub async fn send(
        &mut self,
        texts: impl IntoIterator<Item = (usize, String)>,
        priority: u8,
    ) -> io::Result<Instant> {
        let messages: Vec<_> = texts
            .into_iter()
            .map(|(number, text)| {
                format!(
                    r#"{{"to":"+86138{:08}","text":"{text}","priority":{priority}}}"#,
                    number % 100_000_000
                )
            })
            .collect();
        let body = format!(r#"{{"messages":[{}]}}"#, messages.join(","));
        let head = format!(
            "POST /v1/messages HTTP/1.1\r\nHost: server\r\nAuthorization: Bearer sk_{}\r\nContent-Length: {}\r\n\r\n",
            self.account,
            body.len()
        );
        self.stream.write_all((head + &body).as_bytes()).await?;
        self.read().await?;
        let at = Instant::now();
        if self.response.starts_with(b"HTTP/1.1 202 ") {
            Ok(at)
        } else {
            Err(io::Error::other(String::from_utf8_lossy(&self.response).into_owned()))
        }
    }

    /// Reads a response with a Content-Length.
    async fn read(&mut self) -> io::Result<()> {
        self.response.clear();
        loop {
            if self.stream.read_buf(&mut self.response).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let Some(head) = self.response.windows(4).position(|end| end == b"\r\n\r\n") else { continue };
            let text =
                String::from_utf8_lossy(self.response.get(..head).unwrap_or_default()).to_ascii_lowercase();
            let length = text
                .lines()
                .find_map(|line| line.strip_prefix("content-length: ")?.trim().parse::<usize>().ok());
            let length = length.ok_or_else(|| io::Error::other("a response without Content-Length"))?;
            if self.response.len() >= head + 4 + length {
                return Ok(());
            }
        }
    }
}
