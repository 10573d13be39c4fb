//! A WebSocket between a client and a function: bytes are carried as they are, and only looked at for how it closes.

use std::future::pending;
use std::time::Duration;

use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use skiff_invoker::Departure;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split};
use tokio::time::{Instant, sleep_until, timeout};

/// Carried at once, in each direction.
const CHUNK_BYTES: usize = 16 * 1024;
/// How the server closes that is as good as any (CONTRACT 1.11).
const CLOSED_WELL: [u16; 3] = [1000, 1010, 1011];
/// A close frame with 1001, "going away" (RFC 6455, 5.5.1 and 7.4.1), as a server sends it.
const GOING_AWAY: [u8; 4] = [0x88, 2, 0x03, 0xe9];
/// How long a client may take to take it.
const CLOSE_MAX: Duration = Duration::from_secs(1);
/// What a close without a code means (RFC 6455, 7.4.1).
const NO_CODE: u16 = 1005;

/// Carries until one side ends or both are silent for too long.
pub(super) async fn carry(client: OnUpgrade, server: OnUpgrade, idle: Duration) -> Departure {
    match tokio::try_join!(client, server) {
        Ok((client, server)) => between(TokioIo::new(client), TokioIo::new(server), idle).await,
        Err(_) => Departure::Aborted,
    }
}

/// Each direction by itself: one that takes nothing for a while must not keep the other from being heard.
async fn between<S: AsyncRead + AsyncWrite>(client: S, server: S, idle: Duration) -> Departure {
    let (mut from_client, mut to_client) = split(client);
    let (mut from_server, mut to_server) = split(server);
    let (mut clients, mut servers) = (Watch::default(), Watch::default());
    let heard = Mutex::new(Instant::now());
    let forth = async {
        match pass(&mut from_client, &mut to_server, &mut clients, &heard).await {
            Ended::Source => Side::Client,
            // What it said before it ended is still to come, and says how it ended.
            Ended::Target => pending().await,
        }
    };
    let back = async {
        match pass(&mut from_server, &mut to_client, &mut servers, &heard).await {
            Ended::Source => {
                // What it said last is with the client before this ends.
                drop(to_client.shutdown().await);
                Side::Server
            }
            Ended::Target => Side::Client,
        }
    };
    let side = tokio::select! {
        side = back => side,
        side = forth => side,
        () = silence(&heard, idle) => {
            if servers.is_between_frames() {
                // Who takes it or not, this is the end.
                let close = async { to_client.write_all(&GOING_AWAY).await.and(to_client.shutdown().await) };
                drop(timeout(CLOSE_MAX, close).await);
            }
            return Departure::Idle;
        }
    };
    ended(&clients, &servers, side)
}

/// Which end of a direction has ended it.
enum Ended {
    Source,
    Target,
}

/// Passes on what one side says until either has ended.
async fn pass(
    source: &mut (impl AsyncRead + Unpin),
    target: &mut (impl AsyncWrite + Unpin),
    watch: &mut Watch,
    heard: &Mutex<Instant>,
) -> Ended {
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let Ok(read @ 1..) = source.read(&mut chunk).await else {
            return Ended::Source;
        };
        *heard.lock() = Instant::now();
        watch.see(&chunk[..read]);
        watch.is_held = true;
        if target.write_all(&chunk[..read]).await.is_err() {
            return Ended::Target;
        }
        watch.is_held = false;
        *heard.lock() = Instant::now();
    }
}

/// Ends once nothing was heard for so long.
async fn silence(heard: &Mutex<Instant>, idle: Duration) {
    loop {
        let until = *heard.lock() + idle;
        if until <= Instant::now() {
            return;
        }
        sleep_until(until).await;
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
    /// Not all that was seen is with the other side.
    is_held: bool,
}

impl Watch {
    /// Whether the other side has whole frames only, so that another may follow.
    fn is_between_frames(&self) -> bool {
        !self.is_held && self.closed.is_none() && self.payload == 0 && self.head.is_empty()
    }

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
    use tokio::io::{DuplexStream, duplex};

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

    const IDLE: Duration = Duration::from_secs(60);

    /// Both sides say more than anybody holds back for them, and listen only when they have said it.
    #[tokio::test]
    async fn both_sides_may_say_much_at_once_before_they_listen() {
        const MUCH: usize = 200_000;
        let (client, near) = duplex(1000);
        let (server, far) = duplex(1000);
        let carried = tokio::spawn(between(near, far, IDLE));
        let talk = |stream: DuplexStream| async {
            let (mut hears, mut says) = split(stream);
            let mut heard = vec![0; MUCH];
            let (said, listened) = tokio::join!(says.write_all(&[7; MUCH]), hears.read_exact(&mut heard));
            said.and(listened.map(drop)).expect("carried");
            (hears, says)
        };
        // The server answers in turn: it says all before it hears anything.
        let in_turn = |mut server: DuplexStream| async {
            server.write_all(&[7; MUCH]).await.expect("carried");
            let mut heard = vec![0; MUCH];
            server.read_exact(&mut heard).await.expect("carried");
            server
        };
        let both = async { tokio::join!(talk(client), in_turn(server)) };
        let (client, server) = timeout(IDLE, both).await.expect("nobody waits for the other");
        drop((client, server));
        carried.await.expect("no panic");
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_takes_nothing_is_silent_and_silence_ends_it() {
        let (mut client, near) = duplex(1000);
        let (_server, far) = duplex(1000);
        let carried = tokio::spawn(between(near, far, IDLE));
        // More than the server's side holds, of which it takes nothing.
        let said = timeout(IDLE / 2, client.write_all(&[7; 100_000])).await;
        assert!(said.is_err(), "it was held");
        assert_eq!(carried.await.expect("no panic"), Departure::Idle);
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_of_a_silent_socket_is_told_that_it_closes_unless_within_a_frame() {
        let whole = [0x81, 2, b'o', b'k'];
        for (said, told) in [
            (&[][..], &GOING_AWAY[..]),
            (&whole, &[&whole[..], &GOING_AWAY].concat()),
            (&whole[..3], &whole[..3]),
        ] {
            let (mut client, near) = duplex(1000);
            let (mut server, far) = duplex(1000);
            let carried = tokio::spawn(between(near, far, IDLE));
            server.write_all(said).await.expect("held");
            let mut heard = Vec::new();
            client.read_to_end(&mut heard).await.expect("heard");
            assert_eq!(heard, told);
            assert_eq!(carried.await.expect("no panic"), Departure::Idle);
        }
    }

    #[tokio::test]
    async fn what_a_server_said_last_tells_how_it_ended_though_it_listens_no_more() {
        let (mut client, near) = duplex(1000);
        let (mut server, far) = duplex(1000);
        let carried = tokio::spawn(between(near, far, IDLE));
        server.write_all(&[0x88, 2, 0x03, 0xe8]).await.expect("held");
        drop(server);
        client.write_all(&[7; 100]).await.expect("held");
        let mut heard = Vec::new();
        client.read_to_end(&mut heard).await.expect("heard");
        assert_eq!(heard, [0x88, 2, 0x03, 0xe8]);
        assert_eq!(carried.await.expect("no panic"), Departure::Answered(101));
    }
}
