//! The roles functions act in.

use super::*;

#[tokio::test]
async fn a_function_acts_in_a_role_that_there_is_and_its_versions_keep_theirs() {
    let bed = Bed::new().await;
    let role = |name: &str| Some(name.parse::<RoleName>().unwrap());
    let input = CreateFunction {
        role: role("admin"),
        ..creation("one")
    };
    assert_eq!(
        bed.control.create_function(input).await.unwrap_err().code(),
        "ResourceNotFound.Role"
    );
    assert_eq!(bed.packages().await, 0, "nothing is kept of it");
    let input = CreateFunction {
        role: role("orders"),
        ..creation("one")
    };
    bed.control.create_function(input).await.unwrap();
    bed.publish("one").await;
    let change = UpdateFunctionConfiguration {
        role: Some(None),
        ..UpdateFunctionConfiguration::of(key("one"))
    };
    bed.control.update_function_configuration(change).await.unwrap();
    let bed = bed.restart().await;
    assert_eq!(bed.resolve("one", "$LATEST").unwrap().role, None);
    assert_eq!(bed.resolve("one", "1").unwrap().role, role("orders"));
}
