//! An npm registry: which one, what a package's versions are, and a release, checked against what the registry says of it.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::io::{self, Read, Write};
use std::process::{Command, Stdio};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha512};
use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};

use crate::error::AddError;
use crate::source::VersionPrefix;

/// What this machine trusts: private registries have certificates of their own authorities.
const AUTHORITIES: &str = "/etc/ssl/certs/ca-certificates.crt";
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);
/// Between a question and the head of its answer, and between two pieces of it.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);
/// A release on a slow line.
const BODY_TIMEOUT: Duration = Duration::from_secs(1800);
/// Longest list of a package's versions read.
const LIST_BYTES_MAX: u64 = 64 << 20;
/// Largest release read; those of Node have about 60 MB.
const RELEASE_BYTES_MAX: u64 = 512 << 20;
/// The short form of a package's list.
const LIST: &str = "application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8";

/// One registry.
#[derive(Debug)]
pub(crate) struct Registry {
    agent: ureq::Agent,
    /// Without a slash at its end.
    url: String,
}

/// One version of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Release {
    pub(crate) version: String,
    /// Where it is.
    pub(crate) url: String,
    /// Its SHA-512.
    pub(crate) sha512: Vec<u8>,
}

#[derive(Deserialize)]
struct Package {
    versions: BTreeMap<String, Described>,
}

#[derive(Deserialize, Clone)]
struct Described {
    version: String,
    dist: Distribution,
}

#[derive(Deserialize, Clone)]
struct Distribution {
    tarball: String,
    #[serde(default)]
    integrity: String,
}

impl Registry {
    /// The one this machine uses: `NPM_CONFIG_REGISTRY`, or what `npm` asks.
    ///
    /// # Errors
    /// When neither says which. There is none built in.
    pub(crate) fn of_this_machine() -> Result<Self, AddError> {
        let set = ["NPM_CONFIG_REGISTRY", "npm_config_registry"]
            .iter()
            .find_map(|name| env::var(name).ok());
        let url = set.or_else(npm_setting).ok_or(AddError::NoRegistry)?;
        Ok(Self::at(&url))
    }

    pub(crate) fn at(url: &str) -> Self {
        Self {
            agent: agent(),
            url: url.trim().trim_end_matches('/').to_owned(),
        }
    }

    /// Where it is, for people.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The newest release of a package that a version means.
    pub(crate) fn find(&self, package: &str, wanted: &VersionPrefix) -> Result<Release, AddError> {
        let none = || AddError::NoSuchVersion {
            registry: self.url.clone(),
            package: package.to_owned(),
            version: wanted.to_string(),
        };
        let described = match wanted.exact() {
            Some(version) => self
                .ask::<Described>(&format!("{}/{package}/{version}", self.url))?
                .ok_or_else(none)?,
            None => {
                let list: Package = self.ask(&format!("{}/{package}", self.url))?.ok_or_else(none)?;
                let newest = wanted
                    .newest(list.versions.keys().map(String::as_str))
                    .ok_or_else(none)?;
                list.versions[newest].clone()
            }
        };
        self.release(package, described)
    }

    fn release(&self, package: &str, described: Described) -> Result<Release, AddError> {
        // A mirror may hand out the list as it found it. It is the one that was asked that has the release all the same.
        let Distribution { tarball, integrity } = described.dist;
        let url = match tarball.split_once(&format!("/{package}/-/")) {
            Some((_, file)) => format!("{}/{package}/-/{file}", self.url),
            None => tarball,
        };
        let sha512 = integrity
            .split_whitespace()
            .find_map(|hash| STANDARD.decode(hash.strip_prefix("sha512-")?).ok())
            .ok_or_else(|| AddError::Registry {
                url: url.clone(),
                reason: "the registry tells no sha512 of it, without which it cannot be checked".to_owned(),
            })?;
        Ok(Release {
            version: described.version,
            url,
            sha512,
        })
    }

    /// Fetches a release into a file. What is in the file is good only when this says so.
    pub(crate) fn fetch(&self, release: &Release, into: &mut impl Write) -> Result<(), AddError> {
        let failed = |reason: String| AddError::Registry {
            url: release.url.clone(),
            reason,
        };
        let mut answer = self
            .agent
            .get(&release.url)
            .call()
            .map_err(|error| failed(error.to_string()))?;
        if answer.status() != 200 {
            return Err(failed(format!("HTTP {}", answer.status())));
        }
        let body = answer.body_mut().with_config().limit(RELEASE_BYTES_MAX).reader();
        let mut checked = Checked {
            reader: body,
            digest: Sha512::new(),
        };
        io::copy(&mut checked, into).map_err(|error| failed(error.to_string()))?;
        if checked.digest.finalize().as_slice() != release.sha512 {
            return Err(AddError::Integrity {
                url: release.url.clone(),
            });
        }
        Ok(())
    }

    /// One document. `None` for what is not there.
    fn ask<T: DeserializeOwned>(&self, url: &str) -> Result<Option<T>, AddError> {
        let failed = |reason: String| AddError::Registry {
            url: url.to_owned(),
            reason,
        };
        let request = self.agent.get(url).header("Accept", LIST);
        let mut answer = request.call().map_err(|error| failed(error.to_string()))?;
        match answer.status().as_u16() {
            200 => {}
            404 => return Ok(None),
            status => return Err(failed(format!("HTTP {status}"))),
        }
        let mut body = Vec::new();
        let mut reader = answer.body_mut().with_config().limit(LIST_BYTES_MAX).reader();
        reader
            .read_to_end(&mut body)
            .map_err(|error| failed(error.to_string()))?;
        serde_json::from_slice(&body)
            .map(Some)
            .map_err(|error| failed(error.to_string()))
    }
}

