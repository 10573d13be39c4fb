//! `skiff invoke`: the result to stdout, everything about it to stderr, so that results can be piped.

use std::fs;
use std::io::{self, Read};
use std::path::PathBuf;

use serde::de::IgnoredAny;
use serde_json::{Value, json};
use skiff_domain::StatusCode;

use super::InNamespace;
use crate::client::Client;
use crate::console::{Console, Format, bytes, text};
use crate::error::CliError;

/// Arguments of `skiff invoke`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit code: 0 when the function returned, 1 when it failed, 3 when the server refused or broke off the call.\n\n\
    skiff invoke hello --data '{\"name\": \"you\"}' --log\n\
    skiff invoke hello --data @event.json\n\
    cat event.json | skiff invoke hello --data -"
)]
pub struct Args {
    /// The function
    name: String,
    #[command(flatten)]
    namespace: InNamespace,
    /// The event: JSON, @FILE or - for stdin [default: {}]
    #[arg(long, short, value_name = "JSON")]
    data: Option<String>,
    /// Which version or alias [default: $LATEST]
    #[arg(long, value_name = "VERSION")]
    qualifier: Option<String>,
    /// What an alias with rules routes the call by, such as {"User": "Bob"}
    #[arg(long, value_name = "JSON")]
    routing_key: Option<String>,
    /// Print the end of the call's log, too
    #[arg(long, short)]
    log: bool,
    /// Do not wait for the result (servers of this version refuse it)
    #[arg(long = "async", conflicts_with = "log")]
    asynchronous: bool,
}

impl Args {
    pub(super) fn run(&self, client: &Client, console: &mut Console) -> Result<(), CliError> {
        let mut params = json!({"FunctionName": self.name});
        self.namespace.add_to(&mut params);
        if let Some(qualifier) = &self.qualifier {
            params["Qualifier"] = json!(qualifier);
        }
        if let Some(routing_key) = &self.routing_key {
            params["RoutingKey"] = json!(routing_key);
        }
        if let Some(event) = self.event(&mut io::stdin())? {
            params["ClientContext"] = json!(event);
        }
        if self.asynchronous {
            params["InvocationType"] = json!("Event");
        }
        if self.log {
            params["LogType"] = json!("Tail");
        }
        let answer = client.call_function("Invoke", &params)?;
        let result = &answer["Result"];
        if self.asynchronous {
            return Ok(console.done(
                result,
                format_args!("accepted, request id {}", text(result, "FunctionRequestId")),
            )?);
        }
        self.show(console, result)
    }

    /// The event's text, which is some JSON.
    fn event(&self, stdin: &mut impl Read) -> Result<Option<String>, CliError> {
        let read = |path: &str, text: io::Result<String>| {
            text.map_err(|source| CliError::Read {
                path: PathBuf::from(path),
                source,
            })
        };
        let event = match self.data.as_deref() {
            None => return Ok(None),
            Some("-") => {
                let mut text = String::new();
                read("stdin", stdin.read_to_string(&mut text).map(|_| text))?
            }
            Some(data) => match data.strip_prefix('@') {
                Some(path) => read(path, fs::read_to_string(path))?,
                None => data.to_owned(),
            },
        };
        match serde_json::from_str::<IgnoredAny>(&event) {
            Ok(_) => Ok(Some(event)),
            Err(error) => Err(CliError::argument(
                "--data",
                &event,
                format!("give JSON, @FILE or - ({error})"),
            )),
        }
    }
}

impl Args {
    fn show(&self, console: &mut Console, result: &Value) -> Result<(), CliError> {
        let returned = result["RetMsg"].as_str().unwrap_or_default();
        // Programs get all of it in one piece; people get the log and the traceback first, then the result.
        if console.format == Format::Json {
            console.json(result)?;
        } else {
            console.side(result["Log"].as_str().unwrap_or_default())?;
        }
        let request_id = text(result, "FunctionRequestId");
        if result["InvokeResult"] == 0 {
            if console.format == Format::Table {
                console.print(format_args!("{returned}\n"))?;
                console.flush()?;
                console.say(format_args!(
                    "duration {} ms, billed {} ms, memory {}, request id {request_id}",
                    text(result, "Duration"),
                    text(result, "BillDuration"),
                    bytes(result["MemUsage"].as_u64().unwrap_or_default()),
                ))?;
            }
            return Ok(());
        }
        let error: Value = serde_json::from_str(returned).unwrap_or_default();
        if console.format == Format::Table {
            console.side(error["stackTrace"].as_str().unwrap_or_default())?;
        }
        let number = error["statusCode"]
            .as_u64()
            .and_then(|number| u16::try_from(number).ok());
        let message = match (error["errorMessage"].as_str(), number) {
            (Some(message), Some(number)) => format!("{message} ({number})"),
            (Some(message), None) => message.to_owned(),
            (None, _) => text(result, "ErrMsg"),
        };
        let status = number.and_then(|number| StatusCode::try_from(number).ok());
        Err(CliError::Call {
            hint: status.and_then(|status| self.hint(status, &message, &request_id)),
            message,
            status,
            request_id,
        })
    }

