//! What can go wrong in a command, the words for it and its exit code.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use skiff_domain::StatusCode;

use crate::build::BuildError;
use crate::bundle::BundleError;
use crate::manifest::ManifestError;
use crate::package::PackageError;

/// The exit codes users may rely on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Everything went well.
    Ok = 0,
    /// The function ran and failed.
    FunctionFailed = 1,
    /// The command was wrong: arguments, files, settings.
    Usage = 2,
    /// The service understood and refused, or did not come to its end with it.
    Refused = 3,
    /// The service cannot be reached.
    Unreachable = 4,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a command did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// A call that did not return; the command has shown what there was to see.
    #[error("{}: {message}", what_failed(*.status))]
    Call {
        /// `errorMessage` of the error JSON.
        message: String,
        /// How it ended, where the server said a status this client knows.
        status: Option<StatusCode>,
        /// The call's id.
        request_id: String,
        /// What to try next.
        hint: Option<String>,
    },
    /// An argument outside its rule.
    #[error("{name} {given:?} is not valid: {rule}")]
    Argument {
        /// The flag or argument.
        name: &'static str,
        /// What was given, cut to 80 characters.
        given: String,
        /// What is allowed, as a sentence.
        rule: String,
    },
    /// Nothing to do: no flag says what should change.
    #[error("nothing to update: give at least one of {0}")]
    NothingToUpdate(&'static str),
    /// The handler of a function that is there already.
    #[error("--handler changes together with the code only: give --code FOLDER, too, or use `skiff deploy`")]
    HandlerWithoutCode,
    /// A file of the user's that cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// No credential was given and none was found.
    #[error("no credential: no secret id and secret key were given and none were found")]
    NoCredential {
        /// Where one was looked for.
        looked: Vec<PathBuf>,
    },
    /// The server goes by a credential that its operator gave, and whose key is therefore not in its data dir.
    #[error("no credential: the server was started with the secret id {secret_id}, and its key is not in the data dir")]
    GivenCredential {
        /// The id it goes by.
        secret_id: String,
    },
    /// `skiff.yaml` cannot be used.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The code folder cannot be packed.
    #[error(transparent)]
    Package(#[from] PackageError),
    /// Dependencies were not installed.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// A function as a file cannot be written, read or made.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// The service refused.
    #[error("{message} ({code})")]
    Refused {
        /// The documented code.
        code: String,
        /// The service's words.
        message: String,
        /// The request's id, for the operator.
        request_id: String,
        /// What the user may have meant.
        hint: Option<String>,
    },
    /// One function of a file.
    #[error("{name} was not deployed: {source}{}", .kept.as_ref().map(|kept| format!("; {kept}")).unwrap_or_default())]
    NotDeployed {
        /// The function.
        name: String,
        /// What was changed of it all the same, as a sentence.
        kept: Option<String>,
        /// The file that asked for it.
        file: PathBuf,
        /// Why.
        source: Box<CliError>,
    },
    /// A function ended in a state that serves nothing new.
    #[error("{name} is {status}: {reason}")]
    NotActive {
        /// The function.
        name: String,
        /// Its status, e.g. `UpdateFailed`.
        status: String,
        /// The service's words.
        reason: String,
    },
    /// A function that is still not active after a long wait.
    #[error("{name} is still {status} after {} s", .waited.as_secs())]
    StillBusy {
        /// The function.
        name: String,
        /// Its status, e.g. `Updating`.
        status: String,
        /// How long was waited.
        waited: Duration,
    },
    /// Nobody answers there.
    #[error("cannot reach {endpoint}: {reason}")]
    Unreachable {
        /// Where.
        endpoint: String,
        /// Why, in the words of the transport.
        reason: String,
    },
    /// Somebody answers there, and it is not Skiff.
    #[error("{endpoint} does not answer like Skiff: {reason}")]
    NotSkiff {
        /// Where.
        endpoint: String,
        /// What was wrong with the answer.
        reason: String,
    },
    /// The output cannot be written.
    #[error("cannot write the output: {0}")]
    Output(#[from] io::Error),
}

impl CliError {
    /// An argument outside its rule.
    pub(crate) fn argument(name: &'static str, given: &str, rule: impl Into<String>) -> Self {
        Self::Argument {
            name,
            given: given.chars().take(80).collect(),
            rule: rule.into(),
        }
    }

    /// The exit code. A closed pipe is the reader's choice, not a failure.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::NotDeployed { source, .. } => source.exit(),
            Self::Call { status, .. } if is_of_the_platform(*status) => Exit::Refused,
            Self::Call { .. } => Exit::FunctionFailed,
            Self::Argument { .. }
            | Self::NothingToUpdate(_)
            | Self::HandlerWithoutCode
            | Self::Read { .. }
            | Self::NoCredential { .. }
            | Self::GivenCredential { .. }
            | Self::Manifest(_)
            | Self::Package(_)
            | Self::Build(_) => Exit::Usage,
            Self::Bundle(BundleError::Lacks { .. } | BundleError::Changed(_)) => Exit::Refused,
            Self::Bundle(_) => Exit::Usage,
            Self::Refused { .. } | Self::NotActive { .. } | Self::StillBusy { .. } => Exit::Refused,
            Self::Unreachable { .. } | Self::NotSkiff { .. } => Exit::Unreachable,
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Ok,
            Self::Output(_) => Exit::Usage,
        }
    }

    /// A stable word for the kind of error: the service's own code where it gave one.
    #[must_use]
    pub fn code(&self) -> &str {
        match self {
            Self::Refused { code, .. } => code,
            Self::NotDeployed { source, .. } => source.code(),
            Self::Call {
                status: Some(status), ..
            } if is_of_the_platform(Some(*status)) => status.name(),
            _ => match self.exit() {
                Exit::Ok => "Ok",
                Exit::FunctionFailed => "FunctionFailed",
                Exit::Usage => "Usage",
                Exit::Refused if matches!(self, Self::Bundle(_)) => "NotTransferable",
                Exit::Refused => "NotActive",
                Exit::Unreachable => "Unreachable",
            },
        }
    }

    /// The request it is about, for whoever reads the logs; empty where there is none.
    #[must_use]
    pub fn request_id(&self) -> &str {
        match self {
            Self::Refused { request_id, .. } | Self::Call { request_id, .. } => request_id,
            Self::NotDeployed { source, .. } => source.request_id(),
            _ => "",
        }
    }

    /// What to try next.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Refused { hint, code, .. } => hint.clone().or_else(|| hint_for(code).map(str::to_owned)),
            Self::NotDeployed {
                source, file, name, ..
            } => source.hint().or_else(|| {
                let field = field_of(source.code())?;
                Some(format!("it is {field} of {name} in {}", file.display()))
            }),
            Self::NoCredential { looked } => {
                let looked: Vec<_> = looked.iter().map(|path| path.display().to_string()).collect();
                Some(format!(
                    "give --secret-id and --secret-key, set SKIFF_SECRET_ID and SKIFF_SECRET_KEY, or let this user read \
                     the server's credentials.json (looked at: {}; --data-dir and SKIFF_DATA_DIR name another data dir)",
                    looked.join(", ")
                ))
            }
            Self::GivenCredential { .. } => {
                Some("set SKIFF_SECRET_ID and SKIFF_SECRET_KEY to the ones the server was given".to_owned())
            }
            Self::Unreachable { endpoint, .. } if endpoint.starts_with("https:") => Some(
                "Skiff itself speaks http: say http:// unless something in front of it speaks https for it".to_owned(),
            ),
            Self::Unreachable { .. } => Some(
                "is the server running? Start it with `skiff serve` (from a source tree: ./skiffw up), or say where it \
                 is with --endpoint or SKIFF_ENDPOINT"
                    .to_owned(),
            ),
            Self::NotSkiff { .. } => Some(
                "--endpoint and SKIFF_ENDPOINT name the control API (--api-listen of `skiff serve`), not the gateway"
                    .to_owned(),
            ),
            Self::NotActive { .. } => Some("what was active before still serves; mend it and deploy again".to_owned()),
            Self::StillBusy { name, .. } => Some(format!("see `skiff function show {name}`")),
            Self::Manifest(error) => error.hint(),
            Self::Package(error) => error.hint(),
            Self::Build(error) => error.hint(),
            Self::Bundle(error) => error.hint(),
            Self::Call { hint, .. } => hint.clone(),
            Self::Argument { .. }
            | Self::NothingToUpdate(_)
            | Self::HandlerWithoutCode
            | Self::Read { .. }
            | Self::Output(_) => None,
        }
    }
}

