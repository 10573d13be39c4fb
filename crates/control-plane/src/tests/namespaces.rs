//! Namespaces.

use skiff_domain::NamespaceName;
use skiff_domain::limits::NAMESPACES_MAX;

use super::*;

fn namespace(name: &str) -> CreateNamespace {
    CreateNamespace {
        name: name.parse().unwrap(),
        description: Description::new(format!("the {name} one")).unwrap(),
    }
}

fn names(bed: &Bed, input: &ListNamespaces) -> Vec<String> {
    let listing = bed.control.list_namespaces(input);
    listing
        .items
        .iter()
        .map(|namespace| namespace.name.to_string())
        .collect()
}

async fn delete(bed: &Bed, name: &str) -> Result<(), DeleteNamespaceError> {
    bed.control
        .delete_namespace(name.parse::<NamespaceName>().unwrap())
        .await
}

#[tokio::test]
async fn default_always_exists_and_is_never_deleted() {
    let bed = Bed::new().await;
    assert_eq!(names(&bed, &ListNamespaces::default()), ["default"]);
    let error = delete(&bed, "default").await.unwrap_err();
    assert_eq!(error.code(), "InvalidParameterValue.DefaultNamespace");
    let error = bed.control.create_namespace(namespace("default")).await.unwrap_err();
    assert_eq!(error.code(), "ResourceInUse.Namespace");
}

#[tokio::test]
async fn there_are_at_most_five_and_a_deleted_one_makes_room() {
    let bed = Bed::new().await;
    for i in 1..NAMESPACES_MAX {
        bed.control
            .create_namespace(namespace(&format!("ns{i}")))
            .await
            .unwrap();
    }
    let error = bed.control.create_namespace(namespace("more")).await.unwrap_err();
    assert_eq!(error.code(), "LimitExceeded.Namespace");
    delete(&bed, "ns2").await.unwrap();
    bed.control.create_namespace(namespace("more")).await.unwrap();
}

#[tokio::test]
async fn only_an_empty_namespace_is_deleted() {
    let bed = Bed::new().await;
    bed.control.create_namespace(namespace("prod")).await.unwrap();
    bed.create("prod/hello").await.unwrap();
    let error = delete(&bed, "prod").await.unwrap_err();
    assert_eq!(error.code(), "FailedOperation.DeleteNamespace");
    assert!(error.to_string().contains("functions: 1"), "{error}");
    let input = DeleteFunction {
        key: key("prod/hello"),
        qualifier: None,
    };
    bed.control.delete_function(input).await.unwrap();
    delete(&bed, "prod").await.unwrap();
    assert_eq!(
        delete(&bed, "prod").await.unwrap_err().code(),
        "ResourceNotFound.Namespace"
    );
}

#[tokio::test]
async fn namespaces_are_listed_by_what_their_name_and_description_hold() {
    let bed = Bed::new().await;
    for name in ["prod", "dev"] {
        bed.control.create_namespace(namespace(name)).await.unwrap();
    }
    let by = |order_by: &str, order: &str| ListNamespaces {
        order_by: order_by.parse().unwrap(),
        order: order.parse().unwrap(),
        ..ListNamespaces::default()
    };
    assert_eq!(names(&bed, &by("Name", "ASC")), ["default", "dev", "prod"]);
    assert_eq!(names(&bed, &by("AddTime", "DESC")), ["dev", "prod", "default"]);
    assert_eq!(names(&bed, &by("ModTime", "ASC")), ["default", "prod", "dev"]);
    let search = |key: &str, value: &str| NamespaceSearch::parse(key, value.to_owned()).unwrap();
    for (search, found) in [
        (vec![search("Namespace", "de")], vec!["default", "dev"]),
        (vec![search("Description", "the dev")], vec!["dev"]),
        (vec![search("Namespace", "de"), search("Description", "prod")], vec![]),
    ] {
        let input = ListNamespaces {
            search,
            ..ListNamespaces::default()
        };
        assert_eq!(names(&bed, &input), found);
    }
    let error = NamespaceSearch::parse("Color", String::new()).unwrap_err();
    assert_eq!(error.code(), "InvalidParameterValue.SearchKey");
}

#[tokio::test]
async fn a_description_is_replaced_and_nothing_else() {
    let bed = Bed::new().await;
    bed.create("hello").await.unwrap();
    let update = |name: &str| UpdateNamespace {
        name: name.parse().unwrap(),
        description: Description::new("new").unwrap(),
    };
    bed.control.update_namespace(update("default")).await.unwrap();
    let listing = bed.control.list_namespaces(&ListNamespaces::default());
    let default = &listing.items[0];
    assert_eq!((default.description.as_str(), default.functions), ("new", 1));
    assert!(default.modified_at > default.created_at);
    let error = bed.control.update_namespace(update("nope")).await.unwrap_err();
    assert_eq!(error.code(), "ResourceNotFound.Namespace");
}
