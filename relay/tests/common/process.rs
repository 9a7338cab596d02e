//! The relay as a process of its own, and what it keeps on the disk.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;

use optiverse_core::sync::Operation;
use optiverse_core::sync::authority::{Authority, AuthorityConfig};
use optiverse_relay::store::{SqliteStore, Store};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::PATIENCE;

/// The binary with its store in this directory, and where it listens.
pub async fn start(directory: &Path) -> (Child, SocketAddr) {
    let store = format!("sqlite:{}", directory.join("relay.db").display());
    start_with(&["--store", &store], Stdio::inherit()).await
}

/// The binary with these options and this standard input, and where it listens.
pub async fn start_with(options: &[&str], input: Stdio) -> (Child, SocketAddr) {
    let (child, address, _) = start_logged(options, input).await;
    (child, address)
}

/// The same, and what it logs until it ends.
pub async fn start_logged(options: &[&str], input: Stdio) -> (Child, SocketAddr, JoinHandle<String>) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_optiverse-relay"))
        .args(["--listen", "127.0.0.1:0", "--log-format", "json"])
        .args(options)
        .stdin(input)
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
    // A full pipe must not stop the relay.
    let log = tokio::spawn(async move {
        let mut log = String::new();
        while let Ok(Some(line)) = lines.next_line().await {
            log += &line;
        }
        log
    });
    (child, address, log)
}

/// The operations in the store, each a replica and a number. The session can be brought back from them.
pub fn stored(directory: &Path) -> Vec<(String, u64)> {
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
