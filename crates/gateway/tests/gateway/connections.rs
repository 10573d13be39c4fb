//! How connections live, and how bodies come over them.

use std::sync::Arc;
use std::time::Duration;

use skiff_domain::limits::EVENT_BYTES_MAX;
use skiff_gateway::Stream;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::client::{Client, HELLO, basic, post};
use crate::world::World;

const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_connection_serves_many_requests_even_sent_at_once() {
    let world = World::start().await;
    let mut client = Client::connect(world.address).await;
    for _ in 0..3 {
        assert_eq!(client.ask(post(HELLO, "", "{}")).await.status, 200);
    }
    client.send(post(HELLO, "", "1").repeat(5)).await;
    for _ in 0..5 {
        assert_eq!(client.receive().await.status, 200);
    }
    client.send(post(HELLO, "Connection: close\r\n", "{}")).await;
    assert_eq!(client.receive().await.status, 200);
    client.expect_close().await;
}

#[tokio::test]
async fn the_largest_event_passes_in_one_piece_and_in_chunks() {
    let world = World::start().await;
    let mut client = Client::connect(world.address).await;
    let event = format!("\"{}\"", "x".repeat(EVENT_BYTES_MAX - 2));
    assert_eq!(client.ask(post(HELLO, "", &event)).await.status, 200);
    client.send(chunked_head()).await;
    for chunk in event.as_bytes().chunks(100_000) {
        client.send(format!("{:x}\r\n", chunk.len())).await;
        client.send(chunk).await;
        client.send("\r\n").await;
    }
    client.send("0\r\n\r\n").await;
    assert_eq!(client.receive().await.status, 200);
    let seen = world.invoker.seen.lock();
    assert!(seen.iter().all(|invocation| invocation.event == event));
}

#[tokio::test]
async fn a_larger_event_is_refused_however_it_comes() {
    let world = World::start().await;
    let event = "x".repeat(EVENT_BYTES_MAX + 1);
    let response = Client::connect(world.address).await.ask(post(HELLO, "", &event)).await;
    assert_eq!(
        (response.status, &response.json()["code"]),
        (413, &"InvalidParameter.RequestTooLarge".into())
    );
    let mut client = Client::connect(world.address).await;
    client.send(chunked_head()).await;
    for chunk in event.as_bytes().chunks(1 << 20) {
        client.send(format!("{:x}\r\n", chunk.len())).await;
        client.send(chunk).await;
        client.send("\r\n").await;
    }
    client.send("0\r\n\r\n").await;
    assert_eq!(client.receive().await.status, 413);
    assert_eq!(world.calls(), 0);
}

#[tokio::test]
async fn a_body_that_breaks_off_or_is_badly_chunked_invokes_nothing() {
    let world = World::start().await;
    let mut client = Client::connect(world.address).await;
    client.send(chunked_head()).await;
    client.send("zz\r\n").await;
    assert_eq!(client.receive().await.status, 400);
    client.expect_close().await;
    let mut client = Client::connect(world.address).await;
    client.send(post(HELLO, "", "{}").trim_end_matches('}')).await;
    client.stream.shutdown().await.unwrap();
    // Nobody is there to be told; that the server goes on is what counts.
    let mut next = Client::connect(world.address).await;
    assert_eq!(next.ask(post(HELLO, "", "[]")).await.status, 200);
    assert_eq!(world.calls(), 1);
}

#[tokio::test]
async fn a_client_that_waits_to_send_is_refused_before_it_sends() {
    let world = World::start().await;
    let mut client = Client::connect(world.address).await;
    client
        .send(format!(
            "POST {HELLO} HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 1000\r\n\r\n"
        ))
        .await;
    assert_eq!(client.receive().await.status, 401, "and not 100");
}

#[tokio::test]
async fn a_client_that_closes_its_connection_gives_its_call_up() {
    let world = World::start().await;
    world.hold();
    let mut client = Client::connect(world.address).await;
    client.send(post(HELLO, "", "{}")).await;
    timeout(PATIENCE, world.invoker.began.acquire())
        .await
        .unwrap()
        .unwrap()
        .forget();
    drop(client);
    timeout(PATIENCE, world.invoker.given_up.acquire())
        .await
        .unwrap()
        .unwrap()
        .forget();
}

