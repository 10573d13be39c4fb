//! Instances that take several events at once.

use skiff_domain::InstanceConcurrency;
use tokio::time::advance;

use super::*;

const MS: Duration = Duration::from_millis(1);

/// A world of a function whose instances take three events at once.
fn world() -> World {
    let mut world = World::new();
    let mut shared = Version::clone(&world.version);
    shared.concurrency = InstanceConcurrency::new(3).unwrap();
    world.version = Arc::new(shared);
    world
}

/// Instances that run something.
fn busy(world: &World) -> u32 {
    world.invoker.load().iter().map(|load| load.busy).sum()
}

#[tokio::test(start_paused = true)]
async fn calls_that_come_together_run_on_as_few_instances_as_can_be() {
    let world = world();
    let mut calls = Vec::new();
    for _ in 0..7 {
        calls.push(world.begin("100").await);
    }
    assert_eq!((world.load(), busy(&world)), ((7, 0, 0), 3));
    for call in calls {
        assert_eq!(call.await.unwrap().status, StatusCode::Success);
    }
    assert_eq!((world.load(), busy(&world)), ((0, 0, 3), 0));
    assert_eq!(world.state().started.load(std::sync::atomic::Ordering::SeqCst), 3);
    let inits = world.records().iter().filter(|record| record.cold_start).count();
    assert_eq!(inits, 3, "one call tells of each start");
}

#[tokio::test(start_paused = true)]
async fn calls_that_share_an_instance_share_the_bill() {
    let world = world();
    let long = world.begin("100").await;
    advance(20 * MS).await;
    let short = world.begin("30").await;
    let later = world.begin("100").await;
    let short = short.await.unwrap();
    assert_eq!((short.billed_ms, short.duration), (0, 30 * MS));
    let long = long.await.unwrap();
    assert_eq!((long.billed_ms, long.duration), (100, 100 * MS));
    let later = later.await.unwrap();
    assert_eq!((later.billed_ms, later.duration), (20, 100 * MS));
    let log = text(&later.log);
    assert!(log.contains("Duration:100ms"), "its own time is in its log: {log}");
    // One that is given up has its part in it, too.
    let given_up = world.begin("\"hang\"").await;
    advance(10 * MS).await;
    let other = world.begin("15").await;
    advance(5 * MS).await;
    given_up.abort();
    assert!(given_up.await.unwrap_err().is_cancelled());
    assert_eq!(other.await.unwrap().billed_ms, 10);
    let canceled = world
        .records()
        .into_iter()
        .find(|record| record.status == StatusCode::Canceled);
    assert_eq!(canceled.unwrap().billed_ms, 15);
}

#[tokio::test(start_paused = true)]
async fn a_call_beyond_its_time_is_billed_its_time() {
    let world = world();
    let outcome = world.call("\"time out\"").await;
    assert_eq!(outcome.duration, world.version.timeout);
    assert_eq!(u128::from(outcome.billed_ms), world.version.timeout.as_millis());
}

#[tokio::test(start_paused = true)]
async fn one_call_that_is_given_up_leaves_the_others_on_its_instance_alone() {
    let world = world();
    let given_up = world.begin("\"hang\"").await;
    let other = world.begin("100").await;
    given_up.abort();
    assert!(given_up.await.unwrap_err().is_cancelled());
    assert_eq!(world.state().alive(), 1, "it still runs the other");
    let next = world.call("{}").await;
    assert_eq!(next.ret_msg, "1", "but no further call");
    let other = other.await.unwrap();
    assert_eq!((other.status, &other.ret_msg[..]), (StatusCode::Success, &b"0"[..]));
    assert_eq!(*world.state().gone.lock(), [0], "and then it goes");
    assert_eq!(world.load(), (0, 0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_start_that_fails_fails_those_it_was_for() {
    let world = world().plan([Plan::Fail(StartError::NoRoom("full".to_owned())), Plan::After(MS)]);
    let mut calls = Vec::new();
    for _ in 0..4 {
        calls.push(tokio::spawn({
            let (invoker, invocation) = (Arc::clone(&world.invoker), invocation(&world.version, "{}"));
            async move { invoker.invoke(invocation).await }
        }));
    }
    let mut statuses = Vec::new();
    for call in calls {
        statuses.push(call.await.unwrap().status);
    }
    let failed = statuses
        .iter()
        .filter(|status| **status == StatusCode::InsufficientResources);
    assert_eq!(failed.count(), 1, "the other start serves three: {statuses:?}");
}

#[tokio::test(start_paused = true)]
async fn an_update_lets_shared_instances_finish_what_they_run() {
    let world = world();
    let running = [world.begin("100").await, world.begin("200").await];
    world.invoker.retire(&world.version.uid, None);
    assert_eq!(world.call("{}").await.ret_msg, "1");
    for call in running {
        assert_eq!(call.await.unwrap().ret_msg, "0");
    }
    assert_eq!(*world.state().gone.lock(), [0]);
}
