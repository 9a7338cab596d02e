//! Much of something: idle connections, items, bytes.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that goes wrong must fail")]

mod common;

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use common::driven::{Control, live};
use common::{Client, PATIENCE, REPLICAS, relay};
use optiverse_core::scene::Scene;
use optiverse_core::sync::ReplicaKey;
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::Message;

/// What a client of the engine's own shows when it has caught up with so many items.
async fn shown(address: SocketAddr, session: &str, items: usize) -> Scene {
    let control = Control::new(address);
    control.is_editing.store(false, Ordering::SeqCst);
    let (session, theirs) = (session.to_owned(), Arc::clone(&control));
    let client = tokio::spawn(async move { live(&session, ReplicaKey::new([99; 16]), theirs).await });
    let caught_up = async {
        while control.items.load(Ordering::SeqCst) != items {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, caught_up).await.expect("it catches up");
    control.is_over.store(true, Ordering::SeqCst);
    client.await.unwrap().scene().clone()
}

/// The ids of the items that the relay tells a client of the app that asks for all.
async fn told_to_app(address: SocketAddr, session: &str) -> HashSet<String> {
    let mut app = Client::join(address, session, "late-app").await;
    app.send(json!({"type": "sync:request"})).await;
    let state = app.next_of("sync:full_state").await;
    let items = state["state"]["items"].as_array().unwrap();
    items.iter().map(|item| item["uuid"].as_str().unwrap().to_owned()).collect()
}

/// Makes a session with 10,000 items of about 300 bytes each.
async fn fill(address: SocketAddr, session: &str, list: &str) {
    const ITEMS: u64 = 10_000;
    let (mut writer, _) = Client::join_sync(address, session, "ann", REPLICAS[0]).await;
    let lens = |number: u64| {
        let id = format!("lens-{number}");
        let key = if list == "items" { "item_uuid" } else { "id" };
        json!([REPLICAS[0], number, 0, 0, id, {"add": list, "set": {key: id, "kind": "lens", "x_mm": number,
            "y_mm": 1.5, "angle_deg": 90, "efl_mm": 100, "length_mm": 25.4, "notes": "x".repeat(120)}}])
    };
    for first in (1..=ITEMS).step_by(100) {
        let operations: Vec<Value> = (first..first + 100).map(lens).collect();
        writer.send(json!({"type": "sync:ops", "ops": operations})).await;
    }
    while writer.next_of("sync:ack").await["number"] != ITEMS {}
}

#[tokio::test]
async fn a_session_of_ten_thousand_items_can_be_joined_late_by_every_family() {
    let relay = relay().await;
    let address = relay.address();
    let mut bystander = Client::join(address, "another", "bystander").await;
    // Older clients see what their own family can hold.
    fill(address, "assembly", "items").await;
    fill(address, "flat", "components").await;

    let scene = shown(address, "assembly", 10_000).await;
    assert_eq!(scene.items().filter(|item| item.id().as_str().starts_with("lens-")).count(), 10_000);
    assert_eq!(told_to_app(address, "assembly").await.len(), 10_000);
    let mut component = Client::join(address, "flat", "late-component").await;
    component
        .send(json!({"type": "component:add", "data": {"id": "mine", "kind": "lens", "x_mm": 0, "y_mm": 0}}))
        .await;
    let mut ids = HashSet::new();
    while ids.len() < 10_000 {
        let added = component.next_of("component:add").await;
        ids.insert(added["data"]["id"].as_str().unwrap().to_owned());
    }
    assert!(ids.contains("lens-1") && ids.contains("lens-10000"));
    bystander.assert_served().await;
    relay.stop().await;
}

#[tokio::test]
async fn a_client_of_the_app_shares_a_scene_of_five_mebibytes() {
    let relay = relay().await;
    let address = relay.address();
    let mut bystander = Client::join(address, "another", "bystander").await;
    let items: Vec<Value> = (0..10_000)
        .map(|number| {
            let id = format!("item-{number}");
            json!({"item_uuid": id, "uuid": id, "item_type": "component", "_type": "component", "x_mm": number,
                "y_mm": 0.5, "angle_deg": 45.0, "name": "a component", "notes": "x".repeat(400)})
        })
        .collect();
    let text = json!({"type": "sync:full_state", "state": {"items": items, "version": 1}}).to_string();
    assert!(text.len() > 5 << 20, "{} bytes", text.len());
    let mut host = Client::open(address, "/ws/bench/host").await;
    assert_eq!(host.next().await["is_host"], true);
    let (mut friend, _) = Client::join_sync(address, "bench", "friend", REPLICAS[0]).await;
    host.send_raw(Message::text(text)).await;
    host.assert_served().await;
    let mut told = 0;
    while told < 10_000 {
        told += friend.next_of("sync:ops").await["ops"].as_array().unwrap().len();
    }
    let scene = shown(address, "bench", 10_000).await;
    let last = scene.items().find(|item| item.id().as_str() == "item-9999").unwrap();
    assert_eq!(last.get("notes"), Some(&json!("x".repeat(400))));
    assert_eq!(told_to_app(address, "bench").await.len(), 10_000);
    bystander.assert_served().await;
    relay.stop().await;
}

#[tokio::test]
async fn a_thousand_idle_connections_are_held() {
    let relay = relay().await;
    let mut clients = Vec::new();
    for number in 0..1_000 {
        // Ten to a session, so that the greetings do not grow with the square.
        clients.push(Client::join(relay.address(), &format!("session-{}", number / 10), "ann").await);
    }
    for client in &mut clients {
        client.assert_served().await;
    }
    relay.stop().await;
}
