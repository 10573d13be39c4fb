//! One endpoint: who is calling, what for, and the answer in its envelope (CONTRACT 2.1).
//!
//! In this order: headers of a signature, body, signature, common parameters, action. Nothing of a body is parsed as
//! JSON before its signature was found valid.
//!
//! Two documented rules are not enforced. `X-TC-Region` is neither required nor compared: one installation is one
//! region, clients are configured with any, and tools without a configured region send none. The 20 requests a second
//! of every action are a quota of a shared service; what protects this one is its bounded queues.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{any, get};
use futures::FutureExt;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderMap, Method, Request};
use jiff::Timestamp;
use skiff_auth::{AuthError, Identity, SignedRequest, verify, verify_head};
use skiff_domain::RequestId;
use tokio::sync::OwnedSemaphorePermit;
use tracing::Instrument;
use tracing::field::Empty;

use crate::actions::{self, Call};
use crate::body::{self, Bodies, Received};
use crate::context::ApiContext;
use crate::download::{self, Downloads};
use crate::error::ApiError;
use crate::guard;
use crate::parameters::Parameters;
use crate::reply;

/// The one version of this API.
const VERSION: &str = "2018-04-16";
/// A body from this size on is parsed where it holds up nobody else.
const PARSED_ASIDE_BYTES: usize = 1024 * 1024;
/// Most parameters of a form or a query. The largest documented request has some hundred.
const PAIRS_MAX: usize = 1000;

struct Api {
    context: ApiContext,
    bodies: Bodies,
}

/// The control API at `/`, and the packages it links to.
pub fn router(context: ApiContext) -> Router {
    let downloads = Router::new().route(download::ROUTE, get(download::get));
    let downloads = downloads.with_state(Arc::new(Downloads::new(context.clone())));
    let api = Router::new().route("/", any(handle)).with_state(Arc::new(Api {
        context,
        bodies: Bodies::new(),
    }));
    api.merge(downloads)
}

async fn handle(State(api): State<Arc<Api>>, request: Request<Body>) -> Response {
    let request_id = RequestId::random();
    let span = tracing::info_span!("api", %request_id, action = Empty, caller = Empty);
    let answer = async {
        let answer = AssertUnwindSafe(answer(&api, request, request_id)).catch_unwind().await;
        let answer = answer.unwrap_or_else(|_| {
            // The panic hook has written what and where.
            tracing::error!("an action panicked");
            Err(ApiError::internal())
        });
        if let Err(error) = &answer {
            tracing::debug!(%error, "refused");
        }
        reply::response(answer, request_id)
    };
    answer.instrument(span).await
}

async fn answer(api: &Api, request: Request<Body>, request_id: RequestId) -> Result<Vec<u8>, ApiError> {
    let (head, mut body) = request.into_parts();
    let signed = match authenticate(api, &head, &mut body).await {
        Ok(signed) => signed,
        Err(error) => {
            body::discard(&mut body).await;
            return Err(error);
        }
    };
    let common = |header, parameter| common(&head.headers, &signed.pairs, header, parameter);
    let action = common("X-TC-Action", "Action").ok_or_else(|| ApiError::missing("Action"))?;
    tracing::Span::current().record("action", &*action);
    let version = common("X-TC-Version", "Version").ok_or_else(|| ApiError::missing("Version"))?;
    if version != VERSION {
        return Err(ApiError::new(
            "NoSuchVersion",
            format!("the version {version} is not served: use {VERSION}"),
        ));
    }
    let region = common("X-TC-Region", "Region");
    let identity = signed.identity.clone();
    let (parameters, place) = signed.parameters().await?;
    guard::check(&api.context.control, &identity, &action, &parameters)?;
    actions::run(
        &action,
        Call {
            context: &api.context,
            request_id,
            region,
            origin: download::origin(&head.headers),
            parameters,
            place,
        },
    )
    .await
}

/// A request whose signature is valid.
struct Signed {
    identity: Identity,
    encoding: Encoding,
    body: Received,
    /// The decoded parameters of a form or a query.
    pairs: Vec<(String, String)>,
}

