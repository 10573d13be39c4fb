//! A client of the control API: one signed POST per action, and the answer of an invocation taken apart.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::{Credentials, eventually, tc3};

/// Longer than any call a test makes.
const TIMEOUT: Duration = Duration::from_secs(120);

/// Speaks to one server with one credential.
#[derive(Debug, Clone)]
pub struct Client {
    agent: ureq::Agent,
    /// `host:port` of the control API.
    pub api: String,
    /// `host:port` of the gateway.
    pub gateway: String,
    /// Who it is.
    pub credentials: Credentials,
}

/// An error reply of the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiError {
    /// E.g. `ResourceNotFound.Function`.
    pub code: String,
    /// For the user.
    pub message: String,
}

/// An HTTP answer, undigested.
#[derive(Debug, Clone)]
pub struct Raw {
    /// The HTTP status.
    pub status: u16,
    /// Header names in lower case, and values, in order.
    pub headers: Vec<(String, String)>,
    /// The body as text.
    pub body: String,
}

impl Raw {
    /// The first header of this name, in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(have, _)| have == name)
            .map(|(_, value)| value.as_str())
    }

    /// The body as JSON; panics with the body where it is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("not JSON ({error}): {self:?}"))
    }

    /// The API's answer: the fields of `Response`, or its `Error`.
    pub fn response(&self) -> Result<Value, ApiError> {
        assert_eq!(self.status, 200, "the API answers 200, errors too: {self:?}");
        assert_eq!(
            self.header("content-type"),
            Some("application/json"),
            "exactly: the SDK compares it"
        );
        let response = self.json()["Response"].clone();
        assert!(
            response["RequestId"].is_string(),
            "every answer has a request id: {response}"
        );
        match response.get("Error") {
            None => Ok(response),
            Some(error) => Err(ApiError {
                code: error["Code"].as_str().unwrap_or_default().to_owned(),
                message: error["Message"].as_str().unwrap_or_default().to_owned(),
            }),
        }
    }
}

/// What came of an invocation.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The function status: 200, or the `statusCode` of the error JSON.
    pub status: u16,
    /// `RetMsg` as JSON.
    pub ret: Value,
    /// `RetMsg` as sent.
    pub ret_text: String,
    /// The log tail, decoded as it is: plain text.
    pub log: String,
    /// All of `Result`.
    pub result: Value,
}

impl Answer {
    /// The value returned; panics with everything known where the function did not return one.
    pub fn returned(&self) -> &Value {
        assert_eq!(
            self.status, 200,
            "the function failed: {} log: {}",
            self.ret_text, self.log
        );
        &self.ret
    }

    /// `errorMessage` of the error JSON.
    pub fn error_message(&self) -> &str {
        self.ret["errorMessage"].as_str().unwrap_or_default()
    }

    /// The lines of the log that the function wrote for this event.
    pub fn written(&self) -> Vec<&str> {
        let lines = self.log.lines().skip_while(|line| !line.starts_with("Event "));
        lines.skip(1).take_while(|line| !line.starts_with("END ")).collect()
    }

    /// The id of the invocation.
    pub fn request_id(&self) -> &str {
        self.result["FunctionRequestId"].as_str().unwrap_or_default()
    }
}

