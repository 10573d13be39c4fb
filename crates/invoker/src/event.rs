//! What may be handed to a function: any JSON text up to a size. Checked, never parsed into values.

use bytes::Bytes;
use serde::de::IgnoredAny;

/// Why an event is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidEvent {
    /// Larger than the limit (406).
    #[error("size of event is {bytes} bytes, which exceeds the upper limit of {bytes_max} bytes")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
    },
    /// Not JSON (400).
    #[error("event is not valid JSON: {0}")]
    NotJson(String),
}

/// The event as the function gets it: as it came, or `{}` when nothing came.
pub(crate) fn check(event: Bytes, bytes_max: usize) -> Result<Bytes, InvalidEvent> {
    if event.is_empty() {
        return Ok(Bytes::from_static(b"{}"));
    }
    if event.len() > bytes_max {
        return Err(InvalidEvent::TooLarge {
            bytes: event.len(),
            bytes_max,
        });
    }
    // serde_json skips over the inside of a string it ignores without looking at its encoding.
    let text = std::str::from_utf8(&event).map_err(|error| InvalidEvent::NotJson(error.to_string()))?;
    serde_json::from_str::<IgnoredAny>(text).map_err(|error| InvalidEvent::NotJson(error.to_string()))?;
    Ok(event)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(event: &[u8]) -> Result<Bytes, &'static str> {
        check(Bytes::copy_from_slice(event), 64).map_err(|error| match error {
            InvalidEvent::TooLarge { .. } => "too large",
            InvalidEvent::NotJson(_) => "not JSON",
        })
    }

    #[test]
    fn any_json_value_is_an_event_and_passes_unchanged() {
        for event in [
            "{}",
            "null",
            " [1, 2.50, -3e7]\n",
            r#""\u4f60""#,
            r#"{"a": {"a": "你好"}}"#,
        ] {
            assert_eq!(verdict(event.as_bytes()), Ok(Bytes::from(event)));
        }
    }

    #[test]
    fn no_event_is_an_empty_object() {
        assert_eq!(verdict(b""), Ok(Bytes::from("{}")));
    }

    #[test]
    fn what_is_not_json_is_refused() {
        for event in [
            &b" "[..],
            b"{",
            b"{} {}",
            b"{'a': 1}",
            b"NaN",
            b"\"\xff\"",
            b"\"a\nb\"",
            b"\xef\xbb\xbf{}",
        ] {
            assert_eq!(verdict(event), Err("not JSON"), "{event:?}");
        }
    }

    #[test]
    fn the_limit_itself_is_allowed_and_one_byte_more_is_not() {
        assert!(verdict(format!("\"{}\"", "a".repeat(62)).as_bytes()).is_ok());
        assert_eq!(verdict(format!("\"{}\"", "a".repeat(63)).as_bytes()), Err("too large"));
    }

    #[test]
    fn depth_does_not_cost_stack() {
        let deep = [vec![b'['; 1_000_000], vec![b']'; 1_000_000]].concat();
        assert!(check(deep.into(), 2_000_000).is_ok());
    }
}
