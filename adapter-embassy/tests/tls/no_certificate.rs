//! A TLS 1.3 server that never presents a certificate. RFC 8446, §4.4.2 forbids that, but an attacker on the path could run such a server.

use std::iter::once;

use ring::{
    aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    agreement::{ECDH_P256, EphemeralPrivateKey, UnparsedPublicKey, agree_ephemeral},
    digest::{SHA256, digest},
    hmac::{HMAC_SHA256, Key, sign},
    rand::SystemRandom,
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// The messages that the server sends in place of its certificate.
#[derive(Clone, Copy)]
pub enum Substitute {
    /// No message.
    Nothing,
    /// A signature for a certificate that was not presented.
    Signature,
}

/// Receives a client's hello and completes the handshake without a certificate. Returns the request that the client then sends, if any.
pub async fn handshake(
    mut link: impl AsyncRead + AsyncWrite + Unpin,
    substitute: Substitute,
) -> Option<Vec<u8>> {
    let (_, hello) = record(&mut link).await?;
    let mut transcript = hello.clone();
    let at = hello.windows(4).position(|bytes| bytes == [0, 0x17, 0, 65])? + 4;
    let random = SystemRandom::new();
    let key = EphemeralPrivateKey::generate(&ECDH_P256, &random).ok()?;
    let public = key.compute_public_key().ok()?;
    let peer = UnparsedPublicKey::new(&ECDH_P256, hello.get(at..at + 65)?);
    let shared = agree_ephemeral(key, &peer, <[u8]>::to_vec).ok()?;

    let session_id = hello.get(38..39 + usize::from(*hello.get(38)?))?;
    let share = [&[0, 0x33, 0, 69, 0, 0x17, 0, 65], public.as_ref()].concat();
    let extensions = [&[0, 0x2b, 0, 2, 3, 4], &share[..]].concat();
    let suite = [0x13, 0x01, 0];
    let body = [&[3, 3], &[7; 32][..], session_id, &suite, &length(&extensions), &extensions].concat();
    let server_hello = message(2, &body);
    transcript.extend(&server_hello);
    link.write_all(&[&[22, 3, 3], &length(&server_hello)[..], &server_hello].concat()).await.ok()?;

    let early = extract(&[0; 32], &[0; 32]);
    let secret = extract(&expand(&early, "derived", &hash(&[]), 32), &shared);
    let traffic = expand(&secret, "s hs traffic", &hash(&transcript), 32);
    let mut inner = message(8, &[0, 0]);
    if let Substitute::Signature = substitute {
        inner.extend(message(15, &[4, 3, 0, 1, 0]));
    }
    transcript.extend(&inner);
    let finished = extract(&expand(&traffic, "finished", &[], 32), &hash(&transcript));
    inner.extend(message(20, &finished));
    transcript.extend(message(20, &finished));
    let plain: Vec<u8> = inner.into_iter().chain(once(22)).collect();
    link.write_all(&sealed(&traffic, plain)).await.ok()?;

    let master = extract(&expand(&secret, "derived", &hash(&[]), 32), &[0; 32]);
    let traffic = expand(&master, "c ap traffic", &hash(&transcript), 32);
    // The client's Finished.
    record(&mut link).await?;
    let (header, data) = record(&mut link).await?;
    opened(&traffic, header, data)
}

/// Reads the next record: its header and its content.
async fn record(link: &mut (impl AsyncRead + Unpin)) -> Option<([u8; 5], Vec<u8>)> {
    let mut header = [0; 5];
    link.read_exact(&mut header).await.ok()?;
    let mut data = vec![0; usize::from(u16::from_be_bytes([header[3], header[4]]))];
    link.read_exact(&mut data).await.ok()?;
    Some((header, data))
}

fn length(bytes: &[u8]) -> [u8; 2] {
    u16::try_from(bytes.len()).unwrap().to_be_bytes()
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind, 0], &length(body)[..], body].concat()
}

fn hash(bytes: &[u8]) -> Vec<u8> {
    digest(&SHA256, bytes).as_ref().to_vec()
}

fn extract(salt: &[u8], secret: &[u8]) -> Vec<u8> {
    sign(&Key::new(HMAC_SHA256, salt), secret).as_ref().to_vec()
}

/// HKDF-Expand-Label (RFC 8446, §7.1), for an output of at most one block.
fn expand(secret: &[u8], label: &str, context: &[u8], count: u8) -> Vec<u8> {
    let label = format!("tls13 {label}");
    let sizes = [label.len(), context.len()].map(|size| u8::try_from(size).unwrap());
    let info = [&[0, count, sizes[0]], label.as_bytes(), &[sizes[1]], context, &[1]].concat();
    extract(secret, &info)[..usize::from(count)].to_vec()
}

/// The key of one direction, and the nonce of its first record.
fn keys(traffic: &[u8]) -> (LessSafeKey, Nonce) {
    let key = UnboundKey::new(&AES_128_GCM, &expand(traffic, "key", &[], 16)).unwrap();
    let nonce = Nonce::try_assume_unique_for_key(&expand(traffic, "iv", &[], 12)).unwrap();
    (LessSafeKey::new(key), nonce)
}

fn sealed(traffic: &[u8], mut plain: Vec<u8>) -> Vec<u8> {
    let (key, nonce) = keys(traffic);
    let header = [&[23, 3, 3][..], &u16::try_from(plain.len() + 16).unwrap().to_be_bytes()].concat();
    key.seal_in_place_append_tag(nonce, Aad::from(&header), &mut plain).unwrap();
    [header, plain].concat()
}

fn opened(traffic: &[u8], header: [u8; 5], mut data: Vec<u8>) -> Option<Vec<u8>> {
    let (key, nonce) = keys(traffic);
    key.open_in_place(nonce, Aad::from(header), &mut data).ok().map(|plain| plain.to_vec())
}
