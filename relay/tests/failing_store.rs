//! A store that fails: nobody is told of what is lost, everybody is closed with 1011, and it works again when the store does.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that goes wrong must fail")]

mod common;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use common::{Client, REPLICAS, add, ask, bearer, config, create, invite};
use optiverse_relay::server::Relay;
use optiverse_relay::store::{Change, MemoryStore, SessionInfo, Store, StoreError, StoredSession};
use serde_json::json;

const STORE_CLOSE: (u16, &str) = (1011, "the session could not be read or stored");

/// A store in memory that fails while it is broken and stands still while it is held. Clones share what is stored.
#[derive(Clone, Default)]
struct FailingStore {
    kept: Arc<Mutex<MemoryStore>>,
    is_broken: Arc<AtomicBool>,
}

impl FailingStore {
    fn kept(&self) -> Result<MutexGuard<'_, MemoryStore>, StoreError> {
        let kept = self.kept.lock().unwrap();
        if self.is_broken.load(Ordering::SeqCst) { Err(StoreError::Other("the disk is full".into())) } else { Ok(kept) }
    }

    fn set_broken(&self, is_broken: bool) {
        self.is_broken.store(is_broken, Ordering::SeqCst);
    }
}

impl Store for FailingStore {
    fn sessions(&mut self) -> Result<Vec<SessionInfo>, StoreError> {
        self.kept()?.sessions()
    }

    fn commit(&mut self, changes: &[Change]) -> Result<(), StoreError> {
        self.kept()?.commit(changes)
    }

    fn load(&mut self, session: &str) -> Result<Option<StoredSession>, StoreError> {
        self.kept()?.load(session)
    }
}

fn ops(replica: usize, number: u64) -> serde_json::Value {
    json!({"type": "sync:ops", "ops": [add(REPLICAS[replica], number, &format!("item-{replica}-{number}"))]})
}

#[tokio::test]
async fn an_operation_that_cannot_be_stored_is_told_to_nobody_and_can_be_sent_again() {
    let store = FailingStore::default();
    let relay = Relay::start_with_store(&config(), store.clone()).await.unwrap();
    let address = relay.address();
    let mut elsewhere = Client::join(address, "elsewhere", "ann").await;
    let (mut ann, _) = Client::join_sync(address, "bench", "ann", REPLICAS[0]).await;
    let (mut bob, _) = Client::join_sync(address, "bench", "bob", REPLICAS[1]).await;
    ann.send(ops(0, 1)).await;
    ann.next_of("sync:ack").await;
    bob.next_of("sync:ops").await;

    store.set_broken(true);
    ann.send(ops(0, 2)).await;
    for client in [&mut ann, &mut bob] {
        // Neither an acknowledgement nor the operation comes before the close.
        let (told, close) = client.rest().await;
        assert!(!told.iter().any(|message| message["type"] == "sync:ack" || message["type"] == "sync:ops"), "{told:?}");
        assert_eq!((close.0, close.1.as_str()), STORE_CLOSE);
    }
    // A session in which nothing is edited does not notice.
    elsewhere.assert_served().await;
    let mut refused = Client::open(address, "/ws/bench/ann").await;
    assert_eq!(refused.closed().await.0, 1011);

    store.set_broken(false);
    let (mut ann, sequence) = Client::join_sync(address, "bench", "ann", REPLICAS[0]).await;
    assert_eq!(sequence, 1);
    ann.send(ops(0, 2)).await;
    assert_eq!(ann.next_of("sync:ack").await["sequence"], 2);
    let metrics = ask(address, "GET /metrics", &[], b"").await.body.to_string();
    assert!(metrics.contains("optiverse_relay_store_failures_total 2"), "{metrics}");
    relay.stop().await;
}

