//! What is asked for over HTTP.

mod body;
mod sessions;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{DefaultBodyLimit, Extension, Path, Query, Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::sync::OwnedSemaphorePermit;
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::access::{Access, Credential, Visitor};
use crate::close::Close;
use crate::config::Config;
use crate::limit::Addresses;
use crate::metrics::CONTENT_TYPE;
use crate::raytrace::{MAX_BODY_BYTES, RaytraceError, Raytracer};
use crate::registry::Sessions;
use crate::socket;
use crate::websocket::{self, WebSocket};

/// The longest body of a request that has no use for a long one, in bytes.
const MAX_SMALL_BODY_BYTES: usize = 16 << 10;

/// How long the store may take to show that it works.
const READY_TIMEOUT: Duration = Duration::from_secs(2);

/// The connection that a request came on.
#[derive(Debug, Clone)]
pub(crate) struct Peer {
    pub(crate) address: IpAddr,
    /// Its place among all connections, which a WebSocket keeps.
    pub(crate) place: Arc<OwnedSemaphorePermit>,
}

/// What all requests share.
#[derive(Debug)]
struct Shared {
    sessions: Arc<Sessions>,
    raytracer: Raytracer,
    addresses: Arc<Addresses>,
    access: Arc<Access>,
    /// The longest that a request may take to arrive whole and be answered.
    longest: Duration,
}

/// An answer other than the one that was hoped for: `{"error": …}`.
#[derive(Debug)]
struct Refusal(StatusCode, String);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let answer = (self.0, Json(json!({ "error": self.1 })));
        match self.0 {
            StatusCode::UNAUTHORIZED => ([(header::WWW_AUTHENTICATE, "Bearer")], answer).into_response(),
            _ => answer.into_response(),
        }
    }
}

impl From<BytesRejection> for Refusal {
    fn from(problem: BytesRejection) -> Refusal {
        Refusal(problem.status(), problem.body_text())
    }
}

/// A name in a path that is no UTF-8.
impl From<PathRejection> for Refusal {
    fn from(problem: PathRejection) -> Refusal {
        Refusal(problem.status(), problem.body_text())
    }
}

/// The body of a request, unless it is too long.
type Given = Result<Bytes, BytesRejection>;

/// All routes.
pub(crate) fn router(sessions: Arc<Sessions>, config: &Config) -> Router {
    let addresses = Arc::new(Addresses::new(config.limits.http_requests_per_second));
    let shared = Arc::new(Shared {
        sessions,
        raytracer: Raytracer::new(&config.limits),
        access: Arc::new(Access::new(Arc::clone(&addresses))),
        addresses,
        longest: Duration::from_secs(config.limits.http_request_s.into()),
    });
    let origins: Vec<HeaderValue> = config.allowed_origins.iter().map(|origin| origin.0.clone()).collect();
    let cors = CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_methods([Method::GET, Method::POST, Method::DELETE])
        .allow_headers([header::AUTHORIZATION, header::CONTENT_TYPE]);
    Router::new()
        .route("/", get(health))
        .route("/health", get(health))
        .route("/ready", get(ready))
        .route("/metrics", get(metrics))
        .route("/api/sessions", post(sessions::create).layer(DefaultBodyLimit::max(MAX_SMALL_BODY_BYTES)))
        .route("/api/sessions/{id}", get(sessions::describe))
        .route(
            "/api/sessions/{id}/invitations",
            get(sessions::list_invitations).post(sessions::invite).layer(DefaultBodyLimit::max(MAX_SMALL_BODY_BYTES)),
        )
        .route("/api/sessions/{id}/invitations/{invitation}", delete(sessions::revoke))
        .route("/api/raytrace", post(raytrace).layer(DefaultBodyLimit::max(MAX_BODY_BYTES)))
        .fallback(nothing_here)
        .method_not_allowed_fallback(async || {
            Refusal(StatusCode::METHOD_NOT_ALLOWED, "not with this method".to_owned())
        })
        .layer(from_fn_with_state(Arc::clone(&shared), limit_address))
        .layer(cors)
        .route("/ws/{session}/{user}", get(connect))
        .with_state(shared)
}

