//! S18: sessions over a server that only forwards.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod sync_sim;

use sync_sim::clients::{Client, NewClient};
use sync_sim::forwarder::ForwardWorld;

fn new_client(id: u64) -> Client {
    Client::New(Box::new(NewClient::new(id)))
}

fn run(seed: u64) {
    let clients = (0..2 + seed % 3).map(|index| new_client(11 + index)).collect();
    let mut world = ForwardWorld::new(seed, clients);
    let steps = 40 + world.random.below(120);
    for _ in 0..steps {
        world.step();
    }
    world.quiet();
    world.check_quiet();
}

/// S1 to S7, S15 and S18, invariants 1, 4 to 7 and 15: new clients converge among themselves.
#[test]
fn random_schedules_converge_over_a_forwarder() {
    for seed in 0..1_000 {
        let outcome = std::panic::catch_unwind(|| run(seed));
        assert!(outcome.is_ok(), "seed {seed}");
    }
}
