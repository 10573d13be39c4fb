//! Requests to web functions: what of them is signed, and what a WebSocket takes.

use std::sync::Arc;
use std::time::Duration;

use skiff_gateway::Stream;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::client::{Client, basic, post, post_tc3_query};
use crate::world::World;

const PATIENCE: Duration = Duration::from_secs(60);
const WEB: &str = "/2018-04-16/functions/default/web/http/transfer";

#[tokio::test]
async fn the_query_of_a_request_is_signed_whatever_its_method() {
    let world = World::start().await;
    for (signed, sent, passes) in [
        ("amount=1", "amount=1", true),
        ("", "", true),
        ("amount=1", "amount=1000", false),
        ("", "amount=1", false),
    ] {
        let mut client = Client::connect(world.address).await;
        let request = post_tc3_query(&world.credentials, WEB, (signed, sent), "{}", "{}");
        let response = client.ask(request).await;
        // Behind the door there is nobody.
        let status = if passes { 502 } else { 401 };
        assert_eq!(response.status, status, "{sent:?} with {signed:?}: {}", response.text());
    }
    assert_eq!(world.calls(), 2);
    assert_eq!(*world.invoker.bodies.lock(), [2, 2], "what their bodies take is told");
}

/// The next request that comes through the door: the connection and its head.
async fn arrived(door: &TcpListener) -> (TcpStream, String) {
    let (mut server, _) = timeout(PATIENCE, door.accept()).await.unwrap().unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(server.read_u8().await.unwrap());
    }
    (server, String::from_utf8(head).unwrap())
}

#[tokio::test]
async fn what_only_the_platform_says_comes_from_neither_side_and_no_content_has_no_length() {
    let world = World::start().await;
    let door = TcpListener::bind("127.0.0.1:0").await.unwrap();
    *world.invoker.door.lock() = Some(door.local_addr().unwrap());
    let mut client = Client::connect(world.address).await;
    // All on one connection: what one leaves behind, the next would get.
    for (status, length) in [("204 No Content", ""), ("304 Not Modified", "3"), ("200 OK", "3")] {
        client
            .send(post(
                WEB,
                "X_Scf_Uin: mine\r\nx-sCf_Name: mine\r\nX_TC_Token: mine\r\nX-Own: mine\r\n",
                "",
            ))
            .await;
        let (mut server, head) = arrived(&door).await;
        let mine: Vec<&str> = head.lines().filter(|line| line.ends_with(": mine")).collect();
        assert_eq!(mine, ["x-own: mine"]);
        let answer =
            format!("HTTP/1.1 {status}\r\nContent-Length: 3\r\nX-Scf-Status: 433\r\nX_SCF_ERROR: x\r\n\r\nend");
        server.write_all(answer.as_bytes()).await.unwrap();
        let is_whole = status.starts_with("200");
        let response = if is_whole {
            client.receive().await
        } else {
            client.receive_head().await
        };
        assert!(status.starts_with(&response.status.to_string()), "{response:?}");
        assert_eq!(response.header("content-length"), length, "{response:?}");
        assert_eq!(response.body, if is_whole { &b"end"[..] } else { b"" });
        for name in response.headers.keys() {
            assert!(!name.contains("scf") || name == "x-scf-request-id", "{response:?}");
        }
        assert!(!response.header("x-scf-request-id").is_empty(), "{response:?}");
    }
}

#[tokio::test]
async fn a_websocket_keeps_the_place_of_its_connection_until_it_ends() {
    let world = World::start().await;
    let door = TcpListener::bind("127.0.0.1:0").await.unwrap();
    *world.invoker.door.lock() = Some(door.local_addr().unwrap());
    let (streams, _serving) = world.serve_streams();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut client = Client::connect(listener.local_addr().unwrap()).await;
    let places = Arc::new(Semaphore::new(1));
    let stream = Stream {
        stream: listener.accept().await.unwrap().0,
        place: Arc::clone(&places).try_acquire_owned().unwrap(),
    };
    streams.send(stream).await.unwrap();
    let authorization = basic("AKIDlocaltest:localsecret");
    client
        .send(format!(
            "GET {WEB} HTTP/1.1\r\nHost: h\r\n{authorization}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
        ))
        .await;
    let (mut server, _) = arrived(&door).await;
    server
        .write_all(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
        .await
        .unwrap();
    assert_eq!(client.receive_head().await.status, 101);
    // It is carried: the connection's own future has ended.
    client.send("there").await;
    let mut heard = [0; 5];
    server.read_exact(&mut heard).await.unwrap();
    assert_eq!((&heard, places.available_permits()), (b"there", 0));
    drop(client);
    drop(timeout(PATIENCE, places.acquire()).await.unwrap());
}