/// True for calls that failed through no fault of the function's: a limit, the platform, or an operator.
fn is_of_the_platform(status: Option<StatusCode>) -> bool {
    use StatusCode::{
        Canceled, ConcurrencyExceeded, ContainerExited, FunctionNotFound, FunctionStatusError, HandlerNotFound,
        InitFailed, InitTimeout, InsufficientResources, InternalError, InvalidEvent, MemoryLimitReached,
        PortBindingFailed, ProcessExited, RequestTooLarge, ResponseTooLarge, ScaleUpLimit, SocketAborted, SocketIdle,
        Success, TimeLimitReached, UserCodeError, UserException,
    };
    match status {
        Some(
            InvalidEvent
            | RequestTooLarge
            | ScaleUpLimit
            | ConcurrencyExceeded
            | FunctionNotFound
            | FunctionStatusError
            | InitFailed
            | InsufficientResources
            | SocketIdle
            | SocketAborted
            | Canceled
            | InternalError,
        ) => true,
        Some(
            Success | ContainerExited | ResponseTooLarge | UserException | TimeLimitReached | MemoryLimitReached
            | HandlerNotFound | PortBindingFailed | ProcessExited | UserCodeError | InitTimeout,
        )
        | None => false,
    }
}

/// Who failed, and whether the event may have run in part.
fn what_failed(status: Option<StatusCode>) -> &'static str {
    match status {
        Some(StatusCode::Canceled | StatusCode::InternalError) => "the call was broken off",
        status if is_of_the_platform(status) => "the call was refused",
        _ => "the function failed",
    }
}

