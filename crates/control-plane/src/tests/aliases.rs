//! Aliases: where they lead, how they share calls out, and what they keep.

use std::collections::BTreeMap;

use skiff_domain::limits::ALIASES_PER_FUNCTION_MAX;
use skiff_domain::{AliasName, VersionRef};

use super::*;
use crate::change::ChangeError;
use crate::document::Document;
use crate::state::{State, Write};

/// A function with the versions 1 to 3 and no alias but the built-in one.
async fn bed_with_versions() -> Bed {
    let bed = Bed::new().await;
    bed.create("hello").await.unwrap();
    for _ in 0..3 {
        bed.publish("hello").await;
    }
    bed
}

fn alias(name: &str, version: &str) -> PutAlias {
    PutAlias {
        key: key("hello"),
        name: name.parse().unwrap(),
        version: version.parse().unwrap(),
        routing: Routing::None,
        description: None,
    }
}

fn weighted(name: &str, version: &str, other: &str, weight: f64) -> PutAlias {
    PutAlias {
        routing: Routing::parse(&[(other.to_owned(), weight)], Vec::new()).unwrap(),
        ..alias(name, version)
    }
}

fn ruled(name: &str, version: &str, other: &str, user: &str) -> PutAlias {
    let rule = GivenRule {
        version: other.to_owned(),
        key: "invoke.headers.User".to_owned(),
        method: "exact".to_owned(),
        expression: user.to_owned(),
    };
    PutAlias {
        routing: Routing::parse(&[], vec![rule]).unwrap(),
        ..alias(name, version)
    }
}

fn label(bed: &Bed, qualifier: &str) -> String {
    bed.resolve("hello", qualifier).unwrap().label.to_string()
}

fn names(bed: &Bed, version: Option<&str>) -> Vec<String> {
    let input = ListAliases {
        key: key("hello"),
        version: version.map(|version| version.parse().unwrap()),
        page: Page::default(),
    };
    let listing = bed.control.list_aliases(&input).unwrap();
    listing.items.iter().map(|alias| alias.name.to_string()).collect()
}

async fn delete_version(bed: &Bed, number: &str, bound: BoundAliases) -> Result<(), DeleteFunctionVersionError> {
    let input = DeleteFunctionVersion {
        key: key("hello"),
        qualifier: number.parse().unwrap(),
        bound,
    };
    bed.control.delete_function_version(input).await
}

#[tokio::test]
async fn an_alias_leads_to_its_version_until_it_is_changed() {
    let bed = bed_with_versions().await;
    bed.control.create_alias(alias("prod", "2")).await.unwrap();
    assert_eq!(label(&bed, "prod"), "2");
    let created = bed.control.get_alias(&key("hello"), &"prod".parse().unwrap()).unwrap();
    let change = PutAlias {
        description: Description::new("live").ok(),
        ..alias("prod", "3")
    };
    bed.control.update_alias(change).await.unwrap();
    assert_eq!(label(&bed, "prod"), "3");
    // Back again: the description is not given, and stays.
    bed.control.update_alias(alias("prod", "2")).await.unwrap();
    assert_eq!(label(&bed, "prod"), "2");
    let changed = bed.control.get_alias(&key("hello"), &"prod".parse().unwrap()).unwrap();
    assert_eq!(changed.description.as_str(), "live");
    assert_eq!(changed.created_at, created.created_at);
    assert!(changed.modified_at > created.modified_at);
    let view = bed
        .control
        .get_function(&key("hello"), &"prod".parse().unwrap())
        .unwrap();
    assert_eq!(view.version.to_string(), "2");
    assert!(bed.around.retired.lock().is_empty(), "the versions' instances stay");
    bed.control
        .delete_alias(key("hello"), "prod".parse().unwrap())
        .await
        .unwrap();
    assert_eq!(
        bed.resolve("hello", "prod").unwrap_err().code(),
        "ResourceNotFound.Qualifier"
    );
}

