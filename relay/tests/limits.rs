//! Each limit of the relay: at the limit, and one past it. Those of names, passwords, users, sessions and invitations are
//! tested where these are.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that goes wrong must fail")]

mod common;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use common::{Answer, Client, PATIENCE, REPLICAS, add, ask, config, create, read_answer, relay};
use optiverse_core::sync::limits::{MAX_FRAME_BYTES, MAX_FRAME_OPERATIONS, MAX_ITEM_BYTES, MAX_STATE_BYTES};
use optiverse_relay::config::Limits;
use optiverse_relay::server::Relay;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

#[test]
fn the_times_that_tests_shorten_have_their_documented_defaults() {
    let limits = Limits::default();
    assert_eq!((limits.http_head_s, limits.http_request_s, limits.auth_s), (10, 30, 10));
    assert_eq!((limits.raytrace_s, limits.session_expiry_s), (10, 24 * 60 * 60));
}

/// A text of this many bytes: the message, and white space after it.
fn padded(message: &Value, bytes: usize) -> Message {
    let mut text = message.to_string();
    text.extend(std::iter::repeat_n(' ', bytes - text.len()));
    Message::text(text)
}

#[tokio::test]
async fn frames_have_limits_by_kind() {
    let relay = relay().await;
    let (mut client, _) = Client::join_sync(relay.address(), "bench", "ann", REPLICAS[0]).await;
    let ping = json!({"type": "ping"});
    client.send_raw(padded(&ping, MAX_FRAME_BYTES)).await;
    client.next_of("pong").await;
    client.send_raw(padded(&ping, MAX_FRAME_BYTES + 1)).await;
    assert!(client.next_of("sync:error").await["message"].to_string().contains("1048576"));

    let mut app = Client::join(relay.address(), "bench", "app").await;
    let state =
        json!({"type": "sync:full_state", "state": {"items": [{"item_uuid": "lens", "x_mm": 1.0, "y_mm": 2.0}]}});
    app.send_raw(padded(&state, MAX_STATE_BYTES)).await;
    assert_eq!(client.next_of("sync:ops").await["ops"][0][4], "lens");
    let _ = futures_util::SinkExt::send(&mut app.socket, padded(&state, MAX_STATE_BYTES + 1)).await;
    assert_eq!(app.closed().await.0, 1009);
    client.assert_served().await;
    relay.stop().await;
}

#[tokio::test]
async fn a_frame_has_a_limit_of_operations() {
    let relay = relay().await;
    let (mut client, _) = Client::join_sync(relay.address(), "bench", "ann", REPLICAS[0]).await;
    let most = MAX_FRAME_OPERATIONS as u64;
    let operations = |first: u64, last: u64| -> Value {
        let operation = |number| json!([REPLICAS[0], number, 0, 0, "lens", {"set": {"x_mm": number, "y_mm": 0}}]);
        (first..=last).map(|number| if number == 1 { add(REPLICAS[0], 1, "lens") } else { operation(number) }).collect()
    };
    client.send(json!({"type": "sync:ops", "ops": operations(1, most)})).await;
    while client.next_of("sync:ack").await["number"] != most {}
    client.send(json!({"type": "sync:ops", "ops": operations(most + 1, 2 * most + 1)})).await;
    client.next_of("sync:error").await;
    // Nothing of the frame took effect.
    client.send(json!({"type": "sync:ops", "ops": operations(most + 1, most + 1)})).await;
    assert_eq!(client.next_of("sync:ack").await["sequence"], most + 1);
    relay.stop().await;
}

#[tokio::test]
async fn an_item_has_a_limit_of_bytes() {
    let relay = relay().await;
    let (mut client, _) = Client::join_sync(relay.address(), "bench", "ann", REPLICAS[0]).await;
    // The key, and the text with its quotes.
    let note = |bytes: usize| json!({"add": "items", "set": {"note": "x".repeat(bytes - "note".len() - 2)}});
    client.send(json!({"type": "sync:ops", "ops": [[REPLICAS[0], 1, 0, 0, "lens", note(MAX_ITEM_BYTES)]]})).await;
    assert_eq!(client.next_of("sync:ack").await["number"], 1);
    // One that no item could hold is no operation; one that this item cannot hold is refused.
    client.send(json!({"type": "sync:ops", "ops": [[REPLICAS[0], 2, 0, 0, "big", note(MAX_ITEM_BYTES + 1)]]})).await;
    client.next_of("sync:error").await;
    client.send(json!({"type": "sync:ops", "ops": [[REPLICAS[0], 2, 0, 0, "lens", {"set": {"a": 1}}]]})).await;
    let refused = client.next_of("sync:refused").await;
    assert_eq!((&refused["number"], &refused["reason"]), (&json!(2), &json!("item-size")));
    relay.stop().await;
}