impl Client {
    /// A client of the server that listens there.
    pub fn new(api: String, gateway: String, credentials: Credentials) -> Self {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(TIMEOUT))
            .proxy(None)
            .build()
            .new_agent();
        Self {
            agent,
            api,
            gateway,
            credentials,
        }
    }

    /// One action. Panics when the server cannot be spoken to: see [`Client::try_call`].
    #[expect(clippy::needless_pass_by_value, reason = "callers write the parameters in place")]
    pub fn call(&self, action: &str, params: Value) -> Result<Value, ApiError> {
        self.try_call(action, &params)
            .unwrap_or_else(|error| panic!("{action}: {error}"))
    }

    /// One action; the outer error is the transport's, e.g. of a server that was just killed.
    pub fn try_call(&self, action: &str, params: &Value) -> Result<Result<Value, ApiError>, ureq::Error> {
        let body = params.to_string();
        let now = now_seconds();
        let Credentials { secret_id, secret_key } = &self.credentials;
        let authorization = tc3(secret_id, secret_key, &self.api, now, body.as_bytes());
        let raw = self.send_api(action, &authorization, now, &body)?;
        Ok(raw.response())
    }

    /// One action with this `Authorization` and `X-TC-Timestamp`, whatever they are worth.
    pub fn send_api(&self, action: &str, authorization: &str, timestamp: i64, body: &str) -> Result<Raw, ureq::Error> {
        let timestamp = timestamp.to_string();
        let headers = [
            ("Content-Type", "application/json"),
            ("X-TC-Action", action),
            ("X-TC-Version", "2018-04-16"),
            ("X-TC-Region", "local"),
            ("X-TC-Timestamp", &timestamp),
            ("Authorization", authorization),
        ];
        self.post(&format!("http://{}/", self.api), &headers, body.as_bytes())
    }

    /// A POST with these headers.
    pub fn post(&self, url: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<Raw, ureq::Error> {
        let request = headers.iter().fold(self.agent.post(url), |request, (name, value)| {
            request.header(*name, *value)
        });
        read(request.send(body)?)
    }

    /// A GET of a path of the control API's listener, e.g. `/readyz`.
    pub fn get(&self, path: &str) -> Result<Raw, ureq::Error> {
        read(self.agent.get(format!("http://{}{path}", self.api)).call()?)
    }

    /// The same with HTTP Basic of this key.
    pub fn get_with_key(&self, path: &str, secret_key: &str) -> Result<Raw, ureq::Error> {
        let request = self.agent.get(format!("http://{}{path}", self.api));
        read(request.header("Authorization", self.basic(secret_key)).call()?)
    }

    /// Waits until a call of this function is with an instance.
    pub fn until_one_runs(&self, name: &str) {
        let runs = || {
            let status = self
                .get_with_key("/status.json", &self.credentials.secret_key)
                .ok()?
                .json();
            let functions = status["functions"].as_array().cloned().unwrap_or_default();
            let is_it = |load: &Value| load["name"] == name && load["busy"].as_u64() > Some(0);
            functions.iter().any(is_it).then_some(())
        };
        eventually(TIMEOUT, "a call to run", runs);
    }

    fn basic(&self, secret_key: &str) -> String {
        let pair = format!("{}:{secret_key}", self.credentials.secret_id);
        format!("Basic {}", STANDARD.encode(pair))
    }

    /// Direct invocation through the gateway with HTTP Basic, the log tail asked for.
    pub fn gateway_invoke(&self, name: &str, event: &[u8]) -> Raw {
        let basic = self.basic(&self.credentials.secret_key);
        let url = format!(
            "http://{}/2018-04-16/functions/default/{name}/invocations",
            self.gateway
        );
        self.post(&url, &[("Authorization", &basic), ("X-Scf-Log-Type", "Tail")], event)
            .unwrap_or_else(|error| panic!("gateway invocation of {name}: {error}"))
    }

    /// Runs a function with this event and the log tail. Panics when the API refuses.
    pub fn invoke(&self, name: &str, event: &Value) -> Answer {
        self.try_invoke(name, event)
            .unwrap_or_else(|error| panic!("Invoke {name}: {error:?}"))
    }

    /// Runs a function with this event and the log tail, which the API may refuse.
    pub fn try_invoke(&self, name: &str, event: &Value) -> Result<Answer, ApiError> {
        let params = json!({"FunctionName": name, "ClientContext": event.to_string(), "LogType": "Tail"});
        self.call("Invoke", params).map(|response| Answer::read(&response))
    }
}

impl Answer {
    /// Takes apart what Invoke answers.
    pub fn read(response: &Value) -> Self {
        let result = response["Result"].clone();
        let ret_text = result["RetMsg"].as_str().unwrap_or_default().to_owned();
        let ret: Value = serde_json::from_str(&ret_text).unwrap_or(Value::Null);
        let status = match result["InvokeResult"].as_i64() {
            Some(0) => 200,
            _ => u16::try_from(ret["statusCode"].as_u64().unwrap_or(0)).unwrap_or(0),
        };
        let log = result["Log"].as_str().unwrap_or_default().to_owned();
        Self {
            status,
            ret,
            ret_text,
            log,
            result,
        }
    }
}

fn read(mut response: ureq::http::Response<ureq::Body>) -> Result<Raw, ureq::Error> {
    let headers = response.headers().iter();
    let headers = headers.map(|(name, value)| {
        (
            name.as_str().to_owned(),
            String::from_utf8_lossy(value.as_bytes()).into_owned(),
        )
    });
    Ok(Raw {
        status: response.status().as_u16(),
        headers: headers.collect(),
        body: response.body_mut().with_config().limit(64 << 20).read_to_string()?,
    })
}

/// The clock as the signature wants it.
pub(crate) fn now_seconds() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("a clock after 1970");
    i64::try_from(since.as_secs()).expect("a clock before the end of time")
}
