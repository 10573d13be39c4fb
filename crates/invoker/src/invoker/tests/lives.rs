//! Which instance serves whom, and when instances come and go.

use skiff_domain::Revision;
use tokio::time::advance;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn the_most_recently_used_instance_is_taken_first() {
    let world = World::new();
    let slow = world.begin("200").await;
    let quick = world.begin("100").await;
    let (slow, quick) = (slow.await.unwrap(), quick.await.unwrap());
    assert_eq!(world.load(), (0, 0, 2));
    assert_eq!(world.call("{}").await.ret_msg, slow.ret_msg, "it finished last");
    assert_ne!(slow.ret_msg, quick.ret_msg);
}

#[tokio::test(start_paused = true)]
async fn a_waiting_call_takes_whatever_is_free_first() {
    let world = World::new().plan([Plan::After(SECOND), Plan::After(30 * SECOND)]);
    let first = world.begin("1000").await;
    let second = world.begin("10").await;
    assert_eq!(world.load(), (2, 2, 0));
    let (first, second) = (first.await.unwrap(), second.await.unwrap());
    assert_eq!(
        first.ret_msg, second.ret_msg,
        "the second call did not wait for its own start"
    );
    assert!(first.init.is_some() && second.init.is_none());
    assert_eq!(world.load(), (0, 0, 1));
    advance(30 * SECOND).await;
    settle().await;
    assert_eq!(world.load(), (0, 0, 2), "the start was not lost");
}

#[tokio::test(start_paused = true)]
async fn calls_that_wait_are_served_in_the_order_they_came() {
    let world = World::new().plan((1..=3).map(|n| Plan::After(n * SECOND)));
    let mut calls = Vec::new();
    for _ in 0..3 {
        calls.push(world.begin("10000").await);
    }
    for (call, number) in calls.into_iter().zip(["0", "1", "2"]) {
        assert_eq!(call.await.unwrap().ret_msg, number);
    }
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_is_idle_for_too_long_goes() {
    let world = World::with(Limits {
        idle_timeout: 180 * SECOND,
        ..Limits::default()
    });
    world.call("{}").await;
    advance(179 * SECOND).await;
    settle().await;
    assert_eq!(world.load(), (0, 0, 1));
    world.call("{}").await;
    advance(179 * SECOND).await;
    settle().await;
    assert_eq!(world.state().alive(), 1, "a call begins its time anew");
    advance(SECOND).await;
    settle().await;
    assert_eq!(world.state().alive(), 0);
    assert!(world.invoker.load().is_empty(), "nothing is remembered of it");
    world.call("{}").await;
    advance(180 * SECOND).await;
    settle().await;
    assert_eq!(
        world.state().alive(),
        0,
        "the reaper goes on after there was nothing to do"
    );
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_died_while_idle_is_not_offered() {
    let world = World::new();
    world.call("{}").await;
    world.state().dead.lock().push(0);
    assert_eq!(world.call("{}").await.ret_msg, "1");
    assert_eq!(*world.state().gone.lock(), [0]);
}

#[tokio::test(start_paused = true)]
async fn retiring_lets_idle_instances_go_at_once_and_busy_ones_when_they_are_done() {
    let world = World::new();
    let busy = world.begin("1000").await;
    world.begin("10").await.await.unwrap();
    assert_eq!(world.load(), (1, 0, 1));
    world.invoker.retire(&world.version.uid, None);
    assert_eq!(world.load(), (1, 0, 0));
    assert_eq!(busy.await.unwrap().status, StatusCode::Success);
    assert_eq!(world.state().alive(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_version_is_retired_alone_and_its_instances_run_nothing_else() {
    let mut world = World::new();
    world.call("{}").await;
    let latest = Arc::clone(&world.version);
    let mut published = Version::clone(&latest);
    published.label = "1".parse().unwrap();
    world.version = Arc::new(published);
    assert_eq!(world.call("{}").await.ret_msg, "1", "not on the instance of $LATEST");
    world.invoker.retire(&latest.uid, Some(&latest.label));
    assert_eq!(*world.state().gone.lock(), [0]);
    assert_eq!(world.call("{}").await.ret_msg, "1", "it is still there");
    world.invoker.retire(&latest.uid, None);
    assert_eq!(world.state().alive(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_was_being_started_when_retired_serves_its_call_and_goes() {
    let world = World::new().plan([Plan::After(SECOND)]);
    let call = world.begin("{}").await;
    world.invoker.retire(&world.version.uid, None);
    assert_eq!(call.await.unwrap().status, StatusCode::Success);
    assert_eq!(world.state().alive(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_newer_revision_never_runs_on_an_older_instance() {
    let mut world = World::new();
    let old = world.begin("1000").await;
    world.begin("10").await.await.unwrap();
    let mut newer = (*world.version).clone();
    newer.revision = Revision(2);
    world.version = Arc::new(newer);
    assert_eq!(world.call("{}").await.ret_msg, "2");
    assert_eq!(
        *world.state().gone.lock(),
        [1],
        "the older idle one went with the first newer call"
    );
    assert_eq!(old.await.unwrap().ret_msg, "0");
    assert_eq!(*world.state().gone.lock(), [1, 0]);
    assert_eq!(world.call("{}").await.ret_msg, "2");
}

#[tokio::test(start_paused = true)]
async fn a_call_of_an_older_revision_that_comes_late_leaves_no_instance() {
    let mut world = World::new();
    let older = Arc::clone(&world.version);
    let mut newer = (*world.version).clone();
    newer.revision = Revision(2);
    world.version = Arc::new(newer);
    world.call("{}").await;
    let late = world.invoker.invoke(invocation(&older, "{}")).await;
    assert_eq!(late.ret_msg, "1");
    assert_eq!(*world.state().gone.lock(), [1]);
}

#[tokio::test(start_paused = true)]
async fn when_there_is_no_room_the_instance_that_is_idle_longest_gives_way() {
    let world = World::new();
    world.call("{}").await;
    let other = Arc::new(version("other"));
    let no_room = || Plan::Fail(StartError::NoRoom("full".to_owned()));
    let world = world.plan([no_room()]);
    assert_eq!(world.invoker.invoke(invocation(&other, "{}")).await.ret_msg, "1");
    assert_eq!(*world.state().gone.lock(), [0]);
    let world = world.plan([no_room(), no_room()]);
    let refused = world.call("{}").await;
    assert_eq!(refused.status.code(), 449, "after everything idle has given way");
    assert_eq!(*world.state().gone.lock(), [0, 1]);
}

#[tokio::test(start_paused = true)]
async fn a_failed_start_fails_one_call_and_the_other_start_serves_the_other() {
    let world = World::new().plan([
        Plan::After(SECOND),
        Plan::Fail(StartError::Platform("broken".to_owned())),
    ]);
    let first = world.begin("{}").await;
    let second = world.begin("{}").await;
    let statuses = [first.await.unwrap().status.code(), second.await.unwrap().status.code()];
    assert_eq!(statuses, [500, 200]);
}

#[tokio::test(start_paused = true)]
async fn a_failed_start_harms_nobody_who_is_served_otherwise() {
    let world = World::new().plan([Plan::After(SECOND), Plan::After(30 * SECOND), Plan::After(2 * SECOND)]);
    let first = world.begin("100").await;
    let second = world.begin("100").await;
    for call in [first, second] {
        assert_eq!(call.await.unwrap().status, StatusCode::Success);
    }
    assert_eq!(world.load(), (0, 0, 1));
}
