//! Changes at the same time.

use skiff_domain::limits::{FUNCTIONS_PER_NAMESPACE_MAX, NAMESPACES_MAX};

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_creations_of_one_name_one_wins_whoever_decides() {
    // Two control planes on one store: neither sees the other's memory, only the store can decide.
    let bed = Bed::new().await;
    let other = Bed::on(Arc::clone(&bed.store), bed.store.clone()).await;
    for round in 0..20 {
        let name = format!("f{round}");
        let (a, b, c) = tokio::join!(bed.create(&name), other.create(&name), bed.create(&name));
        let results = [a, b, c];
        assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1, "{results:?}");
        for error in results.iter().filter_map(|result| result.as_ref().err()) {
            assert_eq!(error.code(), "ResourceInUse.Function", "{error}");
        }
        assert_eq!(
            bed.get(&name).unwrap(),
            other.get(&name).unwrap(),
            "whoever lost knows the winner's function"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_limits_hold_for_creations_at_the_same_time() {
    let bed = Bed::new().await;
    let other = Bed::on(Arc::clone(&bed.store), bed.store.clone()).await;
    let names: Vec<String> = (0..FUNCTIONS_PER_NAMESPACE_MAX + 10).map(|i| format!("f{i}")).collect();
    let planes = [&bed, &other];
    let creations = names.iter().enumerate().map(|(i, name)| planes[i % 2].create(name));
    let results = futures::future::join_all(creations).await;
    assert_eq!(
        results.iter().filter(|result| result.is_ok()).count(),
        FUNCTIONS_PER_NAMESPACE_MAX
    );
    for error in results.iter().filter_map(|result| result.as_ref().err()) {
        assert_eq!(error.code(), "LimitExceeded.Function", "{error}");
    }

    let namespaces = (0..NAMESPACES_MAX + 3).map(|i| {
        planes[i % 2].control.create_namespace(CreateNamespace {
            name: format!("ns{i}").parse().unwrap(),
            description: Description::default(),
        })
    });
    let results = futures::future::join_all(namespaces).await;
    assert_eq!(
        results.iter().filter(|result| result.is_ok()).count(),
        NAMESPACES_MAX - 1
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_namespace_is_not_deleted_under_a_function_that_is_being_created() {
    let bed = Bed::new().await;
    let other = Bed::on(Arc::clone(&bed.store), bed.store.clone()).await;
    for round in 0..20 {
        let name = format!("ns{round}");
        let namespace = CreateNamespace {
            name: name.parse().unwrap(),
            description: Description::default(),
        };
        bed.control.create_namespace(namespace).await.unwrap();
        let creating = format!("{name}/hello");
        let (created, deleted) = tokio::join!(
            bed.create(&creating),
            other.control.delete_namespace(name.parse().unwrap())
        );
        // The other plane may not have heard of the namespace yet; then it deletes nothing.
        assert!(created.is_ok() || deleted.is_ok(), "{created:?} {deleted:?}");
        assert!(created.is_err() || deleted.is_err(), "{created:?} {deleted:?}");
        if created.is_ok() {
            let input = DeleteFunction {
                key: key(&creating),
                qualifier: None,
            };
            bed.control.delete_function(input).await.unwrap();
            bed.control.delete_namespace(name.parse().unwrap()).await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn updates_at_the_same_time_all_happen_one_after_the_other() {
    let bed = Bed::new().await;
    bed.create("hello").await.unwrap();
    let updates = (0..20).map(|i| {
        bed.control.update_function_configuration(UpdateFunctionConfiguration {
            timeout: Timeout::from_secs(i + 1).ok(),
            ..UpdateFunctionConfiguration::of(key("hello"))
        })
    });
    futures::future::try_join_all(updates).await.unwrap();
    assert_eq!(bed.get("hello").unwrap().revision.0, 21);
    let memory = bed.get("hello").unwrap();
    let bed = bed.restart().await;
    assert_eq!(bed.get("hello").unwrap(), memory);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn creations_and_deletions_of_the_same_code_never_lose_it() {
    let bed = Bed::new().await;
    for _ in 0..30 {
        bed.create("first").await.unwrap();
        let deletion = DeleteFunction {
            key: key("first"),
            qualifier: None,
        };
        let (deleted, created) = tokio::join!(bed.control.delete_function(deletion), bed.create("second"));
        deleted.unwrap();
        created.unwrap();
        assert_eq!(bed.packages().await, 1);
        let deletion = DeleteFunction {
            key: key("second"),
            qualifier: None,
        };
        bed.control.delete_function(deletion).await.unwrap();
    }
}
