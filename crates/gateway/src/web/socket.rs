//! A WebSocket between a client and a function: bytes are carried as they are, and only looked at for how it closes.

use std::time::Duration;

use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use skiff_invoker::Departure;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, sleep_until};

/// Carried at once, in each direction.
const CHUNK_BYTES: usize = 16 * 1024;
/// How the server closes that is as good as any (CONTRACT 1.11).
const CLOSED_WELL: [u16; 3] = [1000, 1010, 1011];
/// What a close without a code means (RFC 6455, 7.4.1).
const NO_CODE: u16 = 1005;

/// Carries until one side ends or both are silent for too long.
pub(super) async fn carry(client: OnUpgrade, server: OnUpgrade, idle: Duration) -> Departure {
    let (client, server) = match tokio::try_join!(client, server) {
        Ok(pair) => pair,
        Err(_) => return Departure::Aborted,
    };
    let (mut client, mut server) = (TokioIo::new(client), TokioIo::new(server));
    let (mut from_client, mut from_server) = (vec![0; CHUNK_BYTES], vec![0; CHUNK_BYTES]);
    let (mut clients, mut servers) = (Watch::default(), Watch::default());
    loop {
        let silence = sleep_until(Instant::now() + idle);
        tokio::select! {
            read = client.read(&mut from_client) => match read {
                Ok(read @ 1..) => {
                    clients.see(&from_client[..read]);
                    if server.write_all(&from_client[..read]).await.is_err() {
                        return ended(&clients, &servers, Side::Server);
                    }
                }
                Ok(0) | Err(_) => return ended(&clients, &servers, Side::Client),
            },
            read = server.read(&mut from_server) => match read {
                Ok(read @ 1..) => {
                    servers.see(&from_server[..read]);
                    if client.write_all(&from_server[..read]).await.is_err() {
                        return ended(&clients, &servers, Side::Client);
                    }
                }
                Ok(0) | Err(_) => {
                    // What it said last is with the client before this ends.
                    drop(client.shutdown().await);
                    return ended(&clients, &servers, Side::Server);
                }
            },
            () = silence => return Departure::Idle,
        }
    }
}

enum Side {
    Client,
    Server,
}

/// What it means that one side has ended.
fn ended(clients: &Watch, servers: &Watch, side: Side) -> Departure {
    const SWITCHED: u16 = 101;
    match (servers.closed, side) {
        (Some(code), _) if CLOSED_WELL.contains(&code) || clients.closed.is_some() => Departure::Answered(SWITCHED),
        (Some(code), _) => Departure::Broken(format!("it closed the WebSocket with {code}")),
        (None, Side::Client) if clients.closed.is_some() => Departure::Answered(SWITCHED),
        (None, Side::Client) => Departure::Aborted,
        (None, Side::Server) => Departure::Broken("it ended without closing the WebSocket".to_owned()),
    }
}

/// Follows the frames of one direction (RFC 6455, 5.2), for the code they close with.
#[derive(Debug, Default)]
struct Watch {
    head: Vec<u8>,
    /// Bytes of the payload that are still to come.
    payload: u64,
    /// The code of the close frame, once there was one.
    closed: Option<u16>,
}

impl Watch {
    fn see(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() && self.closed.is_none() {
            if self.payload > 0 {
                let skipped = self.payload.min(bytes.len() as u64);
                self.payload -= skipped;
                bytes = &bytes[usize::try_from(skipped).unwrap_or(bytes.len())..];
                continue;
            }
            self.head.push(bytes[0]);
            bytes = &bytes[1..];
            self.read_head();
        }
    }

    /// Reads the head of a frame, and of a close frame its code, once they are whole.
    fn read_head(&mut self) {
        const CLOSE: u8 = 8;
        let [first, second, rest @ ..] = &self.head[..] else {
            return;
        };
        let is_masked = second & 0x80 != 0;
        let (length_bytes, short) = match second & 0x7f {
            126 => (2, None),
            127 => (8, None),
            short => (0, Some(u64::from(short))),
        };
        let mask_bytes = if is_masked { 4 } else { 0 };
        if rest.len() < length_bytes + mask_bytes {
            return;
        }
        let length = short.unwrap_or_else(|| {
            rest[..length_bytes]
                .iter()
                .fold(0, |sum, byte| sum << 8 | u64::from(*byte))
        });
        if first & 0x0f != CLOSE {
            self.payload = length;
            self.head.clear();
            return;
        }
        let (mask, code) = rest[length_bytes..].split_at(mask_bytes);
        if length < 2 {
            self.closed = Some(NO_CODE);
        } else if let [high, low, ..] = code {
            let [first, second, ..] = mask else {
                self.closed = Some(u16::from_be_bytes([*high, *low]));
                return;
            };
            self.closed = Some(u16::from_be_bytes([high ^ first, low ^ second]));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_a_side_closes_with_is_found_wherever_its_bytes_are_cut() {
        let text = [&[0x81, 126, 1, 0][..], &[b'x'; 256]].concat();
        let long = [&[0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0][..], &[0x88; 65_536]].concat();
        let masked = [0x88, 0x82, 9, 8, 7, 6, 0x03 ^ 9, 0xf2 ^ 8];
        for (close, code) in [
            (&[0x88, 2, 0x03, 0xe8][..], 1000),
            (&[0x88, 4, 0x03, 0xf3, b'n', b'o'], 1011),
            (&[0x88, 0], 1005),
            (&masked, 1010),
        ] {
            let bytes = [&text[..], &long, close].concat();
            for chunk in [1, 3, bytes.len()] {
                let mut watch = Watch::default();
                bytes.chunks(chunk).for_each(|piece| watch.see(piece));
                assert_eq!(watch.closed, Some(code), "{chunk}");
            }
            let mut watch = Watch::default();
            watch.see(&bytes[..bytes.len() - close.len()]);
            assert_eq!(watch.closed, None);
        }
    }
}
