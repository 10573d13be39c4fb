//! What one call is told, and what is recorded of it.

use serde_json::Value;
use skiff_domain::{InitOutput, UserFault};

use super::*;

#[tokio::test(start_paused = true)]
async fn a_call_is_known_to_run_until_it_is_recorded() {
    let world = World::new();
    let waiting = invocation(&world.version, "1000");
    let id = waiting.id;
    let invoker = Arc::clone(&world.invoker);
    let call = tokio::spawn(async move { invoker.invoke(waiting).await });
    settle().await;
    let running = world.invoker.running(id).expect("it runs");
    assert!(Arc::ptr_eq(&running.version, &world.version));
    call.await.unwrap();
    assert!(world.invoker.running(id).is_none());
    assert_eq!(world.records()[0].started_at, running.started_at);

    let given_up = invocation(&world.version, "\"hang\"");
    let id = given_up.id;
    let invoker = Arc::clone(&world.invoker);
    let call = tokio::spawn(async move { invoker.invoke(given_up).await });
    settle().await;
    assert!(world.invoker.running(id).is_some());
    call.abort();
    settle().await;
    assert!(world.invoker.running(id).is_none());
}

#[tokio::test(start_paused = true)]
async fn a_call_is_answered_logged_and_recorded() {
    let world = World::new();
    let outcome = world.call("{}").await;
    assert_eq!(outcome.status, StatusCode::Success);
    assert_eq!(outcome.ret_msg, "0");
    assert_eq!(outcome.err_msg, "");
    assert_eq!(outcome.duration, Duration::from_micros(826));
    assert_eq!(outcome.billed_ms, 1, "rounded up");
    assert_eq!(outcome.memory_peak_bytes, 3_207_168);
    let id = outcome.request_id;
    assert_eq!(
        text(&outcome.log),
        format!(
            "START RequestId: {id}\n[skiff] started as planned\nloading\nEvent RequestId: {id}\nworking\n\
             END RequestId: {id}\nReport RequestId: {id} Duration:1ms Memory:128MB MemUsage:3.058594MB\n"
        )
    );
    let [record] = &world.records()[..] else {
        panic!("one record")
    };
    assert_eq!(record.request_id, id);
    assert_eq!(record.status, StatusCode::Success);
    assert_eq!((record.billed_ms, record.memory_mb, record.retry_num), (1, 128, 0));
    assert_eq!(record.log, outcome.log);
    assert_eq!(record.ret_msg, outcome.ret_msg);
    assert!(record.cold_start);
}

#[tokio::test(start_paused = true)]
async fn the_second_call_is_warm_and_shows_nothing_of_the_start() {
    let world = World::new();
    assert!(world.call("{}").await.init.is_some());
    let second = world.call("{}").await;
    assert_eq!(second.ret_msg, "0", "the same instance");
    assert_eq!(second.init, None);
    assert!(!text(&second.log).contains("loading"));
    assert!(!world.records()[1].cold_start);
}

#[tokio::test(start_paused = true)]
async fn the_handler_gets_the_context_of_its_call() {
    let world = World::new();
    let outcome = world.call("{}").await;
    let context: Value = serde_json::from_slice(&world.state().context.lock()).unwrap();
    assert_eq!(context["request_id"], outcome.request_id.to_string());
    assert_eq!(context["tencentcloud_region"], "local");
}

