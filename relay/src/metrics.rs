//! What the relay counts, in the text form of Prometheus.

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use crate::registry::Count;

/// The form of what [`Metrics::encode`] gives.
pub(crate) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Counters and gauges.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    sessions: Gauge,
    sessions_in_use: Gauge,
    users: Gauge,
    pub(crate) connections: Counter,
    pub(crate) refused_connections: Counter,
    pub(crate) slow_connections: Counter,
    pub(crate) received: Counter,
    pub(crate) received_bytes: Counter,
    pub(crate) sent: Counter,
    pub(crate) operations: Counter,
    pub(crate) store_failures: Counter,
}

impl Metrics {
    pub(crate) fn new() -> Metrics {
        let mut metrics = Metrics {
            registry: Registry::with_prefix("optiverse_relay"),
            sessions: Gauge::default(),
            sessions_in_use: Gauge::default(),
            users: Gauge::default(),
            connections: Counter::default(),
            refused_connections: Counter::default(),
            slow_connections: Counter::default(),
            received: Counter::default(),
            received_bytes: Counter::default(),
            sent: Counter::default(),
            operations: Counter::default(),
            store_failures: Counter::default(),
        };
        let registry = &mut metrics.registry;
        registry.register("sessions", "Sessions that exist", metrics.sessions.clone());
        registry.register("sessions_in_use", "Sessions with users", metrics.sessions_in_use.clone());
        registry.register("users", "Connections to sessions", metrics.users.clone());
        registry.register("connections", "Connections that were let into a session", metrics.connections.clone());
        registry.register(
            "refused_connections",
            "Connections that were not let into a session",
            metrics.refused_connections.clone(),
        );
        registry.register(
            "slow_connections",
            "Connections that were closed because too much waited for them",
            metrics.slow_connections.clone(),
        );
        registry.register("messages_received", "Messages from clients", metrics.received.clone());
        registry.register_with_unit(
            "received",
            "Text of messages from clients",
            Unit::Bytes,
            metrics.received_bytes.clone(),
        );
        registry.register("messages_sent", "Messages to clients, one for each receiver", metrics.sent.clone());
        registry.register("operations_stored", "Operations that were accepted and stored", metrics.operations.clone());
        registry.register(
            "store_failures",
            "Sessions that could not be read or stored",
            metrics.store_failures.clone(),
        );
        metrics
    }

    /// The text, with the present state.
    pub(crate) fn encode(&self, count: &Count) -> Result<String, std::fmt::Error> {
        let gauge = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        self.sessions.set(gauge(count.sessions));
        self.sessions_in_use.set(gauge(count.used));
        self.users.set(gauge(count.users));
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}
