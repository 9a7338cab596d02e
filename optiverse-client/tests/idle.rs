//! A client with nothing to do uses no processor time. Alone in its file, since it measures the whole process.

#![cfg(target_os = "linux")]

mod common;

use std::time::Duration;

use common::{PATIENCE, RunningRelay, TestResult, join};

/// Processor time of this process so far, in clock ticks of 10 ms: `utime` and `stime` of proc(5).
fn ticks() -> Result<u64, Box<dyn std::error::Error>> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let after_name = stat.rsplit_once(')').ok_or("no name")?.1;
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    Ok(fields[11].parse::<u64>()? + fields[12].parse::<u64>()?)
}

#[test]
fn ten_idle_clients_and_their_relay_use_no_processor_time() -> TestResult {
    let relay = RunningRelay::start()?;
    let clients =
        (0..10).map(|number| join(relay.address(), "lab", &number.to_string())).collect::<Result<Vec<_>, _>>()?;
    for client in &clients {
        assert!(client.wait_synchronised(PATIENCE));
    }
    std::thread::sleep(Duration::from_millis(300));
    let before = ticks()?;
    std::thread::sleep(Duration::from_secs(2));
    let used = ticks()? - before;
    // Ten busy threads would have taken 200 and more; each clock tick is 0.5 % of the two seconds.
    assert!(used <= 2, "{used} ticks of 10 ms in 2 s");
    drop(clients);
    relay.stop();
    Ok(())
}
