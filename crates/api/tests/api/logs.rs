//! GetFunctionLogs: filters, windows, order and pages over real records.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use skiff_control_plane::Draw;
use skiff_domain::{AttemptRecord, FunctionKey, Origin, Qualifier, RequestId, StatusCode};
use skiff_invoker::{Recorder, RunningCall};

use crate::server::{Server, code, with};

/// 2018-01-16 08:00:00 in UTC+8.
const NOON_S: i64 = 1_516_060_800;

fn record(server: &Server, name: &str, second: i64, status: StatusCode, duration_ms: u64, log: &str) -> AttemptRecord {
    let key = FunctionKey {
        namespace: "default".parse().unwrap(),
        name: name.parse().unwrap(),
    };
    let draw = Draw::of(RequestId::random(), None);
    let version = server.control.resolve(&key, &Qualifier::latest(), &draw).unwrap();
    AttemptRecord {
        request_id: RequestId::random(),
        uid: version.uid.clone(),
        key,
        label: Qualifier::latest(),
        qualifier: "$DEFAULT".parse().unwrap(),
        started_at: Timestamp::from_second(NOON_S + second).unwrap(),
        status,
        duration: Duration::from_millis(duration_ms),
        billed_ms: duration_ms,
        memory_mb: 128,
        memory_peak_bytes: 1_048_576 + duration_ms,
        retry_num: 0,
        origin: Origin::Api,
        cold_start: second == 0,
        ret_msg: "\"ok\"".into(),
        log: log.to_owned().into(),
    }
}

/// Three calls of `hello`, one of `other`.
async fn server() -> (Server, Vec<String>) {
    let server = Server::with_hello().await;
    server
        .ok(
            "CopyFunction",
            json!({"FunctionName": "hello", "NewFunctionName": "other"}),
        )
        .await;
    let records = [
        record(&server, "hello", 0, StatusCode::Success, 30, "START first\n"),
        record(&server, "hello", 10, StatusCode::UserException, 10, "START second\n"),
        record(&server, "hello", 20, StatusCode::TimeLimitReached, 20, "START third\n"),
        record(&server, "other", 30, StatusCode::Success, 40, "START fourth\n"),
    ];
    let ids = records.iter().map(|record| record.request_id.to_string()).collect();
    records.into_iter().for_each(|record| server.logs.record(record));
    server.logs.flush().await;
    (server, ids)
}

fn window() -> Value {
    json!({"StartTime": "2018-01-16 08:00:00", "EndTime": "2018-01-16 08:00:30"})
}

#[tokio::test]
async fn a_log_has_every_documented_field() {
    let (server, ids) = server().await;
    let answer = server
        .ok(
            "GetFunctionLogs",
            with(window(), json!({"FunctionName": "hello", "Order": "asc"})),
        )
        .await;
    assert_eq!(answer["TotalCount"], 3);
    assert_eq!(
        answer["Data"][0],
        json!({
            "FunctionName": "hello", "RetMsg": "\"ok\"", "RequestId": ids[0], "StartTime": "2018-01-16 08:00:00",
            "RetCode": 0, "InvokeFinished": 1, "Duration": 30.0, "BillDuration": 30, "MemUsage": 1_048_606,
            "Log": "START first\n", "Level": "INFO", "Source": "Application", "RetryNum": 0
        })
    );
    assert_eq!(answer["Data"][1]["RetCode"], 430);
}

