//! Calls that are given up, workers that fail, and the end of it all.

use std::sync::atomic::Ordering;

use tokio::time::advance;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn a_caller_that_goes_away_kills_its_instance_and_is_recorded() {
    let world = World::new();
    let call = world.begin("\"hang\"").await;
    advance(SECOND).await;
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
    assert_eq!(world.state().alive(), 0);
    assert_eq!(world.load(), (0, 0, 0));
    let [record] = &world.records()[..] else {
        panic!("one record")
    };
    assert_eq!(record.status.code(), 499);
    assert_eq!(record.billed_ms, 1000, "it ran that long");
    assert!(text(&record.log).contains("Event RequestId"));
    assert!(text(&record.ret_msg).contains("canceled by the caller"));
}

#[tokio::test(start_paused = true)]
async fn a_waiting_caller_that_goes_away_does_not_lose_the_start() {
    let world = World::new().plan([Plan::After(SECOND)]);
    let call = world.begin("{}").await;
    call.abort();
    assert!(call.await.is_err());
    assert_eq!(world.load(), (0, 0, 0));
    advance(SECOND).await;
    settle().await;
    assert_eq!(world.load(), (0, 0, 1));
    assert_eq!(world.statuses(), [499]);
    let outcome = world.call("{}").await;
    assert_eq!(outcome.ret_msg, "0");
    assert_eq!(outcome.init, None, "this call did not wait for it");
    assert!(text(&outcome.log).contains("loading"), "but what it wrote is not lost");
}

#[tokio::test(start_paused = true)]
async fn a_visitor_who_goes_away_while_there_is_no_instance_holds_nothing_any_more() {
    let world = World::with(Limits {
        account_concurrency_mb: 128,
        ..Limits::default()
    })
    .plan([Plan::After(SECOND)]);
    let (enter, entered) = oneshot::channel();
    let (_left, leave) = oneshot::channel();
    let invoker = Arc::clone(&world.invoker);
    let call = invocation(&world.version, "{}");
    let visit = Visit {
        body_bytes: 0,
        enter,
        leave,
    };
    let visit = tokio::spawn(async move { invoker.visit(call, visit).await });
    settle().await;
    assert_eq!(world.load(), (1, 1, 0));
    drop(entered);
    settle().await;
    assert_eq!(world.load(), (0, 0, 0), "though the start goes on");
    assert_eq!(visit.await.unwrap().status, StatusCode::Canceled);
    let next = world.begin("{}").await;
    assert_eq!(
        next.await.unwrap().status,
        StatusCode::Success,
        "there is room for another"
    );
    assert_eq!(world.statuses(), [499, 200]);
}

#[tokio::test(start_paused = true)]
async fn a_given_instance_nobody_took_serves_the_call_that_waits() {
    let world = World::new().plan([Plan::After(SECOND), Plan::Hang]);
    let mut gone = Box::pin(world.invoker.invoke(invocation(&world.version, "{}")));
    assert!(poll_once(gone.as_mut()).is_pending());
    let next = world.begin("{}").await;
    advance(SECOND).await;
    settle().await;
    drop(gone);
    let outcome = next.await.unwrap();
    assert_eq!(outcome.ret_msg, "0");
    assert_eq!(world.statuses(), [499, 200]);
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_does_not_answer_ends_as_an_internal_error() {
    let world = World::new();
    let outcome = world.call("\"hang\"").await;
    assert_eq!(outcome.status.code(), 500);
    assert_eq!(outcome.billed_ms, 3000, "not more than the timeout");
    assert_eq!(world.state().alive(), 0);
    assert_eq!(world.load(), (0, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_start_that_never_ends_or_panics_is_an_internal_error() {
    for plan in [Plan::Hang, Plan::Panic] {
        let world = World::new().plan([plan]);
        assert_eq!(world.call("{}").await.status.code(), 500);
        assert_eq!(world.load(), (0, 0, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn shutting_down_refuses_new_calls_and_waits_for_those_that_run() {
    let world = World::new().plan([Plan::After(Duration::ZERO), Plan::After(SECOND)]);
    world.call("{}").await;
    let running = world.begin("2000").await;
    let waiting = world.begin("2000").await;
    let invoker = Arc::clone(&world.invoker);
    let shutdown = tokio::spawn(async move { invoker.shutdown(Instant::now() + 60 * SECOND).await });
    settle().await;
    let refused = world.call("{}").await;
    assert_eq!(refused.status.code(), 500);
    assert!(refused.err_msg.contains("stopping"));
    assert!(!shutdown.is_finished());
    for call in [running, waiting] {
        assert_eq!(call.await.unwrap().status, StatusCode::Success);
    }
    shutdown.await.unwrap();
    assert_eq!(world.state().alive(), 0);
}

#[tokio::test(start_paused = true)]
async fn calls_that_outlive_the_deadline_are_cut_short() {
    let world = World::new().plan([Plan::After(Duration::ZERO), Plan::Hang]);
    let running = world.begin("\"hang\"").await;
    let waiting = world.begin("{}").await;
    let before = Instant::now();
    world.invoker.shutdown(before + 2 * SECOND).await;
    assert_eq!(before.elapsed(), 2 * SECOND);
    for call in [running, waiting] {
        let outcome = call.await.unwrap();
        assert_eq!(outcome.status.code(), 499);
        assert!(outcome.err_msg.contains("stopping"));
    }
    assert_eq!(world.state().alive(), 0);
    assert_eq!(world.statuses(), [499, 499]);
}

#[tokio::test(start_paused = true)]
async fn shutting_down_with_nothing_to_do_is_immediate_and_lets_idle_instances_go() {
    let world = World::new();
    world.call("{}").await;
    let before = Instant::now();
    world.invoker.shutdown(before + 60 * SECOND).await;
    assert_eq!(before.elapsed(), Duration::ZERO);
    assert_eq!(world.state().alive(), 0);
}

/// Real threads: what the deterministic tests cannot interleave.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn under_threads_and_cancellations_nothing_is_lost() {
    const CALLS: usize = 2000;
    let world = Arc::new(World::with(Limits {
        function_concurrency_max: 16,
        ..Limits::default()
    }));
    let mut calls = Vec::new();
    for number in 0..CALLS {
        let invoker = Arc::clone(&world.invoker);
        let event = ["{}", "\"raise\"", "\"yield\"", "\"exit\""][number % 4];
        let invocation = invocation(&world.version, event);
        let call = tokio::spawn(async move { invoker.invoke(invocation).await });
        if number % 7 == 0 {
            call.abort();
        }
        if number % 5 == 0 {
            tokio::task::yield_now().await;
        }
        if number % 97 == 0 {
            world.invoker.retire(&world.version.uid, None);
        }
        calls.push(call);
    }
    let mut answered = 0;
    for call in calls {
        match call.await {
            Ok(outcome) => {
                assert!(
                    [200, 430, 432, 439].contains(&outcome.status.code()),
                    "{}",
                    outcome.status
                );
                answered += 1;
            }
            Err(error) => assert!(error.is_cancelled()),
        }
    }
    let (running, waiting, _) = world.load();
    assert_eq!((running, waiting), (0, 0));
    assert!(
        world.records().len() >= answered,
        "a call aborted before its first step leaves no record"
    );
    world.invoker.shutdown(Instant::now() + 60 * SECOND).await;
    assert_eq!(world.state().alive(), 0);
    assert!(world.state().started.load(Ordering::SeqCst) > 0);
}
