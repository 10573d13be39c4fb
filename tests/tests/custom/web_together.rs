//! Web functions whose instances serve several requests at once.

use std::collections::BTreeSet;
use std::thread;

use serde_json::{Value, json};
use skiff_tests::{Function, Spec, eventually};

use crate::web::{PATIENCE, ask, read_until, recorded, send, spec};
use crate::world::client;

fn several(concurrency: u32) -> Spec {
    let several = json!({"DynamicEnabled": "FALSE", "MaxConcurrency": concurrency});
    spec().with("InstanceConcurrencyConfig", several)
}

/// Sends requests for these paths at once. Gives back status, head and body of each answer.
fn together(function: &Function, paths: &[String]) -> Vec<(u16, String, String)> {
    thread::scope(|scope| {
        let ask = |path: &String| {
            let path = path.clone();
            scope.spawn(move || ask(function, "GET", &path, "", b""))
        };
        let asked: Vec<_> = paths.iter().map(ask).collect();
        asked
            .into_iter()
            .map(|answer| answer.join().expect("an answer"))
            .collect()
    })
}

/// Paths of requests that meet in one instance and then go on so.
fn meeting(deeds: &[&str]) -> Vec<String> {
    let path = |deed: &&str| format!("/meet?of={}&then={deed}", deeds.len());
    deeds.iter().map(path).collect()
}

#[test]
fn fifty_requests_meet_in_one_instance_and_who_goes_away_leaves_it_to_the_others() {
    let function = several(50).deploy(&client());
    let mut paths = meeting(&["answer"; 49]);
    paths.iter_mut().for_each(|path| *path = path.replace("of=49", "of=50"));
    // One that only comes: it goes as soon as it has.
    let mut stream = send(&function, "GET", "/events", "", b"");
    read_until(&mut stream, "data: 0\n\n\r\n");
    drop(stream);
    recorded(&function, 499);
    let met = thread::scope(|scope| {
        let others = scope.spawn(|| together(&function, &paths));
        let last = ask(&function, "GET", "/meet?of=50", "", b"");
        let mut met = others.join().expect("answers");
        met.push(last);
        met
    });
    assert!(met.iter().all(|(status, ..)| *status == 200), "{met:?}");
    let instances: BTreeSet<_> = met.iter().map(|(_, _, body)| body).collect();
    assert_eq!(instances.len(), 1);
    assert_eq!(
        ask(&function, "GET", "/count", "", b"").2,
        "52",
        "that of the one who went away"
    );
}

#[test]
fn a_request_that_fails_or_takes_too_long_is_alone_with_that() {
    let function = several(20).with("Timeout", 3).deploy(&client());
    let deeds = ["answer", "raise", "sleep", "answer", "raise"];
    let answers = together(&function, &meeting(&deeds));
    for ((status, _, body), deed) in answers.iter().zip(deeds) {
        let expected = match deed {
            "answer" => (200, Value::Null),
            "raise" => (502, json!(439)),
            _ => (504, json!(433)),
        };
        let error: Value = serde_json::from_str(body).unwrap_or_default();
        assert_eq!((*status, error["statusCode"].clone()), expected, "{deed}: {body}");
    }
    let after = ask(&function, "GET", "/meet?of=1", "", b"");
    assert_ne!(after.2, answers[0].2, "nothing stops one request alone");
}

#[test]
fn what_ends_a_server_ends_all_its_requests() {
    for (deed, code) in [("exit", 439), ("eat", 434)] {
        let function = several(20).deploy(&client());
        for (status, _, body) in together(&function, &meeting(&["sleep", deed, "sleep", "sleep"])) {
            let error: Value = serde_json::from_str(&body).unwrap_or_default();
            assert_eq!((status, &error["statusCode"]), (502, &json!(code)), "{deed}: {body}");
        }
        assert_eq!(ask(&function, "GET", "/count", "", b"").2, "1", "{deed}");
    }
}

#[test]
fn the_memory_of_a_request_is_the_most_in_use_while_it_ran() {
    const EATEN: u64 = 80 << 20;
    let function = several(20).with("MemorySize", 256).deploy(&client());
    let used = |head: &str| {
        let head = head.to_lowercase();
        let id = head.lines().find_map(|line| line.strip_prefix("x-scf-request-id: "));
        let id = id.expect("an id").trim().to_owned();
        eventually(PATIENCE, "the record", || {
            let logs = client().call("GetFunctionLogs", json!({"FunctionName": function.name, "Limit": 20}));
            let logs = logs.expect("GetFunctionLogs");
            let record = logs["Data"]
                .as_array()?
                .iter()
                .find(|record| record["RequestId"] == json!(id))?;
            record["MemUsage"].as_u64()
        })
    };
    let paths = ["/meet?of=2", "/meet?of=2&eat=80"].map(str::to_owned);
    let before = ask(&function, "GET", "/count", "", b"").1;
    assert!(used(&before) < EATEN);
    for (status, head, _) in together(&function, &paths) {
        assert_eq!(status, 200);
        assert!(used(&head) >= EATEN, "{}", used(&head));
    }
}
