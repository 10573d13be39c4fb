//! Instances that are kept ready: of which versions, how many, within what, and from when on.

use skiff_domain::Capacity;

use super::*;

async fn keep(bed: &Bed, name: &str, number: &str, instances: u32) -> Result<(), ProvisionConcurrencyError> {
    keep_so(bed, name, number, Capacity::Fixed(instances), Vec::new()).await
}

async fn keep_so(
    bed: &Bed,
    name: &str,
    number: &str,
    capacity: Capacity,
    actions: Vec<TimedAction>,
) -> Result<(), ProvisionConcurrencyError> {
    let input = ProvisionConcurrency {
        key: key(name),
        qualifier: number.parse().unwrap(),
        capacity,
        actions,
    };
    bed.control.provision_concurrency(input).await
}

/// `name:version=instances` of what is dealt out.
fn dealt(bed: &Bed) -> Vec<String> {
    let allotment = Arc::clone(&bed.around.allotment.lock());
    let shown = allotment.provisioned.iter().map(|one| {
        let most = one.capacity.most();
        format!("{}:{}={most}", one.version.key.name, one.version.label)
    });
    let mut shown: Vec<_> = shown.collect();
    shown.sort();
    shown
}

fn code<T>(result: Result<T, ProvisionConcurrencyError>) -> &'static str {
    result.map_or_else(|error| error.code(), |_| "")
}

#[tokio::test]
async fn instances_of_published_versions_are_kept_over_restarts_and_go_with_them() {
    let bed = Bed::new().await;
    for name in ["one", "two"] {
        bed.create(name).await.unwrap();
        bed.publish(name).await;
    }
    bed.publish("one").await;
    keep(&bed, "one", "1", 3).await.unwrap();
    keep(&bed, "one", "2", 1).await.unwrap();
    keep_so(&bed, "two", "1", tracking(0.7, 1, 5, 2).unwrap(), Vec::new())
        .await
        .unwrap();
    assert_eq!(dealt(&bed), ["one:1=3", "one:2=1", "two:1=5"]);
    let version = bed.resolve("one", "1").unwrap();
    let allotment = Arc::clone(&bed.around.allotment.lock());
    assert!(
        allotment
            .provisioned
            .iter()
            .any(|one| Arc::ptr_eq(&one.version, &version))
    );
    let view = bed.control.provisioned_concurrency(&key("one"), None).unwrap();
    assert_eq!(view.versions.len(), 2);
    let only = "1".parse().unwrap();
    let view = bed.control.provisioned_concurrency(&key("one"), Some(&only)).unwrap();
    assert_eq!((view.versions[0].2, view.versions.len()), (Capacity::Fixed(3), 1));

    let before = [bed.get("one"), bed.get("two")];
    *bed.around.allotment.lock() = Arc::default();
    let bed = bed.restart().await;
    assert_eq!([bed.get("one"), bed.get("two")], before);
    assert_eq!(dealt(&bed), ["one:1=3", "one:2=1", "two:1=5"]);

    keep(&bed, "one", "1", 4).await.unwrap();
    bed.control
        .unprovision_concurrency(key("two"), "1".parse().unwrap())
        .await
        .unwrap();
    assert_eq!(dealt(&bed), ["one:1=4", "one:2=1"]);
    let again = bed.control.unprovision_concurrency(key("two"), "1".parse().unwrap());
    assert_eq!(code(again.await), "ResourceNotFound");
    let deletion = DeleteFunctionVersion {
        key: key("one"),
        qualifier: "1".parse().unwrap(),
        bound: BoundAliases::Keep,
    };
    bed.control.delete_function_version(deletion).await.unwrap();
    assert_eq!(dealt(&bed), ["one:2=1"], "a deleted version has none");
    let deletion = DeleteFunction {
        key: key("one"),
        qualifier: None,
    };
    bed.control.delete_function(deletion).await.unwrap();
    assert!(dealt(&bed).is_empty());
}

