//! The relay as a process: killed at random moments under load, and stopped in order.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that goes wrong must fail")]

mod common;

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use common::{Client, PATIENCE, REPLICAS, add};
use futures_util::{SinkExt, StreamExt};
use optiverse_core::sync::Operation;
use optiverse_core::sync::authority::{Authority, AuthorityConfig};
use optiverse_relay::store::{SqliteStore, Store};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::Barrier;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

const KILLS: u64 = 10;

/// Operations that a client sends before it waits for an acknowledgement.
const AHEAD: u64 = 50;

/// The binary with its store in this directory, and where it listens.
async fn start(directory: &Path) -> (Child, SocketAddr) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_optiverse-relay"))
        .args(["--listen", "127.0.0.1:0", "--log-format", "json", "--store"])
        .arg(format!("sqlite:{}", directory.join("relay.db").display()))
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let address = timeout(PATIENCE, async {
        loop {
            let line = lines.next_line().await.unwrap().expect("the relay says where it listens");
            let event: Value = serde_json::from_str(&line).unwrap();
            if let Some(address) = event["fields"]["address"].as_str() {
                break address.parse().unwrap();
            }
        }
    });
    let address = address.await.unwrap();
    // Nobody reads the rest, and a full pipe must not stop the relay.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    (child, address)
}

/// Joins, waits for the others, then edits until the relay is gone. Returns the number of the last operation that was acknowledged.
async fn edit(address: SocketAddr, user: usize, settled: u64, all_joined: Arc<Barrier>) -> u64 {
    let replica = REPLICAS[user];
    let mut client = Client::join(address, "bench", &format!("user {user}").replace(' ', "-")).await;
    client.send(json!({"type": "sync:hello", "protocol": 1, "replica": replica, "settled": settled})).await;
    all_joined.wait().await;
    let (mut acknowledged, mut sent) = (settled, settled);
    loop {
        while sent < acknowledged + AHEAD {
            sent += 1;
            let operation = add(replica, sent, &format!("{replica}-{sent}"));
            let message = json!({"type": "sync:ops", "ops": [operation]}).to_string();
            if client.socket.send(Message::text(message)).await.is_err() {
                return acknowledged;
            }
        }
        match timeout(PATIENCE, client.socket.next()).await.expect("in time") {
            Some(Ok(Message::Text(text))) => {
                let message: Value = serde_json::from_str(&text).unwrap();
                if message["type"] == "sync:ack" {
                    acknowledged = acknowledged.max(message["number"].as_u64().unwrap());
                }
                assert_ne!(message["type"], "sync:refused", "{message}");
                assert_ne!(message["type"], "sync:gap", "{message}");
            }
            Some(Ok(_)) => {}
            Some(Err(_)) | None => return acknowledged,
        }
    }
}

/// The operations in the store, each a replica and a number. The session can be brought back from them.
fn stored(directory: &Path) -> Vec<(String, u64)> {
    let mut store = SqliteStore::open(&directory.join("relay.db")).unwrap();
    let found = store.load("bench").unwrap().expect("the session is stored");
    let config = AuthorityConfig {
        session_id: "bench".to_owned(),
        epoch: found.info.epoch,
        replica: optiverse_core::sync::ReplicaId::new(1),
    };
    let restored = Authority::restore(config, found.snapshot.as_ref(), found.records.clone()).unwrap();
    let mut items: Vec<(String, u64)> = restored
        .scene()
        .items()
        .map(|item| {
            let (replica, number) = item.id().as_str().split_once('-').unwrap();
            (replica.to_owned(), number.parse().unwrap())
        })
        .collect();
    items.sort();
    let mut ids: Vec<_> = found.records.iter().map(|record| Operation::from_json(&record.text).unwrap().id()).collect();
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all, "an operation was stored twice");
    items
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_and_nothing_is_there_twice_after_kills() {
    let directory = tempfile::tempdir().unwrap();
    let mut settled = [0_u64; REPLICAS.len()];
    for kill in 0..KILLS {
        let (mut child, address) = start(directory.path()).await;
        let all_joined = Arc::new(Barrier::new(REPLICAS.len() + 1));
        let editing: Vec<_> = (0..REPLICAS.len())
            .map(|user| tokio::spawn(edit(address, user, settled[user], Arc::clone(&all_joined))))
            .collect();
        all_joined.wait().await;
        // A different moment each time: some before the first operation is stored, some amid many.
        tokio::time::sleep(Duration::from_millis(40 + kill * kill * 7 % 300)).await;
        child.kill().await.unwrap();
        let mut acknowledged = Vec::new();
        for edits in editing {
            acknowledged.push(edits.await.unwrap());
        }
        let items = stored(directory.path());
        for (user, &acknowledged) in acknowledged.iter().enumerate() {
            let numbers: Vec<u64> =
                items.iter().filter(|(replica, _)| replica == REPLICAS[user]).map(|(_, number)| *number).collect();
            let stored = numbers.len() as u64;
            // Each once, none left out, and all that were acknowledged.
            assert_eq!(numbers, (1..=stored).collect::<Vec<_>>(), "kill {kill}");
            assert!(stored >= acknowledged, "kill {kill}: {acknowledged} acknowledged, {stored} stored");
            // The next run sends again what may not have arrived.
            settled[user] = acknowledged;
        }
    }
    assert!(settled.iter().all(|&acknowledged| acknowledged > 0), "there was load: {settled:?}");
}