#[tokio::test]
async fn draining_answers_what_runs_and_closes_the_rest() {
    let mut world = World::start().await;
    world.hold();
    let mut idle = Client::connect(world.address).await;
    assert_eq!(idle.ask("GET / HTTP/1.1\r\nHost: h\r\n\r\n").await.status, 404);
    let mut busy = Client::connect(world.address).await;
    busy.send(post(HELLO, "", "{}")).await;
    timeout(PATIENCE, world.invoker.began.acquire())
        .await
        .unwrap()
        .unwrap()
        .forget();

    world.shutdown.cancel();
    idle.expect_close().await;
    assert!(!world.serving.is_finished(), "a call runs");
    let refused = timeout(PATIENCE, async {
        while TcpStream::connect(world.address).await.is_ok() {}
    })
    .await;
    assert!(refused.is_ok(), "nothing new is accepted");

    world.invoker.may_end.add_permits(1);
    let response = busy.receive().await;
    assert_eq!(response.status, 200);
    assert_eq!(response.header("connection"), "close");
    busy.expect_close().await;
    timeout(PATIENCE, &mut world.serving).await.unwrap().unwrap();
}

#[tokio::test]
async fn dropping_the_server_gives_up_what_runs() {
    let world = World::start().await;
    world.hold();
    let mut client = Client::connect(world.address).await;
    client.send(post(HELLO, "", "{}")).await;
    timeout(PATIENCE, world.invoker.began.acquire())
        .await
        .unwrap()
        .unwrap()
        .forget();
    world.serving.abort();
    timeout(PATIENCE, world.invoker.given_up.acquire())
        .await
        .unwrap()
        .unwrap()
        .forget();
    client.expect_close().await;
}

#[tokio::test]
async fn connections_that_others_accepted_are_served_until_there_are_no_more() {
    let world = World::start().await;
    let (streams, serving) = world.serve_streams();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut client = Client::connect(listener.local_addr().unwrap()).await;
    let places = Arc::new(Semaphore::new(1));
    let stream = Stream {
        stream: listener.accept().await.unwrap().0,
        place: Arc::clone(&places).try_acquire_owned().unwrap(),
    };
    streams.send(stream).await.unwrap();
    assert_eq!(client.ask(post(HELLO, "", "{}")).await.status, 200);
    drop(streams);
    assert_eq!(
        client.ask(post(HELLO, "", "{}")).await.status,
        200,
        "those that are open go on"
    );
    assert_eq!(places.available_permits(), 0);
    drop(client);
    drop(timeout(PATIENCE, places.acquire()).await.unwrap());
    timeout(PATIENCE, serving).await.unwrap().unwrap();
}

/// Time is paused and passes whenever nothing else can happen, so these connections age in no time.
#[tokio::test]
async fn a_connection_that_sends_no_whole_head_is_closed() {
    let world = World::start().await;
    for head in ["", "POST / HTTP/1.1\r\nHost: h\r\nX-Slow: "] {
        let mut client = Client::connect(world.address).await;
        client.send(head).await;
        tokio::time::pause();
        let closed = timeout(Duration::from_secs(31), client.expect_close()).await;
        tokio::time::resume();
        assert!(closed.is_ok(), "{head:?}");
    }
    let mut client = Client::connect(world.address).await;
    assert_eq!(client.ask(post(HELLO, "", "{}")).await.status, 200);
    tokio::time::pause();
    let closed = timeout(Duration::from_secs(31), client.expect_close()).await;
    tokio::time::resume();
    assert!(closed.is_ok(), "idle after a request");
}

fn chunked_head() -> String {
    let authorization = basic("AKIDlocaltest:localsecret");
    format!("POST {HELLO} HTTP/1.1\r\nHost: h\r\n{authorization}Transfer-Encoding: chunked\r\n\r\n")
}
