//! Deleting functions.

use super::*;

fn deletion(name: &str, qualifier: Option<&str>) -> DeleteFunction {
    DeleteFunction {
        key: key(name),
        qualifier: qualifier.map(|qualifier| qualifier.parse().unwrap()),
    }
}

#[tokio::test]
async fn a_deleted_function_is_gone_with_its_instances_and_its_package() {
    let bed = Bed::new().await;
    bed.create("hello").await.unwrap();
    let uid = bed.get("hello").unwrap().uid.clone();
    bed.control.delete_function(deletion("hello", None)).await.unwrap();
    assert_eq!(bed.get("hello").unwrap_err().code(), "ResourceNotFound.Function");
    assert_eq!(*bed.around.retired.lock(), [(uid, None)]);
    assert_eq!(bed.packages().await, 0);
    let error = bed.control.delete_function(deletion("hello", None)).await.unwrap_err();
    assert_eq!(error.code(), "ResourceNotFound.Function");
}

#[tokio::test]
async fn a_package_stays_while_another_function_uses_it() {
    let bed = Bed::new().await;
    bed.create("one").await.unwrap();
    bed.create("two").await.unwrap();
    bed.control.delete_function(deletion("one", None)).await.unwrap();
    assert_eq!(bed.packages().await, 1);
    let code = bed.get("two").unwrap().configuration.code;
    assert!(bed.base.path().join(format!("packages/{code}/index.py")).exists());
}

#[tokio::test]
async fn a_single_version_that_does_not_exist_or_is_the_latest_is_not_deleted() {
    let bed = Bed::new().await;
    bed.create("hello").await.unwrap();
    for (qualifier, code) in [
        ("1", "ResourceNotFound.Qualifier"),
        ("$LATEST", "InvalidParameterValue.Qualifier"),
        ("$DEFAULT", "InvalidParameterValue.Qualifier"),
    ] {
        let error = bed
            .control
            .delete_function(deletion("hello", Some(qualifier)))
            .await
            .unwrap_err();
        assert_eq!(error.code(), code, "{error}");
    }
    assert!(bed.get("hello").is_ok());
}