/// How long it takes to get answers to pings, after each of them.
async fn pongs(client: &mut Client, ping: impl Fn() -> Message, count: usize) -> Vec<Duration> {
    let start = Instant::now();
    for _ in 0..count {
        client.send_raw(ping()).await;
    }
    let mut times = Vec::new();
    for _ in 0..count {
        client.next_of("pong").await;
        times.push(start.elapsed());
    }
    times
}

#[tokio::test]
async fn whoever_sends_more_than_its_budget_is_read_more_slowly() {
    let ping = json!({"type": "ping"});
    let by_messages = |limits: &mut Limits| (limits.message_burst, limits.messages_per_second) = (10, 10);
    let by_bytes = |limits: &mut Limits| (limits.byte_burst, limits.bytes_per_second) = (10_000, 10_000);
    for set in [&by_messages as &dyn Fn(&mut Limits), &by_bytes] {
        let mut config = config();
        set(&mut config.limits);
        let relay = Relay::start(&config).await.unwrap();
        let mut client = Client::join(relay.address(), "bench", "ann").await;
        let mut bystander = Client::join(relay.address(), "bench", "bob").await;
        // Ten messages of 1,000 bytes are the budget, and the eleventh is one too many, for which the twelfth waits.
        let times = pongs(&mut client, || padded(&ping, 1_000), 15).await;
        let waited = times[14] - times[0];
        assert!(waited >= Duration::from_millis(350), "ten a second after that: {times:?}");
        assert!(times[14] - times[10] >= waited / 2, "the wait comes after the budget: {times:?}");
        // Another connection has a budget of its own.
        let times = pongs(&mut bystander, || padded(&ping, 1_000), 10).await;
        assert!(times[9] < Duration::from_millis(900), "a second, if it were the same: {times:?}");
        relay.stop().await;
    }
}

#[tokio::test]
async fn sessions_are_limited_also_when_they_are_created() {
    let mut config = config();
    config.limits.sessions = 1;
    let relay = Relay::start(&config).await.unwrap();
    let (id, _) = create(relay.address(), &json!({})).await;
    let refused = ask(relay.address(), "POST /api/sessions", &[], b"").await;
    assert_eq!((refused.status, refused.body), (503, json!({"error": "there are as many sessions as there may be"})));
    Client::join(relay.address(), &id, "ann").await.assert_served().await;
    relay.stop().await;
}

