//! The requests over HTTP, as `curl` makes them.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that goes wrong must fail")]

mod common;

use std::net::SocketAddr;
use std::time::Duration;

use common::{Client, REPLICAS, add, ask, config, relay};
use optiverse_relay::config::Config;
use optiverse_relay::server::Relay;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::Command;

/// The status and the body.
async fn curl(address: SocketAddr, path: &str, body: Option<&str>) -> (u16, Value) {
    let mut command = Command::new("curl");
    command.args(["--silent", "--show-error", "--path-as-is", "--write-out", "\n%{http_code}"]);
    if let Some(body) = body {
        command.args(["--header", "Content-Type: application/json", "--data-binary", "@-"]);
        command.stdin(std::process::Stdio::piped());
        command.arg(format!("http://{address}{path}"));
        let mut child = command.stdout(std::process::Stdio::piped()).spawn().expect("curl is installed");
        let mut input = child.stdin.take().unwrap();
        // The relay may answer before it has read all.
        let _ = input.write_all(body.as_bytes()).await;
        drop(input);
        return parse(&child.wait_with_output().await.unwrap().stdout);
    }
    let output = command.arg(format!("http://{address}{path}")).output().await.expect("curl is installed");
    parse(&output.stdout)
}

fn parse(output: &[u8]) -> (u16, Value) {
    let text = std::str::from_utf8(output).unwrap();
    let (body, status) = text.rsplit_once('\n').unwrap();
    (status.parse().unwrap(), serde_json::from_str(body).unwrap_or(Value::Null))
}

#[tokio::test]
async fn sessions_are_made_described_and_joined() {
    let relay = Relay::start(&Config { require_created_sessions: true, ..config() }).await.unwrap();
    let address = relay.address();
    let (status, made) = curl(address, "/api/sessions", Some("")).await;
    assert_eq!(status, 200);
    let id = made["session_id"].as_str().unwrap().to_owned();
    // 32 bytes in URL-safe base64.
    assert_eq!(id.len(), 43);
    assert_eq!(made["share_link"], format!("optiverse://join/{id}"));
    let (_, other) = curl(address, "/api/sessions", Some("{}")).await;
    assert_ne!(other["session_id"], id);

    let mut client = Client::join(address, &id, "ann").await;
    client.assert_served().await;
    let (status, found) = curl(address, &format!("/api/sessions/{id}"), None).await;
    assert_eq!((status, &found["session_id"]), (200, &json!(id)));
    assert_eq!((&found["active_users"], &found["user_count"]), (&json!(["ann"]), &json!(1)));
    assert!(found["created_at"].as_str().unwrap().ends_with('Z'));
    for path in ["/health", "/"] {
        let expected = json!({"status": "ok", "active_sessions": 1, "total_users": 1});
        assert_eq!(curl(address, path, None).await, (200, expected), "{path}");
    }
    relay.stop().await;
}