#[tokio::test(start_paused = true)]
async fn every_end_has_its_status_and_only_some_leave_the_instance_alive() {
    for (event, status, is_reused) in [
        ("{}", 200, true),
        ("\"raise\"", 430, true),
        ("\"too large\"", 407, true),
        ("\"time out\"", 433, false),
        ("\"no memory\"", 434, false),
        ("\"exit\"", 439, false),
        ("\"garbage\"", 439, false),
    ] {
        let world = World::new();
        let outcome = world.call(event).await;
        assert_eq!(outcome.status.code(), status, "{event}");
        assert_eq!(world.state().alive(), usize::from(is_reused), "{event}");
        assert_eq!(world.load(), (0, 0, u32::from(is_reused)), "{event}");
        assert_eq!(world.statuses(), [status], "{event}");
        let is_logged = text(&outcome.log).contains("\nERROR RequestId:");
        assert_eq!(is_logged, status != 200, "{event}");
        assert!(
            text(&outcome.log).contains("\nworking\n"),
            "output so far is in the log: {event}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_timeout_is_billed_as_the_timeout_exactly() {
    let outcome = World::new().call("\"time out\"").await;
    assert_eq!(outcome.duration, Duration::from_secs(3));
    assert_eq!(outcome.billed_ms, 3000);
    assert!(text(&outcome.log).contains("Duration:3000ms"));
}

#[tokio::test(start_paused = true)]
async fn every_failed_start_has_its_status_output_and_traceback() {
    let output = || InitOutput {
        output: "importing\n".into(),
        memory_peak_bytes: 1 << 20,
        duration: Duration::from_millis(7),
    };
    let fault = || UserFault {
        message: "ImportError: no module".to_owned(),
        stack_trace: "Traceback\nImportError: no module".to_owned(),
    };
    for (error, status, has_traceback) in [
        (StartError::HandlerNotFound(fault(), output()), 437, true),
        (StartError::UserCode(fault(), output()), 443, true),
        (StartError::Exited("exit code 1".to_owned(), output()), 439, false),
        (StartError::OutOfMemory(output()), 434, false),
        (StartError::TimedOut(output()), 450, false),
        (StartError::NoRoom("full".to_owned()), 449, false),
        (StartError::Unavailable("no such network here".to_owned()), 445, false),
        (StartError::Platform("broken".to_owned()), 500, false),
    ] {
        let has_output = error.init_output().is_some();
        let world = World::new().plan([Plan::Fail(error)]);
        let outcome = world.call("{}").await;
        assert_eq!(outcome.status.code(), status);
        assert_eq!(
            (outcome.billed_ms, outcome.duration),
            (0, Duration::ZERO),
            "no handler ran"
        );
        assert_eq!(text(&outcome.ret_msg).contains("Traceback"), has_traceback);
        assert_eq!(text(&outcome.log).contains("importing"), has_output);
        assert_eq!(outcome.memory_peak_bytes > 0, has_output);
        assert!(!text(&outcome.log).contains("Event RequestId"));
        assert_eq!(world.statuses(), [status]);
        assert_eq!(world.load(), (0, 0, 0));
        assert_eq!(
            world.call("{}").await.status,
            StatusCode::Success,
            "the next start is a new try"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_that_was_not_read_is_given_to_two_other_instances_and_no_more() {
    let world = World::new();
    let outcome = world.call("\"unread\"").await;
    assert_eq!((outcome.status, &outcome.ret_msg[..]), (StatusCode::Success, &b"2"[..]));
    let log = text(&outcome.log);
    let told = "[skiff] an instance ended before it had read the event, which was given to another one: exit code 3\n";
    assert_eq!(log.matches(told).count(), 2, "{log}");
    assert_eq!(
        (log.matches("loading\n").count(), log.matches("working\n").count()),
        (3, 3),
        "{log}"
    );
    assert_eq!(outcome.billed_ms, 1, "what did not read it costs nothing");

    let outcome = world.call("\"unread, always\"").await;
    assert_eq!(outcome.status, StatusCode::ProcessExited);
    assert!(outcome.err_msg.ends_with(": exit code 3"), "{}", outcome.err_msg);
    assert_eq!(world.statuses(), [200, 439], "each is one call with one record");
    assert_eq!(*world.state().runs.lock(), [0, 1, 2, 2, 3, 4]);
    assert_eq!((world.load(), world.state().alive()), ((0, 0, 0), 0));
}

#[tokio::test(start_paused = true)]
async fn an_event_that_is_not_acceptable_starts_nothing() {
    let world = World::with(Limits {
        event_bytes_max: 8,
        ..Limits::default()
    });
    assert_eq!(world.call("nonsense").await.status.code(), 400);
    assert_eq!(world.call("\"1234567\"").await.status.code(), 406);
    assert_eq!(world.state().started.load(std::sync::atomic::Ordering::SeqCst), 0);
    assert_eq!(world.statuses(), [400, 406], "they are recorded all the same");
}

#[tokio::test(start_paused = true)]
async fn no_event_is_an_empty_object() {
    assert_eq!(World::new().call("").await.status, StatusCode::Success);
}

#[tokio::test(start_paused = true)]
async fn a_function_over_its_concurrency_is_answered_at_once() {
    let world = World::with(Limits {
        function_concurrency_max: 2,
        ..Limits::default()
    });
    let first = world.begin("100").await;
    let second = world.begin("100").await;
    let refused = world.call("{}").await;
    assert_eq!(refused.status.code(), 432);
    assert_eq!(
        refused.err_msg,
        "Function [hello] concurrency exceeded reserved quota 256 MB"
    );
    for call in [first, second] {
        assert_eq!(call.await.unwrap().status, StatusCode::Success);
    }
    assert_eq!(world.call("{}").await.status, StatusCode::Success);
}

#[tokio::test(start_paused = true)]
async fn the_accounts_concurrency_counts_memory_of_all_functions() {
    let world = World::with(Limits {
        account_concurrency_mb: 300,
        ..Limits::default()
    });
    let _first = world.begin("\"hang\"").await;
    let other = Arc::new(version("other"));
    let second = world.invoker.invoke(invocation(&other, "{}")).await;
    assert_eq!(second.status, StatusCode::Success, "256 of 300 MB");
    let _second = world.begin("\"hang\"").await;
    let refused = world.invoker.invoke(invocation(&other, "{}")).await;
    assert_eq!(refused.status.code(), 432);
    assert_eq!(
        refused.err_msg,
        "Function [other] concurrency exceeded region unreserved quota 300 MB"
    );
}

#[tokio::test(start_paused = true)]
async fn large_events_that_wait_or_run_have_a_limit_together() {
    let world = World::with(Limits {
        event_memory_bytes: 200 << 10,
        ..Limits::default()
    })
    .plan([Plan::After(Duration::from_secs(1)), Plan::Hang]);
    let large = format!("1000{}", " ".repeat(100 << 10));
    let (served, given_up) = (world.begin(&large).await, world.begin(&large[..90 << 10]).await);
    assert_eq!(world.load(), (2, 2, 0));
    let refused = world.call(&large).await;
    assert_eq!(refused.status.code(), 429);
    assert_eq!(
        refused.err_msg,
        "No room for an event of 102404 bytes: those of the calls under way may take 0 MB in all; try again later"
    );
    let visit = |body_bytes| {
        let ((enter, _), (_, leave)) = (oneshot::channel(), oneshot::channel());
        let visit = Visit {
            body_bytes,
            enter,
            leave,
        };
        world.invoker.visit(invocation(&world.version, ""), visit)
    };
    assert_eq!(
        visit(100 << 10).await.status.code(),
        429,
        "a body is as good as an event"
    );
    assert_eq!(world.load(), (2, 2, 0), "who is refused holds nothing");
    given_up.abort();
    assert!(given_up.await.is_err());
    let next = world.begin(&large[..90 << 10]).await;
    for let_in in [served, next] {
        assert_eq!(let_in.await.unwrap().status, StatusCode::Success);
    }
    assert_eq!(
        world.call(&large).await.status,
        StatusCode::Success,
        "all is given back"
    );
    assert_eq!(world.statuses(), [429, 429, 499, 200, 200, 200], "each is recorded");
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_is_answered_at_once() {
    let world = World::with(Limits {
        function_waiting_max: 1,
        ..Limits::default()
    })
    .plan([Plan::Hang]);
    let _waiting = world.begin("{}").await;
    assert_eq!(world.load(), (1, 1, 0));
    assert_eq!(world.call("{}").await.status.code(), 429);
}