    /// What to do about a call that ended like this, where the traceback does not say it all.
    fn hint(&self, status: StatusCode, message: &str, request_id: &str) -> Option<String> {
        Some(match status {
            StatusCode::UserCodeError => {
                let (_, module) = message.split_once("No module named '")?;
                let package = module.split(['\'', '.']).next()?;
                format!(
                    "put what it needs beside the code: `python3 -m pip install --target FOLDER {package}`, then deploy \
                     again (a package's name may differ from the module's)"
                )
            }
            StatusCode::ResponseTooLarge => {
                "a result is at most 6 MB: return less, or put it somewhere and return where".to_owned()
            }
            StatusCode::TimeLimitReached => {
                "raise `timeout`, or look at the log (--log) for what it waited for".to_owned()
            }
            StatusCode::MemoryLimitReached => "raise `memory`; what lies in /tmp counts, too".to_owned(),
            StatusCode::InitTimeout => {
                "raise `initTimeout`, or do less outside the handler: connect with a time limit".to_owned()
            }
            StatusCode::ProcessExited => {
                let namespace = match self.namespace.shown() {
                    "default" => String::new(),
                    namespace => format!(" -n {namespace}"),
                };
                let name = &self.name;
                format!("`skiff logs {name}{namespace} --request-id {request_id}` says how its process ended")
            }
            // The message says what helps.
            StatusCode::ConcurrencyExceeded if message.contains("raise the reservation") => return None,
            StatusCode::ConcurrencyExceeded if message.ends_with(" reserved quota 0 MB") => {
                let name = &self.name;
                format!(
                    "it is switched off: `skiff concurrency reserve {name} MB`, or `skiff concurrency release {name}`"
                )
            }
            StatusCode::ScaleUpLimit | StatusCode::ConcurrencyExceeded | StatusCode::InsufficientResources => {
                "nothing of the event ran: try again after a pause".to_owned()
            }
            // The message says what helps.
            StatusCode::InitFailed if message.contains("`skiff runtime add ") => return None,
            StatusCode::InitFailed => "run `skiff doctor` on the server's host: it says what is missing".to_owned(),
            StatusCode::InternalError => "the server's log has the cause, under the request id".to_owned(),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(data: &str) -> Args {
        Args {
            name: "hello".to_owned(),
            namespace: InNamespace::default(),
            data: Some(data.to_owned()),
            qualifier: None,
            routing_key: None,
            log: false,
            asynchronous: false,
        }
    }

    #[test]
    fn an_event_is_given_as_text_file_or_stdin_and_kept_as_written() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("event.json");
        fs::write(&file, " [1, 2] ").expect("a file");
        for (data, event) in [
            (r#"{"a": 1}"#, r#"{"a": 1}"#),
            ("\"text\"", "\"text\""),
            ("-", "{\"from\":\"stdin\"}"),
            (&format!("@{}", file.display()), " [1, 2] "),
        ] {
            let found = args(data).event(&mut b"{\"from\":\"stdin\"}".as_slice()).expect(data);
            assert_eq!(found.as_deref(), Some(event));
        }
    }

    #[test]
    fn what_to_do_next_is_said_where_no_traceback_says_it() {
        for (status, message, said) in [
            (
                StatusCode::UserCodeError,
                "ModuleNotFoundError: No module named 'yaml.nodes'",
                Some("FOLDER yaml`"),
            ),
            (StatusCode::UserCodeError, "SyntaxError: invalid syntax", None),
            (StatusCode::UserException, "user code exception caught", None),
            (
                StatusCode::ProcessExited,
                "User process exit when running",
                Some("`skiff logs hello --request-id id-1`"),
            ),
            (StatusCode::ResponseTooLarge, "", Some("6 MB")),
            (StatusCode::InitFailed, "nft is missing", Some("skiff doctor")),
            (
                StatusCode::InitFailed,
                "runtime Java17 is not installed on this host; the operator installs it with `skiff runtime add Java17`",
                None,
            ),
            (StatusCode::ConcurrencyExceeded, "", Some("try again")),
            (
                StatusCode::ConcurrencyExceeded,
                "Function [hello] concurrency exceeded reserved quota 0 MB",
                Some("concurrency release hello"),
            ),
            (
                StatusCode::ConcurrencyExceeded,
                "… reserved quota 128 MB: a call needs 256 MB, raise the reservation or lower the memory",
                None,
            ),
        ] {
            let hint = args("{}").hint(status, message, "id-1");
            match said {
                Some(said) => assert!(
                    hint.as_ref().is_some_and(|hint| hint.contains(said)),
                    "{status}: {hint:?}"
                ),
                None => assert_eq!(hint, None, "{status}"),
            }
        }
    }

    #[test]
    fn an_event_that_is_no_json_or_no_file_is_a_usage_error() {
        for data in ["{", "", "hello", "@/nowhere/event.json"] {
            let error = args(data).event(&mut io::empty()).expect_err(data);
            assert_eq!(error.exit() as u8, 2, "{error}");
        }
    }
}
