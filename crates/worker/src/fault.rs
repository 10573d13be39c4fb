//! A runtime's report of an error of the user's code, read for what it says rather than for how.
//!
//! The texts are the user's, and so may be anything that its language can hold: halves of surrogate pairs, which JSON
//! escapes and UTF-8 cannot say, bytes that are no text. None of that is a reason to lose the report, let alone the
//! instance. A report costs nothing but its own call, so one that is not even JSON is shown as it is.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Visitor};
use skiff_domain::UserFault;

/// How much is shown of a report that is not JSON.
const SHOWN_BYTES_MAX: usize = 4096;

/// What a report says.
pub(crate) fn read(report: &[u8]) -> UserFault {
    match serde_json::from_slice(report) {
        Ok(Report { message, stack_trace }) => UserFault {
            message: message.0,
            stack_trace: stack_trace.0,
        },
        Err(_) => UserFault {
            message: lossy(&report[..report.len().min(SHOWN_BYTES_MAX)]),
            stack_trace: String::new(),
        },
    }
}

#[derive(serde::Deserialize)]
struct Report {
    message: Text,
    #[serde(rename = "stackTrace", default)]
    stack_trace: Text,
}

/// A JSON string, with U+FFFD for whatever is no character.
#[derive(Default)]
struct Text(String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Of a string that is asked for as bytes serde_json takes every escape.
        deserializer.deserialize_bytes(Bytes)
    }
}

struct Bytes;

impl Visitor<'_> for Bytes {
    type Value = Text;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a text")
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Text, E> {
        Ok(Text(lossy(bytes)))
    }
}

/// Text, with one U+FFFD for each half of a surrogate pair.
fn lossy(bytes: &[u8]) -> String {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return text.to_owned();
    }
    let mut bytes = bytes.to_vec();
    for at in 0..bytes.len().saturating_sub(2) {
        // As UTF-8 would have one, if it had any.
        if let half @ [0xED, 0xA0..=0xBF, 0x80..=0xBF] = &mut bytes[at..at + 3] {
            half.copy_from_slice(char::REPLACEMENT_CHARACTER.encode_utf8(&mut [0; 3]).as_bytes());
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(message: &str, stack_trace: &str) -> UserFault {
        UserFault {
            message: message.to_owned(),
            stack_trace: stack_trace.to_owned(),
        }
    }

    #[test]
    fn a_report_is_read_as_it_was_meant() {
        let report = br#"{"message": "E: \u00fc \ud83d\ude00 \\ud800 \n", "stackTrace": "at \"x\"", "more": [1]}"#;
        assert_eq!(read(report), fault("E: ü 😀 \\ud800 \n", "at \"x\""));
        assert_eq!(read("{\"message\": \"ü 😀\"}".as_bytes()), fault("ü 😀", ""));
    }

    #[test]
    fn what_is_no_character_of_a_report_becomes_one_u_fffd() {
        for (text, meant) in [
            (&br"\ud800"[..], "\u{fffd}"),
            (br"a \udcff\ud800 b", "a \u{fffd}\u{fffd} b"),
            (br"\ud800\n\ud83d\ude00\uDBFFx", "\u{fffd}\n😀\u{fffd}x"),
            (br"\ud83d\ud83d\ude00", "\u{fffd}😀"),
            (b"caf\xe9 \xed\xa0\x80", "caf\u{fffd} \u{fffd}"),
        ] {
            let report = [b"{\"message\":\"", text, b"\",\"stackTrace\":\"", text, b"\"}"].concat();
            assert_eq!(read(&report), fault(meant, meant), "{report:?}");
        }
    }

    #[test]
    fn a_report_that_is_not_json_is_shown_as_it_is() {
        for (report, shown) in [
            (&b"no JSON \xff"[..], "no JSON \u{fffd}"),
            (b"", ""),
            (b"{}", "{}"),
            (br#"{"message": 7}"#, r#"{"message": 7}"#),
            (br#"{"message": "\uZZZZ"}"#, r#"{"message": "\uZZZZ"}"#),
        ] {
            assert_eq!(read(report), fault(shown, ""), "{report:?}");
        }
        assert_eq!(read(&[b'x'; 1 << 20]).message.len(), SHOWN_BYTES_MAX);
    }

    proptest::proptest! {
        #[test]
        fn no_report_is_too_odd_to_be_read(units: Vec<u16>, noise: Vec<u8>) {
            let text: String = units.iter().map(|unit| format!("\\u{unit:04x}")).collect();
            let report = format!("{{\"message\":\"{text}\"}}");
            proptest::prop_assert_eq!(read(report.as_bytes()), fault(&String::from_utf16_lossy(&units), ""));
            read(&noise);
        }
    }
}
