//! What is wrong with a command line, in the format its writer asked for.

use std::ffi::OsString;

use clap::error::ErrorKind;
use serde_json::json;

use crate::Exit;

/// What the environment may give, which clap's usage line then shows as if it had been typed.
const FROM_ENVIRONMENT: [&str; 4] = [
    "--endpoint <URL>",
    "--secret-id <ID>",
    "--secret-key <KEY>",
    "--data-dir <DIR>",
];

/// Shows help, the version, or what is wrong with the command line of these arguments.
pub fn explain(error: &clap::Error, arguments: &[OsString]) -> Exit {
    let exit = match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Exit::Ok,
        _ => Exit::Usage,
    };
    // Nothing is left to do where even that cannot be written.
    if exit == Exit::Ok || error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        drop(error.print());
    } else if wants_json(arguments) {
        eprintln!("{}", as_json(error));
    } else {
        let text = error.to_string();
        let shorter = in_words(&typed(&text, arguments));
        if shorter == text {
            drop(error.print());
        } else {
            eprint!("{shorter}");
        }
    }
    exit
}

/// The text without the flags that the environment gave.
fn typed(text: &str, arguments: &[OsString]) -> String {
    let is_typed = |flag: &str| {
        let name = flag.split(' ').next().unwrap_or(flag);
        arguments
            .iter()
            .any(|argument| argument.to_string_lossy().starts_with(name))
    };
    let given = FROM_ENVIRONMENT.iter().filter(|flag| !is_typed(flag));
    given.fold(text.to_owned(), |text, flag| text.replace(&format!(" {flag}"), ""))
}

/// The text with what is allowed in the place of what the parser of numbers met.
fn in_words(text: &str) -> String {
    const WHOLE: &str = "give a whole number, 0 or more";
    let words = [
        (": invalid digit found in string", WHOLE),
        (": cannot parse integer from empty string", WHOLE),
        (": number too large to fit in target type", "the number is too large"),
        (": invalid float literal", "give a number, such as 0.5"),
        (": cannot parse float from empty string", "give a number, such as 0.5"),
    ];
    let said = |text: String, (met, allowed): &(&str, &str)| text.replace(met, &format!(": {allowed}"));
    words.iter().fold(text.to_owned(), said)
}

/// `-o json` in any of its spellings. The line is wrong, so nothing has parsed it.
fn wants_json(arguments: &[OsString]) -> bool {
    let arguments: Vec<_> = arguments.iter().map(|argument| argument.to_string_lossy()).collect();
    let words = arguments.iter().take_while(|argument| *argument != "--");
    let words: Vec<&str> = words.map(AsRef::as_ref).collect();
    words
        .iter()
        .any(|word| matches!(*word, "--output=json" | "-ojson" | "-o=json"))
        || words.windows(2).any(|pair| matches!(pair, ["-o" | "--output", "json"]))
}

/// The same object as of every other error.
fn as_json(error: &clap::Error) -> String {
    let text = in_words(&error.to_string());
    let (message, rest) = text.split_once("\n\n").unwrap_or((&text, ""));
    let message = message
        .trim_start_matches("error: ")
        .split_whitespace()
        .collect::<Vec<_>>();
    let hint = rest.lines().find_map(|line| line.trim().strip_prefix("tip: "));
    let error = json!({"code": "Usage", "message": message.join(" "), "hint": hint, "requestId": ""});
    json!({ "error": error }).to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn json_is_asked_for_in_any_of_its_spellings() {
        let wants = |line: &str| wants_json(&line.split(' ').map(OsString::from).collect::<Vec<_>>());
        for line in [
            "skiff -o json x",
            "skiff x --output json",
            "skiff x --output=json",
            "skiff x -ojson",
        ] {
            assert!(wants(line), "{line}");
        }
        for line in ["skiff x", "skiff x -o table", "skiff x -- -o json"] {
            assert!(!wants(line), "{line}");
        }
    }

    #[test]
    fn a_wrong_line_is_one_object_with_what_was_meant() {
        let root = clap::Command::new("skiff").subcommand(clap::Command::new("invoke"));
        let error = root
            .try_get_matches_from(["skiff", "invok"])
            .expect_err("no such command");
        let said: Value = serde_json::from_str(&as_json(&error)).expect("JSON");
        assert_eq!(said["error"]["code"], "Usage");
        assert_eq!(said["error"]["message"], "unrecognized subcommand 'invok'");
        assert!(
            said["error"]["hint"]
                .as_str()
                .is_some_and(|hint| hint.contains("invoke")),
            "{said}"
        );
    }

    #[test]
    fn what_is_no_number_is_told_what_is_allowed() {
        let number = |text: &'static str| {
            let argument = clap::Arg::new("MB").value_parser(clap::value_parser!(u64));
            let error = clap::Command::new("skiff")
                .arg(argument)
                .try_get_matches_from(["skiff", text]);
            as_json(&error.expect_err("no number"))
        };
        assert!(number("x").contains("invalid value 'x' for '[MB]': give a whole number, 0 or more"));
        let part = "1x".parse::<f64>().expect_err("no number");
        assert_eq!(
            in_words(&format!("--track <PART>: {part}")),
            "--track <PART>: give a number, such as 0.5"
        );
    }

    #[test]
    fn the_usage_shows_what_was_typed_and_not_what_the_environment_gave() {
        assert_eq!(
            typed(
                "Usage: skiff invoke --data-dir <DIR> --endpoint <URL> <NAME>\n",
                &["skiff", "--endpoint=x", "invoke"].map(OsString::from)
            ),
            "Usage: skiff invoke --endpoint <URL> <NAME>\n"
        );
    }
}
