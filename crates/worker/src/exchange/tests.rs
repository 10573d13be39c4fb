//! Conversations with a peer that behaves, and with one that does not.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::pipe;

use super::*;

/// The other end of a line.
struct Peer {
    requests: pipe::Receiver,
    responses: pipe::Sender,
    output: pipe::Sender,
}

fn line() -> (Line, Peer) {
    let (requests, their_requests) = pipe::pipe().expect("pipes");
    let (their_responses, responses) = pipe::pipe().expect("pipes");
    let (their_output, output) = pipe::pipe().expect("pipes");
    let line = Line::new(Pipes {
        requests,
        responses,
        output,
    });
    (
        line,
        Peer {
            requests: their_requests,
            responses: their_responses,
            output: their_output,
        },
    )
}

fn frame(length: u32, kind: u32, sequence: u32, body: &[u8]) -> Vec<u8> {
    let mut bytes: Vec<u8> = [length, kind, sequence]
        .iter()
        .flat_map(|word| word.to_le_bytes())
        .collect();
    bytes.extend_from_slice(body);
    bytes
}

const RETURNED: u32 = Response::Returned as u32;

/// Asks question 7 of a peer that writes these bytes to its response pipe.
async fn check(written: &[u8]) -> Result<(Response, Bytes), NoAnswer> {
    let (mut line, mut peer) = line();
    peer.responses.write_all(written).await.expect("room in the pipe");
    line.ask(&Bytes::from_static(b"?"), 7, Instant::now() + Duration::from_secs(20))
        .await
}

#[tokio::test]
async fn an_answer_is_taken_whole_however_it_is_cut() {
    let (mut line, mut peer) = line();
    let bytes = frame(4, RETURNED, 7, b"null");
    let answer = tokio::spawn(async move {
        let answer = line
            .ask(&Bytes::from_static(b"?"), 7, Instant::now() + Duration::from_secs(20))
            .await;
        (answer, line)
    });
    for byte in bytes {
        peer.responses.write_all(&[byte]).await.expect("open");
        tokio::task::yield_now().await;
    }
    let (answer, _line) = answer.await.expect("no panic");
    assert_eq!(answer, Ok((Response::Returned, Bytes::from_static(b"null"))));
}

#[tokio::test]
async fn a_request_is_unread_until_its_first_byte_is_read() {
    let asks = async |line: &mut Line, bytes: usize| {
        let request = Bytes::from(vec![b'?'; bytes]);
        line.ask(&request, 7, Instant::now() + Duration::from_secs(20)).await
    };
    // In the pipe whole, and more than it holds.
    for bytes in [5, 1 << 20] {
        for (read_before, read, is_unread) in [(0, 0, true), (2, 2, true), (2, 1, true), (0, 1, false), (2, 3, false)] {
            let (mut line, mut peer) = line();
            line.send(&mut Bytes::from(vec![b'!'; read_before]));
            let peer = async {
                let mut some = vec![0; read];
                peer.requests.read_exact(&mut some).await.expect("sent");
                drop(peer);
            };
            let (answer, ()) = tokio::join!(asks(&mut line, bytes), peer);
            assert_eq!(
                (answer, line.is_unread()),
                (Err(NoAnswer::Closed), is_unread),
                "{read} of {bytes}"
            );
        }
    }
    let (mut line, peer) = line();
    drop(peer);
    assert_eq!(asks(&mut line, 5).await, Err(NoAnswer::Closed));
    assert!(line.is_unread(), "nothing could be sent");
}