/// The field of a `skiff.yaml` that an error of the API is about.
fn field_of(code: &str) -> Option<&'static str> {
    let (_, about) = code.split_once('.')?;
    Some(match about {
        "FunctionName" => "name",
        "Namespace" => "namespace",
        "Runtime" => "runtime",
        "Handler" => "handler",
        "MemorySize" | "Memory" => "memory",
        "Timeout" => "timeout",
        "InitTimeout" => "initTimeout",
        "Description" => "description",
        "Environment" | "EnvironmentSystemProtect" | "EnvironmentExceededLimit" => "environment",
        "PublicNetConfig" | "VpcConfig" => "network",
        "InstanceConcurrencyConfig" | "MaxConcurrency" => "instanceConcurrency",
        "Layers" | "Layer" | "LayerVersion" => "layers",
        "Role" => "role",
        "ZipFile" | "Code" | "InlineZipFile" => "code",
        _ => return None,
    })
}

fn hint_for(code: &str) -> Option<&'static str> {
    Some(match code {
        "AuthFailure.SecretIdNotFound" | "AuthFailure.InvalidSecretId" => {
            "the server does not know this secret id; its own is in credentials.json of its data dir, unless it was \
             given another (secret-id in skiff.toml, SKIFF_SECRET_ID)"
        }
        "InvalidParameterValue.Runtime" => "`skiff runtime list` shows what this server runs",
        "AuthFailure.SignatureFailure" => "the secret key does not fit the secret id",
        "AuthFailure.SignatureExpire" => "the clocks of this machine and the server differ by more than 5 minutes",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_error_has_the_exit_code_of_its_cause() {
        let call = |status| CliError::Call {
            message: String::new(),
            status,
            request_id: String::new(),
            hint: None,
        };
        let refused = CliError::Refused {
            code: "ResourceNotFound.Function".to_owned(),
            message: String::new(),
            request_id: String::new(),
            hint: None,
        };
        let unreachable = CliError::Unreachable {
            endpoint: String::new(),
            reason: String::new(),
        };
        for (error, exit) in [
            (call(None), 1),
            (call(Some(StatusCode::UserException)), 1),
            (call(Some(StatusCode::TimeLimitReached)), 1),
            (call(Some(StatusCode::ConcurrencyExceeded)), 3),
            (call(Some(StatusCode::InternalError)), 3),
            (CliError::argument("--data", "{", "give JSON"), 2),
            (CliError::NoCredential { looked: Vec::new() }, 2),
            (refused, 3),
            (unreachable, 4),
            (CliError::Output(io::ErrorKind::BrokenPipe.into()), 0),
        ] {
            assert_eq!(error.exit() as u8, exit, "{error}");
        }
    }

    #[test]
    fn what_the_api_refuses_is_named_as_the_file_does() {
        for (code, field) in [
            ("InvalidParameterValue.Environment", Some("environment")),
            (
                "InvalidParameterValue.InstanceConcurrencyConfig",
                Some("instanceConcurrency"),
            ),
            ("InvalidParameterValue.MaxConcurrency", Some("instanceConcurrency")),
            ("ResourceNotFound.LayerVersion", Some("layers")),
            ("ResourceNotFound.Role", Some("role")),
            ("InternalError.System", None),
        ] {
            let error = CliError::NotDeployed {
                name: "two".to_owned(),
                kept: None,
                file: "a/skiff.yaml".into(),
                source: Box::new(CliError::Refused {
                    code: code.to_owned(),
                    message: String::new(),
                    request_id: String::new(),
                    hint: None,
                }),
            };
            let hint = field.map(|field| format!("it is {field} of two in a/skiff.yaml"));
            assert_eq!(error.hint(), hint, "{code}");
        }
    }

    #[test]
    fn a_server_that_is_not_there_comes_with_the_way_to_start_one() {
        let error = CliError::Unreachable {
            endpoint: "http://127.0.0.1:9000".to_owned(),
            reason: "refused".to_owned(),
        };
        assert!(error.hint().expect("a hint").contains("skiff serve"));
    }
}
