//! What of a registry has no size before it comes: the way in, manifests, indexes. All of it ends.
//!
//! A login goes to the registry it was made for, and where that sends it over TLS or to itself, and to nobody else.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use oci_client::Reference;
use oci_client::secrets::RegistryAuth;
use serde::Deserialize;
use std::net::IpAddr;
use ureq::http::{Response, Uri, header};
use ureq::{Agent, Body};

use crate::error::AddError;
use crate::registry::agent;

/// Longest manifest, index or answer about a login read.
const DOCUMENT_BYTES_MAX: u64 = 4 << 20;
/// What a manifest may be.
const MANIFESTS: &str = "application/vnd.docker.distribution.manifest.v2+json, \
     application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.oci.image.manifest.v1+json, \
     application/vnd.oci.image.index.v1+json";

/// The documents of one repository.
pub(super) struct Documents {
    agent: Agent,
    /// Such as `https://registry.example`.
    registry: String,
    repository: String,
    /// What `Authorization` is to say.
    authorization: Option<String>,
}

/// A token, by either of its names.
#[derive(Deserialize)]
struct Token {
    #[serde(alias = "access_token")]
    token: String,
}

/// Where a token is to be had.
#[derive(Debug, PartialEq, Eq)]
struct Challenge {
    realm: String,
    service: Option<String>,
}

impl Documents {
    /// Goes in, with this login.
    pub(super) fn of(reference: &Reference, login: &RegistryAuth) -> Result<Self, AddError> {
        let host = reference.resolve_registry();
        let scheme = if is_this_machine(host) { "http" } else { "https" };
        let mut this = Self {
            agent: agent(),
            registry: format!("{scheme}://{host}"),
            repository: reference.repository().to_owned(),
            authorization: None,
        };
        let basic = match login {
            RegistryAuth::Basic(user, password) => {
                Some(format!("Basic {}", STANDARD.encode(format!("{user}:{password}"))))
            }
            _ => None,
        };
        let url = format!("{}/v2/", this.registry);
        let answer = this.call(&url, None, "*/*")?;
        let challenge = answer.headers().get(header::WWW_AUTHENTICATE);
        let challenge = challenge.and_then(|text| text.to_str().ok()).map(str::to_owned);
        this.authorization = match challenge {
            None => None,
            Some(text) => match Challenge::read(&text) {
                Some(challenge) => Some(format!("Bearer {}", this.token(&challenge, basic.as_deref())?)),
                None => basic,
            },
        };
        Ok(this)
    }

    /// The token that the pieces are asked for with, if there is one, else the login itself.
    pub(super) fn login(&self, login: &RegistryAuth) -> RegistryAuth {
        let token = self
            .authorization
            .as_deref()
            .and_then(|text| text.strip_prefix("Bearer "));
        match (token, &self.authorization) {
            (Some(token), _) => RegistryAuth::Bearer(token.to_owned()),
            (None, Some(_)) => login.clone(),
            (None, None) => RegistryAuth::Anonymous,
        }
    }

    /// The manifest with this tag or digest.
    pub(super) fn manifest(&self, which: &str) -> Result<Vec<u8>, AddError> {
        let url = format!("{}/v2/{}/manifests/{which}", self.registry, self.repository);
        read(self.call(&url, self.authorization.as_deref(), MANIFESTS)?, &url)
    }

    fn token(&self, challenge: &Challenge, basic: Option<&str>) -> Result<String, AddError> {
        let realm = &challenge.realm;
        if !may_have_it(realm, &self.registry) {
            let reason = format!(
                "it sends logins to {realm}, which is neither the registry nor spoken to with TLS: nothing was sent there"
            );
            return Err(failed(&self.registry, reason));
        }
        let mut request = self.agent.get(realm);
        request = request.query("scope", format!("repository:{}:pull", self.repository));
        if let Some(service) = &challenge.service {
            request = request.query("service", service);
        }
        if let Some(basic) = basic {
            request = request.header(header::AUTHORIZATION, basic);
        }
        let answer = request.call().map_err(|error| failed(realm, error.to_string()))?;
        let text = read(answer, realm)?;
        let token: Token = serde_json::from_slice(&text).map_err(|error| failed(realm, error.to_string()))?;
        Ok(token.token)
    }

    fn call(&self, url: &str, authorization: Option<&str>, accept: &str) -> Result<Response<Body>, AddError> {
        let mut request = self.agent.get(url).header(header::ACCEPT, accept);
        if let Some(authorization) = authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        request.call().map_err(|error| failed(url, error.to_string()))
    }
}

impl Challenge {
    /// `Bearer realm="https://…",service="…"`. None for one of another kind.
    fn read(text: &str) -> Option<Self> {
        let (kind, mut rest) = text.trim().split_once(' ')?;
        let (mut realm, mut service) = (None, None);
        while let Some((name, value)) = rest.split_once("=\"") {
            let (value, after) = value.split_once('"')?;
            match name.trim_start_matches([',', ' ']).to_ascii_lowercase().as_str() {
                "realm" => realm = Some(value.to_owned()),
                "service" => service = Some(value.to_owned()),
                _ => {}
            }
            rest = after;
        }
        kind.eq_ignore_ascii_case("bearer").then_some(())?;
        Some(Self { realm: realm?, service })
    }
}

