//! Responses of gateways and other servers, byte by byte, with the expected results. Other packages can include this table with
//! `#[path]`, because it depends only on the core.

use sms_gateway_core::http::{
    CloseReason::{Asked, Http10, Surplus},
    ResponseErrorKind::{
        self, BodyCutOff, ChunkEnd, ChunkSize, Coding, Control, Field, HeadCutOff, Length, LengthAndCoding,
        LengthsDiffer, NoAnswer, NotHttp, Status, Switched,
    },
    Verdict,
};

/// The bytes that a connection delivers until it ends, with the expected result.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Script {
    pub(crate) name: &'static str,
    pub(crate) bytes: &'static [u8],
    /// The status code, if the head can be read.
    pub(crate) status: Option<u16>,
    /// The body, as far as it can be read.
    pub(crate) body: &'static [u8],
    pub(crate) challenges: &'static [&'static str],
    pub(crate) location: Option<&'static str>,
    pub(crate) end: End,
}

/// The end of reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The response is complete before the connection ends, with this verdict on the connection.
    Whole(Verdict),
    /// The response is complete when the connection ends.
    WithConnection,
    /// The response can't be read after this number of bytes.
    Broken(ResponseErrorKind, u64),
}

const KEEP: End = End::Whole(Verdict::Keep);
const ASKED: End = End::Whole(Verdict::Close(Asked));
const HTTP_1_0: End = End::Whole(Verdict::Close(Http10));
const SURPLUS: End = End::Whole(Verdict::Close(Surplus));

const fn read(
    name: &'static str,
    bytes: &'static [u8],
    status: u16,
    body: &'static [u8],
    end: End,
) -> Script {
    Script { name, bytes, status: Some(status), body, challenges: &[], location: None, end }
}

/// Creates a script whose head can't be read.
const fn refused(name: &'static str, bytes: &'static [u8], kind: ResponseErrorKind, offset: u64) -> Script {
    let end = End::Broken(kind, offset);
    Script { name, bytes, status: None, body: b"", challenges: &[], location: None, end }
}

/// Creates a script whose body can't be read to its end.
const fn broken(
    name: &'static str,
    bytes: &'static [u8],
    body: &'static [u8],
    kind: ResponseErrorKind,
    offset: u64,
) -> Script {
    read(name, bytes, 200, body, End::Broken(kind, offset))
}

impl Script {
    const fn challenges(self, challenges: &'static [&'static str]) -> Self {
        Self { challenges, ..self }
    }

    const fn location(self, location: &'static str) -> Self {
        Self { location: Some(location), ..self }
    }
}

