//! Direct invocation: who asks, what for, and the answer.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{AUTHORIZATION, EXPECT, UPGRADE};
use http::request::Parts;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Body;
use hyper::upgrade::OnUpgrade;
use jiff::Timestamp;
use skiff_auth::{AuthError, BodyHasher, Identity, SignedRequest, verify, verify_basic, verify_head};
use skiff_control_plane::{Draw, InvalidRoutingKey, RoutingKey};
use skiff_domain::{Invocation, Origin, RequestId};

use crate::body;
use crate::refusal::Refusal;
use crate::reply::{LogType, respond};
use crate::route::{Target, direct_invocation, web_request};
use crate::server::Gateway;
use crate::web::{self, Reply};

/// The code for a call of the other kind of function.
const WRONG_TYPE: &str = "InvalidParameterValue.FunctionType";
/// Names the header of a routing key.
const X_SCF_ROUTING_KEY: &str = "x-scf-routing-key";
/// Names the header of a temporary credential's token.
const X_TC_TOKEN: &str = "x-tc-token";
/// What a direct invocation is to roles: the API's action of the same effect.
const ACTION: &str = "Invoke";

/// Answers one request, whatever it is.
///
/// # Cancel safety
/// Dropping the future, as when the client closes the connection, gives the invocation up.
pub(crate) async fn answer<B>(gateway: &Arc<Gateway>, mut request: Request<B>) -> Response<Reply>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let id = RequestId::random();
    let upgrade = request
        .headers()
        .contains_key(UPGRADE)
        .then(|| hyper::upgrade::on(&mut request));
    let (head, mut body) = request.into_parts();
    let served = match web_request(head.uri.path()) {
        Some(target) => visit(gateway, target, &head, &mut body, upgrade, id).await,
        None => invoke(gateway, &head, &mut body, id)
            .await
            .map(|response| response.map(Reply::Whole)),
    };
    match served {
        Ok(response) => response,
        Err(refusal) => {
            // A client that waits to be told to send its body is not told so.
            if !head.headers.contains_key(EXPECT) {
                body::discard(&mut body).await;
            }
            refusal.into_response(id).map(Reply::Whole)
        }
    }
}

/// Refuses a caller whose role does not let call this, or is its function's no more.
fn may(gateway: &Gateway, caller: &Identity, target: &Target) -> Result<(), AuthError> {
    // The root credential may call everything, and its calls pay for no question.
    if caller.session.is_none() {
        return Ok(());
    }
    let control = &gateway.context.control;
    caller.still(|function, role| control.acts_in(function, role))?;
    caller.may(ACTION, &target.key.to_string())
}

/// Passes a request on to a web function.
async fn visit<B>(
    gateway: &Arc<Gateway>,
    target: Result<(Target, &str), Refusal>,
    head: &Parts,
    body: &mut B,
    upgrade: Option<OnUpgrade>,
    id: RequestId,
) -> Result<Response<Reply>, Refusal>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let (target, path) = target?;
    // What it asks for is in its query, too, whatever its method.
    let query = head.uri.query().unwrap_or_default();
    let (caller, body) = authenticated_body(gateway, head, query, body).await?;
    may(gateway, &caller, &target)?;
    let routing_key = routing_key(head)?;
    let draw = Draw::of(id, routing_key.as_ref());
    let version = gateway.context.control.resolve(&target.key, &target.qualifier, &draw)?;
    let Some(web) = version.web else {
        let message = "the function takes events and serves no HTTP: use its path that ends in /invocations";
        return Err(Refusal::new(StatusCode::BAD_REQUEST, WRONG_TYPE, message));
    };
    let invocation = Invocation {
        id,
        version,
        qualifier: target.qualifier,
        event: Bytes::new(),
        origin: Origin::Http,
    };
    web::serve(gateway, invocation, web, path, (head, body, upgrade)).await
}

async fn invoke<B>(
    gateway: &Gateway,
    head: &Parts,
    body: &mut B,
    id: RequestId,
) -> Result<Response<Full<Bytes>>, Refusal>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let target = direct_invocation(&head.method, head.uri.path())?;
    // Its query means nothing, and is signed as empty.
    let (caller, event) = authenticated_body(gateway, head, "", body).await?;
    may(gateway, &caller, &target)?;
    let log_type = LogType::read(head.headers.get("x-scf-log-type"))?;
    let context = &gateway.context;
    let routing_key = routing_key(head)?;
    let draw = Draw::of(id, routing_key.as_ref());
    let version = context.control.resolve(&target.key, &target.qualifier, &draw)?;
    if version.web.is_some() {
        let message = "the function serves HTTP and takes no events: use its path that begins with …/http/";
        return Err(Refusal::new(StatusCode::BAD_REQUEST, WRONG_TYPE, message));
    }
    let invocation = Invocation {
        id,
        version,
        qualifier: target.qualifier,
        event,
        origin: Origin::Gateway,
    };
    Ok(respond(context.invoker.invoke(invocation).await, log_type))
}

/// What an alias with rules routes the call by: a JSON object in a header.
fn routing_key(head: &Parts) -> Result<Option<RoutingKey>, Refusal> {
    let Some(value) = head.headers.get(X_SCF_ROUTING_KEY) else {
        return Ok(None);
    };
    let text = std::str::from_utf8(value.as_bytes()).map_err(|_| InvalidRoutingKey::NotObject)?;
    Ok(Some(RoutingKey::parse(text)?))
}

/// The body, of a caller who is believed and has signed this query. As much as can be is refused before it is read.
async fn authenticated_body<B>(
    gateway: &Gateway,
    head: &Parts,
    query: &str,
    body: &mut B,
) -> Result<(Identity, Bytes), Refusal>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let keyring = &*gateway.context.keyring;
    let authorization = head.headers.get(AUTHORIZATION).ok_or_else(Refusal::not_signed)?;
    if let Some(basic) = authorization.to_str().ok().filter(|text| is_basic(text)) {
        let token = head.headers.get(X_TC_TOKEN).and_then(|value| value.to_str().ok());
        let caller = verify_basic(basic, token, keyring, Timestamp::now())?;
        return Ok((caller, gateway.bodies.receive(body, |_| ()).await?.bytes));
    }
    verify_head(&head.headers, keyring, Timestamp::now()).map_err(|error| match error {
        AuthError::NotSigned => Refusal::not_signed(),
        error => error.into(),
    })?;
    let mut hasher = BodyHasher::default();
    let received = gateway.bodies.receive(body, |piece| hasher.update(piece)).await?;
    let request = SignedRequest {
        method: &head.method,
        path: head.uri.path(),
        query,
        headers: &head.headers,
        body: hasher.finish(),
        parameters: &[],
    };
    let caller = verify(&request, keyring, Timestamp::now())?;
    Ok((caller, received.bytes))
}

fn is_basic(authorization: &str) -> bool {
    authorization
        .trim_start()
        .get(..6)
        .is_some_and(|scheme| scheme.eq_ignore_ascii_case("basic "))
}