#[tokio::test]
async fn bodies_have_limits() {
    let relay = relay().await;
    let body = |text: &str, bytes: usize| format!("{text}{}", " ".repeat(bytes - text.len()));
    for (path, text, most) in
        [("/api/sessions", "{}", 16 << 10), ("/api/raytrace", r#"{"sources": [], "components": []}"#, 4 << 20)]
    {
        for (bytes, status) in [(most, 200), (most + 1, 413)] {
            let answer = ask(relay.address(), &format!("POST {path}"), &[], body(text, bytes).as_bytes()).await;
            assert_eq!(answer.status, status, "{path} {bytes} {answer:?}");
            assert_eq!(answer.body["error"].is_string(), status == 413);
        }
    }
    relay.stop().await;
}

#[tokio::test]
async fn the_head_of_a_request_has_a_limit() {
    let relay = relay().await;
    let (request, end) = ("GET /health HTTP/1.1\r\nHost: here\r\nConnection: close\r\nX-Long: ", "\r\n\r\n");
    for (bytes, status) in [(16 << 10, 200), ((16 << 10) + 1, 431)] {
        let mut stream = TcpStream::connect(relay.address()).await.unwrap();
        let filling = "x".repeat(bytes - request.len() - end.len());
        stream.write_all(format!("{request}{filling}{end}").as_bytes()).await.unwrap();
        assert_eq!(read_answer(&mut stream).await.status, status, "{bytes}");
    }
    relay.stop().await;
}

/// Sends something, byte by byte and never all of it, and returns the answer and how long it took to come.
async fn trickle(address: SocketAddr, start: &str) -> (Vec<u8>, Duration) {
    let began = Instant::now();
    let (mut reading, mut writing) = TcpStream::connect(address).await.unwrap().into_split();
    writing.write_all(start.as_bytes()).await.unwrap();
    let sending = async {
        while writing.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        std::future::pending().await
    };
    let mut answer = Vec::new();
    tokio::select! {
        // What the relay has not read resets the connection.
        _ = timeout(PATIENCE, reading.read_to_end(&mut answer)) => {}
        () = sending => {}
    }
    (answer, began.elapsed())
}

#[tokio::test]
async fn whoever_sends_a_request_too_slowly_is_not_waited_for() {
    let mut config = config();
    (config.limits.http_head_s, config.limits.http_request_s) = (1, 2);
    let relay = Relay::start(&config).await.unwrap();
    let address = relay.address();
    let head = trickle(address, "GET /health HTTP/1.1\r\nX-Slow: ");
    let body = trickle(address, "POST /api/sessions HTTP/1.1\r\nHost: here\r\nContent-Length: 10000\r\n\r\n");
    let ((answer, after_head), (refused, after_body)) = tokio::join!(head, body);
    assert!(answer.is_empty(), "{}", String::from_utf8_lossy(&answer));
    assert!((Duration::from_secs(1)..PATIENCE).contains(&after_head), "{after_head:?}");
    let refused = String::from_utf8_lossy(&refused).into_owned();
    assert!(refused.starts_with("HTTP/1.1 408") && refused.contains(r#"{"error":"#), "{refused}");
    assert!((Duration::from_secs(2)..PATIENCE).contains(&after_body), "{after_body:?}");
    relay.stop().await;
}

#[tokio::test]
async fn a_password_is_not_waited_for_longer_than_its_time() {
    let mut config = config();
    config.limits.auth_s = 2;
    let relay = Relay::start(&config).await.unwrap();
    let (id, _) = create(relay.address(), &json!({"password": "right"})).await;
    let began = Instant::now();
    let mut client = Client::open(relay.address(), &format!("/ws/{id}/ann")).await;
    // A sign of life does not make it longer.
    client.send_raw(Message::Ping(Vec::new().into())).await;
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    client.send_raw(Message::Ping(Vec::new().into())).await;
    assert_eq!(client.closed().await.0, 1008);
    assert!((Duration::from_secs(2)..PATIENCE).contains(&began.elapsed()), "{:?}", began.elapsed());
    // In time it comes in, though late.
    let mut client = Client::open(relay.address(), &format!("/ws/{id}/ann")).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    client.send(json!({"type": "auth", "password": "right"})).await;
    client.assert_served().await;
    relay.stop().await;
}

/// A scene of many rays, on surfaces so close together that no index helps: it takes many seconds, and each ray little time,
/// after which a trace that was given up ends.
fn slow_scene() -> String {
    let source = json!({"id": "s", "kind": "source", "x_mm": 0, "y_mm": 0, "angle_deg": 0, "n_rays": 1_000_000,
        "spread_deg": 5, "ray_length_mm": 1e6, "color_hex": "#ff0000", "size_mm": 50});
    let lens = |number: u32| {
        let shift = f64::from(number) * 1e-3;
        json!({"id": format!("m{number}"), "kind": "lens", "x_mm": 100.0 + shift, "y_mm": shift,
            "angle_deg": 45.0 + shift / 10.0, "length_mm": 1_000, "efl_mm": 1e6})
    };
    json!({"sources": [source], "components": (0..300).map(lens).collect::<Vec<_>>()}).to_string()
}

#[tokio::test]
async fn traces_are_limited_in_time_and_number() {
    let mut config = config();
    (config.limits.raytrace_s, config.limits.raytrace_vertices) = (3, usize::MAX);
    let relay = Relay::start(&config).await.unwrap();
    let address = relay.address();
    let mut client = Client::join(address, "bench", "ann").await;
    let trace = async move |body: &str| -> Answer { ask(address, "POST /api/raytrace", &[], body.as_bytes()).await };
    let scene: Arc<str> = slow_scene().into();
    let mut answers = JoinSet::new();
    for _ in 0..3 {
        let scene = Arc::clone(&scene);
        answers.spawn(async move { trace(&scene).await });
    }
    // Whichever comes last is one too many, and is told so at once; the others are being traced, and hold nobody up.
    let refused = answers.join_next().await.unwrap().unwrap();
    assert_eq!(refused.status, 503);
    assert_eq!(refused.body, json!({"error": "2 requests are being traced, try again later"}));
    client.assert_served().await;
    for slow in answers.join_all().await {
        assert_eq!((slow.status, slow.body), (503, json!({"error": "it took longer than 3 s"})));
    }
    // What was given up ends, and makes room.
    let free = async {
        while trace(r#"{"sources": [], "components": []}"#).await.status != 200 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(PATIENCE, free).await.unwrap();
    relay.stop().await;
}