async fn authenticate(api: &Api, head: &Parts, body: &mut Body) -> Result<Signed, ApiError> {
    if head.method != Method::POST && head.method != Method::GET {
        let what = format!("the method {} is not served: use POST or GET", head.method);
        return Err(ApiError::new("UnsupportedProtocol", what));
    }
    let keyring = &api.context.keyring;
    let arrived = Timestamp::now();
    verify_head(&head.headers, keyring, arrived)?;
    let encoding = Encoding::of(head)?;
    let named = head.headers.contains_key(AUTHORIZATION);
    let room = match (named, encoding) {
        (true, _) => &api.bodies.named,
        // JSON has no place for a signature.
        (false, Encoding::Json) => return Err(AuthError::NotSigned.into()),
        (false, Encoding::Form | Encoding::Query) => &api.bodies.nameless,
    };
    let body = room.receive(body).await?;
    // A large upload may take longer than its signature is valid: what counts is when it began. A nonce is
    // remembered as long as its signature is valid, so there it is when the nonce is spent.
    let signed_until = if named { arrived } else { Timestamp::now() };

    let pairs = match encoding {
        Encoding::Json => Vec::new(),
        Encoding::Form => pairs(&body.bytes)?,
        Encoding::Query => pairs(query(head).as_bytes())?,
    };
    let signed = SignedRequest {
        method: &head.method,
        path: head.uri.path(),
        // The contract signs a POST's query as empty, and it means nothing; a GET's exactly as sent.
        query: if head.method == Method::POST { "" } else { query(head) },
        headers: &head.headers,
        body: body.hash,
        parameters: &pairs,
    };
    let identity = verify(&signed, keyring, signed_until)?;
    tracing::Span::current().record("caller", identity.secret_id.as_str());
    Ok(Signed {
        identity,
        encoding,
        body,
        pairs,
    })
}

impl Signed {
    /// The parameters, and the place their memory takes. Nothing of the body is left.
    async fn parameters(self) -> Result<(Parameters, Option<OwnedSemaphorePermit>), ApiError> {
        let Received { bytes, place, .. } = self.body;
        let parameters = match self.encoding {
            Encoding::Json if bytes.len() < PARSED_ASIDE_BYTES => Parameters::from_json(&bytes)?,
            Encoding::Json => aside(move || Parameters::from_json(&bytes)).await?,
            Encoding::Form | Encoding::Query => Parameters::from_pairs(self.pairs)?,
        };
        Ok((parameters, place))
    }
}

/// How the parameters are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Json,
    Form,
    Query,
}

impl Encoding {
    fn of(head: &Parts) -> Result<Self, ApiError> {
        if head.method == Method::GET {
            return Ok(Self::Query);
        }
        let content_type = head
            .headers
            .get(CONTENT_TYPE)
            .map_or("", |value| value.to_str().unwrap_or("?"));
        let media_type = content_type.split(';').next().unwrap_or_default().trim();
        match media_type.to_ascii_lowercase().as_str() {
            "application/json" => Ok(Self::Json),
            // Without a content type only a v1 signature can be meant: TC3 signs it.
            "application/x-www-form-urlencoded" | "" => Ok(Self::Form),
            other => Err(ApiError::new(
                "UnsupportedProtocol",
                format!("the content type {other:?} is not served: use application/json"),
            )),
        }
    }
}

fn query(head: &Parts) -> &str {
    head.uri.query().unwrap_or_default()
}

/// Decodes a form or a query. One of a million empty pairs would take many times its size.
fn pairs(text: &[u8]) -> Result<Vec<(String, String)>, ApiError> {
    if form_urlencoded::parse(text).nth(PAIRS_MAX).is_some() {
        let what = format!("there are more than {PAIRS_MAX} parameters");
        return Err(ApiError::new("InvalidParameter", what));
    }
    Ok(form_urlencoded::parse(text).into_owned().collect())
}

/// A parameter every request has: a header with TC3, among the others with v1.
fn common(headers: &HeaderMap, pairs: &[(String, String)], header: &str, parameter: &str) -> Option<String> {
    if headers.contains_key(AUTHORIZATION) {
        let value = headers.get(header)?.to_str().ok()?;
        return Some(value.to_owned()).filter(|value| !value.is_empty());
    }
    pairs
        .iter()
        .find(|(name, _)| name == parameter)
        .map(|(_, value)| value.clone())
        .filter(|value| !value.is_empty())
}

/// Runs what takes long without waiting where nobody else waits for it.
pub(crate) async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ApiError> + Send + 'static,
) -> Result<T, ApiError> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| {
        tracing::error!(%error, "work aside did not end");
        Err(ApiError::internal())
    })
}