#[tokio::test]
async fn what_became_of_a_call_is_told_while_it_runs_and_after() {
    let (server, ids) = server().await;
    let ask = |id: &str, fields: Value| {
        let ask = with(json!({"FunctionName": "hello", "FunctionRequestId": id}), fields);
        server.ok("GetRequestStatus", ask)
    };
    for (id, code, duration) in [(&ids[0], 0, 30.0), (&ids[1], -1, 10.0)] {
        let answer = ask(id, window()).await;
        let [entry] = answer["Data"].as_array().unwrap().as_slice() else {
            panic!("{answer}");
        };
        assert_eq!(answer["TotalCount"], 1);
        assert_eq!(
            (
                &entry["RequestId"],
                &entry["RetCode"],
                &entry["Duration"],
                &entry["RetMsg"]
            ),
            (&json!(id), &json!(code), &json!(duration), &json!("\"ok\""))
        );
        let mb = entry["MemUsage"].as_f64().unwrap();
        assert!((1.0..1.001).contains(&mb), "it is in MB: {mb}");
    }
    assert_eq!(
        ask(&ids[0], json!({})).await["TotalCount"],
        0,
        "15 minutes back, if no time is given"
    );
    assert_eq!(
        ask(&ids[3], window()).await["TotalCount"],
        0,
        "it is another function's"
    );

    let id = RequestId::random();
    let key = FunctionKey {
        namespace: "default".parse().unwrap(),
        name: "hello".parse().unwrap(),
    };
    let version = server
        .control
        .resolve(&key, &Qualifier::latest(), &Draw::of(id, None))
        .unwrap();
    let started_at = Timestamp::now();
    *server.invoker.running.lock() = Some(RunningCall { version, started_at });
    let answer = ask(&id.to_string(), json!({})).await;
    assert_eq!(
        (&answer["Data"][0]["RetCode"], &answer["TotalCount"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(
        ask(&id.to_string(), window()).await["TotalCount"],
        0,
        "it did not run then"
    );
}

#[tokio::test]
async fn each_filter_finds_what_it_says() {
    let (server, ids) = server().await;
    let hello = || with(window(), json!({"FunctionName": "hello"}));
    for (what, parameters, expected) in [
        ("latest first", hello(), &[2, 1, 0][..]),
        ("asc", with(hello(), json!({"Order": "asc"})), &[0, 1, 2]),
        (
            "acs",
            with(hello(), json!({"Order": "acs", "OrderBy": "startTime"})),
            &[0, 1, 2],
        ),
        (
            "by duration",
            with(hello(), json!({"Order": "asc", "OrderBy": "duration"})),
            &[1, 2, 0],
        ),
        ("by memory", with(hello(), json!({"OrderBy": "mem_usage"})), &[0, 2, 1]),
        (
            "by name",
            with(window(), json!({"OrderBy": "function_name"})),
            &[3, 2, 1, 0],
        ),
        ("a page", with(hello(), json!({"Offset": 1, "Limit": 1})), &[1]),
        (
            "goes on",
            with(hello(), json!({"SearchContext": {"Offset": "2", "Limit": 5}})),
            &[0],
        ),
        (
            "keyword",
            with(
                hello(),
                json!({"SearchContext": {"Offset": "0", "Limit": 5, "Keyword": "third"}}),
            ),
            &[2],
        ),
        ("is0", with(hello(), json!({"Filter": {"RetCode": "is0"}})), &[0]),
        ("not0", with(hello(), json!({"Filter": {"RetCode": "not0"}})), &[2, 1]),
        (
            "timeouts",
            with(hello(), json!({"Filter": {"RetCode": "TimeLimitExceeded"}})),
            &[2],
        ),
        (
            "user errors",
            with(hello(), json!({"Filter": {"RetCode": "UserCodeException"}})),
            &[1],
        ),
        (
            "one id",
            json!({"FunctionName": "hello", "FunctionRequestId": ids[1]}),
            &[1],
        ),
        (
            "one id of another",
            json!({"FunctionName": "other", "FunctionRequestId": ids[1]}),
            &[],
        ),
        (
            "a qualifier",
            with(hello(), json!({"Qualifier": "$LATEST"})),
            &[2, 1, 0],
        ),
        ("another qualifier", with(hello(), json!({"Qualifier": "7"})), &[]),
        ("the namespace", window(), &[3, 2, 1, 0]),
        (
            "later",
            with(hello(), json!({"StartTime": "2018-01-16 08:00:01"})),
            &[2, 1],
        ),
        (
            "earlier",
            with(hello(), json!({"EndTime": "2018-01-16 08:00:10"})),
            &[1, 0],
        ),
    ] {
        let answer = server.ok("GetFunctionLogs", parameters).await;
        let found: Vec<_> = answer["Data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|log| log["RequestId"].clone())
            .collect();
        let expected: Vec<_> = expected.iter().map(|i| json!(ids[*i])).collect();
        assert_eq!(found, expected, "{what}");
    }
}

#[tokio::test]
async fn an_answer_says_where_the_next_one_begins() {
    let (server, _) = server().await;
    let page = with(
        window(),
        json!({"FunctionName": "hello", "SearchContext": {"Offset": "0", "Limit": 2, "Keyword": "START"}}),
    );
    let answer = server.ok("GetFunctionLogs", page).await;
    assert_eq!(answer["SearchContext"]["Offset"], "2");
    let next = with(
        window(),
        json!({"FunctionName": "hello", "SearchContext": answer["SearchContext"]}),
    );
    let answer = server.ok("GetFunctionLogs", next).await;
    assert_eq!(
        (answer["Data"].as_array().unwrap().len(), &answer["TotalCount"]),
        (1, &json!(3))
    );
}

#[tokio::test]
async fn a_page_that_is_cut_before_16_mb_loses_no_call_to_who_asks_on() {
    let server = Server::with_hello().await;
    let log = "x".repeat(1 << 20);
    // Of today: these are enough to be sealed, and what is old is then let go.
    let now = Timestamp::now().as_second() - NOON_S;
    let records: Vec<AttemptRecord> = (now - 20..now)
        .map(|second| record(&server, "hello", second, StatusCode::Success, 1, &log))
        .collect();
    let ids: Vec<String> = records.iter().map(|record| record.request_id.to_string()).collect();
    records.into_iter().for_each(|record| server.logs.record(record));
    server.logs.flush().await;

    // By `Offset`, as clients do; by `SearchContext`, as it is given back.
    for by_context in [false, true] {
        let (mut found, mut sizes) = (Vec::new(), Vec::new());
        let mut on = json!({"Offset": 0, "Limit": 100});
        while found.len() < ids.len() {
            let asked = with(on, json!({"FunctionName": "hello", "Order": "asc"}));
            let answer = server.ok("GetFunctionLogs", asked).await;
            assert_eq!(answer["TotalCount"], 20, "however many come at once");
            let page = answer["Data"].as_array().unwrap();
            assert!(
                page.iter()
                    .all(|log| log["Log"].as_str().map(str::len) == Some(1 << 20)),
                "logs are whole"
            );
            found.extend(page.iter().map(|log| log["RequestId"].as_str().unwrap().to_owned()));
            sizes.push(page.len());
            on = if by_context {
                json!({"SearchContext": answer["SearchContext"]})
            } else {
                json!({"Offset": found.len(), "Limit": 100})
            };
        }
        assert_eq!((sizes, &found), (vec![15, 5], &ids));
    }
}

#[tokio::test]
async fn what_cannot_be_searched_gets_the_documented_code() {
    let (server, _) = server().await;
    for (parameters, expected) in [
        (json!({"FunctionName": "nobody"}), "ResourceNotFound.Function"),
        (
            json!({"FunctionName": "hello", "Namespace": "nowhere"}),
            "ResourceNotFound.Namespace",
        ),
        (json!({"Offset": 9990}), "LimitExceeded.Offset"),
        (json!({"Offset": -1}), "InvalidParameterValue.Offset"),
        (json!({"Limit": -1}), "InvalidParameterValue.Limit"),
        (json!({"Limit": "20"}), "InvalidParameter"),
        (json!({"Order": "up"}), "InvalidParameterValue.Order"),
        (json!({"OrderBy": "colour"}), "InvalidParameterValue.OrderBy"),
        (json!({"Filter": {"RetCode": "3"}}), "InvalidParameterValue.RetCode"),
        (
            json!({"FunctionRequestId": "x"}),
            "InvalidParameterValue.FunctionRequestId",
        ),
        (json!({"StartTime": "16.1.2018"}), "InvalidParameterValue.DateTime"),
        (
            json!({"StartTime": "2018-01-16 08:00:00", "EndTime": "2018-01-17 08:00:01"}),
            "InvalidParameterValue.StartTimeOrEndTime",
        ),
        (
            json!({"SearchContext": {"Offset": "0", "Limit": 1, "Type": "Platform"}}),
            "UnsupportedOperation",
        ),
    ] {
        let answer = server.call("GetFunctionLogs", parameters.clone()).await;
        assert_eq!(code(&answer), expected, "{parameters}");
    }
}
