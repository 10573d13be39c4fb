//! One signed request to the control API, and what its answer means.

use std::io::{Cursor, Read};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use skiff_auth::{Credentials, ToSign, sign_tc3};
use ureq::http::{Method, Response, Uri};

use crate::error::CliError;
use crate::progress::Upload;
use crate::suggest::nearest;

/// The API's version (CONTRACT 2).
const VERSION: &str = "2018-04-16";
/// The region the API wants named; one server is one region.
const REGION: &str = "local";
const JSON: &str = "application/json";
/// How long to wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long to wait for an answer that needs no function to run.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(120);
/// Longest answer read: a page of logs, each up to 1 MB.
const ANSWER_BYTES_MAX: u64 = 512 << 20;
/// Most items of a page the list actions are asked for.
const PAGE: usize = 100;

/// `http://host:port` of a control API.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    url: String,
    /// The `Host` header.
    host: String,
    loopback: bool,
}

impl Endpoint {
    /// Reads `http://host:port`, `https://host` or a bare `host:port`.
    pub(crate) fn parse(text: &str) -> Result<Self, CliError> {
        let invalid = || {
            CliError::argument(
                "--endpoint",
                text,
                "give the control API's address like http://127.0.0.1:9000",
            )
        };
        let full = if text.contains("://") {
            text.to_owned()
        } else {
            format!("http://{text}")
        };
        let uri: Uri = full.parse().map_err(|_| invalid())?;
        let (Some("http" | "https"), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(invalid());
        };
        if authority.as_str().contains('@') || !matches!(uri.path(), "" | "/") || uri.query().is_some() {
            return Err(invalid());
        }
        let name = authority.host();
        let address: Option<std::net::IpAddr> = name.trim_matches(['[', ']']).parse().ok();
        Ok(Self {
            url: full.trim_end_matches('/').to_owned(),
            host: authority.as_str().to_owned(),
            loopback: name == "localhost" || address.is_some_and(|address| address.is_loopback()),
        })
    }
}

/// Speaks to one control API with one credential.
#[derive(Debug)]
pub(crate) struct Client {
    agent: ureq::Agent,
    endpoint: Endpoint,
    credentials: Credentials,
}

/// How long an answer may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Patience {
    /// As long as the server works on its own.
    Answer,
    /// As long as a function may run; the server ends it.
    Function,
}

impl Client {
    pub(crate) fn new(endpoint: Endpoint, credentials: Credentials) -> Self {
        let mut config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .user_agent(concat!("skiff/", env!("CARGO_PKG_VERSION")))
            .timeout_connect(Some(CONNECT_TIMEOUT));
        if endpoint.loopback {
            config = config.proxy(None);
        }
        Self {
            agent: config.build().new_agent(),
            endpoint,
            credentials,
        }
    }

