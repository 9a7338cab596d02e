//! The relay as a whole: listens, serves, and stops in order.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinHandle;
use tower::ServiceExt;

use crate::config::{Config, ConfigError, StoreChoice};
use crate::http::{self, Peer};
use crate::registry::Sessions;
use crate::store::{MemoryStore, SqliteStore, Storage, Store, StoreError};

/// What a connection reads of a request's head at once, and the longest head.
const MAX_HEAD_BYTES: usize = 16 << 10;

/// How long connections have to end when the relay stops.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);

/// After how long without a word the system asks whether the other side is still there, and how often.
const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// How long to wait after the system could not accept a connection, as when it has no file descriptor left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Why the relay could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// It cannot listen there.
    #[error("cannot listen on {address}: {error}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why.
        error: std::io::Error,
    },
    /// The store cannot be opened or read.
    #[error("cannot open the store {store}: {error}")]
    Store {
        /// Which, as in the configuration; `of the host` for one of its own.
        store: String,
        /// Why.
        error: StoreError,
    },
    /// The thread of the store cannot be started.
    #[error("cannot start the storage thread: {0}")]
    Thread(std::io::Error),
}

/// A relay that is running. Dropping it without [`Relay::stop`] leaves it running as long as the runtime does.
#[derive(Debug)]
pub struct Relay {
    address: SocketAddr,
    sessions: Arc<Sessions>,
    stopping: watch::Sender<bool>,
    places: Arc<Semaphore>,
    all_places: usize,
    accepting: JoinHandle<()>,
    expiring: JoinHandle<()>,
}

impl Relay {
    /// Starts a relay on the present `tokio` runtime.
    ///
    /// # Errors
    /// If the configuration cannot be used, or the address or the store cannot be had.
    pub async fn start(config: &Config) -> Result<Relay, StartError> {
        config.check()?;
        let name = config.store.to_string();
        match &config.store {
            StoreChoice::Memory => {
                Relay::start_with(config, name, MemoryStore::new(), |store| Ok(Storage::here(store))).await
            }
            StoreChoice::Sqlite(path) => {
                let store = SqliteStore::open(path);
                let store = store.map_err(|error| StartError::Store { store: name.clone(), error })?;
                Relay::start_with(config, name, store, Storage::threaded).await
            }
        }
    }

    /// Starts a relay with a store of the host's own, which gets a thread to itself; the one in the configuration is not
    /// opened.
    ///
    /// # Errors
    /// If the configuration cannot be used, the address cannot be had, or the store cannot be read.
    pub async fn start_with_store(config: &Config, store: impl Store) -> Result<Relay, StartError> {
        config.check()?;
        Relay::start_with(config, "of the host".to_owned(), store, Storage::threaded).await
    }

    async fn start_with<S: Store>(
        config: &Config,
        name: String,
        mut store: S,
        storage: impl FnOnce(S) -> std::io::Result<Storage>,
    ) -> Result<Relay, StartError> {
        let stored = store.sessions().map_err(|error| StartError::Store { store: name, error })?;
        let storage = storage(store).map_err(StartError::Thread)?;
        let cannot_listen = |error| StartError::Listen { address: config.listen, error };
        let listener = TcpListener::bind(config.listen).await.map_err(cannot_listen)?;
        let address = listener.local_addr().map_err(cannot_listen)?;
        let sessions = Arc::new(Sessions::new(storage, stored, config));
        let (stopping, stopped) = watch::channel(false);
        let places = Arc::new(Semaphore::new(config.limits.connections));
        let router = http::router(Arc::clone(&sessions), config);
        let head_timeout = Duration::from_secs(config.limits.http_head_s.into());
        let accepting = tokio::spawn(accept(listener, Site { router, head_timeout, stopped }, Arc::clone(&places)));
        let expiring = tokio::spawn(expire(Arc::clone(&sessions)));
        let all_places = config.limits.connections;
        Ok(Relay { address, sessions, stopping, places, all_places, accepting, expiring })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many sessions exist, in use or not.
    pub fn sessions(&self) -> usize {
        self.sessions.count().sessions
    }

    /// Serves until a future resolves, then stops.
    pub async fn run_until(self, shutdown: impl Future<Output = ()>) {
        shutdown.await;
        self.stop().await;
    }

    /// Stops: accepts nobody any more, stores everything, closes every connection with 1001, and ends.
    pub async fn stop(self) {
        self.stopping.send_replace(true);
        self.expiring.abort();
        if let Err(error) = self.accepting.await {
            tracing::error!(%error, "accepting connections ended too early");
        }
        self.sessions.stop().await;
        // All have ended when all places are free.
        let all = u32::try_from(self.all_places).unwrap_or(u32::MAX);
        if tokio::time::timeout(STOP_TIMEOUT, self.places.acquire_many(all)).await.is_err() {
            tracing::warn!("some connections did not end in time");
        }
        let storage = self.sessions.storage().clone();
        if let Err(error) = tokio::task::spawn_blocking(move || storage.close()).await {
            tracing::error!(%error, "the storage could not be closed");
        }
    }
}

async fn expire(sessions: Arc<Sessions>) {
    let pause = (sessions.expiry() / 4).clamp(Duration::from_millis(250), Duration::from_secs(60));
    loop {
        tokio::time::sleep(pause).await;
        sessions.expire();
    }
}

async fn asked_to_stop(stopped: &mut watch::Receiver<bool>) {
    // A relay that was dropped goes on: nobody can ask any more.
    if stopped.wait_for(|stopped| *stopped).await.is_err() {
        std::future::pending().await
    }
}

/// What every connection needs.
#[derive(Clone)]
struct Site {
    router: Router,
    head_timeout: Duration,
    stopped: watch::Receiver<bool>,
}

async fn accept(listener: TcpListener, mut site: Site, places: Arc<Semaphore>) {
    loop {
        let accepted = tokio::select! {
            () = asked_to_stop(&mut site.stopped) => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => match Arc::clone(&places).try_acquire_owned() {
                Ok(place) => {
                    tokio::spawn(serve(stream, peer, site.clone(), place));
                }
                Err(_) => tracing::warn!(%peer, "refused: too many connections"),
            },
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn serve(stream: TcpStream, peer: SocketAddr, site: Site, place: OwnedSemaphorePermit) {
    let Site { router, head_timeout, mut stopped } = site;
    let keep_alive = socket2::TcpKeepalive::new().with_time(KEEP_ALIVE).with_interval(KEEP_ALIVE);
    let prepared =
        stream.set_nodelay(true).and_then(|()| socket2::SockRef::from(&stream).set_tcp_keepalive(&keep_alive));
    if let Err(error) = prepared {
        tracing::debug!(%peer, %error, "the connection has ended already");
        return;
    }
    let peer = Peer { address: peer.ip(), place: Arc::new(place) };
    let service = TowerToHyperService::new(router.map_request(move |request: hyper::Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(peer.clone());
        request
    }));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(head_timeout)
        .max_buf_size(MAX_HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let served = tokio::select! {
        served = &mut connection => served,
        () = asked_to_stop(&mut stopped) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = served {
        tracing::debug!(%error, "the connection ended");
    }
}