#[tokio::test]
async fn the_default_alias_is_there_from_the_beginning_and_leads_to_the_latest_until_changed() {
    let bed = bed_with_versions().await;
    assert_eq!(names(&bed, None), ["$DEFAULT"]);
    assert_eq!(label(&bed, "$DEFAULT"), "$LATEST");
    bed.control.update_alias(alias("$DEFAULT", "1")).await.unwrap();
    assert_eq!(label(&bed, "$DEFAULT"), "1");
    let bed = bed.restart().await;
    assert_eq!(label(&bed, "$DEFAULT"), "1");
    let error = bed.control.create_alias(alias("$DEFAULT", "1")).await.unwrap_err();
    assert_eq!(error.code(), "ResourceInUse.Alias");
    let error = bed
        .control
        .delete_alias(key("hello"), AliasName::default_alias())
        .await
        .unwrap_err();
    assert_eq!(error.code(), "FailedOperation.DeleteAlias");
    bed.control.update_alias(alias("$DEFAULT", "$LATEST")).await.unwrap();
    assert_eq!(label(&bed, "$DEFAULT"), "$LATEST");
}

#[tokio::test]
async fn a_share_of_an_aliass_calls_goes_to_the_other_version() {
    let bed = bed_with_versions().await;
    bed.control
        .create_alias(weighted("prod", "1", "2", 0.25))
        .await
        .unwrap();
    let mut counts = BTreeMap::new();
    for _ in 0..4000 {
        *counts.entry(label(&bed, "prod")).or_insert(0) += 1;
    }
    // 1000 by expectation, with a deviation of 27.
    assert!((700..1300).contains(&counts["2"]) && counts.len() == 2, "{counts:?}");
    let id = RequestId::random();
    let (key, prod) = (key("hello"), "prod".parse().unwrap());
    let once = bed.control.resolve(&key, &prod, &Draw::of(id, None)).unwrap();
    let again = bed.control.resolve(&key, &prod, &Draw::of(id, None)).unwrap();
    assert!(
        Arc::ptr_eq(&once, &again),
        "one call goes one way however often it is tried"
    );
    for (weight, all) in [(0.0, "1"), (1.0, "2")] {
        bed.control
            .update_alias(weighted("prod", "1", "2", weight))
            .await
            .unwrap();
        assert!((0..200).all(|_| label(&bed, "prod") == all));
    }
    // What is not stated anew is gone: a rollback is one change.
    bed.control.update_alias(alias("prod", "1")).await.unwrap();
    assert!((0..200).all(|_| label(&bed, "prod") == "1"));
}

