//! One repository of a registry: the way in, its manifests and indexes, which have no size before they come, and its pieces.
//! All of it ends.
//!
//! A login goes to the registry it was made for, and where that sends it over TLS or to itself, and to nobody else.

use std::fs::File;
use std::io::{self, Read};
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use oci_spec::distribution::Reference;
use serde::Deserialize;
use ureq::http::{Response, Uri, header};
use ureq::{Agent, Body};

use crate::error::AddError;
use crate::registry::agent;

/// Longest manifest, index or answer about a login read.
const DOCUMENT_BYTES_MAX: u64 = 4 << 20;
/// Longest that one of these may take.
const DOCUMENT_TIME_MAX: Duration = Duration::from_secs(120);
/// Longest that a piece may take: the largest there is on a slow line.
const PIECE_TIME_MAX: Duration = Duration::from_secs(2 * 3600);
/// What a manifest may be.
const MANIFESTS: &str = "application/vnd.docker.distribution.manifest.v2+json, \
     application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.oci.image.manifest.v1+json, \
     application/vnd.oci.image.index.v1+json";

/// One repository, once this machine is let in.
pub(super) struct Repository {
    agent: Agent,
    reference: Reference,
    /// Such as `https://registry.example`.
    registry: String,
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

impl Repository {
    /// Goes in, with this login: what `Authorization` says of it.
    pub(super) fn of(reference: &Reference, login: Option<String>) -> Result<Self, AddError> {
        let host = reference.resolve_registry();
        let scheme = if is_this_machine(host) { "http" } else { "https" };
        let mut this = Self {
            agent: agent(),
            reference: reference.clone(),
            registry: format!("{scheme}://{host}"),
            authorization: None,
        };
        let url = format!("{}/v2/", this.registry);
        let answer = this.ask(&url, None, DOCUMENT_TIME_MAX)?;
        let challenge = answer.headers().get(header::WWW_AUTHENTICATE);
        let challenge = challenge.and_then(|text| text.to_str().ok()).map(str::to_owned);
        this.authorization = match challenge {
            None => None,
            Some(text) => match Challenge::read(&text) {
                Some(challenge) => Some(format!("Bearer {}", this.token(&challenge, login.as_deref())?)),
                None => login,
            },
        };
        Ok(this)
    }

    /// The manifest or index with this tag or digest, yet to be held against it.
    pub(super) fn manifest(&self, which: &str) -> Result<Vec<u8>, AddError> {
        let url = self.url("manifests", which);
        self.read(self.ask(&url, self.authorization.as_deref(), DOCUMENT_TIME_MAX)?, &url)
    }

    /// Which it is: a digest or a tag.
    pub(super) fn named(&self) -> &str {
        let tag = || self.reference.tag().unwrap_or("latest");
        self.reference.digest().unwrap_or_else(tag)
    }

    /// Fetches a piece of this size, yet to be held against its digest.
    pub(super) fn blob(&self, digest: &str, size: u64, spool: &Path) -> Result<File, AddError> {
        let url = self.url("blobs", digest);
        let mut answer = self.ask(&url, self.authorization.as_deref(), PIECE_TIME_MAX)?;
        if answer.status() != 200 {
            return Err(self.failed(&url, format!("HTTP {}", answer.status())));
        }
        let mut file = tempfile::tempfile_in(spool).map_err(AddError::io(spool))?;
        // One byte more tells that it is too long.
        let mut body = answer
            .body_mut()
            .with_config()
            .limit(u64::MAX)
            .reader()
            .take(size.saturating_add(1));
        io::copy(&mut body, &mut file).map_err(|error| self.failed(&url, error))?;
        Ok(file)
    }

    fn url(&self, what: &str, which: &str) -> String {
        format!("{}/v2/{}/{what}/{which}", self.registry, self.reference.repository())
    }

    fn token(&self, challenge: &Challenge, login: Option<&str>) -> Result<String, AddError> {
        let realm = &challenge.realm;
        if !may_have_it(realm, &self.registry) {
            let reason = format!(
                "it sends logins to {realm}, which is neither the registry nor spoken to with TLS: nothing was sent there"
            );
            return Err(self.failed(&self.registry, reason));
        }
        let mut request = self
            .agent
            .get(realm)
            .config()
            .timeout_global(Some(DOCUMENT_TIME_MAX))
            .build();
        request = request.query("scope", format!("repository:{}:pull", self.reference.repository()));
        if let Some(service) = &challenge.service {
            request = request.query("service", service);
        }
        if let Some(login) = login {
            request = request.header(header::AUTHORIZATION, login);
        }
        let answer = request.call().map_err(|error| self.failed(realm, error))?;
        let text = self.read(answer, realm)?;
        let token: Token = serde_json::from_slice(&text).map_err(|error| self.failed(realm, error))?;
        Ok(token.token)
    }

