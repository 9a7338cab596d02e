//! The relay is killed at random moments under load: nothing that was acknowledged is lost, nothing is there twice, and
//! clients catch up by themselves.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that goes wrong must fail")]

mod common;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use common::PATIENCE;
use common::driven::{Control, live};
use common::process::{start, stored};
use optiverse_core::sync::{ReplicaId, ReplicaKey};
use tokio::process::Command;
use tokio::time::{sleep, timeout};

const KILLS: u64 = 50;

/// Until a condition holds.
async fn until(what: &str, condition: impl Fn() -> bool) {
    let waiting = async {
        while !condition() {
            sleep(Duration::from_millis(2)).await;
        }
    };
    assert!(timeout(3 * PATIENCE, waiting).await.is_ok(), "{what}");
}

/// In the store, the items of each replica are those of its first edits, each once, and all that were acknowledged.
fn check(items: &[(String, u64)], acknowledged: &[(ReplicaId, u64)], when: &str) {
    let mut all = 0;
    for (replica, acknowledged) in acknowledged {
        let name = replica.to_string();
        let numbers: Vec<u64> = items.iter().filter(|(of, _)| *of == name).map(|(_, number)| *number).collect();
        let stored = numbers.len() as u64;
        assert_eq!(numbers, (1..=stored).collect::<Vec<_>>(), "{when}");
        assert!(stored >= *acknowledged, "{when}: {acknowledged} acknowledged, {stored} stored");
        all += numbers.len();
    }
    assert_eq!(items.len(), all, "{when}: items of nobody");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_and_nothing_is_there_twice_after_kills() {
    let directory = tempfile::tempdir().unwrap();
    let (mut relay, address) = start(directory.path()).await;
    let clients: Vec<_> = (1..=3).map(|number| (ReplicaKey::new([number; 16]), Control::new(address))).collect();
    let living: Vec<_> = clients
        .iter()
        .map(|(key, control)| {
            let (key, control) = (*key, Arc::clone(control));
            tokio::spawn(async move { live("bench", key, control).await })
        })
        .collect();
    let acknowledged = || -> Vec<(ReplicaId, u64)> {
        clients.iter().map(|(key, control)| (key.replica(), control.acknowledged.load(Ordering::SeqCst))).collect()
    };
    for kill in 0..KILLS {
        // There is load: somebody's operation was acknowledged since the last kill. All in turn must get there.
        let (waited_for, before) = acknowledged()[usize::try_from(kill).unwrap() % clients.len()];
        until("an acknowledgement", || {
            acknowledged().iter().any(|(replica, number)| *replica == waited_for && *number > before)
        })
        .await;
        // Another moment each time.
        sleep(Duration::from_millis(kill * kill * 7 % 100)).await;
        relay.kill().await.unwrap();
        let acknowledged = acknowledged();
        check(&stored(directory.path()), &acknowledged, &format!("kill {kill}"));
        let address;
        (relay, address) = start(directory.path()).await;
        clients.iter().for_each(|(_, control)| *control.address.lock().unwrap() = address);
    }

    // In the end all show the same: all edits that were ever made.
    clients.iter().for_each(|(_, control)| control.is_editing.store(false, Ordering::SeqCst));
    sleep(Duration::from_millis(50)).await;
    let edits: u64 = clients.iter().map(|(_, control)| control.edits.load(Ordering::SeqCst)).sum();
    until("all catch up", || clients.iter().all(|(_, control)| control.items.load(Ordering::SeqCst) as u64 == edits))
        .await;
    clients.iter().for_each(|(_, control)| control.is_over.store(true, Ordering::SeqCst));
    let mut scenes = Vec::new();
    for client in living {
        let mut ids: Vec<String> = client.await.unwrap().scene().items().map(|item| item.id().to_string()).collect();
        ids.sort();
        scenes.push(ids);
    }
    assert!(scenes.iter().all(|scene| *scene == scenes[0] && scene.len() as u64 == edits));
    let id = relay.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().await.unwrap().success());
    assert!(timeout(PATIENCE, relay.wait()).await.unwrap().unwrap().success());
    let items = stored(directory.path());
    check(&items, &acknowledged(), "in the end");
    assert_eq!(items.len() as u64, edits);
}
