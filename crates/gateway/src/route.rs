//! Paths, and what they mean.

use http::{Method, StatusCode, header};
use percent_encoding::percent_decode_str;
use skiff_domain::{FunctionKey, InvalidName, Qualifier};

use crate::refusal::Refusal;

const FUNCTIONS: &str = "/2018-04-16/functions/";
const INVOCATIONS: &str = "/invocations";

/// What a direct invocation is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) key: FunctionKey,
    /// `$LATEST` where the path names none (CONTRACT 4.1).
    pub(crate) qualifier: Qualifier,
}

/// Where a web function's own paths begin.
const HTTP: &str = "/http";

/// Reads `/2018-04-16/functions/{namespace}/{name}[:{qualifier}]/http[/PATH]`: whose it is, and the path its server sees.
/// Nothing where the path is another.
pub(crate) fn web_request(path: &str) -> Option<Result<(Target, &str), Refusal>> {
    let rest = path.strip_prefix(FUNCTIONS)?;
    let (namespace, rest) = rest.split_once('/')?;
    let (function, after) = rest.split_once('/')?;
    let seen = match after.strip_prefix(HTTP.trim_start_matches('/'))? {
        "" => "/",
        path if path.starts_with('/') => path,
        _ => return None,
    };
    let target = decode(namespace)
        .and_then(|namespace| Ok((namespace, decode(function)?)))
        .and_then(|(namespace, function)| target(&namespace, &function));
    Some(target.map(|target| (target, seen)))
}

/// Reads `/2018-04-16/functions/{namespace}/{name}[:{qualifier}]/invocations`.
pub(crate) fn direct_invocation(method: &Method, path: &str) -> Result<Target, Refusal> {
    let (namespace, function) = path
        .strip_prefix(FUNCTIONS)
        .and_then(|rest| rest.strip_suffix(INVOCATIONS))
        .and_then(|rest| rest.split_once('/'))
        .filter(|(_, function)| !function.contains('/'))
        .ok_or_else(not_served)?;
    // Clients escape `$` and `:` or leave them: both are the same path.
    let namespace = decode(namespace)?;
    let function = decode(function)?;
    if method != Method::POST {
        let refusal = Refusal::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "UnsupportedProtocol",
            format!("the method {method} is not served here: use POST"),
        );
        return Err(refusal.with_header(header::ALLOW, "POST"));
    }
    target(&namespace, &function)
}

fn target(namespace: &str, function: &str) -> Result<Target, Refusal> {
    let (name, qualifier) = match function.split_once(':') {
        Some((name, qualifier)) => (name, Some(qualifier)),
        None => (function, None),
    };
    Ok(Target {
        key: FunctionKey {
            namespace: namespace
                .parse()
                .map_err(|error| invalid("InvalidParameterValue.Namespace", &error))?,
            name: name
                .parse()
                .map_err(|error| invalid("InvalidParameterValue.FunctionName", &error))?,
        },
        qualifier: match qualifier {
            Some(text) => text
                .parse()
                .map_err(|error| invalid("InvalidParameterValue.Qualifier", &error))?,
            None => Qualifier::latest(),
        },
    })
}

fn decode(segment: &str) -> Result<String, Refusal> {
    match percent_decode_str(segment).decode_utf8() {
        Ok(text) => Ok(text.into_owned()),
        Err(_) => Err(not_served()),
    }
}

fn not_served() -> Refusal {
    Refusal::new(
        StatusCode::NOT_FOUND,
        "ResourceNotFound",
        "nothing is served at this path: use POST /2018-04-16/functions/{namespace}/{name}[:{qualifier}]/invocations, or \
         /2018-04-16/functions/{namespace}/{name}[:{qualifier}]/http/… of a web function",
    )
}

fn invalid(code: &'static str, error: &InvalidName) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, code, error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(method: &Method, path: &str) -> Result<String, u16> {
        direct_invocation(method, path)
            .map(|target| format!("{}:{}", target.key, target.qualifier))
            .map_err(|refusal| refusal.status.as_u16())
    }

    #[test]
    fn a_path_names_a_function_and_maybe_a_qualifier() {
        for (path, target) in [
            (
                "/2018-04-16/functions/default/hello/invocations",
                "default/hello:$LATEST",
            ),
            ("/2018-04-16/functions/prod/hello:3/invocations", "prod/hello:3"),
            (
                "/2018-04-16/functions/prod/hello:$DEFAULT/invocations",
                "prod/hello:$DEFAULT",
            ),
            (
                "/2018-04-16/functions/prod/hello%3A%24LATEST/invocations",
                "prod/hello:$LATEST",
            ),
        ] {
            assert_eq!(read(&Method::POST, path).as_deref(), Ok(target));
        }
    }

    #[test]
    fn what_is_behind_http_is_the_path_a_web_function_sees() {
        let check = |path: &'static str| {
            let (target, seen) = web_request(path)?.ok()?;
            Some((format!("{}:{}", target.key, target.qualifier), seen))
        };
        for (path, qualifier, seen) in [
            ("/2018-04-16/functions/default/app/http", "$LATEST", "/"),
            ("/2018-04-16/functions/default/app/http/", "$LATEST", "/"),
            ("/2018-04-16/functions/default/app:2/http/a/b%2Fc", "2", "/a/b%2Fc"),
            ("/2018-04-16/functions/default/app/http//x", "$LATEST", "//x"),
        ] {
            assert_eq!(check(path), Some((format!("default/app:{qualifier}"), seen)), "{path}");
        }
        for path in [
            "/2018-04-16/functions/default/app/https",
            "/2018-04-16/functions/default/app",
            "/2018-04-16/functions/default/app/invocations",
            "/http/x",
        ] {
            assert_eq!(check(path), None, "{path}");
        }
    }

    #[test]
    fn every_other_path_is_not_found() {
        for path in [
            "/",
            "/invocations",
            "/2018-04-16/functions/default/hello",
            "/2018-04-16/functions/default/hello/invocations/",
            "/2018-04-16/functions/default/a/b/invocations",
            "/2018-04-16/functions/hello/invocations",
            "/2018-04-17/functions/default/hello/invocations",
            "/2018-04-16/functions/default/%ff/invocations",
        ] {
            assert_eq!(read(&Method::POST, path), Err(404), "{path}");
            assert_eq!(read(&Method::HEAD, path), Err(404), "{path}");
        }
    }

    #[test]
    fn a_name_that_cannot_be_is_refused_as_such() {
        for path in [
            "/2018-04-16/functions/a%2Fb/hello/invocations",
            "/2018-04-16/functions/default/1/invocations",
            "/2018-04-16/functions/default/hello:/invocations",
            "/2018-04-16/functions/default/hello:a:b/invocations",
            "/2018-04-16/functions//hello/invocations",
        ] {
            assert_eq!(read(&Method::POST, path), Err(400), "{path}");
        }
    }

    #[test]
    fn only_post_invokes() {
        for method in [Method::GET, Method::HEAD, Method::PUT, Method::OPTIONS] {
            assert_eq!(
                read(&method, "/2018-04-16/functions/default/hello/invocations"),
                Err(405)
            );
        }
    }
}