/// Asks registries of any kind. One that falls silent is given up.
pub(crate) fn agent() -> ureq::Agent {
    patient(ANSWER_TIMEOUT)
}

fn patient(patience: Duration) -> ureq::Agent {
    let config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .user_agent(concat!("skiff/", env!("CARGO_PKG_VERSION")))
        .timeout_connect(Some(CONNECT_TIMEOUT))
        .timeout_send_request(Some(patience))
        .timeout_recv_response(Some(patience))
        .timeout_per_read(Some(patience))
        .timeout_recv_body(Some(BODY_TIMEOUT))
        .tls_config(TlsConfig::builder().root_certs(authorities()).build());
    config.build().new_agent()
}

/// Hashes what passes.
struct Checked<R> {
    reader: R,
    digest: Sha512,
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        self.digest.update(&buffer[..read]);
        Ok(read)
    }
}

/// What `npm` is set to, where there is one. Settings of the folder this runs in are nobody's we know.
fn npm_setting() -> Option<String> {
    let mut npm = Command::new("npm");
    npm.args(["config", "get", "registry"])
        .current_dir("/")
        .stdin(Stdio::null());
    let output = npm.output().ok().filter(|output| output.status.success())?;
    let said = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (said.starts_with("https://") || said.starts_with("http://")).then_some(said)
}

/// The authorities of `SSL_CERT_FILE` or of this machine; those built in where it has none.
fn authorities() -> RootCerts {
    let file = env::var("SSL_CERT_FILE").unwrap_or_else(|_| AUTHORITIES.to_owned());
    let Ok(pem) = fs::read(file) else {
        return RootCerts::WebPki;
    };
    let certificates = parse_pem(&pem).filter_map(|item| match item {
        Ok(PemItem::Certificate(certificate)) => Some(certificate),
        _ => None,
    });
    RootCerts::from(certificates.collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader};
    use std::net::TcpListener;
    use std::thread;

    use super::*;
    use crate::source::Source;

    /// A registry that answers these paths, each with its body, and 404 to all others.
    fn registry(answers: Vec<(&'static str, Vec<u8>)>) -> Registry {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/", listener.local_addr().expect("bound"));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.expect("a connection");
                let mut lines = BufReader::new(stream.try_clone().expect("a stream")).lines();
                let first = lines.next().expect("a line").expect("text");
                while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
                let path = first.split(' ').nth(1).expect("a path").to_owned();
                let found = answers.iter().find(|(known, _)| *known == path);
                let (status, body) = found.map_or(("404 Not Found", &[][..]), |(_, body)| ("200 OK", body));
                let head = format!(
                    "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                    body.len()
                );
                drop(stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body)));
            }
        });
        Registry::at(&url)
    }

    fn version(text: &str) -> VersionPrefix {
        match text.parse() {
            Ok(Source::Npm(version)) => version,
            other => panic!("{other:?}"),
        }
    }

    fn described(version: &str, integrity: &str) -> String {
        format!(
            r#"{{"version":"{version}","dist":{{"tarball":"https://elsewhere.example/p/-/p-{version}.tgz","integrity":"{integrity}"}}}}"#
        )
    }

    fn sha512(content: &[u8]) -> String {
        format!("sha512-{}", STANDARD.encode(Sha512::digest(content)))
    }

    #[test]
    fn a_release_is_found_by_its_beginning_and_fetched_from_the_registry_that_was_asked() {
        let list = format!(
            r#"{{"versions":{{"18.9.0":{},"18.15.0":{}}}}}"#,
            described("18.9.0", ""),
            described("18.15.0", &sha512(b"release"))
        );
        let registry = registry(vec![
            ("/p", list.into_bytes()),
            ("/p/-/p-18.15.0.tgz", b"release".to_vec()),
        ]);
        let release = registry.find("p", &version("npm:18")).expect("found");
        assert_eq!(release.version, "18.15.0");
        let mut content = Vec::new();
        registry.fetch(&release, &mut content).expect("fetched");
        assert_eq!(content, b"release");
    }

    #[test]
    fn a_release_that_is_not_what_the_registry_says_is_refused() {
        let answers = vec![
            ("/p/1.0.0", described("1.0.0", &sha512(b"other")).into_bytes()),
            ("/p/-/p-1.0.0.tgz", b"release".to_vec()),
            ("/p/2.0.0", described("2.0.0", "sha1-x").into_bytes()),
        ];
        let registry = registry(answers);
        let release = registry.find("p", &version("npm:1.0.0")).expect("found");
        let refused = registry.fetch(&release, &mut Vec::new()).expect_err("another content");
        assert!(matches!(refused, AddError::Integrity { .. }), "{refused}");
        let unchecked = registry.find("p", &version("npm:2.0.0")).expect_err("no sha512");
        assert!(unchecked.to_string().contains("sha512"), "{unchecked}");
        let absent = registry.find("p", &version("npm:3.0.0")).expect_err("no such version");
        assert!(matches!(absent, AddError::NoSuchVersion { .. }), "{absent}");
    }

    #[test]
    fn a_registry_that_falls_silent_is_given_up() {
        // Before the head of its answer, in it, and in the body.
        for said in [
            "",
            "HTTP/1.1 200 OK\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{",
        ] {
            let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
            let url = format!("http://{}", listener.local_addr().expect("bound"));
            let silent = thread::spawn(move || {
                let (mut stream, _) = listener.accept().expect("a connection");
                stream.write_all(said.as_bytes()).expect("written");
                stream
            });
            let registry = Registry {
                agent: patient(Duration::from_millis(100)),
                url,
            };
            let refused = registry.find("p", &version("npm:1.0.0")).expect_err("silent");
            assert!(refused.to_string().contains("timeout"), "{said:?}: {refused}");
            drop(silent.join());
        }
    }
}
