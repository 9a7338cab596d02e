//! How fast the relay is, beside programs that only forward: `cargo bench -p optiverse-relay`.
//!
//! Servers are processes of their own, on one core each; this process is the clients, on another. All are measured in turns, and
//! medians of the turns are printed. Names of sections (`throughput`, `joiner`, `idle`, `latency`) choose some, and numbers of
//! sessions and users (`1x10`) some of the throughput and the latency. Without `--bench`, as `cargo test` starts it, everything is done once and
//! in small.

#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::panic, reason = "a program for developers")]

mod forwarder;
mod latency;
mod measure;
mod peer;
mod raw;
mod server;

use measure::Plan;
use server::{Kind, SERVE, pin_this_process};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some(at) = arguments.iter().position(|argument| argument == SERVE) {
        return server::serve(&arguments[at + 1..]);
    }
    let plan = if arguments.iter().any(|argument| argument == "--bench") { Plan::WHOLE } else { Plan::SMALL };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let has_cores = std::thread::available_parallelism().is_ok_and(|cores| cores.get() > 1) && pin_this_process(1);
    println!(
        "{}; medians of {}, of latency of {}",
        if has_cores {
            "server on one core, clients on another"
        } else {
            "not pinned: there is one core, or no taskset"
        },
        plan.turns,
        plan.latency_turns
    );
    let core = has_cores.then_some(0);
    let local = tokio::task::LocalSet::new();
    let named = arguments.iter().filter(|argument| !argument.starts_with('-'));
    let (sizes, chosen): (Vec<&String>, Vec<&String>) =
        named.partition(|name| name.starts_with(|first: char| first.is_ascii_digit()));
    let is_chosen = |section: &str| chosen.is_empty() || chosen.iter().any(|name| *name == section);
    local.block_on(&runtime, async {
        if is_chosen("throughput") {
            throughput(&plan, core, &sizes).await;
        }
        if is_chosen("joiner") {
            late_joiner(&plan, core).await;
        }
        if is_chosen("idle") {
            idle(&plan, core).await;
        }
        if is_chosen("latency") {
            // Both on one core, as where a relay shares a laptop with the app.
            latency(&plan, has_cores.then_some(1), &sizes).await;
        }
    });
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Whether numbers of sessions and users are among those named, if any were.
fn is_wanted(sizes: &[&String], sessions: usize, users: usize) -> bool {
    sizes.is_empty() || sizes.iter().any(|size| **size == format!("{sessions}x{users}"))
}

async fn throughput(plan: &Plan, core: Option<usize>, sizes: &[&String]) {
    println!("\nCommands of 250 bytes, one user of each session writes as fast as the slowest reader takes them");
    println!("{:>8}  {:<22}{:>14}{:>18}{:>14}", "users", "server", "deliveries/s", "CPU s/million", "of forwarder");
    for (sessions, users) in [(1, 2), (1, 10), (10, 10)] {
        if !is_wanted(sizes, sessions, users) {
            continue;
        }
        let mut results = vec![Vec::new(); Kind::ALL.len()];
        for _ in 0..plan.turns {
            for (kind, results) in Kind::ALL.into_iter().zip(&mut results) {
                results.push(measure::throughput(kind, core, sessions, users, plan.seconds).await);
            }
        }
        let rate = |results: &[measure::Throughput]| median(results.iter().map(|turn| turn.per_second).collect());
        let forwarder = Kind::ALL.iter().position(|kind| *kind == Kind::Forwarder).expect("it is one of them");
        let reference = rate(&results[forwarder]);
        for (kind, results) in Kind::ALL.into_iter().zip(&results) {
            let cpu = median(results.iter().map(|turn| turn.cpu_per_million).collect());
            let rate = rate(results);
            println!(
                "{:>8}  {:<22}{:>14.0}{cpu:>18.2}{:>14.2}",
                format!("{sessions}×{users}"),
                kind.name(),
                rate,
                rate / reference
            );
        }
    }
}

async fn late_joiner(plan: &Plan, core: Option<usize>) {
    println!("\nA late joiner of {} items, from connecting until the last byte has arrived", plan.items);
    println!("{:<34}{:>10}{:>12}", "", "ms", "MB");
    let bytes = measure::LateJoiner::prepare(Kind::RelayInMemory, core, plan.items, 0).await.app(1).await.bytes;
    let relay = measure::LateJoiner::prepare(Kind::RelayInMemory, core, plan.items, 0).await;
    let forwarder = measure::LateJoiner::prepare(Kind::Forwarder, core, 0, bytes).await;
    let joins = plan.joins;
    for (name, joined) in [
        ("relay, client of the new protocol", relay.new_protocol(joins).await),
        ("relay, client of the app", relay.app(joins).await),
        ("forwarder that kept the bytes", forwarder.bytes(joins).await),
    ] {
        println!("{name:<34}{:>10.2}{:>12.2}", joined.milliseconds, joined.bytes as f64 / 1e6);
    }
}

async fn idle(plan: &Plan, core: Option<usize>) {
    println!("\nMemory of {} idle connections", plan.idle);
    println!("{:<22}{:>22}", "server", "kB per connection");
    for kind in [Kind::RelayInMemory, Kind::Forwarder] {
        let mut turns = Vec::new();
        for _ in 0..plan.turns {
            turns.push(measure::idle(kind, core, plan.idle).await);
        }
        println!("{:<22}{:>22.1}", kind.name(), median(turns) / 1e3);
    }
}

async fn latency(plan: &Plan, core: Option<usize>, sizes: &[&String]) {
    println!("\nLatency in ms where each user writes 30 commands of 250 bytes a second; clients on the server's core");
    println!("{:>8}  {:<22}{:>8}{:>8}{:>16}{:>14}", "users", "server", "p50", "p99", "of plain", "deliveries");
    for (sessions, users) in [(1, 10), (plan.many_sessions, 4)] {
        if !is_wanted(sizes, sessions, users) {
            continue;
        }
        let mut results = vec![Vec::new(); Kind::ALL.len()];
        for _ in 0..plan.latency_turns {
            for (kind, results) in Kind::ALL.into_iter().zip(&mut results) {
                results.push(latency::measure(kind, core, sessions, users, plan.seconds).await);
            }
        }
        let of = |results: &[latency::Latency], pick: fn(&latency::Latency) -> f64| {
            median(results.iter().map(pick).collect())
        };
        let both = |results: &[latency::Latency]| (of(results, |turn| turn.p50), of(results, |turn| turn.p99));
        let plain = Kind::ALL.iter().position(|kind| *kind == Kind::PlainForwarder).expect("it is one of them");
        let reference = both(&results[plain]);
        for (kind, results) in Kind::ALL.into_iter().zip(&results) {
            let (p50, p99) = both(results);
            println!(
                "{:>8}  {:<22}{p50:>8.3}{p99:>8.3}{:>8.2}{:>8.2}{:>14.0}",
                format!("{sessions}×{users}"),
                kind.name(),
                p50 / reference.0,
                p99 / reference.1,
                of(results, |turn| turn.deliveries)
            );
        }
    }
}
