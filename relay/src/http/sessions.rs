//! `/api/sessions`: sessions are made, described, and invited to.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use optiverse_core::sync::Role;
use serde_json::{Value, json};

use crate::access::{MAX_PASSWORD_BYTES, PasswordError, bearer};
use crate::http::body::Body;
use crate::http::{Given, Refusal, Shared};
use crate::invitation::{self, ManageError, Offer};
use crate::registry::{Failure, Terms};
use crate::store::{Invitation, TokenHash};
use crate::token::random_text;

/// The names in a path, unless they are no UTF-8.
type Named<T> = Result<Path<T>, PathRejection>;

/// The longest time for which one can come by an invitation, in seconds: a year.
const MAX_EXPIRES_S: u64 = 31_536_000;

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Refusal {
        tracing::warn!(%failure, "a request could not be carried out");
        Refusal(StatusCode::SERVICE_UNAVAILABLE, failure.to_string())
    }
}

fn bad_request(problem: String) -> Refusal {
    Refusal(StatusCode::BAD_REQUEST, problem)
}

/// `POST /api/sessions`
pub(super) async fn create(State(shared): State<Arc<Shared>>, body: Given) -> Result<Json<Value>, Refusal> {
    let (password, default_role) = read_create(&body?).map_err(bad_request)?;
    let password = match password {
        None => None,
        Some(password) => Some(shared.access.hash(password).await.map_err(|error| {
            let status = match error {
                PasswordError::Length => StatusCode::BAD_REQUEST,
                PasswordError::Hash(_) => StatusCode::INTERNAL_SERVER_ERROR,
            };
            Refusal(status, error.to_string())
        })?),
    };
    let (id, owner) = (random_text::<32>().map_err(Failure::Random)?, random_text::<32>().map_err(Failure::Random)?);
    let terms = Terms { password, default_role, owner: Some(TokenHash::of(&owner)) };
    shared.sessions.create(&id, terms).await?;
    Ok(Json(json!({ "session_id": id, "share_link": share_link(&id), "owner_token": owner })))
}

fn share_link(id: &str) -> String {
    format!("optiverse://join/{id}")
}

/// A role that may be given to others.
fn read_role(value: &Value) -> Option<Role> {
    Role::from_code(value.as_str()?).filter(|role| *role != Role::Owner)
}

const ROLES: &str = "\"editor\" or \"viewer\"";

/// The password, and what those may do who come without a token.
fn read_create(body: &[u8]) -> Result<(Option<String>, Option<Role>), String> {
    let mut body = Body::read(body)?;
    let expected = format!("a text of 1 to {MAX_PASSWORD_BYTES} bytes");
    let password = body.take("password", &expected, |value| value.as_str().map(str::to_owned))?;
    let is_open = body.take("access", "\"open\" or \"invited\"", |value| match value.as_str()? {
        "open" => Some(true),
        "invited" => Some(false),
        _ => None,
    })?;
    let default_role = body.take("default_role", ROLES, read_role)?;
    body.end()?;
    if is_open.unwrap_or(true) {
        return Ok((password, Some(default_role.unwrap_or(Role::Editor))));
    }
    // Neither could ever matter: whoever sends one expects something else than what would be.
    let useless = [("password", password.is_some()), ("default_role", default_role.is_some())];
    match useless.iter().find(|(_, is_given)| *is_given) {
        Some((key, _)) => Err(format!("`{key}` goes with the access \"open\" alone")),
        None => Ok((None, None)),
    }
}

/// `GET /api/sessions/ID`
pub(super) async fn describe(State(shared): State<Arc<Shared>>, id: Named<String>) -> Result<Json<Value>, Refusal> {
    let Path(id) = id?;
    let found = shared.sessions.describe(&id).ok_or(ManageError::NoSession)?;
    Ok(Json(json!({
        "session_id": id,
        "created_at": date(found.created_ms),
        "active_users": found.users,
        "user_count": found.users.len(),
    })))
}

fn date(ms: u64) -> String {
    humantime::format_rfc3339_millis(UNIX_EPOCH + Duration::from_millis(ms)).to_string()
}

impl From<ManageError> for Refusal {
    fn from(error: ManageError) -> Refusal {
        let status = match error {
            ManageError::NoSession | ManageError::NoInvitation => StatusCode::NOT_FOUND,
            ManageError::NoToken | ManageError::WrongToken => StatusCode::UNAUTHORIZED,
            ManageError::NotOwner => StatusCode::FORBIDDEN,
            ManageError::Full(_) => StatusCode::CONFLICT,
            ManageError::Failed(failure) => return failure.into(),
        };
        Refusal(status, error.to_string())
    }
}

/// `POST /api/sessions/ID/invitations`
pub(super) async fn invite(
    State(shared): State<Arc<Shared>>,
    id: Named<String>,
    headers: HeaderMap,
    body: Given,
) -> Result<Json<Value>, Refusal> {
    let Path(id) = id?;
    shared.sessions.check_owner(&id, bearer(&headers))?;
    let offer = read_offer(&body?).map_err(bad_request)?;
    let (invitation, token) = shared.sessions.invite(&id, offer).await?;
    let mut answer = describe_invitation(&invitation);
    answer["share_link"] = format!("{}?token={token}", share_link(&id)).into();
    answer["token"] = token.into();
    Ok(Json(answer))
}

fn read_offer(body: &[u8]) -> Result<Offer, String> {
    let mut body = Body::read(body)?;
    let role = body.take("role", ROLES, read_role)?;
    let whole = |value: &Value, most: u64| value.as_u64().filter(|number| (1..=most).contains(number));
    let expires_s = body
        .take("expires_s", &format!("a whole number from 1 to {MAX_EXPIRES_S}"), |value| whole(value, MAX_EXPIRES_S))?;
    let uses = body.take("uses", &format!("a whole number from 1 to {}", invitation::MAX_USES), |value| {
        whole(value, invitation::MAX_USES.into()).and_then(|number| u32::try_from(number).ok())
    })?;
    body.end()?;
    Ok(Offer { role: role.ok_or_else(|| format!("`role` is missing, expected {ROLES}"))?, expires_s, uses })
}

fn describe_invitation(invitation: &Invitation) -> Value {
    json!({
        "invitation_id": invitation.id,
        "role": invitation.role.code(),
        "created_at": date(invitation.created_ms),
        "expires_at": invitation.expires_ms.map(date),
        "uses": invitation.uses,
        "users": invitation.users,
    })
}

/// `GET /api/sessions/ID/invitations`
pub(super) async fn list_invitations(
    State(shared): State<Arc<Shared>>,
    id: Named<String>,
    headers: HeaderMap,
) -> Result<Json<Value>, Refusal> {
    let Path(id) = id?;
    shared.sessions.check_owner(&id, bearer(&headers))?;
    let invitations: Vec<Value> = shared.sessions.invitations(&id).iter().map(describe_invitation).collect();
    Ok(Json(json!({ "invitations": invitations })))
}

/// `DELETE /api/sessions/ID/invitations/INVITATION`
pub(super) async fn revoke(
    State(shared): State<Arc<Shared>>,
    names: Named<(String, String)>,
    headers: HeaderMap,
) -> Result<StatusCode, Refusal> {
    let Path((id, invitation)) = names?;
    shared.sessions.check_owner(&id, bearer(&headers))?;
    shared.sessions.revoke(&id, &invitation).await?;
    Ok(StatusCode::NO_CONTENT)
}
