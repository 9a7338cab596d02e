//! What somebody may send who means harm: each gets its documented answer, and nobody else notices.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that goes wrong must fail")]

mod common;

use std::net::SocketAddr;
use std::time::Duration;

use common::{Client, PATIENCE, REPLICAS, add, ask, config, create, relay};
use futures_util::SinkExt;
use optiverse_relay::server::Relay;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::MaybeTlsStream;
use tokio_tungstenite::tungstenite::Message;

/// The head of a request for a WebSocket, whatever its path looks like.
fn upgrade(path: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: here\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
}

/// The status of the answer, and what follows the head.
async fn send_head(address: SocketAddr, head: &str) -> (u16, Vec<u8>) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // A relay that had let it in would go on for ever.
    let _ = timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("it ends");
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").expect("a head");
    let status = std::str::from_utf8(&answer[9..12]).unwrap().parse().unwrap();
    (status, answer.split_off(end + 4))
}

/// The code in a close frame as it is on the wire (RFC 6455, section 5.5.1).
fn close_code(frame: &[u8]) -> Option<u16> {
    match frame {
        [0x88, _, high, low, ..] => Some(u16::from_be_bytes([*high, *low])),
        _ => None,
    }
}

#[tokio::test]
async fn a_path_leads_to_a_session_or_nowhere() {
    let relay = relay().await;
    let address = relay.address();
    let mut bystander = Client::join(address, "bench", "bystander").await;
    let too_long = [
        format!("/ws/bench/{}", "n".repeat(257)),
        format!("/ws/{}/ann", "%41".repeat(257)),
        format!("/ws/bench/{}", "n".repeat(15_000)),
    ];
    let paths = [
        "/ws",
        "/ws/",
        "/ws/bench",
        "/ws/bench/",
        "/ws//ann",
        "/ws/bench/ann/more",
        "/ws/../bench/ann/..",
        "/WS/bench/ann",
        "/",
        "/api/sessions",
        "/ws/bench/%00",
        "/ws/%0a/ann",
        "/ws/bench/%ff",
        "/ws/%c3%28/ann",
        "/ws/bench/%7f",
    ];
    // All at once: each takes the second for which the relay waits for the answer to its close.
    let asked: Vec<_> = paths
        .into_iter()
        .map(str::to_owned)
        .chain(too_long)
        .map(|path| tokio::spawn(async move { (send_head(address, &upgrade(&path)).await, path) }))
        .collect();
    for answer in asked {
        let ((status, rest), path) = answer.await.unwrap();
        // Where HTTP answers it says so as HTTP does; otherwise the WebSocket is closed.
        let expected = if path == "/" {
            200
        } else if path == "/api/sessions" {
            405
        } else {
            101
        };
        assert_eq!(status, expected, "{path:.80}");
        assert_eq!(close_code(&rest), (status == 101).then_some(1008), "{path:.80}");
    }
    for (path, expected) in [
        ("/..", 404),
        ("/../../etc/passwd", 404),
        ("/ws/..%2f..%2fetc/passwd", 404),
        ("/api/sessions/..%2f..%2fmetrics", 404),
        ("/api/sessions/%2e%2e", 404),
        ("/api/sessions/%00", 404),
        ("/api/sessions/", 404),
        ("/api/sessions//invitations", 404),
        ("/api/sessions/%ff", 400),
        ("/api/sessions/%ff/invitations", 400),
        ("//health", 404),
        ("/health/", 404),
        ("/metrics%00", 404),
        (&format!("/api/sessions/{}", "n".repeat(15_000)), 404),
    ] {
        let answer = ask(address, &format!("GET {path}"), &[], b"").await;
        // Asked for over HTTP, a WebSocket is no answer.
        let expected = if path.starts_with("/ws/") { 400..=426 } else { expected..=expected };
        assert!(expected.contains(&answer.status), "{path:.80} {answer:?}");
        if !path.starts_with("/ws/") {
            assert!(answer.body["error"].is_string(), "{path:.80} {answer:?}");
        }
    }
    let longer = format!("/{}", "n".repeat(70_000));
    assert!(matches!(send_head(address, &upgrade(&longer)).await.0, 414 | 431));
    // What looks like a path within a name is a name: none of this made another session than these.
    let names = [("..", "%2e%2e"), ("../../etc/passwd", "..%2f..%2fetc%2fpasswd"), ("a b", "a%20b")];
    for (name, written) in names {
        let mut client = Client::open(address, &format!("/ws/x{written}/ann")).await;
        assert_eq!(client.next().await["session_id"], format!("x{name}"));
    }
    bystander.assert_served().await;
    let metrics = ask(address, "GET /metrics", &[], b"").await.body.to_string();
    assert!(metrics.contains("optiverse_relay_sessions 4"), "{metrics}");
    relay.stop().await;
}

