//! The invariants of `optiverse_core::sync` over a simulated network that cuts, repeats, delays and crashes.

mod sync_sim;

use optiverse_core::sync::Role;
use sync_sim::World;
use sync_sim::clients::{App, Client, ComponentClient, NewClient};

fn new_client(id: u64) -> Client {
    Client::New(Box::new(NewClient::new(id)))
}

/// A random schedule with clients of every kind.
fn run(seed: u64) {
    let mut clients = vec![new_client(11), new_client(12)];
    if !seed.is_multiple_of(2) {
        clients.push(new_client(13));
    }
    if !seed.is_multiple_of(3) {
        clients.push(Client::App(App::new(seed % 3 == 1)));
    }
    if seed % 5 > 2 {
        clients.push(Client::App(App::new(false)));
    }
    if seed % 7 > 3 {
        clients.push(Client::Component(ComponentClient::new()));
    }
    let mut world = World::new(seed, clients);
    if seed.is_multiple_of(11) {
        world.roles[1] = Role::Viewer;
    }
    let steps = 60 + world.random.below(140);
    for _ in 0..steps {
        world.step();
    }
    world.quiet();
    world.check_quiet();
}

fn run_all(seeds: std::ops::Range<u64>) {
    for seed in seeds {
        let outcome = std::panic::catch_unwind(|| run(seed));
        assert!(outcome.is_ok(), "seed {seed}");
    }
}

/// S1 to S15, invariants 1 to 8, 10, 14 and 15.
#[test]
fn random_schedules_converge_first_half() {
    run_all(0..5_000);
}

/// As the first half, with other seeds; apart so that two cores share the work.
#[test]
fn random_schedules_converge_second_half() {
    run_all(5_000..10_000);
}