    /// One request, which ends in this time. A credential does not follow to where it is sent on.
    fn ask(&self, url: &str, authorization: Option<&str>, limit: Duration) -> Result<Response<Body>, AddError> {
        let request = self.agent.get(url).config();
        let request = request
            .timeout_global(Some(limit))
            .timeout_recv_body(Some(limit))
            .build();
        let mut request = request.header(header::ACCEPT, format!("{MANIFESTS}, */*"));
        if let Some(authorization) = authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        request.call().map_err(|error| self.failed(url, error))
    }

    /// The whole of a good answer.
    fn read(&self, mut answer: Response<Body>, url: &str) -> Result<Vec<u8>, AddError> {
        if answer.status() != 200 {
            return Err(self.failed(url, format!("HTTP {}", answer.status())));
        }
        let body = answer.body_mut().with_config().limit(DOCUMENT_BYTES_MAX).read_to_vec();
        body.map_err(|error| match error {
            ureq::Error::BodyExceedsLimit(limit) => {
                self.failed(url, format!("it answers with more than {limit} bytes"))
            }
            other => self.failed(url, other),
        })
    }

    fn failed(&self, url: &str, reason: impl std::fmt::Display) -> AddError {
        AddError::Registry {
            url: format!("oci:{}", self.reference),
            reason: format!("{url}: {reason}"),
        }
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

/// A registry of this machine has no certificate.
fn is_this_machine(registry: &str) -> bool {
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

    fn answer(mut stream: TcpStream, head: &str, endless: bool) -> io::Result<()> {
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
        let repository = Repository::of(&reference(&registry), None).expect("in");
        let refused = repository.manifest("3").expect_err("endless").to_string();
        assert!(
            refused.contains("/v2/team/python/manifests/3: it answers with more than"),
            "{refused}"
        );
        let registry = server("WWW-Authenticate: Bearer realm=\"http://OWN/token\"\r\n", true);
        let refused = Repository::of(&reference(&registry), None).err().expect("endless");
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
        let refused = Repository::of(&reference(&registry), Some("Basic bWU6c2VjcmV0".to_owned()))
            .err()
            .expect("elsewhere")
            .to_string();
        assert!(refused.contains("nothing was sent there"), "{refused}");
    }

    /// Answers one request after another with these heads, and gives back what was asked.
    fn scripted(heads: Vec<String>) -> (String, thread::JoinHandle<Vec<String>>) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("bound").to_string();
        let asked = thread::spawn(move || {
            let answer = |head: &String| {
                let (mut stream, _) = listener.accept().expect("a connection");
                let lines = BufReader::new(stream.try_clone().expect("a stream")).lines();
                let lines = lines.map_while(|line| line.ok().filter(|line| !line.is_empty()));
                let asked = lines.collect::<Vec<_>>().join("\n").to_lowercase();
                write!(
                    stream,
                    "HTTP/1.1 {head}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                )
                .expect("sent");
                asked
            };
            heads.iter().map(answer).collect()
        });
        (address, asked)
    }

    #[test]
    fn a_login_stays_with_the_registry_whatever_it_asks_for_later_and_wherever_it_sends_who_fetches() {
        let (elsewhere, asked_there) = scripted(vec!["200 OK".to_owned()]);
        let (registry, asked) = scripted(vec![
            "401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"x\"".to_owned(),
            format!("307 Temporary Redirect\r\nLocation: http://{elsewhere}/piece"),
            format!("401 Unauthorized\r\nWWW-Authenticate: Bearer realm=\"http://{elsewhere}/token\""),
        ]);
        let login = "Basic bWU6c2VjcmV0";
        let repository = Repository::of(&reference(&registry), Some(login.to_owned())).expect("in");
        let spool = tempfile::tempdir().expect("a folder");
        repository.blob("sha256:1", 0, spool.path()).expect("sent on");
        let refused = repository.blob("sha256:2", 0, spool.path()).expect_err("refused");
        assert!(refused.to_string().contains("sha256:2: HTTP 401"), "{refused}");
        let asked = asked.join().expect("no panic");
        let has_it: Vec<bool> = asked.iter().map(|head| head.contains("authorization: ")).collect();
        assert_eq!(has_it, [false, true, true], "{asked:?}");
        let there = asked_there.join().expect("no panic");
        assert!(
            there[0].starts_with("get /piece ") && !there[0].contains("authorization"),
            "{there:?}"
        );
    }
}
