//! A relay for each test, and waiting for what is to happen.

#![allow(unreachable_pub, dead_code, reason = "each test file that includes this uses a part of it")]

use std::error::Error;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use optiverse_client::{Address, Client, ClientOptions, Event};
use optiverse_core::scene::{Edit, Item, Scene, Section};
use optiverse_core::sync::session::UndoStep;
use optiverse_relay::config::Config;
use optiverse_relay::server::Relay;
use tokio::runtime::Runtime;

pub type TestResult = Result<(), Box<dyn Error>>;

/// Longer than anything takes on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A relay with a runtime of its own.
pub struct RunningRelay {
    runtime: Runtime,
    relay: Option<Relay>,
}

impl RunningRelay {
    pub fn start() -> Result<RunningRelay, Box<dyn Error>> {
        RunningRelay::with(&Config { listen: SocketAddr::from(([127, 0, 0, 1], 0)), ..Config::default() })
    }

    pub fn with(config: &Config) -> Result<RunningRelay, Box<dyn Error>> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let relay = Some(runtime.block_on(Relay::start(config))?);
        Ok(RunningRelay { runtime, relay })
    }

    pub fn address(&self) -> SocketAddr {
        self.relay.as_ref().map(Relay::address).expect("it is running")
    }

    pub fn stop(mut self) {
        if let Some(relay) = self.relay.take() {
            self.runtime.block_on(relay.stop());
        }
    }
}

pub fn join(server: SocketAddr, session: &str, user: &str) -> Result<Client, Box<dyn Error>> {
    join_with(server, session, user, ClientOptions::default())
}

pub fn join_with(
    server: SocketAddr,
    session: &str,
    user: &str,
    options: ClientOptions,
) -> Result<Client, Box<dyn Error>> {
    Ok(Client::connect(Address::parse(&format!("ws://{server}/ws/{session}/{user}"))?, options)?)
}

pub fn add(client: &Client, id: &str) -> Result<(), Box<dyn Error>> {
    let properties = serde_json::json!({"_type": "component", "item_uuid": id, "x_mm": 0, "y_mm": 0});
    let item = Item::new(Section::Items, properties.as_object().cloned().unwrap_or_default())?;
    Ok(client.edit(&Edit::Add { item, position: None }, UndoStep::New)?)
}

pub fn move_to(client: &Client, id: &str, x_mm: f64) -> Result<(), Box<dyn Error>> {
    Ok(client.edit(&Edit::Move { id: id.into(), x_mm, y_mm: 0.0 }, UndoStep::New)?)
}

/// Waits until something is so.
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// The next event that `find` finds; others are passed over.
pub fn find_event<T>(client: &Client, mut find: impl FnMut(&Event) -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let event = client.wait_event(deadline.saturating_duration_since(Instant::now())).expect("an event in time");
        if let Some(found) = find(&event) {
            return found;
        }
    }
}

/// Code, message, and whether another attempt follows.
pub fn disconnected(client: &Client) -> (Option<u16>, String, bool) {
    find_event(client, |event| match event {
        Event::Disconnected { code, message, retries } => Some((*code, message.clone(), *retries)),
        _ => None,
    })
}

/// The items as text, in an order of their own.
pub fn contents(scene: &Scene) -> Vec<String> {
    let mut items: Vec<String> = scene
        .items()
        .map(|item| {
            let mut properties: Vec<_> =
                item.properties().iter().map(|(key, value)| format!("{key}={value}")).collect();
            properties.sort();
            properties.join(",")
        })
        .collect();
    items.sort();
    items
}