    #[cfg(test)]
    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint.url
    }

    #[cfg(test)]
    pub(crate) fn secret_id(&self) -> &str {
        self.credentials.secret_id.as_str()
    }

    /// One action: the fields of `Response`. A mistyped name of a function or namespace comes back with the near one.
    pub(crate) fn call(&self, action: &str, params: &Value) -> Result<Value, CliError> {
        self.act(action, params, Patience::Answer, &Upload::hidden())
            .map_err(|error| self.suggest(error, params))
    }

    /// One action of which "not found" is a fine answer: no near name is looked for.
    pub(crate) fn probe(&self, action: &str, params: &Value) -> Result<Value, CliError> {
        self.act(action, params, Patience::Answer, &Upload::hidden())
    }

    /// One action that runs a function and so takes as long as that.
    pub(crate) fn call_function(&self, action: &str, params: &Value) -> Result<Value, CliError> {
        self.act(action, params, Patience::Function, &Upload::hidden())
            .map_err(|error| self.suggest(error, params))
    }

    /// One action with a package in it, its upload shown.
    pub(crate) fn upload(&self, action: &str, params: &Value, progress: &Upload) -> Result<Value, CliError> {
        self.act(action, params, Patience::Answer, progress)
            .map_err(|error| self.suggest(error, params))
    }

    /// Every item of a list action, page by page. `field` is where the items are.
    pub(crate) fn list(&self, action: &str, params: &Value, field: &str) -> Result<Vec<Value>, CliError> {
        let mut items = Vec::new();
        loop {
            let mut page = params.clone();
            page["Offset"] = json!(items.len());
            page["Limit"] = json!(PAGE);
            let answer = self.call(action, &page)?;
            let found = answer[field].as_array().cloned().unwrap_or_default();
            let last = found.is_empty();
            items.extend(found);
            if last
                || answer["TotalCount"]
                    .as_u64()
                    .is_none_or(|total| items.len() as u64 >= total)
            {
                return Ok(items);
            }
        }
    }

    /// A signed GET of a page beside the API, e.g. `/status.json`.
    pub(crate) fn get(&self, path: &str) -> Result<Value, CliError> {
        let now = Timestamp::now();
        let authorization = self.sign(&Method::GET, path, None, &[], now);
        let request = self.agent.get(format!("{}{path}", self.endpoint.url));
        let request = [
            ("Host", self.endpoint.host.as_str()),
            ("Content-Type", JSON),
            ("Authorization", &authorization),
        ]
        .iter()
        .fold(request, |request, (name, value)| request.header(*name, *value))
        .header("X-TC-Timestamp", now.as_second().to_string())
        .config()
        .timeout_recv_response(Some(ANSWER_TIMEOUT))
        .build();
        let (status, body) = self.read(request.call())?;
        match status {
            200 => serde_json::from_slice(&body).map_err(|_| self.not_skiff(status, &body)),
            _ => Err(self.refusal(&body).unwrap_or_else(|| self.not_skiff(status, &body))),
        }
    }

    /// What a link of the server's leads to.
    pub(crate) fn download(&self, link: &str) -> Result<Vec<u8>, CliError> {
        let request = self
            .agent
            .get(link)
            .config()
            .timeout_recv_response(Some(ANSWER_TIMEOUT))
            .build();
        let (status, body) = self.read(request.call())?;
        match status {
            200 => Ok(body),
            _ => Err(self.refusal(&body).unwrap_or_else(|| self.not_skiff(status, &body))),
        }
    }

    fn act(&self, action: &str, params: &Value, patience: Patience, progress: &Upload) -> Result<Value, CliError> {
        let body = params.to_string();
        let now = Timestamp::now();
        let authorization = self.sign(&Method::POST, "/", Some(action), body.as_bytes(), now);
        let request = self
            .agent
            .post(format!("{}/", self.endpoint.url))
            .header("Host", &self.endpoint.host)
            .header("Content-Type", JSON)
            .header("Content-Length", body.len())
            .header("X-TC-Action", action)
            .header("X-TC-Version", VERSION)
            .header("X-TC-Region", REGION)
            .header("X-TC-Language", "en-US")
            .header("X-TC-Timestamp", now.as_second().to_string())
            .header("Authorization", authorization)
            .config()
            .timeout_recv_response((patience == Patience::Answer).then_some(ANSWER_TIMEOUT))
            .build();
        let mut reader = progress.wrap(Cursor::new(&body), body.len());
        let sent = request.send(ureq::SendBody::from_reader(&mut reader));
        progress.finish();
        let (status, body) = self.read(sent)?;
        let answer: Option<Value> = serde_json::from_slice(&body).ok();
        match answer.as_ref().map(|answer| &answer["Response"]) {
            Some(response @ Value::Object(_)) if status == 200 => match self.refusal(&body) {
                Some(refusal) => Err(refusal),
                None => Ok(response.clone()),
            },
            _ => Err(self.not_skiff(status, &body)),
        }
    }

    fn sign(&self, method: &Method, path: &str, action: Option<&str>, body: &[u8], timestamp: Timestamp) -> String {
        let Endpoint { host, .. } = &self.endpoint;
        let request = ToSign {
            method,
            path,
            query: "",
            host,
            content_type: JSON,
            action,
            body,
            service: "scf",
            timestamp,
        };
        sign_tc3(&request, &self.credentials)
    }

    fn read(&self, answer: Result<Response<ureq::Body>, ureq::Error>) -> Result<(u16, Vec<u8>), CliError> {
        let unreachable = |error: ureq::Error| self.unreachable(&error);
        let mut answer = answer.map_err(unreachable)?;
        let status = answer.status().as_u16();
        let mut body = Vec::new();
        let mut reader = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX).reader();
        reader
            .read_to_end(&mut body)
            .map_err(|error| self.unreachable(&ureq::Error::Io(error)))?;
        Ok((status, body))
    }

    /// The error of an API answer, if it is one.
    fn refusal(&self, body: &[u8]) -> Option<CliError> {
        let answer: Value = serde_json::from_slice(body).ok()?;
        let response = &answer["Response"];
        let error = response.get("Error")?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Some(CliError::Refused {
            code: text(&error["Code"]),
            message: text(&error["Message"]),
            request_id: text(&response["RequestId"]),
            hint: None,
        })
    }

    fn unreachable(&self, error: &ureq::Error) -> CliError {
        CliError::Unreachable {
            endpoint: self.endpoint.url.clone(),
            reason: error.to_string(),
        }
    }

    fn not_skiff(&self, status: u16, body: &[u8]) -> CliError {
        let start: String = String::from_utf8_lossy(body)
            .chars()
            .filter(|c| !c.is_control())
            .take(120)
            .collect();
        CliError::NotSkiff {
            endpoint: self.endpoint.url.clone(),
            reason: format!("HTTP {status} {start}"),
        }
    }

    /// Adds the near name to a "not found". What helps must not hide the error: a failure in here is no second one.
    fn suggest(&self, error: CliError, params: &Value) -> CliError {
        let CliError::Refused {
            code,
            message,
            request_id,
            hint: None,
        } = error
        else {
            return error;
        };
        let near = |action: &str, list: &Value, items: &str, name: &str, given: &str| {
            let answer = self.act(action, list, Patience::Answer, &Upload::hidden()).ok()?;
            let names: Vec<&str> = answer[items]
                .as_array()?
                .iter()
                .filter_map(|item| item[name].as_str())
                .collect();
            nearest(params[given].as_str()?, names).map(|near| format!("did you mean {near}?"))
        };
        let hint = match code.as_str() {
            "ResourceNotFound.Function" | "ResourceNotFound.FunctionName" => {
                let mut list = json!({"Limit": PAGE});
                if let Some(namespace) = params.get("Namespace") {
                    list["Namespace"] = namespace.clone();
                }
                near("ListFunctions", &list, "Functions", "FunctionName", "FunctionName")
                    .or_else(|| Some("`skiff function list` shows what is deployed".to_owned()))
            }
            "ResourceNotFound.Namespace" => near(
                "ListNamespaces",
                &json!({"Limit": PAGE}),
                "Namespaces",
                "Name",
                "Namespace",
            )
            .or_else(|| Some("`skiff namespace list` shows the namespaces".to_owned())),
            "ResourceNotFound.Alias" | "ResourceNotFound.Qualifier" => {
                // An action of this listing counts in texts, and a function has at most 100.
                let mut list = json!({"FunctionName": params["FunctionName"], "Offset": "0", "Limit": "1000"});
                if let Some(namespace) = params.get("Namespace") {
                    list["Namespace"] = namespace.clone();
                }
                let given = if code.ends_with("Alias") { "Name" } else { "Qualifier" };
                near("ListAliases", &list, "Aliases", "Name", given).or_else(|| {
                    let name = params["FunctionName"].as_str()?;
                    Some(format!(
                        "`skiff alias list {name}` and `skiff version list {name}` show what there is"
                    ))
                })
            }
            _ => None,
        };
        CliError::Refused {
            code,
            message,
            request_id,
            hint,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_an_address_with_or_without_its_scheme() {
        for (given, url, host, loopback) in [
            ("127.0.0.1:9000", "http://127.0.0.1:9000", "127.0.0.1:9000", true),
            ("http://[::1]:9000/", "http://[::1]:9000", "[::1]:9000", true),
            ("https://skiff.example", "https://skiff.example", "skiff.example", false),
        ] {
            let endpoint = Endpoint::parse(given).expect(given);
            assert_eq!(
                (endpoint.url.as_str(), endpoint.host.as_str(), endpoint.loopback),
                (url, host, loopback)
            );
        }
        for bad in [
            "",
            "ftp://x",
            "http://x/console",
            "http://x?y",
            "http://user:key@x",
            "not an address",
        ] {
            assert!(Endpoint::parse(bad).is_err(), "{bad}");
        }
    }
}
