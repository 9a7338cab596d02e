//! `--exit-with-stdin`: a relay that ends with the program that started it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that goes wrong must fail")]

mod common;

use std::process::Stdio;
use std::time::Duration;

use common::process::start_with;
use common::{Client, PATIENCE};
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

#[tokio::test]
async fn the_end_of_its_input_stops_it_in_order() {
    let (mut child, address) = start_with(&["--exit-with-stdin"], Stdio::piped()).await;
    let mut client = Client::join(address, "bench", "ann").await;
    let mut input = child.stdin.take().unwrap();
    // What comes on it, a line feed or a lot, means nothing.
    input.write_all(&[b'\n'; 200_000]).await.unwrap();
    client.assert_served().await;
    drop(input);
    assert_eq!(client.closed().await.0, 1001);
    assert_eq!(timeout(PATIENCE, child.wait()).await.unwrap().unwrap().code(), Some(0));
}

#[tokio::test]
async fn an_input_that_has_ended_before_stops_it_at_once() {
    let (mut child, _) = start_with(&["--exit-with-stdin"], Stdio::null()).await;
    assert_eq!(timeout(PATIENCE, child.wait()).await.unwrap().unwrap().code(), Some(0));
}

/// As a service of the system is started.
#[tokio::test]
async fn without_the_option_the_end_of_its_input_means_nothing() {
    let (mut child, address) = start_with(&[], Stdio::null()).await;
    assert!(timeout(Duration::from_millis(300), child.wait()).await.is_err(), "it ended");
    let mut client = Client::join(address, "bench", "ann").await;
    client.assert_served().await;
    child.kill().await.unwrap();
}