#[tokio::test]
async fn deeply_nested_json_is_an_error_wherever_it_comes() {
    let relay = relay().await;
    let address = relay.address();
    let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    let mut bystander = Client::join(address, "bench", "bystander").await;
    let (mut client, _) = Client::join_sync(address, "bench", "eve", REPLICAS[0]).await;
    for levels in [200, 100_000] {
        let deep = deep(levels);
        for message in [
            format!(r#"{{"type": {deep}}}"#),
            format!(r#"{{"type": "sync:ops", "ops": {deep}}}"#),
            format!(
                r#"{{"type": "sync:ops", "ops": [["{}", 1, 0, 0, "a", {{"add": "items", "set": {{"x": {deep}}}}}]]}}"#,
                REPLICAS[0]
            ),
            format!(r#"{{"type": "sync:presence", "cursor": {deep}}}"#),
            format!(r#"{{"type": "component:add", "data": {{"id": "a", "kind": "lens", "x": {deep}}}}}"#),
            format!(r#"{{"type": "sync:full_state", "state": {{"items": {deep}}}}}"#),
            deep.clone(),
        ] {
            client.send_raw(Message::text(message.clone())).await;
            let answer = client.next_of("sync:error").await;
            assert!(answer["message"].as_str().is_some_and(|text| text.len() < 1_000), "{message:.80} {answer}");
        }
        for path in ["/api/sessions", "/api/raytrace"] {
            let body = if path == "/api/sessions" { &deep[..deep.len().min(16 << 10)] } else { &deep };
            let answer = ask(address, &format!("POST {path}"), &[], body.as_bytes()).await;
            assert_eq!(answer.status, 400, "{path} {answer:?}");
        }
    }
    // Before it has shown a password, too.
    let (id, _) = create(address, &json!({"password": "right"})).await;
    let mut eve = Client::open(address, &format!("/ws/{id}/eve")).await;
    eve.send_raw(Message::text(format!(r#"{{"type": "auth", "password": {}}}"#, deep(5_000)))).await;
    assert_eq!(eve.closed().await.0, 1008);
    bystander.assert_served().await;
    relay.stop().await;
}

#[tokio::test]
async fn what_is_no_websocket_frame_closes_with_1002() {
    let relay = relay().await;
    let mut bystander = Client::join(relay.address(), "bench", "bystander").await;
    let too_long_control = [&[0x89, 0xfe, 0, 126, 0, 0, 0, 0][..], &[0; 126]].concat();
    for bytes in [
        // Not masked; a reserved opcode; reserved bits; a continuation of nothing; a control frame in parts, and a long one.
        &[0x81, 0x02, b'{', b'}'][..],
        &[0x83, 0x80, 0, 0, 0, 0],
        &[0xf1, 0x80, 0, 0, 0, 0],
        &[0x80, 0x80, 0, 0, 0, 0],
        &[0x09, 0x80, 0, 0, 0, 0],
        &too_long_control,
    ] {
        let mut client = Client::join(relay.address(), "bench", "eve").await;
        let MaybeTlsStream::Plain(stream) = client.socket.get_mut() else { panic!("no TLS here") };
        stream.write_all(bytes).await.unwrap();
        assert_eq!(client.closed().await.0, 1002, "{bytes:?}");
    }
    // A frame that says it is longer than it may be is refused before it arrives.
    let mut client = Client::join(relay.address(), "bench", "eve").await;
    let MaybeTlsStream::Plain(stream) = client.socket.get_mut() else { panic!("no TLS here") };
    stream.write_all(&[0x81, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]).await.unwrap();
    assert_eq!(client.closed().await.0, 1009);
    bystander.assert_served().await;
    relay.stop().await;
}

#[tokio::test]
async fn a_message_in_parts_has_the_limit_of_a_whole_one() {
    let relay = relay().await;
    let mut client = Client::join(relay.address(), "bench", "eve").await;
    let MaybeTlsStream::Plain(stream) = client.socket.get_mut() else { panic!("no TLS here") };
    // Text, not the end; then parts of 1 MiB without end. The relay stops reading.
    let mut part = vec![0x00, 0xff, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0];
    part.extend(std::iter::repeat_n(b' ', 1 << 20));
    stream.write_all(&[0x01, 0x80, 0, 0, 0, 0]).await.unwrap();
    let sending = async {
        for _ in 0..20 {
            if stream.write_all(&part).await.is_err() {
                break;
            }
        }
    };
    timeout(PATIENCE, sending).await.unwrap();
    // The close may be lost with what the relay has not read.
    let end = timeout(PATIENCE, async {
        loop {
            match futures_util::StreamExt::next(&mut client.socket).await {
                Some(Ok(Message::Close(frame))) => break frame.map(|frame| u16::from(frame.code)),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => break None,
            }
        }
    });
    let code = end.await.unwrap();
    assert!(code.is_none_or(|code| code == 1009), "{code:?}");
    Client::join(relay.address(), "bench", "ann").await.assert_served().await;
    relay.stop().await;
}

#[tokio::test]
async fn a_flood_on_one_connection_is_not_felt_on_another() {
    let mut config = config();
    (config.limits.messages_per_second, config.limits.message_burst) = (1_000, 1_000);
    let relay = Relay::start(&config).await.unwrap();
    let address = relay.address();
    let (mut bystander, _) = Client::join_sync(address, "bench", "bystander", REPLICAS[0]).await;
    let flood = tokio::spawn(async move {
        let (client, _) = Client::join_sync(address, "bench", "eve", REPLICAS[1]).await;
        let (mut sink, mut stream) = futures_util::StreamExt::split(client.socket);
        let reading =
            tokio::spawn(async move { while let Some(Ok(_)) = futures_util::StreamExt::next(&mut stream).await {} });
        for number in 0_u64.. {
            // Presence goes to everybody, rubbish back to the sender.
            let message = match number % 2 {
                0 => json!({"type": "sync:presence", "cursor": [number, 0]}).to_string(),
                _ => "{".to_owned(),
            };
            if sink.send(Message::text(message)).await.is_err() {
                break;
            }
        }
        reading.abort();
    });
    let (mut slowest, mut presences) = (Duration::ZERO, 0_u32);
    let began = std::time::Instant::now();
    for number in 1..=100 {
        let sent = std::time::Instant::now();
        bystander.send(json!({"type": "sync:ops", "ops": [add(REPLICAS[0], number, &format!("item-{number}"))]})).await;
        loop {
            let message = bystander.next().await;
            presences += u32::from(message["type"] == "sync:presence");
            if message["type"] == "sync:ack" {
                break;
            }
        }
        slowest = slowest.max(sent.elapsed());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(slowest < Duration::from_secs(5), "{slowest:?}");
    // Presence is coalesced: 30 a second, however many are sent.
    let most = began.elapsed().as_secs_f64() * 30.0 + 2.0;
    assert!(presences > 0 && f64::from(presences) <= most, "{presences} in {:?}", began.elapsed());
    flood.abort();
    relay.stop().await;
}

#[tokio::test]
async fn a_flood_of_requests_is_refused_and_does_not_touch_sessions() {
    let mut config = config();
    config.limits.http_requests_per_second = 10;
    let relay = Relay::start(&config).await.unwrap();
    let address = relay.address();
    let mut client = Client::join(address, "bench", "ann").await;
    let asked: Vec<_> =
        (0..100).map(|_| tokio::spawn(async move { ask(address, "GET /health", &[], b"").await.status })).collect();
    let mut counts = std::collections::BTreeMap::new();
    for status in asked {
        *counts.entry(status.await.unwrap()).or_insert(0) += 1;
    }
    client.assert_served().await;
    assert!(counts[&200] >= 10 && counts[&429] >= 50 && counts.len() == 2, "{counts:?}");
    relay.stop().await;
}

#[tokio::test]
async fn connections_that_never_become_any_are_dropped_and_hold_nobody_up() {
    let mut config = config();
    (config.limits.http_head_s, config.limits.connections) = (1, 60);
    let relay = Relay::start(&config).await.unwrap();
    let address = relay.address();
    let mut bystander = Client::join(address, "bench", "bystander").await;
    let starts =
        ["", "G", "GET /ws/bench/eve HTTP/1.1\r\n", "POST /api/raytrace HTTP/1.1\r\nContent-Length: 9", "\u{0}\u{1}"];
    let mut slow = Vec::new();
    for start in starts.iter().cycle().take(59) {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(start.as_bytes()).await.unwrap();
        slow.push(stream);
    }
    bystander.assert_served().await;
    // All places are taken, until the time of those who do not go on has passed.
    for mut stream in slow {
        let _ = timeout(PATIENCE, stream.read_to_end(&mut Vec::new())).await.expect("it is dropped");
    }
    let joined = async {
        loop {
            if let Ok((socket, _)) = tokio_tungstenite::connect_async(format!("ws://{address}/ws/bench/ann")).await {
                break Client { socket };
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(PATIENCE, joined).await.unwrap().assert_served().await;
    bystander.assert_served().await;
    relay.stop().await;
}

#[tokio::test]
async fn a_client_that_reads_nothing_is_gone_for_the_others_and_does_not_hold_up_the_end() {
    let mut config = config();
    config.limits.queue_bytes = 1 << 20;
    let relay = Relay::start(&config).await.unwrap();
    let address = relay.address();
    let (mut writer, _) = Client::join_sync(address, "bench", "writer", REPLICAS[0]).await;
    let (_slow, _) = Client::join_sync(address, "bench", "slow", REPLICAS[1]).await;
    let (_other, _) = Client::join_sync(address, "other", "slow", REPLICAS[1]).await;
    let (mut editor, _) = Client::join_sync(address, "other", "editor", REPLICAS[2]).await;
    let text = "x".repeat(200_000);
    let operation = |replica: &str, number: u64| -> Value {
        let body = if number == 1 { json!({"add": "items", "set": {}}) } else { json!({"set": {"note": text}}) };
        json!({"type": "sync:ops", "ops": [[replica, number, 0, 0, "lens", body]]})
    };
    for number in 1..=100 {
        writer.send(operation(REPLICAS[0], number)).await;
        // It reads its own connection only, so the time of one is not that of the other.
        while writer.next_of("sync:ack").await["number"] != number {}
    }
    let gone = async {
        while ask(address, "GET /api/sessions/bench", &[], b"").await.body["active_users"] != json!(["writer"]) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(PATIENCE, gone).await.unwrap();
    // In the other session just as much waits as may, when the relay is stopped.
    for number in 1..=4 {
        editor.send(operation(REPLICAS[2], number)).await;
        editor.next_of("sync:ack").await;
    }
    timeout(PATIENCE, relay.stop()).await.unwrap();
}