#[tokio::test]
async fn what_is_no_answer_to_the_question_is_garbage() {
    for (written, word) in [
        (frame(0, 99, 7, b""), "unknown kind 99"),
        (frame(0, RETURNED, 6, b""), "the answer to 6 instead of 7"),
        (b"print('hello')\n".to_vec(), "unknown kind"),
    ] {
        match check(&written).await {
            Err(NoAnswer::Garbage(text)) => assert!(text.contains(word), "{text}"),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn an_answer_that_announces_too_much_is_not_waited_for() {
    assert_eq!(
        check(&frame(u32::MAX, RETURNED, 7, b"")).await,
        Err(NoAnswer::TooLarge(u64::from(u32::MAX)))
    );
}

#[tokio::test]
async fn an_answer_that_came_before_the_question_is_garbage() {
    let (mut line, mut peer) = line();
    let mut two = frame(4, RETURNED, 7, b"null");
    two.extend(frame(4, RETURNED, 8, b"true"));
    peer.responses.write_all(&two).await.expect("room in the pipe");
    let soon = Instant::now() + Duration::from_secs(20);
    assert!(line.ask(&Bytes::from_static(b"?"), 7, soon).await.is_ok());
    let second = line.ask(&Bytes::from_static(b"?"), 8, soon).await;
    assert!(matches!(second, Err(NoAnswer::Garbage(_))), "{second:?}");
}

#[tokio::test]
async fn a_peer_that_closes_its_pipe_has_no_answer() {
    let (mut line, peer) = line();
    drop(peer);
    let answer = line
        .ask(&Bytes::from_static(b"?"), 7, Instant::now() + Duration::from_secs(20))
        .await;
    assert_eq!(answer, Err(NoAnswer::Closed));
}

#[tokio::test]
async fn an_answer_given_before_the_question_was_read_to_its_end_counts() {
    let (mut line, mut peer) = line();
    let long = Bytes::from(vec![b'x'; 4 << 20]);
    let asking = tokio::spawn(async move {
        let answer = line.ask(&long, 7, Instant::now() + Duration::from_secs(20)).await;
        (answer, line)
    });
    let mut first = [0; 1024];
    peer.requests.read_exact(&mut first).await.expect("the beginning");
    peer.responses
        .write_all(&frame(1, RETURNED, 7, b"1"))
        .await
        .expect("open");
    drop(peer.requests);
    let (answer, _line) = asking.await.expect("no panic");
    assert_eq!(answer, Ok((Response::Returned, Bytes::from_static(b"1"))));
}

#[tokio::test]
async fn output_written_before_the_answer_belongs_to_the_call() {
    let (mut line, mut peer) = line();
    peer.output.write_all(b"to the log\n").await.expect("room in the pipe");
    peer.responses
        .write_all(&frame(1, RETURNED, 7, b"1"))
        .await
        .expect("room in the pipe");
    let answer = line
        .ask(&Bytes::from_static(b"?"), 7, Instant::now() + Duration::from_secs(20))
        .await;
    assert!(answer.is_ok());
    assert_eq!(line.output.take(), Bytes::from_static(b"to the log\n"));
}

#[tokio::test]
async fn a_flood_of_output_does_not_move_the_deadline() {
    let (mut line, mut peer) = line();
    let flood = tokio::spawn(async move {
        let chunk = [b'x'; 4096];
        while peer.output.write_all(&chunk).await.is_ok() {}
        drop(peer.responses);
    });
    let answer = line
        .ask(&Bytes::from_static(b"?"), 7, Instant::now() + Duration::from_millis(50))
        .await;
    assert_eq!(answer, Err(NoAnswer::TimedOut));
    drop(line);
    flood.await.expect("ends with its reader");
}

#[tokio::test]
async fn a_large_answer_leaves_no_memory_behind() {
    let (mut line, mut peer) = line();
    let long = vec![b'1'; 1 << 20];
    let bytes = frame(1 << 20, RETURNED, 7, &long);
    let writing = tokio::spawn(async move {
        peer.responses.write_all(&bytes).await.expect("open");
        peer
    });
    let answer = line
        .ask(&Bytes::from_static(b"?"), 7, Instant::now() + Duration::from_secs(20))
        .await;
    assert_eq!(answer.map(|(_, body)| body.len()), Ok(1 << 20));
    assert!(line.inbox.capacity() <= 2 * CHUNK_BYTES, "{}", line.inbox.capacity());
    drop(writing.await);
}

#[tokio::test]
async fn an_end_shows_before_anybody_tells_of_it() {
    let (line, peer) = line();
    assert!(!line.is_closed());
    drop(peer.responses);
    assert!(line.is_closed());
}