#[tokio::test]
async fn a_signal_stops_it_in_order() {
    let directory = tempfile::tempdir().unwrap();
    for signal in ["-INT", "-TERM"] {
        let (mut child, address) = start(directory.path()).await;
        let mut client = Client::join(address, "bench", "ann").await;
        let id = child.id().unwrap().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().await.unwrap().success());
        assert_eq!(client.closed().await.0, 1001);
        let status = timeout(PATIENCE, child.wait()).await.unwrap().unwrap();
        assert_eq!(status.code(), Some(0), "{signal}");
    }
}

#[tokio::test]
async fn a_restart_continues_where_it_was() {
    let directory = tempfile::tempdir().unwrap();
    let (mut child, address) = start(directory.path()).await;
    let (mut client, _) = Client::join_sync(address, "bench", "ann", REPLICAS[0]).await;
    client.send(json!({"type": "sync:ops", "ops": [add(REPLICAS[0], 1, "lens")]})).await;
    client.next_of("sync:ack").await;
    child.kill().await.unwrap();
    let (_child, address) = start(directory.path()).await;
    let (mut client, sequence) = Client::join_sync(address, "bench", "ann", REPLICAS[0]).await;
    assert_eq!(sequence, 1);
    assert!(client.next_of("sync:part").await.to_string().contains("lens"));
    // Sent again, it is recognised.
    client.send(json!({"type": "sync:ops", "ops": [add(REPLICAS[0], 1, "lens")]})).await;
    assert_eq!(client.next_of("sync:ack").await["number"], 1);
    let (_other, sequence) = Client::join_sync(address, "bench", "bob", REPLICAS[1]).await;
    assert_eq!(sequence, 1);
}

#[tokio::test]
async fn the_log_is_bounded_and_a_snapshot_brings_everything_back() {
    const OPERATIONS: u64 = 10_100;
    let directory = tempfile::tempdir().unwrap();
    let (mut child, address) = start(directory.path()).await;
    let (mut client, _) = Client::join_sync(address, "bench", "ann", REPLICAS[0]).await;
    for first in (1..=OPERATIONS).step_by(100) {
        let operations: Vec<Value> =
            (first..first + 100).map(|number| add(REPLICAS[0], number, &format!("{}-{number}", REPLICAS[0]))).collect();
        client.send(json!({"type": "sync:ops", "ops": operations})).await;
    }
    while client.next_of("sync:ack").await["number"] != OPERATIONS {}
    // In order, so that a snapshot that is being made is made.
    let id = child.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().await.unwrap().success());
    assert!(timeout(PATIENCE, child.wait()).await.unwrap().unwrap().success());
    let mut store = SqliteStore::open(&directory.path().join("relay.db")).unwrap();
    let found = store.load("bench").unwrap().unwrap();
    drop(store);
    // One snapshot at least, made when there were 10,000 operations or one group more.
    assert!(found.snapshot.is_some_and(|snapshot| snapshot.sequence >= 10_000));
    assert!(found.records.len() <= 100, "{} records", found.records.len());
    assert_eq!(stored(directory.path()).len() as u64, OPERATIONS);
    let (_child, address) = start(directory.path()).await;
    let (_client, sequence) = Client::join_sync(address, "bench", "bob", REPLICAS[1]).await;
    assert_eq!(sequence, OPERATIONS);
}

#[tokio::test]
async fn the_command_says_what_is_wrong() {
    let run = async |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_optiverse-relay")).args(arguments).output().await.unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("relay.toml");
    std::fs::write(&file, "[limits]\nusers = 3\n").unwrap();
    let (code, _, problem) = run(&["--config", file.to_str().unwrap()]).await;
    assert!(code == Some(2) && problem.contains("users"), "{problem}");
    let (code, _, problem) = run(&["--store", "tape:x"]).await;
    assert!(code == Some(2) && problem.contains("sqlite:PATH"), "{problem}");
    let (code, _, problem) = run(&["--log", "a=b=c"]).await;
    assert!(code == Some(2) && problem.contains("--log"), "{problem}");
    let (code, _, problem) = run(&["--listen", "127.0.0.1:0", "--store", "sqlite:/nowhere/at/all.db"]).await;
    assert!(code == Some(1) && problem.contains("cannot open the store"), "{problem}");
    let (code, printed, _) = run(&["--print-config"]).await;
    assert_eq!((code, printed.as_str()), (Some(0), optiverse_relay::config::DEFAULT_FILE));
    let (code, printed, _) = run(&["--help"]).await;
    assert!(code == Some(0) && printed.contains("--listen"), "{printed}");
}