#[tokio::test]
async fn calls_whose_routing_key_matches_go_to_the_rules_version() {
    let bed = bed_with_versions().await;
    bed.control
        .create_alias(ruled("prod", "1", "$LATEST", "Bob"))
        .await
        .unwrap();
    let bed = bed.restart().await;
    for (routing_key, expected) in [
        (Some(r#"{"User": "Bob"}"#), "$LATEST"),
        (Some(r#"{"User": "Eve"}"#), "1"),
        (Some("{}"), "1"),
        (None, "1"),
    ] {
        let routing_key = routing_key.map(|text| RoutingKey::parse(text).unwrap());
        let draw = Draw::of(RequestId::random(), routing_key.as_ref());
        let version = bed.control.resolve(&key("hello"), &"prod".parse().unwrap(), &draw);
        assert_eq!(version.unwrap().label.as_str(), expected, "{routing_key:?}");
    }
}

#[tokio::test]
async fn what_cannot_be_an_alias_is_refused_and_changes_nothing() {
    let bed = bed_with_versions().await;
    bed.control.create_alias(alias("prod", "1")).await.unwrap();
    let nobody = PutAlias {
        key: key("nobody"),
        ..alias("prod", "1")
    };
    for (input, code) in [
        (nobody.clone(), "ResourceNotFound.Function"),
        (alias("prod", "2"), "ResourceInUse.Alias"),
        (alias("next", "7"), "ResourceNotFound.FunctionVersion"),
        (weighted("next", "1", "7", 0.1), "ResourceNotFound.FunctionVersion"),
        (ruled("next", "1", "7", "Bob"), "ResourceNotFound.FunctionVersion"),
        (weighted("next", "1", "1", 0.1), "InvalidParameterValue.RoutingConfig"),
    ] {
        let error = bed.control.create_alias(input).await.unwrap_err();
        assert_eq!(error.code(), code, "{error}");
    }
    for (input, code) in [
        (nobody, "ResourceNotFound.Function"),
        (alias("next", "1"), "ResourceNotFound.Alias"),
        (alias("prod", "7"), "ResourceNotFound.FunctionVersion"),
        (weighted("prod", "2", "7", 0.1), "ResourceNotFound.FunctionVersion"),
    ] {
        let error = bed.control.update_alias(input).await.unwrap_err();
        assert_eq!(error.code(), code, "{error}");
    }
    assert_eq!(names(&bed, None), ["$DEFAULT", "prod"]);
    assert_eq!(label(&bed, "prod"), "1");
    let error = bed
        .control
        .delete_alias(key("hello"), "next".parse().unwrap())
        .await
        .unwrap_err();
    assert_eq!(error.code(), "ResourceNotFound.Alias");
    let error = bed
        .control
        .get_alias(&key("hello"), &"next".parse().unwrap())
        .unwrap_err();
    assert_eq!(error.code(), "ResourceNotFound.Alias");
}

#[tokio::test]
async fn aliases_are_listed_by_name_and_by_the_version_they_lead_to() {
    let bed = bed_with_versions().await;
    bed.control.create_alias(alias("prod", "1")).await.unwrap();
    bed.control.create_alias(weighted("beta", "2", "1", 0.5)).await.unwrap();
    bed.control.create_alias(ruled("team", "2", "3", "Bob")).await.unwrap();
    for (version, expected) in [
        (None, vec!["$DEFAULT", "beta", "prod", "team"]),
        (Some("1"), vec!["beta", "prod"]),
        (Some("2"), vec!["beta", "team"]),
        (Some("3"), vec!["team"]),
        (Some("$LATEST"), vec!["$DEFAULT"]),
        (Some("9"), vec![]),
    ] {
        assert_eq!(names(&bed, version), expected, "{version:?}");
    }
    let input = ListAliases {
        key: key("hello"),
        version: None,
        page: Page { offset: 1, limit: 2 },
    };
    let listing = bed.control.list_aliases(&input).unwrap();
    assert_eq!((listing.items.len(), listing.total), (2, 4));
}

#[tokio::test]
async fn a_version_that_an_alias_leads_to_is_kept_unless_it_is_forced_out() {
    let bed = bed_with_versions().await;
    bed.control.create_alias(alias("prod", "1")).await.unwrap();
    bed.control.create_alias(weighted("beta", "2", "1", 1.0)).await.unwrap();
    bed.control.update_alias(alias("$DEFAULT", "1")).await.unwrap();
    let error = delete_version(&bed, "1", BoundAliases::Keep).await.unwrap_err();
    assert_eq!(error.code(), "UnsupportedOperation.AliasBind");
    assert!(error.to_string().contains("$DEFAULT"), "{error}");
    assert_eq!(label(&bed, "prod"), "1");
    delete_version(&bed, "1", BoundAliases::Unbind).await.unwrap();
    assert_eq!(names(&bed, None), ["$DEFAULT", "beta"], "prod went with its version");
    assert_eq!([label(&bed, "$DEFAULT"), label(&bed, "beta")], ["$LATEST", "2"]);
    delete_version(&bed, "3", BoundAliases::Keep)
        .await
        .expect("nobody needs it");
    let bed = bed.restart().await;
    assert_eq!(names(&bed, None), ["$DEFAULT", "beta"]);
    let beta = bed.control.get_alias(&key("hello"), &"beta".parse().unwrap()).unwrap();
    assert_eq!((beta.version.to_string().as_str(), beta.routing), ("2", Routing::None));
}

#[tokio::test]
async fn an_alias_is_not_deleted_as_a_version_is() {
    let bed = bed_with_versions().await;
    bed.control.create_alias(alias("prod", "1")).await.unwrap();
    let error = delete_version(&bed, "prod", BoundAliases::Unbind).await.unwrap_err();
    assert_eq!(error.code(), "InvalidParameterValue.Qualifier", "{error}");
    assert_eq!(label(&bed, "prod"), "1");
}

#[tokio::test]
async fn aliases_survive_updates_and_restarts_and_go_with_their_function() {
    let bed = bed_with_versions().await;
    let input = PutAlias {
        description: Description::new("what matters").ok(),
        ..weighted("prod", "1", "2", 0.1)
    };
    bed.control.create_alias(input).await.unwrap();
    bed.control.create_alias(ruled("team", "2", "3", "Bob")).await.unwrap();
    let aliases = bed.get("hello").unwrap().aliases.clone();
    let change = UpdateFunctionConfiguration {
        timeout: Timeout::from_secs(9).ok(),
        ..UpdateFunctionConfiguration::of(key("hello"))
    };
    bed.control.update_function_configuration(change).await.unwrap();
    let bed = bed.restart().await;
    assert_eq!(bed.get("hello").unwrap().aliases, aliases);
    let copy = CopyFunction {
        source: key("hello"),
        target: key("copy"),
        description: None,
        existing: ExistingTarget::Keep,
        what: CopyWhat::default(),
    };
    bed.control.copy_function(copy).await.unwrap();
    assert!(bed.resolve("copy", "prod").is_err() && bed.resolve("copy", "1").is_err());
    assert!(bed.resolve("copy", "$DEFAULT").is_ok());
    let input = DeleteFunction {
        key: key("hello"),
        qualifier: None,
    };
    bed.control.delete_function(input).await.unwrap();
    bed.create("hello").await.unwrap();
    assert_eq!(names(&bed, None), ["$DEFAULT"]);
}

#[tokio::test]
async fn aliases_are_as_many_as_there_can_be() {
    let bed = bed_with_versions().await;
    for i in 1..ALIASES_PER_FUNCTION_MAX {
        bed.control.create_alias(alias(&format!("a{i}"), "1")).await.unwrap();
    }
    let error = bed.control.create_alias(alias("more", "1")).await.unwrap_err();
    assert_eq!(error.code(), "LimitExceeded.Alias", "{error}");
    bed.control
        .delete_alias(key("hello"), "a7".parse().unwrap())
        .await
        .unwrap();
    bed.control.create_alias(alias("more", "1")).await.unwrap();
}

#[tokio::test]
async fn aliases_are_as_long_as_there_is_room_for_and_leave_room_for_everything_else() {
    let bed = bed_with_versions().await;
    let rule = || GivenRule {
        version: "2".to_owned(),
        key: format!("invoke.headers.{}", "\u{1}".repeat(1024)),
        method: "exact".to_owned(),
        expression: "e".repeat(1024),
    };
    let long = |i: usize| PutAlias {
        routing: Routing::parse(&[], (0..10).map(|_| rule()).collect()).unwrap(),
        description: Description::new("\u{1f980}".repeat(1000)).ok(),
        ..alias(&format!("a{i}"), "1")
    };
    let mut made = 0;
    let error = loop {
        match bed.control.create_alias(long(made)).await {
            Ok(()) => made += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(error.code(), "LimitExceeded.Alias", "{error}");
    assert!(made > 5, "{made}");
    bed.control.create_alias(alias("short", "1")).await.unwrap();
    let shorter = PutAlias {
        routing: Routing::None,
        ..long(0)
    };
    bed.control.update_alias(shorter).await.unwrap();
    let action = |i: usize| {
        let cron = format!("{}{} * * * * * *", "0,".repeat(490), i);
        TimedAction::new(&format!("a{i}"), 1, &cron).unwrap()
    };
    let mut kept = 0;
    let error = loop {
        let number = bed.publish("hello").await;
        let input = ProvisionConcurrency {
            key: key("hello"),
            qualifier: number.parse().unwrap(),
            capacity: skiff_domain::Capacity::Fixed(0),
            actions: (0..10).map(action).collect(),
        };
        match bed.control.provision_concurrency(input).await {
            Ok(()) => kept += 1,
            Err(error) => break error,
        }
        // Without a change there is no next version to publish.
        let input = UpdateFunctionConfiguration {
            timeout: Timeout::from_secs(1 + kept).ok(),
            ..UpdateFunctionConfiguration::of(key("hello"))
        };
        bed.control.update_function_configuration(input).await.unwrap();
    };
    assert_eq!(error.code(), "LimitExceeded.ProvisionTriggerAction", "{error}");
    assert!(kept > 10, "{kept}");
    // All else at its longest, and as long as it can become when it is written.
    for i in 0..skiff_domain::limits::LAYERS_PER_FUNCTION_MAX {
        let layer = PublishLayerVersion {
            name: format!("l{i}").parse().unwrap(),
            content: zip(&[("m.py", "")]),
            runtimes: CompatibleRuntimes::parse(&["Python3".to_owned()]).unwrap(),
            description: Description::new("\u{1}".repeat(1000)).unwrap(),
            license: License::new("MIT").unwrap(),
            tags: None,
        };
        bed.control.publish_layer_version(layer).await.unwrap();
    }
    let layers = (0..5).map(|i| skiff_domain::LayerRef {
        name: format!("l{i}").parse().unwrap(),
        number: skiff_domain::VersionNumber::FIRST,
    });
    let tags = (0..50).map(|i| (format!("{i:02}{}", "\u{1}".repeat(125)), "\u{1}".repeat(255)));
    let input = UpdateFunctionConfiguration {
        description: Description::new("\u{1}".repeat(1000)).ok(),
        environment: Environment::new(vec![("AB".to_owned(), "\u{1}".repeat(4094))]).ok(),
        layers: Some(layers.collect()),
        ..UpdateFunctionConfiguration::of(key("hello"))
    };
    bed.control.update_function_configuration(input).await.unwrap();
    let tags = Tags::new(tags.collect()).unwrap();
    let function = bed.get("hello").unwrap();
    let longest = Document::Function(Box::new(Function {
        tags,
        ..Function::clone(&function)
    }));
    assert!(longest.encode().unwrap().len() <= skiff_store::VALUE_BYTES_MAX);
}

#[tokio::test]
async fn what_is_longer_than_a_document_can_be_is_the_callers_to_shorten() {
    let bed = bed_with_versions().await;
    let change = |state: &State| {
        let mut function = Function::clone(state.function(&key("hello")).unwrap());
        for i in 0..300 {
            let alias = function.aliases.iter().next().unwrap().clone();
            function.aliases.put(Alias {
                name: format!("a{i}").parse().unwrap(),
                description: Description::new("\u{1f980}".repeat(1000)).unwrap(),
                ..alias
            });
        }
        Ok::<_, ChangeError>((vec![Write::Put(Document::Function(Box::new(function)))], ()))
    };
    let error = bed.control.inner.change(change).await.unwrap_err();
    assert_eq!(error.code(), "InvalidParameterValue", "{error}");
    assert_eq!(names(&bed, None), ["$DEFAULT"]);
}

#[tokio::test]
async fn of_an_alias_and_the_deletion_of_its_version_at_the_same_time_one_wins() {
    let bed = bed_with_versions().await;
    let (created, deleted) = tokio::join!(
        bed.control.create_alias(alias("prod", "3")),
        delete_version(&bed, "3", BoundAliases::Keep)
    );
    assert_ne!(created.is_ok(), deleted.is_ok(), "{created:?} {deleted:?}");
    assert_eq!(bed.resolve("hello", "prod").is_ok(), created.is_ok());
    assert_eq!(
        names(&bed, Some("3")).is_empty(),
        deleted.is_ok(),
        "no alias leads to nowhere"
    );
    assert!(
        bed.get("hello")
            .unwrap()
            .aliases
            .iter()
            .all(|alias| match alias.version {
                VersionRef::Latest => true,
                VersionRef::Number(number) => bed.resolve("hello", &number.to_string()).is_ok(),
            })
    );
}