#[tokio::test]
async fn only_of_published_versions_instances_are_kept_ready() {
    let bed = Bed::new().await;
    bed.create("one").await.unwrap();
    bed.publish("one").await;
    for (name, number, expected) in [
        ("one", "$LATEST", "InvalidParameterValue.Qualifier"),
        ("one", "$DEFAULT", "InvalidParameterValue.Qualifier"),
        ("one", "prod", "InvalidParameterValue.Qualifier"),
        ("one", "2", "ResourceNotFound.Qualifier"),
        ("none", "1", "ResourceNotFound.Function"),
    ] {
        assert_eq!(code(keep(&bed, name, number, 1).await), expected, "{name} {number}");
    }
    assert!(dealt(&bed).is_empty());
}

#[tokio::test]
async fn what_is_kept_ready_fits_into_what_there_is() {
    let bed = Bed::new().await;
    *bed.around.quotas.lock() = Quotas {
        concurrency_mb: 1280,
        ..Quotas::default()
    };
    let bed = bed.restart().await;
    for name in ["one", "two"] {
        bed.create(name).await.unwrap();
        bed.publish(name).await;
    }
    let (available, reserved) = (
        "FailedOperation.ProvisionedExceedAvailable",
        "FailedOperation.ProvisionedExceedReserved",
    );
    let left = |name: &str| {
        bed.control
            .provisioned_concurrency(&key(name), None)
            .unwrap()
            .unallocated
    };
    assert_eq!((left("one"), code(keep(&bed, "one", "1", 11).await)), (10, available));
    keep(&bed, "one", "1", 6).await.unwrap();
    assert_eq!((left("two"), code(keep(&bed, "two", "1", 5).await)), (4, available));
    let later = vec![TimedAction::new("noon", 5, "0 0 12 * * * *").unwrap()];
    let with_action = keep_so(&bed, "two", "1", Capacity::Fixed(1), later);
    assert_eq!(code(with_action.await), available, "the most there ever is has to fit");
    keep(&bed, "two", "1", 2).await.unwrap();

    // What is reserved holds what is kept ready of its function, and leaves room for that of others.
    let reserve = |name: &str, mb| bed.control.reserve_concurrency(key(name), mb);
    assert_eq!(reserve("one", 640).await.unwrap_err().code(), reserved);
    assert_eq!(reserve("two", 1024).await.unwrap_err().code(), available);
    reserve("one", 896).await.unwrap();
    assert_eq!((left("one"), left("two")), (1, 1));
    assert_eq!(code(keep(&bed, "one", "1", 8).await), reserved);
    assert_eq!(code(keep(&bed, "two", "1", 4).await), available);
    keep(&bed, "one", "1", 7).await.unwrap();
    keep(&bed, "two", "1", 3).await.unwrap();
    let total = bed.control.set_total_concurrency(1270).await.unwrap_err();
    assert_eq!(total.code(), "LimitExceeded.TotalConcurrencyMemory");
    assert_eq!(bed.control.account().namespaces[0].provisioned_mb, 1280);
    bed.control
        .release_concurrency(key("one"))
        .await
        .expect("it fits as well so");
}

#[tokio::test]
async fn an_action_that_is_due_is_dealt_out() {
    let bed = Bed::new().await;
    bed.create("one").await.unwrap();
    bed.publish("one").await;
    // The clock of this bed moves on by a second whenever it is read.
    let actions = vec![TimedAction::new("always", 2, "* * * * * * *").unwrap()];
    keep_so(&bed, "one", "1", Capacity::Fixed(0), actions).await.unwrap();
    let dealing = tokio::time::timeout(Duration::from_secs(60), async {
        tokio::select! {
            () = bed.control.keep_time() => {}
            () = async {
                while dealt(&bed) != ["one:1=2"] {
                    tokio::task::yield_now().await;
                }
            } => {}
        }
    });
    dealing.await.expect("it becomes due");
    let view = bed.control.provisioned_concurrency(&key("one"), None).unwrap();
    assert_eq!(view.versions[0].1.set(), Capacity::Fixed(0), "what was set stays set");
}