/// Whether a login may be sent there.
fn may_have_it(realm: &str, registry: &str) -> bool {
    let (Ok(realm), Ok(registry)) = (realm.parse::<Uri>(), registry.parse::<Uri>()) else {
        return false;
    };
    realm.scheme_str() == Some("https")
        || (realm.scheme() == registry.scheme() && realm.host().is_some() && realm.host() == registry.host())
}

/// The whole of a good answer.
fn read(mut answer: Response<Body>, url: &str) -> Result<Vec<u8>, AddError> {
    if answer.status() != 200 {
        return Err(failed(url, format!("HTTP {}", answer.status())));
    }
    let body = answer.body_mut().with_config().limit(DOCUMENT_BYTES_MAX).read_to_vec();
    body.map_err(|error| match error {
        ureq::Error::BodyExceedsLimit(limit) => failed(url, format!("it answers with more than {limit} bytes")),
        other => failed(url, other.to_string()),
    })
}

fn failed(url: &str, reason: String) -> AddError {
    AddError::Registry {
        url: url.to_owned(),
        reason,
    }
}

/// A registry of this machine has no certificate.
pub(super) fn is_this_machine(registry: &str) -> bool {
    let host = registry.rsplit_once(':').map_or(registry, |(host, _)| host);
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Write};
    use std::net::{TcpListener, TcpStream};
    use std::thread;

    use super::*;

    #[test]
    fn registries_of_this_machine_alone_are_spoken_to_without_tls() {
        for own in [
            "localhost",
            "localhost:5000",
            "127.0.0.1:5000",
            "127.1.2.3",
            "[::1]:5000",
        ] {
            assert!(is_this_machine(own), "{own}");
        }
        for other in [
            "localhost.example",
            "registry.example:5000",
            "10.0.0.1:5000",
            "127.0.0.1.example",
        ] {
            assert!(!is_this_machine(other), "{other}");
        }
    }

    #[test]
    fn a_login_goes_over_tls_or_to_the_registry_itself_and_nowhere_else() {
        let secure = "https://registry.example";
        let own = "http://127.0.0.1:5000";
        for (realm, registry, may) in [
            ("https://registry.example/token", secure, true),
            ("https://login.example/token", secure, true),
            ("http://registry.example/token", secure, false),
            ("http://login.example/token", secure, false),
            ("http://127.0.0.1:6000/token", own, true),
            ("http://10.0.0.1/token", own, false),
            ("/token", own, false),
            ("ftp://127.0.0.1/", own, false),
        ] {
            assert_eq!(may_have_it(realm, registry), may, "{realm} for {registry}");
        }
    }

    #[test]
    fn a_challenge_is_read_with_commas_in_what_it_quotes() {
        let text = r#"Bearer realm="https://a.example/t",service="s",scope="repository:x:pull,push""#;
        let expected = Challenge {
            realm: "https://a.example/t".to_owned(),
            service: Some("s".to_owned()),
        };
        assert_eq!(Challenge::read(text), Some(expected));
        assert_eq!(Challenge::read(r#"Basic realm="x""#), None);
    }

    /// Answers every request so, without an end where `endless`.
    fn server(head: &str, endless: bool) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("bound").to_string();
        let head = head.replace("OWN", &address);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                drop(answer(stream, &head, endless));
            }
        });
        address
    }

    fn answer(mut stream: TcpStream, head: &str, endless: bool) -> std::io::Result<()> {
        let mut lines = BufReader::new(stream.try_clone()?).lines();
        let first = lines.next().unwrap_or_else(|| Ok(String::new()))?;
        while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
        write!(stream, "HTTP/1.1 200 OK\r\nConnection: close\r\n{head}\r\n")?;
        while endless && !first.contains("/v2/ ") {
            stream.write_all(&[b' '; 1 << 16])?;
        }
        Ok(())
    }

    fn reference(registry: &str) -> Reference {
        format!("{registry}/team/python:3").parse().expect("a reference")
    }

    #[test]
    fn manifests_and_tokens_without_an_end_are_given_up() {
        let registry = server("", true);
        let documents = Documents::of(&reference(&registry), &RegistryAuth::Anonymous).expect("in");
        let refused = documents.manifest("3").expect_err("endless").to_string();
        assert!(
            refused.contains("/v2/team/python/manifests/3: it answers with more than"),
            "{refused}"
        );
        let registry = server("WWW-Authenticate: Bearer realm=\"http://OWN/token\"\r\n", true);
        let refused = Documents::of(&reference(&registry), &RegistryAuth::Anonymous)
            .err()
            .expect("endless");
        assert!(
            refused.to_string().contains("/token: it answers with more than"),
            "{refused}"
        );
    }

    #[test]
    fn a_registry_that_sends_logins_elsewhere_is_refused() {
        let registry = server(
            "WWW-Authenticate: Bearer realm=\"http://login.example/token\"\r\n",
            false,
        );
        let login = RegistryAuth::Basic("me".to_owned(), "secret".to_owned());
        let refused = Documents::of(&reference(&registry), &login)
            .err()
            .expect("elsewhere")
            .to_string();
        assert!(refused.contains("nothing was sent there"), "{refused}");
    }
}