#[tokio::test]
async fn a_session_that_cannot_be_made_or_read_leaves_no_trace() {
    let store = FailingStore::default();
    let relay = Relay::start_with_store(&config(), store.clone()).await.unwrap();
    let (mut ann, _) = Client::join_sync(relay.address(), "bench", "ann", REPLICAS[0]).await;
    ann.send(ops(0, 1)).await;
    ann.next_of("sync:ack").await;
    relay.stop().await;

    // Nothing of it is in memory now.
    let relay = Relay::start_with_store(&config(), store.clone()).await.unwrap();
    let address = relay.address();
    store.set_broken(true);
    for name in ["bench", "new"] {
        let close = Client::open(address, &format!("/ws/{name}/ann")).await.closed().await;
        assert_eq!((close.0, close.1.as_str()), STORE_CLOSE, "{name}");
    }
    let answer = ask(address, "POST /api/sessions", &[], b"").await;
    assert_eq!((answer.status, answer.body), (503, json!({"error": "the disk is full"})));
    let answer = ask(address, "GET /ready", &[], b"").await;
    assert_eq!((answer.status, answer.body), (503, json!({"error": "the disk is full"})));
    // The relay is alive all the same.
    assert_eq!(ask(address, "GET /health", &[], b"").await.status, 200);

    store.set_broken(false);
    assert_eq!(ask(address, "GET /ready", &[], b"").await.status, 200);
    assert_eq!(ask(address, "GET /api/sessions/new", &[], b"").await.status, 404);
    let (_, sequence) = Client::join_sync(address, "bench", "bob", REPLICAS[1]).await;
    assert_eq!(sequence, 1);
    create(address, &json!({})).await;
    relay.stop().await;
}

#[tokio::test]
async fn invitations_that_cannot_be_stored_are_not_made_used_or_revoked() {
    let store = FailingStore::default();
    let relay = Relay::start_with_store(&config(), store.clone()).await.unwrap();
    let address = relay.address();
    let (id, owner) = create(address, &json!({"access": "invited"})).await;
    let invited = invite(address, &id, &owner, &json!({"role": "editor", "uses": 1})).await;
    let of_guest = bearer(invited["token"].as_str().unwrap());
    let (path, of_owner) = (format!("/api/sessions/{id}/invitations"), bearer(&owner));
    let revoke = format!("DELETE {path}/{}", invited["invitation_id"].as_str().unwrap());

    store.set_broken(true);
    assert_eq!(Client::open_with(address, &format!("/ws/{id}/bob"), &of_guest).await.closed().await.0, 1011);
    let offer: &[u8] = br#"{"role": "viewer"}"#;
    assert_eq!(ask(address, &format!("POST {path}"), &[&of_owner], offer).await.status, 503);
    assert_eq!(ask(address, &revoke, &[&of_owner], b"").await.status, 503);

    store.set_broken(false);
    let listed = ask(address, &format!("GET {path}"), &[&of_owner], b"").await.body;
    assert_eq!(listed["invitations"].as_array().unwrap().len(), 1, "{listed}");
    assert_eq!(listed["invitations"][0]["users"], json!([]));
    let mut ann = Client::open_with(address, &format!("/ws/{id}/ann"), &of_guest).await;
    ann.assert_served().await;
    assert_eq!(ask(address, &revoke, &[&of_owner], b"").await.status, 204);
    assert_eq!(ann.closed().await.0, 4003);
    relay.stop().await;
}

#[tokio::test]
async fn a_store_that_stands_still_delays_those_who_wait_for_it_alone() {
    let store = FailingStore::default();
    let relay = Relay::start_with_store(&config(), store.clone()).await.unwrap();
    let address = relay.address();
    let (mut ann, _) = Client::join_sync(address, "bench", "ann", REPLICAS[0]).await;
    let mut elsewhere = Client::join(address, "elsewhere", "bob").await;
    let held = Arc::clone(&store.kept);
    let (hold, release) = (std::sync::mpsc::channel(), std::sync::mpsc::channel::<()>());
    let holding = std::thread::spawn(move || {
        let _held = held.lock().unwrap();
        hold.0.send(()).unwrap();
        // Until the test lets go, or ends.
        let _ = release.1.recv();
    });
    hold.1.recv().unwrap();
    ann.send(ops(0, 1)).await;
    elsewhere.assert_served().await;
    let answer = ask(address, "GET /ready", &[], b"").await;
    assert_eq!((answer.status, answer.body), (503, json!({"error": "the store does not answer in time"})));
    // Ann is told nothing of what is not stored.
    let told = tokio::time::timeout(Duration::from_millis(100), ann.next_of("sync:ack")).await;
    assert!(told.is_err(), "{told:?}");
    drop(release.0);
    assert_eq!(ann.next_of("sync:ack").await["sequence"], 1);
    let ready = async {
        while ask(address, "GET /ready", &[], b"").await.status != 200 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(common::PATIENCE, ready).await.unwrap();
    holding.join().unwrap();
    relay.stop().await;
}