async fn limit_address(
    State(shared): State<Arc<Shared>>,
    Extension(peer): Extension<Peer>,
    request: Request,
    next: Next,
) -> Response {
    if !shared.addresses.allow(peer.address, Instant::now()) {
        let refusal = Refusal(StatusCode::TOO_MANY_REQUESTS, "too many requests from this address".to_owned());
        return ([(header::RETRY_AFTER, "1")], refusal).into_response();
    }
    match tokio::time::timeout(shared.longest, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Refusal(StatusCode::REQUEST_TIMEOUT, "the request took too long".to_owned()).into_response(),
    }
}

async fn health(State(shared): State<Arc<Shared>>) -> Json<Value> {
    let count = shared.sessions.count();
    Json(json!({ "status": "ok", "active_sessions": count.used, "total_users": count.users }))
}

/// Whether sessions can be read: the store is asked for one that cannot exist.
async fn ready(State(shared): State<Arc<Shared>>) -> Result<Json<Value>, Refusal> {
    let unavailable = |problem: String| Refusal(StatusCode::SERVICE_UNAVAILABLE, problem);
    let answer = tokio::time::timeout(READY_TIMEOUT, shared.sessions.storage().load("")).await;
    answer
        .map_err(|_| unavailable("the store does not answer in time".to_owned()))?
        .map_err(|error| unavailable(error.to_string()))?;
    Ok(Json(json!({ "status": "ready" })))
}

async fn metrics(State(shared): State<Arc<Shared>>) -> Result<Response, Refusal> {
    let text = shared.sessions.metrics().encode(&shared.sessions.count());
    let text = text.map_err(|error| Refusal(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))?;
    Ok(([(header::CONTENT_TYPE, CONTENT_TYPE)], text).into_response())
}

async fn raytrace(State(shared): State<Arc<Shared>>, body: Given) -> Result<Response, Refusal> {
    let rays = shared.raytracer.trace(body?.into()).await.map_err(|error| {
        let status = match error {
            RaytraceError::Request(_) => StatusCode::BAD_REQUEST,
            RaytraceError::TooLarge(_) => StatusCode::UNPROCESSABLE_ENTITY,
            RaytraceError::TooLong(_) | RaytraceError::Busy => StatusCode::SERVICE_UNAVAILABLE,
            RaytraceError::Failed => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Refusal(status, error.to_string())
    })?;
    Ok(([(header::CONTENT_TYPE, "application/json")], rays).into_response())
}

async fn connect(
    State(shared): State<Arc<Shared>>,
    Extension(peer): Extension<Peer>,
    names: Result<Path<(String, String)>, PathRejection>,
    Query(query): Query<HashMap<String, String>>,
    request: Request,
) -> Result<Response, Refusal> {
    // Names that are no UTF-8 are refused like others that cannot be used: as none at all.
    let (session, user) = names.map(|Path(names)| names).unwrap_or_default();
    let credential = Credential::of_request(request.headers(), &query);
    let is_announced = query.get("auth").is_some_and(|how| how == "message");
    let visitor = Visitor { session, user, credential, is_announced, address: peer.address };
    let limit = shared.sessions.limits().queue_bytes;
    let serve = async move |socket| {
        socket::serve(socket, &shared.sessions, &shared.access, &visitor).await;
        drop(peer.place);
    };
    websocket::upgrade(request, limit, serve).map_err(|error| Refusal(StatusCode::BAD_REQUEST, error.to_string()))
}

/// A path that leads nowhere; clients of WebSockets expect the refusal there.
async fn nothing_here(Extension(peer): Extension<Peer>, request: Request) -> Response {
    let refuse = async move |mut socket: Box<WebSocket>| {
        socket.close(Close::NAMES).await;
        drop(peer.place);
    };
    // All that it gets is the close.
    websocket::upgrade(request, 0, refuse)
        .unwrap_or_else(|_| Refusal(StatusCode::NOT_FOUND, "there is nothing here".to_owned()).into_response())
}
