//! The relay as a process: signals, restarts, exit codes.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that goes wrong must fail")]

mod common;

use std::process::Stdio;

use common::process::{start, start_logged, stored};
use common::{Client, KEYS, PATIENCE, REPLICAS, add, hello};
use optiverse_relay::store::{SqliteStore, Store};
use serde_json::{Value, json};
use tokio::process::Command;
use tokio::time::timeout;

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

/// A client that takes nothing could hold up the end for some seconds; whoever asks twice does not want to wait.
#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let (mut child, address) = start(directory.path()).await;
    let (_stuck, _) = Client::join_sync(address, "bench", "stuck", REPLICAS[1]).await;
    let (mut writer, _) = Client::join_sync(address, "bench", "ann", REPLICAS[0]).await;
    let text = "x".repeat(200_000);
    for number in 1..=60 {
        let body = if number == 1 { json!({"add": "items", "set": {}}) } else { json!({"set": {"note": text}}) };
        writer.send(json!({"type": "sync:ops", "ops": [[REPLICAS[0], number, 0, 0, "lens", body]]})).await;
        writer.next_of("sync:ack").await;
    }
    let id = child.id().unwrap().to_string();
    let term = async || assert!(Command::new("kill").args(["-TERM", &id]).status().await.unwrap().success());
    term().await;
    assert_eq!(writer.closed().await.0, 1001);
    let asked_again = std::time::Instant::now();
    term().await;
    let status = timeout(PATIENCE, child.wait()).await.unwrap().unwrap();
    assert_eq!(status.code(), Some(1));
    assert!(asked_again.elapsed() < std::time::Duration::from_secs(4), "{:?}", asked_again.elapsed());
    // Nothing that was acknowledged is lost.
    let mut store = SqliteStore::open(&directory.path().join("relay.db")).unwrap();
    assert_eq!(store.load("bench").unwrap().unwrap().records.last().unwrap().sequence, 60);
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
    assert!(code == Some(1) && problem.contains("cannot open the store sqlite:/nowhere"), "{problem}");
    let (code, printed, _) = run(&["--print-config"]).await;
    assert_eq!((code, printed.as_str()), (Some(0), optiverse_relay::config::DEFAULT_FILE));
    let (code, printed, _) = run(&["--help"]).await;
    assert!(code == Some(0) && printed.contains("--listen"), "{printed}");
}

/// S19: keys are seen by the relay alone, and it keeps none; not even where everything is logged.
#[tokio::test]
async fn no_key_is_logged_or_stored() {
    let directory = tempfile::tempdir().unwrap();
    let store = format!("sqlite:{}", directory.path().join("relay.db").display());
    let (mut child, address, log) = start_logged(&["--store", &store, "--log", "trace"], Stdio::inherit()).await;
    let (mut client, _) = Client::join_sync(address, "bench", "ann", REPLICAS[0]).await;
    client.send(json!({"type": "sync:ops", "ops": [add(REPLICAS[0], 1, "lens")]})).await;
    client.next_of("sync:ack").await;
    let mut malformed = hello(REPLICAS[1]);
    malformed["key"] = format!("{}!", KEYS[1]).into();
    client.send(malformed).await;
    client.next_of("sync:error").await;
    let mut wrong = hello(REPLICAS[0]);
    wrong["key"] = KEYS[2].into();
    client.send(wrong).await;
    assert_eq!(client.closed().await.0, 1008);
    let id = child.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().await.unwrap().success());
    timeout(PATIENCE, child.wait()).await.unwrap().unwrap();

    let mut places = vec![("log".to_owned(), timeout(PATIENCE, log).await.unwrap().unwrap().into_bytes())];
    for entry in std::fs::read_dir(directory.path()).unwrap() {
        let path = entry.unwrap().path();
        places.push((path.display().to_string(), std::fs::read(&path).unwrap()));
    }
    let holds = |bytes: &[u8], sought: &[u8]| bytes.windows(sought.len()).any(|window| window == sought);
    assert!(places.len() > 1);
    for (place, bytes) in places {
        // Where nothing was written nothing would be found.
        let written = if place == "log" { "disconnected" } else { REPLICAS[0] };
        assert!(holds(&bytes, written.as_bytes()), "{place}");
        for key in KEYS {
            let raw = u128::from_str_radix(key, 16).unwrap().to_be_bytes();
            assert!(!holds(&bytes, key.as_bytes()) && !holds(&bytes, &raw), "{place} holds {key}");
        }
    }
}
