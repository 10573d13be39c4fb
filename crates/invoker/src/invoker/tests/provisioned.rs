//! Instances that are kept ready whether or not there are calls.

use skiff_domain::{Allotment, Capacity, Provisioned, Tracking, Utilization};
use tokio::time::advance;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

impl World {
    fn keep(&self, capacity: Option<Capacity>) {
        let provisioned = capacity.map(|capacity| Provisioned {
            version: Arc::clone(&self.version),
            capacity,
        });
        self.invoker.allot(&Allotment {
            provisioned: provisioned.into_iter().collect(),
            ..Allotment::default()
        });
    }

    /// `provisioned ready` of the version.
    fn kept(&self) -> (u32, u32) {
        let load = self.invoker.load();
        load.first().map_or((0, 0), |load| (load.provisioned, load.ready))
    }
}

async fn pass(time: Duration) {
    advance(time).await;
    settle().await;
}

#[tokio::test(start_paused = true)]
async fn instances_are_ready_before_the_first_call_and_are_kept() {
    let world = World::new();
    world.keep(Some(Capacity::Fixed(2)));
    settle().await;
    assert_eq!((world.load(), world.kept()), ((0, 0, 2), (2, 2)));
    let outcome = world.call("{}").await;
    assert_eq!(outcome.status, StatusCode::Success);
    let cold = |record: &AttemptRecord| record.cold_start;
    assert!(!world.records().iter().any(cold), "nobody waited for a start");
    pass(10_000 * SECOND).await;
    assert_eq!(world.state().alive(), 2, "they do not grow old");

    world.keep(Some(Capacity::Fixed(1)));
    settle().await;
    assert_eq!(
        (world.state().alive(), world.kept()),
        (1, (1, 1)),
        "what is too much is old already"
    );
    world.keep(None);
    settle().await;
    assert_eq!(world.state().alive(), 0);
    assert!(world.invoker.load().is_empty(), "nothing is remembered");
    pass(SECOND).await;
    assert_eq!(world.state().started.load(std::sync::atomic::Ordering::SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_is_lost_is_replaced() {
    let world = World::new();
    world.keep(Some(Capacity::Fixed(2)));
    settle().await;
    world.state().dead.lock().push(0);
    pass(SECOND).await;
    assert_eq!(world.kept(), (2, 2), "one died idle");
    assert_eq!(world.call("\"exit\"").await.status, StatusCode::ProcessExited);
    assert_eq!(world.kept(), (2, 1), "one died in a call");
    pass(SECOND).await;
    assert_eq!(world.kept(), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn a_start_that_fails_is_tried_again_ever_more_seldom_and_the_reason_is_told() {
    let failing = (0..4).map(|_| Plan::Fail(StartError::NoRoom("full".to_owned())));
    let world = World::new().plan(failing);
    world.keep(Some(Capacity::Fixed(1)));
    settle().await;
    let failure = || world.invoker.load()[0].failure.clone();
    assert_eq!(failure().as_deref(), Some("no room for another instance: full"));
    for (pause, left) in [(1, 2), (2, 1), (4, 0)] {
        pass(pause * SECOND - SECOND / 2).await;
        assert_eq!(world.instances.plans.lock().len(), left + 1, "not before its time");
        pass(SECOND).await;
        assert_eq!(world.instances.plans.lock().len(), left, "after {pause} s");
    }
    pass(10 * SECOND).await;
    assert_eq!((world.kept(), failure()), ((1, 1), None));
}

#[tokio::test(start_paused = true)]
async fn starts_that_fail_together_are_one_try_and_those_of_calls_are_none() {
    let fail = || Plan::Fail(StartError::NoRoom("full".to_owned()));
    let world = World::new().plan((0..16).map(|_| fail()));
    world.keep(Some(Capacity::Fixed(8)));
    settle().await;
    assert_eq!(world.instances.plans.lock().len(), 8);
    pass(SECOND).await;
    assert_eq!(world.instances.plans.lock().len(), 0, "all of them again after 1 s");
    for _ in 0..3 {
        world.instances.plans.lock().push_front(fail());
        assert_eq!(world.call("{}").await.status, StatusCode::InsufficientResources);
    }
    pass(2 * SECOND).await;
    assert_eq!(world.kept(), (8, 8), "and after 2 s more");
}

#[tokio::test(start_paused = true)]
async fn many_are_not_started_all_at_once() {
    let world = World::new().plan((0..20).map(|_| Plan::After(SECOND)));
    world.keep(Some(Capacity::Fixed(20)));
    settle().await;
    assert_eq!(world.instances.plans.lock().len(), 12);
    pass(SECOND).await;
    assert_eq!((world.kept(), world.instances.plans.lock().len()), ((20, 8), 4));
    pass(SECOND).await;
    pass(SECOND).await;
    assert_eq!(world.kept(), (20, 20));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_comes_first_takes_an_instance_that_is_on_its_way() {
    let world = World::new().plan([Plan::After(SECOND)]);
    world.keep(Some(Capacity::Fixed(1)));
    settle().await;
    let call = world.begin("{}").await;
    assert_eq!(call.await.unwrap().status, StatusCode::Success);
    assert_eq!(world.state().alive(), 1, "none was started beside it");
}

#[tokio::test(start_paused = true)]
async fn capacity_follows_demand_up_at_once_and_down_after_a_while() {
    let world = World::new();
    let tracking = Tracking {
        utilization: Utilization::new(0.5).expect("a part"),
        min: 1,
        max: 6,
        initial: 3,
    };
    world.keep(Some(Capacity::Tracking(tracking)));
    settle().await;
    assert_eq!(world.kept(), (3, 3), "what it begins with");
    pass(61 * SECOND).await;
    assert_eq!(world.kept(), (1, 1));
    let mut calls = Vec::new();
    for _ in 0..2 {
        calls.push(world.begin("5000").await);
    }
    pass(SECOND).await;
    assert_eq!(world.kept(), (4, 4), "two calls are half of four");
    for _ in 0..3 {
        calls.push(world.begin("5000").await);
    }
    pass(SECOND).await;
    assert_eq!(world.kept(), (6, 6), "and not more than the most");
    for call in calls {
        assert_eq!(call.await.unwrap().status, StatusCode::Success);
    }
    pass(50 * SECOND).await;
    assert_eq!(world.kept(), (6, 6), "a lull is not the end of demand");
    pass(60 * SECOND).await;
    pass(60 * SECOND).await;
    assert_eq!(world.kept(), (1, 1));
    pass(200 * SECOND).await;
    assert_eq!(world.state().alive(), 1, "what is no longer kept grows old");
}

#[tokio::test(start_paused = true)]
async fn demand_between_two_looks_is_seen() {
    let world = World::new();
    let tracking = Tracking {
        utilization: Utilization::new(0.5).expect("a part"),
        min: 2,
        max: 8,
        initial: 8,
    };
    world.keep(Some(Capacity::Tracking(tracking)));
    settle().await;
    pass(SECOND / 2).await;
    for _ in 0..10 {
        pass(20 * SECOND).await;
        let calls = [
            world.begin("80").await,
            world.begin("80").await,
            world.begin("80").await,
        ];
        pass(SECOND / 10).await;
        for call in calls {
            assert_eq!(call.await.unwrap().status, StatusCode::Success);
        }
    }
    assert_eq!(world.kept(), (6, 6), "three calls are half of six");
    let cold = |record: &AttemptRecord| record.cold_start;
    assert!(!world.records().iter().any(cold));
}

#[tokio::test(start_paused = true)]
async fn calls_on_instances_that_are_kept_ready_are_beside_the_quotas() {
    let world = World::with(Limits {
        account_concurrency_mb: 256,
        ..Limits::default()
    });
    world.keep(Some(Capacity::Fixed(1)));
    settle().await;
    let calls = [world.begin("1000").await, world.begin("1000").await];
    assert_eq!(world.call("{}").await.status, StatusCode::ConcurrencyExceeded);
    for call in calls {
        assert_eq!(call.await.unwrap().status, StatusCode::Success);
    }
    assert_eq!(world.call("{}").await.status, StatusCode::Success);
}

#[tokio::test(start_paused = true)]
async fn what_is_kept_ready_of_functions_without_a_reservation_is_taken_off_what_all_share() {
    let world = World::with(Limits {
        account_concurrency_mb: 256,
        ..Limits::default()
    });
    world.keep(Some(Capacity::Fixed(1)));
    settle().await;
    let other = Arc::new(version("other"));
    let call = || {
        let (invoker, call) = (Arc::clone(&world.invoker), invocation(&other, "1000"));
        tokio::spawn(async move { invoker.invoke(call).await })
    };
    let first = call();
    settle().await;
    let refused = call().await.unwrap();
    assert_eq!(
        refused.status,
        StatusCode::ConcurrencyExceeded,
        "though nobody calls it"
    );
    assert!(
        refused.err_msg.contains("unreserved quota 128 MB"),
        "{}",
        refused.err_msg
    );
    let kept = world.call("{}").await;
    assert_eq!(
        kept.status,
        StatusCode::Success,
        "what is kept ready is there to be called"
    );
    world.keep(None);
    assert_eq!(call().await.unwrap().status, StatusCode::Success);
    assert_eq!(first.await.unwrap().status, StatusCode::Success);
    // A reservation holds its own.
    let provisioned = Provisioned {
        version: Arc::clone(&world.version),
        capacity: Capacity::Fixed(1),
    };
    world.invoker.allot(&Allotment {
        reserved_mb: [(world.version.uid.clone(), 128)].into(),
        provisioned: vec![provisioned],
        ..Allotment::default()
    });
    assert_eq!(call().await.unwrap().status, StatusCode::Success);
    assert_eq!(world.call("{}").await.status, StatusCode::Success);
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_ends_what_is_kept_ready() {
    let world = World::new();
    world.keep(Some(Capacity::Fixed(3)));
    settle().await;
    world.invoker.shutdown(Instant::now() + SECOND).await;
    assert_eq!(world.state().alive(), 0);
    world.keep(Some(Capacity::Fixed(3)));
    pass(SECOND).await;
    assert_eq!(world.state().alive(), 0, "nothing is started any more");
}