#[rustfmt::skip]
pub(crate) const SCRIPTS: &[Script] = &[
    // Responses of gateways.
    read("a device's response", b"HTTP/1.1 200 Data follows\r\nServer: GoAhead\r\nContent-Type: application/json\r\n\
        Content-Length: 31\r\nConnection: keep-alive\r\n\r\n{\"error_code\":200,\"in_queue\":0}",
        200, b"{\"error_code\":200,\"in_queue\":0}", KEEP),
    read("a device's 401", b"HTTP/1.1 401 Unauthorized\r\nContent-Type: text/html\r\nWWW-Authenticate: Digest realm=\"Web Server\", \
        domain=\"\",qop=\"auth\", nonce=\"3f4a9be2c1d05e77\", opaque=\"5ccc069c403ebaf9\",algorithm=\"MD5\", stale=\"FALSE\"\r\n\
        Connection: close\r\n\r\n<html>Access denied</html>", 401, b"<html>Access denied</html>", End::WithConnection)
        .challenges(&["Digest realm=\"Web Server\", domain=\"\",qop=\"auth\", nonce=\"3f4a9be2c1d05e77\", \
            opaque=\"5ccc069c403ebaf9\",algorithm=\"MD5\", stale=\"FALSE\""]),
    read("a redirect to TLS", b"HTTP/1.1 302 Found\r\nLocation: https://192.168.1.9/api\r\nContent-Length: 0\r\n\r\n",
        302, b"", KEEP).location("https://192.168.1.9/api"),
    read("a redirect to a login page", b"HTTP/1.0 302 Redirect\r\nwww-authenticate: Basic realm=x\r\nlocation:\t/login.htm \r\n\r\n<html>",
        302, b"<html>", End::WithConnection).location("/login.htm"),
    read("an old device", b"HTTP/1.0 200 OK\r\nServer: thttpd\r\nContent-Length: 2\r\n\r\n{}", 200, b"{}", HTTP_1_0),

    // The end of a body.
    read("a length", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, b"hello", KEEP),
    read("a length of 0", b"HTTP/1.1 500 Oh\r\ncontent-length:0\r\n\r\n", 500, b"", KEEP),
    read("a length in odd spelling", b"HTTP/1.1 200 OK\r\ncOnTeNt-LeNgTh:   \t 005 \t \r\n\r\nhello", 200, b"hello", KEEP),
    read("a length twice", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: y\r\nContent-Length: 05\r\n\r\nhello", 200, b"hello", KEEP),
    read("a length as a list", b"HTTP/1.1 200 OK\r\nContent-Length: 5, 5 ,5\r\n\r\nhello", 200, b"hello", KEEP),
    read("to the end of the connection", b"HTTP/1.1 200 OK\r\nContent-Type: a\r\n\r\nhello", 200, b"hello", End::WithConnection),
    read("to the end, without anything", b"HTTP/1.1 200 OK\r\n\r\n", 200, b"", End::WithConnection),
    read("to the end, with HTTP/1.0", b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\nhello\r\n\r\n", 200, b"hello\r\n\r\n",
        End::WithConnection),
    read("chunks", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1\r\n\n\r\n0\r\n\r\n", 200, b"hello\n", KEEP),
    read("chunks with sizes in any case", b"HTTP/1.1 200 OK\r\ntransfer-encoding:CHUNKED\r\n\r\n0a\r\n0123456789\r\n000B\r\n\
        abcdefghijk\r\n00\r\n\r\n", 200, b"0123456789abcdefghijk", KEEP),
    read("chunks with extensions", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b;c=\"d;\te\"\r\nhe\r\n3 \t; x\r\nllo\r\n\
        0;last\r\n\r\n", 200, b"hello", KEEP),
    read("chunks with spaces after sizes", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5   \r\nhello\r\n0 \r\n\r\n", 200, b"hello", KEEP),
    read("chunks with trailers", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n5\r\nhello\r\n0\r\nX: y\r\n z\r\n\
        Content-Length: 9\r\nConnection: close\r\nTransfer-Encoding: gzip\r\n\r\n", 200, b"hello", KEEP),
    read("chunks, none", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 200, b"", KEEP),
    read("chunks with bare line feeds", b"HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n5\nhello\n0\nX: y\n\n", 200, b"hello", KEEP),
    read("chunks of HTTP/1.0", b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        200, b"hello", HTTP_1_0),
    read("204 has no body", b"HTTP/1.1 204 No Content\r\n\r\n", 204, b"", KEEP),
    read("204 has none whatever it says", b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello", 204, b"", SURPLUS),
    read("304 has none in chunks either", b"HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n", 304, b"", KEEP),
    read("205 is like others", b"HTTP/1.1 205 Reset Content\r\nContent-Length: 1\r\n\r\nx", 205, b"x", KEEP),

    // Forms of a head.
    read("no reason", b"HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", 200, b"", KEEP),
    read("no reason and no space", b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", 200, b"", KEEP),
    read("a reason in another language", b"HTTP/1.1 200 \xC3\xA7a  va\t\xFF\r\nContent-Length: 0\r\n\r\n", 200, b"", KEEP),
    read("a later minor version", b"HTTP/1.2 200 OK\r\nContent-Length: 0\r\n\r\n", 200, b"", KEEP),
    read("an unknown status", b"HTTP/1.1 999 Hm\r\nContent-Length: 0\r\n\r\n", 999, b"", KEEP),
    read("bare line feeds", b"HTTP/1.1 200 OK\nContent-Length: 5\r\nX: y\n\nhello", 200, b"hello", KEEP),
    read("empty lines before the status line", b"\r\n\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200, b"", KEEP),
    read("folded lines", b"HTTP/1.1 401 No\r\nX: y\r\n  Content-Length: 7\r\nWWW-Authenticate: Basic\r\n\t realm=\"a\r\n b\"\r\n \r\n\
        Content-Length:\r\n 0\r\n\r\n", 401, b"", KEEP).challenges(&["Basic  realm=\"a b\""]),
    read("white space before a colon", b"HTTP/1.1 200 OK\r\nContent-Length \t: 0\r\n\r\n", 200, b"", KEEP),
    read("fields without a value", b"HTTP/1.1 401 No\r\nX:\r\nWWW-Authenticate:\r\nConnection: \r\nwww-authenticate: \t\r\nContent-Length: 0\r\n\r\n",
        401, b"", KEEP),
    read("names that are nearly known", b"HTTP/1.1 200 OK\r\nContent-Length2: 7\r\nContent-Lengt: 8\r\nXTransfer-Encoding: gzip\r\n\
        Transfer-Encoding-Which-Is-Longer: x\r\n!#$%&'*+-.^_`|~19azAZ: \xFF\r\nContent-Length: 0\r\n\r\n", 200, b"", KEEP),
    read("challenges", b"HTTP/1.1 401 No\r\nWWW-Authenticate: Negotiate\r\nLocation: /\r\nwww-authenticate:Digest realm=\"a, b\", nonce=n\t\r\n\
        WWW-Authenticate: Basic realm=\"\xE4\xBD\xA0\"\r\nWWW-Authenticate: Basic realm=\"\xFF\"\r\nContent-Length: 0\r\n\r\n", 401, b"", KEEP)
        .challenges(&["Negotiate", "Digest realm=\"a, b\", nonce=n", "Basic realm=\"\u{4F60}\""]),
    read("challenges without status 401", b"HTTP/1.1 200 OK\r\nWWW-Authenticate: Basic realm=x\r\nLocation: /\r\nContent-Length: 0\r\n\r\n",
        200, b"", KEEP),

    // Interim responses.
    read("100 first", b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, b"hello", KEEP),
    read("several interim responses", b"HTTP/1.1 100 Continue\r\nContent-Length: 9\r\nConnection: close\r\n\r\nHTTP/1.1 102\r\n\r\n\r\n\
        HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, b"hello", KEEP),

    // Keeping the connection.
    read("close", b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello", 200, b"hello", ASKED),
    read("close in a list", b"HTTP/1.1 200 OK\r\nCONNECTION: Keep-Alive,, \tCLOSE \t, x\r\nContent-Length: 0\r\n\r\n", 200, b"", ASKED),
    read("close in another line", b"HTTP/1.1 200 OK\r\nConnection: upgrade\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", 200, b"", ASKED),
    read("nearly close", b"HTTP/1.1 200 OK\r\nConnection: closed, x close, close x, \"close\"\r\nContent-Length: 0\r\n\r\n", 200, b"", KEEP),
    read("an old device that keeps the connection", b"HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nKeep-Alive: timeout=5\r\nContent-Length: 0\r\n\r\n", 200, b"", KEEP),
    read("an old device that keeps and closes the connection", b"HTTP/1.0 200 OK\r\nConnection: keep-alive, close\r\nContent-Length: 0\r\n\r\n", 200, b"", ASKED),
    read("surplus after a length", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello\r\n", 200, b"hello", SURPLUS),
    read("surplus after chunks", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", 200, b"", SURPLUS),

    // Truncated responses.
    refused("nothing", b"", NoAnswer, 0),
    refused("empty lines and nothing", b"\r\n\r\n", HeadCutOff, 4),
    refused("half a status line", b"HTTP/1.1 20", HeadCutOff, 11),
    refused("half a head", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n", HeadCutOff, 36),
    refused("an interim response and nothing", b"HTTP/1.1 100 Continue\r\n\r\n", HeadCutOff, 25),
    broken("half a length", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", b"hell", BodyCutOff, 42),
    broken("a length of a gigabyte", b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\nhell", b"hell", BodyCutOff, 51),
    broken("half a chunk", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhell", b"hell", BodyCutOff, 54),
    broken("chunks without the last", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", b"hello", BodyCutOff, 57),
    broken("half the last chunk", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n", b"hello", BodyCutOff, 60),
    broken("half a trailer", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: y\r\n", b"", BodyCutOff, 56),

    // Protocols other than HTTP.
    refused("HTTP/0.9", b"<html>hello</html>", NotHttp, 0),
    refused("another case", b"http/1.1 200 OK\r\n\r\n", NotHttp, 0),
    refused("another protocol", b"ICY 200 OK\r\n\r\n", NotHttp, 0),
    refused("TLS", b"\x15\x03\x01\0\x02\x02\x46", NotHttp, 0),
    refused("HTTP/2", b"HTTP/2.0 200 OK\r\n\r\n", NotHttp, 5),
    refused("a long version", b"HTTP/1.11 200 OK\r\n\r\n", NotHttp, 8),
    refused("no version", b"HTTP\r\n", NotHttp, 5),
    refused("no status", b"HTTP/1.1\r\n\r\n", NotHttp, 9),
    refused("half a status", b"HTTP/1.1 20\r\n\r\n", Status, 12),
    refused("a long status", b"HTTP/1.1 2000 OK\r\n\r\n", Status, 12),
    refused("a status from 0", b"HTTP/1.1 099 OK\r\n\r\n", Status, 9),
    refused("a status of letters", b"HTTP/1.1 2OO OK\r\n\r\n", Status, 10),
    refused("a change of protocol", b"HTTP/1.1 101 Switching\r\nUpgrade: h2c\r\n\r\nPRI * HTTP/2.0", Switched, 39),

    // Malformed heads.
    refused("no colon", b"HTTP/1.1 200 OK\r\nContent-Length\r\n\r\n", Field, 32),
    refused("no name", b"HTTP/1.1 200 OK\r\n: 5\r\n\r\n", Field, 17),
    refused("two names", b"HTTP/1.1 200 OK\r\nContent Length: 5\r\n\r\n", Field, 25),
    refused("a page in the head", b"HTTP/1.1 200 OK\r\n<html>\r\n\r\n", Field, 17),
    refused("white space before the first field", b"HTTP/1.1 200 OK\r\n X: y\r\n\r\n", Field, 17),
    refused("NUL in a name", b"HTTP/1.1 200 OK\r\nX\0: y\r\n\r\n", Field, 18),
    refused("NUL in a value", b"HTTP/1.1 200 OK\r\nX: y\0\r\n\r\n", Control, 21),
    refused("NUL in the reason", b"HTTP/1.1 200 O\0K\r\n\r\n", Control, 14),
    refused("a carriage return in a value", b"HTTP/1.1 200 OK\r\nX: y\rSet-Cookie: z\r\n\r\n", Control, 22),
    refused("two carriage returns", b"HTTP/1.1 200 OK\r\r\n\r\n", Control, 16),
    refused("an escape in a challenge", b"HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=\"\x1B[2J\"\r\n\r\n", Control, 48),

    // Ambiguous lengths of the body.
    refused("a length that is empty", b"HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n", Length, 35),
    refused("a length with a sign", b"HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello", Length, 38),
    refused("a negative length", b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\nX: y\r\n\r\nhello", Length, 37),
    refused("a length in letters", b"HTTP/1.1 200 OK\r\nContent-Length: 0x5\r\n\r\nhello", Length, 39),
    refused("a length with a fraction", b"HTTP/1.1 200 OK\r\nContent-Length: 5.0\r\n\r\nhello", Length, 39),
    refused("two words for a length", b"HTTP/1.1 200 OK\r\nContent-Length: 5 5\r\n\r\nhello", Length, 39),
    refused("a folded length", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n 5\r\n\r\nhello", Length, 41),
    refused("a length beyond 64 bits", b"HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551616\r\n\r\nhello", Length, 56),
    refused("a length of half a list", b"HTTP/1.1 200 OK\r\nContent-Length: 5,\r\n\r\nhello", Length, 38),
    refused("two lengths", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 4\r\n\r\nhello", LengthsDiffer, 56),
    refused("two lengths in a list", b"HTTP/1.1 200 OK\r\nContent-Length: 5, 4\r\n\r\nhello", LengthsDiffer, 40),
    refused("a length and chunks", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        LengthAndCoding, 65),
    refused("chunks and a length", b"HTTP/1.1 204 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", LengthAndCoding, 65),
    refused("an unknown coding", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", Coding, 43),
    refused("two codings", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", Coding, 40),
    refused("chunks in chunks", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", Coding, 74),
    refused("a coding with a parameter", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked;q=1\r\n\r\n", Coding, 50),
    refused("an empty coding", b"HTTP/1.1 200 OK\r\nTransfer-Encoding:\r\n\r\n", Coding, 38),

    // Malformed chunks.
    broken("a chunk without a size", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\nhello", b"", ChunkSize, 48),
    broken("a chunk with an extension alone", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n;a\r\nhello", b"", ChunkSize, 50),
    broken("a chunk of letters", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nxyz\r\n", b"hello", ChunkSize, 57),
    broken("a chunk with a sign", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nhello", b"", ChunkSize, 47),
    broken("a chunk of 0x", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x5\r\nhello", b"", ChunkSize, 48),
    broken("a chunk with two sizes", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5 5\r\nhello", b"", ChunkSize, 51),
    broken("a chunk beyond 64 bits", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000000\r\nhello", b"", ChunkSize, 65),
    broken("a chunk longer than its size", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhello\r\n0\r\n\r\n", b"hell", ChunkEnd, 54),
    broken("a chunk shorter than its size", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nhello\r\n0\r\n\r\n", b"hello\r", ChunkEnd, 56),
    broken("a bare line feed after a chunk", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\n\r\n5\r\nhello\n0\r\n\r\n", b"hello", ChunkEnd, 54),
    broken("a bare line feed after a size", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\n\r\n5;\nhello\r\n0\r\n\r\n", b"", ChunkEnd, 48),
    broken("NUL in an extension", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=\0\r\nhello", b"", Control, 51),
    broken("a carriage return in an extension", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a\rb\r\nhello", b"", Control, 51),
    broken("a trailer that is not a field", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nhello\r\n\r\n", b"", Field, 56),
];