#[tokio::test]
async fn it_says_whether_it_is_ready_and_what_it_has_done() {
    let directory = tempfile::tempdir().unwrap();
    let store = optiverse_relay::config::StoreChoice::Sqlite(directory.path().join("relay.db"));
    let relay = Relay::start(&Config { store, ..config() }).await.unwrap();
    let address = relay.address();
    assert_eq!(curl(address, "/ready", None).await, (200, json!({"status": "ready"})));
    let (mut client, _) = Client::join_sync(address, "bench", "ann", REPLICAS[0]).await;
    client.send(json!({"type": "sync:ops", "ops": [add(REPLICAS[0], 1, "lens")]})).await;
    client.next_of("sync:ack").await;
    Client::open(address, "/ws/bench").await.closed().await;
    Client::open(address, "/ws/bench/%00").await.closed().await;
    let answer = Command::new("curl").args(["--silent", &format!("http://{address}/metrics")]).output().await.unwrap();
    let text = String::from_utf8(answer.stdout).unwrap();
    for line in [
        "optiverse_relay_sessions 1",
        "optiverse_relay_sessions_in_use 1",
        "optiverse_relay_users 1",
        "optiverse_relay_connections_total 1",
        "optiverse_relay_refused_connections_total 1",
        "optiverse_relay_messages_received_total 2",
        "optiverse_relay_operations_stored_total 1",
        "optiverse_relay_slow_connections_total 0",
        "optiverse_relay_store_failures_total 0",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
    relay.stop().await;
}

#[tokio::test]
async fn pages_of_allowed_origins_alone_may_read_answers() {
    let config = Config {
        allowed_origins: Config::from_toml("allowed_origins = [\"https://a.org\"]").unwrap().allowed_origins,
        ..config()
    };
    let relay = Relay::start(&config).await.unwrap();
    for (origin, expected) in [("https://a.org", true), ("https://b.org", false)] {
        let url = format!("http://{}/health", relay.address());
        let header = format!("Origin: {origin}");
        let answer =
            Command::new("curl").args(["--silent", "--include", "--header", &header, &url]).output().await.unwrap();
        let text = String::from_utf8(answer.stdout).unwrap().to_lowercase();
        assert_eq!(text.contains(&format!("access-control-allow-origin: {origin}")), expected, "{text}");
        // What a page asks before it revokes an invitation.
        let asked = [header.as_str(), "Access-Control-Request-Method: DELETE"];
        let answer = ask(relay.address(), "OPTIONS /api/sessions/a/invitations/b", &asked, b"").await;
        let may = answer.head.contains(&format!("access-control-allow-origin: {origin}"));
        assert_eq!(may, expected, "{answer:?}");
        assert!(answer.head.contains("delete") && answer.head.contains("authorization"), "{answer:?}");
    }
    relay.stop().await;
}

#[tokio::test]
async fn what_cannot_be_answered_says_why() {
    let relay = relay().await;
    let address = relay.address();
    let long = " ".repeat((16 << 10) + 1);
    for (path, body, expected) in [
        ("/api/sessions/nobody", None, 404),
        ("/nothing", None, 404),
        ("/../../etc/passwd", None, 404),
        ("/api/sessions", None, 405),
        ("/api/sessions", Some("{"), 400),
        ("/api/sessions", Some("[]"), 400),
        ("/api/sessions", Some(r#"{"colour": 1}"#), 400),
        ("/api/sessions", Some(long.as_str()), 413),
        ("/api/raytrace", Some("["), 400),
        ("/api/raytrace", Some(r#"{"sources": 1}"#), 400),
    ] {
        let (status, answer) = curl(address, path, body).await;
        assert_eq!(status, expected, "{path} {answer}");
        if status != 413 {
            assert!(answer["error"].as_str().is_some_and(|text| !text.is_empty()), "{path} {answer}");
        }
    }
    relay.stop().await;
}

const SOURCE: &str = r##"{"id": "s", "kind": "source", "x_mm": 0, "y_mm": 0, "angle_deg": 0, "n_rays": 3, "spread_deg": 0,
    "ray_length_mm": 100, "color_hex": "#ff0000", "size_mm": 2}"##;

#[tokio::test]
async fn rays_are_traced_on_request() {
    let relay = relay().await;
    let body = format!(r#"{{"sources": [{SOURCE}], "components": []}}"#);
    let (status, answer) = curl(relay.address(), "/api/raytrace", Some(&body)).await;
    assert_eq!(status, 200, "{answer}");
    let rays = answer["rays"].as_array().unwrap();
    assert_eq!(rays.len(), 3);
    // Straight along x for 100 mm.
    for ray in rays {
        let points = ray["points"].as_array().unwrap();
        let length = points[1]["x"].as_f64().unwrap() - points[0]["x"].as_f64().unwrap();
        assert!((length - 100.0).abs() < 1e-9, "{ray}");
        assert_eq!(ray["color"]["r"], 255);
    }
    relay.stop().await;
}

#[tokio::test]
async fn an_answer_of_too_many_vertices_is_refused() {
    let mut config = config();
    let body = format!(r#"{{"sources": [{SOURCE}]}}"#);
    // Three rays of two vertices.
    for (limit, expected) in [(6, 200), (5, 422)] {
        config.limits.raytrace_vertices = limit;
        let relay = Relay::start(&config).await.unwrap();
        assert_eq!(curl(relay.address(), "/api/raytrace", Some(&body)).await.0, expected);
        relay.stop().await;
    }
}

#[tokio::test]
async fn an_address_has_a_limit_of_requests() {
    let mut config = config();
    config.limits.http_requests_per_second = 1;
    let relay = Relay::start(&config).await.unwrap();
    let ask = async || {
        let mut stream = TcpStream::connect(relay.address()).await.unwrap();
        stream.write_all(b"GET /health HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    };
    assert!(ask().await.starts_with("HTTP/1.1 200"));
    let refused = ask().await.to_lowercase();
    assert!(refused.starts_with("http/1.1 429") && refused.contains("retry-after: 1"), "{refused}");
    // A WebSocket is not a request of this kind.
    Client::join(relay.address(), "bench", "ann").await.assert_served().await;
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    assert!(ask().await.starts_with("HTTP/1.1 200"));
    relay.stop().await;
}

#[tokio::test]
async fn the_relay_has_a_limit_of_connections() {
    let mut config = config();
    config.limits.connections = 2;
    let relay = Relay::start(&config).await.unwrap();
    let mut first = Client::join(relay.address(), "bench", "ann").await;
    let mut second = Client::join(relay.address(), "bench", "bob").await;
    let mut third = TcpStream::connect(relay.address()).await.unwrap();
    // It is closed, or reset, without a word.
    assert!(matches!(third.read(&mut [0; 1]).await, Ok(0) | Err(_)));
    first.assert_served().await;
    second.assert_served().await;
    relay.stop().await;
}
