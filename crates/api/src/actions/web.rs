//! What makes a function a web function, as requests carry it (CONTRACT 1.11).

use std::time::Duration;

use serde::{Deserialize, Serialize};
use skiff_control_plane::FunctionType;
use skiff_domain::Web;

use crate::error::ApiError;

/// The one protocol beside HTTP.
const WEBSOCKET: &str = "WS";
/// How long a WebSocket may be silent where nobody says, and the least and the most, in seconds (CONTRACT 1.11).
const IDLE_S_DEFAULT: i64 = 600;
const IDLE_S: std::ops::RangeInclusive<i64> = 10..=7200;

/// `ProtocolParams`.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct ProtocolParams {
    #[serde(rename = "WSParams")]
    ws_params: Option<WsParams>,
}

/// `ProtocolParams.WSParams`.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(default)]
struct WsParams {
    #[serde(rename = "IdleTimeOut")]
    idle_time_out: Option<i64>,
}

impl ProtocolParams {
    /// What a function was given.
    pub(super) fn of(web: Web) -> Option<Self> {
        let idle = i64::try_from(web.socket_idle?.as_secs()).ok();
        Some(Self {
            ws_params: Some(WsParams { idle_time_out: idle }),
        })
    }

    fn idle(self) -> Option<i64> {
        self.ws_params.and_then(|params| params.idle_time_out)
    }
}

/// `ProtocolType` of a function.
pub(super) fn protocol_type(web: Option<Web>) -> &'static str {
    match web.and_then(|web| web.socket_idle) {
        Some(_) => WEBSOCKET,
        None => "",
    }
}

/// How a function is to serve HTTP; none for one that takes events.
pub(super) fn read(
    kind: Option<String>,
    protocol: Option<String>,
    params: Option<ProtocolParams>,
) -> Result<Option<Web>, ApiError> {
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    let kind = match given(kind) {
        None => FunctionType::Event,
        Some(text) => text.parse::<FunctionType>().map_err(|error| {
            let message = format!("Type {error}");
            ApiError::new("InvalidParameterValue.FunctionType", message)
        })?,
    };
    let protocol = given(protocol);
    if protocol
        .as_deref()
        .is_some_and(|text| !text.eq_ignore_ascii_case(WEBSOCKET))
    {
        let message = "ProtocolType is not valid: use WS, for WebSockets, or leave it out";
        return Err(ApiError::new("InvalidParameterValue.ProtocolType", message));
    }
    let idle = params.and_then(ProtocolParams::idle);
    if kind == FunctionType::Event && protocol.is_some() {
        let message = "ProtocolType is for web functions: create it with Type HTTP";
        return Err(ApiError::new("InvalidParameterValue.ProtocolType", message));
    }
    if protocol.is_none() && idle.is_some() {
        let message = "ProtocolParams.WSParams is for ProtocolType WS";
        return Err(ApiError::new("InvalidParameterValue.WebSocketsParams", message));
    }
    let idle = seconds(idle.unwrap_or(IDLE_S_DEFAULT))?;
    let socket_idle = protocol.map(|_| idle);
    Ok((kind == FunctionType::Http).then_some(Web { socket_idle }))
}

/// How long the WebSockets of a function that is there may be silent; none where nothing is said of it.
pub(super) fn read_socket_idle(params: Option<ProtocolParams>) -> Result<Option<Duration>, ApiError> {
    params.and_then(ProtocolParams::idle).map(seconds).transpose()
}

fn seconds(idle: i64) -> Result<Duration, ApiError> {
    if IDLE_S.contains(&idle) {
        return Ok(Duration::from_secs(idle.unsigned_abs()));
    }
    let message = format!("ProtocolParams.WSParams.IdleTimeOut is {idle}: use 10 to 7200 seconds");
    Err(ApiError::new("InvalidParameterValue.IdleTimeOut", message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_web_function_says_how_it_serves_and_an_event_function_does_not() {
        let check = |kind: &str, protocol: &str, idle: Option<i64>| {
            let params = ProtocolParams {
                ws_params: Some(WsParams { idle_time_out: idle }),
            };
            read(Some(kind.to_owned()), Some(protocol.to_owned()), Some(params)).map_err(|error| error.code)
        };
        let web = |idle: Option<u64>| {
            let socket_idle = idle.map(Duration::from_secs);
            Ok(Some(Web { socket_idle }))
        };
        assert_eq!(check("", "", None), Ok(None));
        assert_eq!(check("Event", "", None), Ok(None));
        assert_eq!(check("http", "", None), web(None));
        assert_eq!(check("HTTP", "WS", None), web(Some(600)));
        assert_eq!(check("HTTP", "ws", Some(10)), web(Some(10)));
        for (kind, protocol, idle, code) in [
            ("Other", "", None, "InvalidParameterValue.FunctionType"),
            ("Event", "WS", None, "InvalidParameterValue.ProtocolType"),
            ("HTTP", "GRPC", None, "InvalidParameterValue.ProtocolType"),
            ("HTTP", "", Some(10), "InvalidParameterValue.WebSocketsParams"),
            ("HTTP", "WS", Some(9), "InvalidParameterValue.IdleTimeOut"),
            ("HTTP", "WS", Some(7201), "InvalidParameterValue.IdleTimeOut"),
        ] {
            assert_eq!(
                check(kind, protocol, idle),
                Err(code.into()),
                "{kind} {protocol} {idle:?}"
            );
        }
    }
}
