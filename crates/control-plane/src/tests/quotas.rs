//! The operator's limits, what the account's owner makes of them, and what is set apart for functions.

use super::*;

/// A bed whose operator allows this.
async fn allowing(quotas: Quotas) -> Bed {
    let bed = Bed::new().await;
    *bed.around.quotas.lock() = quotas;
    bed.restart().await
}

fn reserved(bed: &Bed) -> Vec<u64> {
    let allotment = Arc::clone(&bed.around.allotment.lock());
    let mut reserved: Vec<u64> = allotment.reserved_mb.values().copied().collect();
    reserved.sort_unstable();
    reserved
}

#[tokio::test]
async fn the_operator_says_how_many_functions_and_namespaces_there_are() {
    let quotas = Quotas {
        namespaces_max: 2,
        functions_per_namespace_max: 1,
        ..Quotas::default()
    };
    let bed = allowing(quotas.clone()).await;
    bed.create("one").await.unwrap();
    let error = bed.create("two").await.unwrap_err();
    assert_eq!(error.code(), "LimitExceeded.Function");
    assert!(error.to_string().contains("has 1 functions"), "{error}");
    let namespace = |name: &str| CreateNamespace {
        name: name.parse().unwrap(),
        description: Description::default(),
    };
    bed.control.create_namespace(namespace("second")).await.unwrap();
    let error = bed.control.create_namespace(namespace("third")).await.unwrap_err();
    assert_eq!(error.code(), "LimitExceeded.Namespace");
    assert_eq!(bed.control.account().quotas, quotas);
}

#[tokio::test]
async fn what_is_set_apart_is_dealt_out_shown_and_kept_over_restarts() {
    let bed = Bed::new().await;
    bed.create("one").await.unwrap();
    bed.create("two").await.unwrap();
    assert_eq!(bed.control.reserved_concurrency(&key("one")), Ok(None));
    bed.control.reserve_concurrency(key("one"), 1024).await.unwrap();
    bed.control.reserve_concurrency(key("two"), 0).await.unwrap();
    assert_eq!(reserved(&bed), [0, 1024]);
    let before = bed.get("one").unwrap();
    assert_eq!(before.reserved_mb, Some(1024));
    bed.control.set_total_concurrency(20_000).await.unwrap();
    let account = bed.control.account();
    assert_eq!((account.concurrency_mb, account.reserved_mb), (20_000, 1024));
    assert_eq!(account.namespaces[0].reserved_mb, 1024);

    *bed.around.allotment.lock() = Arc::default();
    let bed = bed.restart().await;
    assert_eq!(reserved(&bed), [0, 1024]);
    assert_eq!(bed.around.allotment.lock().account_mb, Some(20_000));
    assert_eq!(bed.get("one").unwrap(), before);

    bed.control.release_concurrency(key("two")).await.unwrap();
    assert_eq!(bed.control.reserved_concurrency(&key("two")), Ok(None));
    let deletion = DeleteFunction {
        key: key("one"),
        qualifier: None,
    };
    bed.control.delete_function(deletion).await.unwrap();
    assert!(reserved(&bed).is_empty(), "a deleted function has nothing");
}

#[tokio::test]
async fn a_part_of_the_account_is_never_set_apart() {
    let quotas = Quotas {
        concurrency_mb: 10_000,
        ..Quotas::default()
    };
    let bed = allowing(quotas).await;
    for name in ["one", "two"] {
        bed.create(name).await.unwrap();
    }
    let reserve = |name: &str, mb| bed.control.reserve_concurrency(key(name), mb);
    let code = |result: Result<(), ReserveConcurrencyError>| result.map_err(|error| error.code());
    let alone = "LimitExceeded.FunctionReservedConcurrencyMemory";
    assert_eq!(code(reserve("one", 9_001).await), Err(alone));
    reserve("one", 5_000).await.unwrap();
    let together = "FailedOperation.ReservedExceedTotal";
    assert_eq!(code(reserve("two", 4_001).await), Err(together));
    reserve("two", 4_000).await.unwrap();
    reserve("one", 5_000).await.expect("its own is no obstacle");
    assert_eq!(code(reserve("one", 5_001).await), Err(together));
    assert_eq!(code(reserve("none", 1).await), Err("ResourceNotFound.Function"));

    let total = |mb| bed.control.set_total_concurrency(mb);
    let error = total(10_001).await.unwrap_err();
    assert_eq!(error.code(), "LimitExceeded.UserTotalConcurrencyMemory");
    let error = total(9_000).await.unwrap_err();
    assert_eq!(error.code(), "LimitExceeded.TotalConcurrencyMemory");
    total(10_000).await.unwrap();

    // Where an operator allows less than is set apart, giving back is possible and taking more is not.
    bed.around.quotas.lock().concurrency_mb = 1_000;
    let bed = bed.restart().await;
    assert_eq!(bed.control.account().concurrency_mb, 1_000);
    let reserve = |name: &str, mb| bed.control.reserve_concurrency(key(name), mb);
    assert_eq!(code(reserve("one", 5_001).await), Err(alone));
    reserve("one", 800).await.expect("less than before");
    assert_eq!(code(reserve("one", 801).await), Err(together));
}

#[tokio::test]
async fn of_two_reservations_at_the_same_time_none_takes_what_the_other_has() {
    let quotas = Quotas {
        concurrency_mb: 1_000,
        ..Quotas::default()
    };
    let bed = allowing(quotas).await;
    let names: Vec<String> = (0..10).map(|i| format!("f{i}")).collect();
    for name in &names {
        bed.create(name).await.unwrap();
    }
    let all = names.iter().map(|name| bed.control.reserve_concurrency(key(name), 256));
    let results = futures::future::join_all(all).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 3);
    assert_eq!(reserved(&bed), [256; 3]);
}

#[tokio::test]
async fn a_quota_below_one_call_of_a_function_is_refused_and_0_switches_it_off() {
    let bed = Bed::new().await;
    bed.create("one").await.unwrap();
    let error = bed.control.reserve_concurrency(key("one"), 127).await.unwrap_err();
    assert_eq!(error.code(), "InvalidParameterValue");
    for said in ["ReservedConcurrencyMem 127", "128 or more", "or 0"] {
        assert!(error.to_string().contains(said), "{said}: {error}");
    }
    let error = bed.control.set_total_concurrency(127).await.unwrap_err();
    assert_eq!(error.code(), "InvalidParameterValue");
    for said in ["TotalConcurrencyMem 127", "one needs", "128 or more"] {
        assert!(error.to_string().contains(said), "{said}: {error}");
    }
    bed.control.set_total_concurrency(128).await.unwrap();
    bed.control.reserve_concurrency(key("one"), 0).await.unwrap();
    bed.control
        .set_total_concurrency(64)
        .await
        .expect("what is off needs nothing");
}
