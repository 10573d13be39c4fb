//! Copying functions.

use skiff_domain::Revision;

use super::*;

fn copying(source: &str, target: &str) -> CopyFunction {
    CopyFunction {
        source: key(source),
        target: key(target),
        description: None,
        existing: ExistingTarget::default(),
        what: CopyWhat::default(),
    }
}

/// A bed with a function none of whose settings is a default.
async fn bed_with_special() -> Bed {
    let bed = Bed::new().await;
    let special = CreateFunction {
        handler: Some("app.run".to_owned()),
        code: zip(&[("app.py", "# special")]),
        runtime: Some("Python3.9".parse().unwrap()),
        description: Description::new("special").unwrap(),
        memory: MemorySize::from_mb(512).unwrap(),
        timeout: Timeout::from_secs(60).unwrap(),
        init_timeout: InitTimeout::from_secs(6).unwrap(),
        environment: Environment::new(vec![("AB".to_owned(), "c".to_owned())]).unwrap(),
        network: NetworkMode::None,
        tags: Tags::new(vec![("t".to_owned(), "v".to_owned())]).unwrap(),
        ..creation("special")
    };
    bed.control.create_function(special).await.unwrap();
    bed
}

#[tokio::test]
async fn a_copy_has_the_code_and_configuration_and_an_identity_of_its_own() {
    let bed = bed_with_special().await;
    bed.control.copy_function(copying("special", "twin")).await.unwrap();
    let (source, copy) = (bed.get("special").unwrap(), bed.get("twin").unwrap());
    assert_ne!(copy.uid, source.uid);
    let expected = Function {
        key: key("twin"),
        uid: copy.uid.clone(),
        created_at: copy.created_at,
        modified_at: copy.modified_at,
        revision: Revision(1),
        aliases: copy.aliases.clone(),
        ..Function::clone(&source)
    };
    assert_eq!(*copy, expected);
    assert_eq!(bed.packages().await, 1);
    assert!(bed.around.retired.lock().is_empty());
}

#[tokio::test]
async fn a_copy_of_the_code_alone_takes_runtime_and_handler_along_and_defaults_for_the_rest() {
    let bed = bed_with_special().await;
    let input = CopyFunction {
        what: CopyWhat::Code,
        ..copying("special", "twin")
    };
    bed.control.copy_function(input).await.unwrap();
    let copy = bed.get("twin").unwrap();
    assert_eq!(
        (copy.configuration.handler.as_str(), &copy.configuration.runtime),
        ("app.run", &runtime("Python3.9"))
    );
    assert_eq!(copy.configuration.code, bed.get("special").unwrap().configuration.code);
    assert_eq!(copy.configuration.description, Description::default());
    assert_eq!(copy.configuration.memory, MemorySize::default());
    assert_eq!(copy.configuration.environment, Environment::default());
    assert_eq!(copy.configuration.network, NetworkMode::Public);
}

#[tokio::test]
async fn a_description_that_is_given_is_the_copys() {
    let bed = bed_with_special().await;
    for what in [CopyWhat::CodeAndConfiguration, CopyWhat::Code] {
        let input = CopyFunction {
            description: Some(Description::new("a twin").unwrap()),
            existing: ExistingTarget::Override,
            what,
            ..copying("special", "twin")
        };
        bed.control.copy_function(input).await.unwrap();
        assert_eq!(bed.get("twin").unwrap().configuration.description.as_str(), "a twin");
    }
}

#[tokio::test]
async fn an_existing_function_is_replaced_only_when_that_is_asked_for_and_keeps_its_identity() {
    let bed = bed_with_special().await;
    bed.create("old").await.unwrap();
    let old = bed.get("old").unwrap();
    let error = bed.control.copy_function(copying("special", "old")).await.unwrap_err();
    assert_eq!(error.code(), "ResourceInUse.Function");
    assert_eq!(bed.get("old").unwrap(), old);

    let input = CopyFunction {
        existing: ExistingTarget::Override,
        ..copying("special", "old")
    };
    bed.control.copy_function(input).await.unwrap();
    let new = bed.get("old").unwrap();
    assert_eq!(
        (&new.uid, new.created_at, new.revision),
        (&old.uid, old.created_at, Revision(2))
    );
    assert_eq!(
        (new.configuration.code, new.configuration.memory.mb()),
        (bed.get("special").unwrap().configuration.code, 512)
    );
    assert_eq!(
        *bed.around.retired.lock(),
        [(old.uid.clone(), Some(Qualifier::latest()))]
    );
    drop(old);
    assert_eq!(bed.packages().await, 1);
}

#[tokio::test]
async fn a_copy_goes_into_another_namespace_that_exists_and_has_room() {
    let bed = bed_with_special().await;
    let error = bed
        .control
        .copy_function(copying("special", "prod/special"))
        .await
        .unwrap_err();
    assert_eq!(error.code(), "ResourceNotFound.Namespace");
    let namespace = CreateNamespace {
        name: "prod".parse().unwrap(),
        description: Description::default(),
    };
    bed.control.create_namespace(namespace).await.unwrap();
    bed.control
        .copy_function(copying("special", "prod/special"))
        .await
        .unwrap();
    assert!(bed.get("prod/special").is_ok());
    for i in 1..skiff_domain::limits::FUNCTIONS_PER_NAMESPACE_MAX {
        bed.control
            .copy_function(copying("special", &format!("prod/f{i}")))
            .await
            .unwrap();
    }
    let error = bed
        .control
        .copy_function(copying("special", "prod/more"))
        .await
        .unwrap_err();
    assert_eq!(error.code(), "LimitExceeded.Function");
}

#[tokio::test]
async fn a_copy_is_of_the_source_as_it_is_when_its_turn_comes() {
    let bed = bed_with_special().await;
    let turn = bed.control.inner.turn.acquire().await.unwrap();
    let deletion = bed.control.delete_function(DeleteFunction {
        key: key("special"),
        qualifier: None,
    });
    let copied = bed.control.copy_function(copying("special", "twin"));
    let (deleted, copied, ()) = tokio::join!(deletion, copied, async { drop(turn) });
    deleted.unwrap();
    assert_eq!(copied.unwrap_err().code(), "ResourceNotFound.Function");
    assert!(bed.get("twin").is_err());
    assert_eq!(bed.packages().await, 0);
}

#[tokio::test]
async fn a_function_is_not_copied_from_nothing_or_onto_itself() {
    let bed = bed_with_special().await;
    for (source, target, code) in [
        ("nope", "twin", "ResourceNotFound.Function"),
        ("nowhere/special", "twin", "ResourceNotFound.Namespace"),
        ("special", "special", "InvalidParameterValue.FunctionName"),
    ] {
        let input = CopyFunction {
            existing: ExistingTarget::Override,
            ..copying(source, target)
        };
        let error = bed.control.copy_function(input).await.unwrap_err();
        assert_eq!(error.code(), code, "{error}");
    }
}
