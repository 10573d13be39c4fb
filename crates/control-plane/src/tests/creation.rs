//! Creating functions.

use skiff_domain::Revision;
use skiff_domain::limits::FUNCTIONS_PER_NAMESPACE_MAX;

use super::*;

#[tokio::test]
async fn a_created_function_is_active_and_resolves_with_every_setting_it_was_given() {
    let bed = Bed::new().await;
    let environment = vec![("KEY".to_owned(), "value".to_owned()), ("AB".to_owned(), String::new())];
    let input = CreateFunction {
        runtime: Some("python3.9".parse().unwrap()),
        handler: Some("lib.entry.run".to_owned()),
        code: zip(&[("lib/entry.py", "def run(e, c): pass")]),
        description: Description::new("says hello").unwrap(),
        memory: MemorySize::from_mb(256).unwrap(),
        timeout: Timeout::from_secs(30).unwrap(),
        init_timeout: InitTimeout::from_secs(10).unwrap(),
        environment: Environment::new(environment.clone()).unwrap(),
        network: NetworkMode::None,
        tags: Tags::new(vec![("team".to_owned(), "probe".to_owned())]).unwrap(),
        ..creation("hello")
    };
    let code = skiff_domain::CodeDigest::of(&input.code);
    let code_bytes = input.code.len() as u64;
    bed.control.create_function(input.clone()).await.unwrap();

    let function = bed.get("hello").unwrap();
    assert_eq!(function.status(), FunctionStatus::Active);
    assert_eq!(function.function_type(), FunctionType::Event);
    assert_eq!(function.configuration.description, input.description);
    assert_eq!(function.tags, input.tags);
    assert_eq!(function.created_at, function.modified_at);
    assert_eq!(function.configuration.code_bytes, code_bytes);

    let version = bed.resolve("hello", "$LATEST").unwrap();
    assert_eq!(version.key, key("hello"));
    assert_eq!(version.uid, function.uid);
    assert_eq!(version.label, Qualifier::latest());
    assert_eq!(version.revision, Revision(1));
    assert_eq!(version.runtime, runtime("Python3.9"));
    assert_eq!(version.handler, "lib.entry.run");
    assert_eq!(version.memory_mb, 256);
    assert_eq!(version.timeout, Duration::from_secs(30));
    assert_eq!(version.init_timeout, Duration::from_secs(10));
    assert_eq!(version.environment, environment);
    assert_eq!(version.network, NetworkMode::None);
    assert_eq!(version.code, code);
}

#[tokio::test]
async fn what_is_not_given_is_the_contracts_default() {
    let bed = Bed::new().await;
    bed.create("hello").await.unwrap();
    let version = bed.resolve("hello", "$LATEST").unwrap();
    assert_eq!(version.handler, "index.main_handler");
    assert_eq!(version.memory_mb, 128);
    assert_eq!(version.timeout, Duration::from_secs(3));
    assert_eq!(version.init_timeout, Duration::from_secs(65));
    assert_eq!(version.network, NetworkMode::Public);
}

#[tokio::test]
async fn python3_is_settled_at_creation_and_kept() {
    let bed = Bed::new().await;
    bed.create("hello").await.unwrap();
    assert_eq!(bed.get("hello").unwrap().configuration.runtime, runtime("Python3.11"));
}

#[tokio::test]
async fn without_a_runtime_the_contracts_default_is_meant_and_refused_where_it_is_not_installed() {
    let bed = Bed::new().await;
    let input = CreateFunction {
        runtime: None,
        ..creation("hello")
    };
    let error = bed.control.create_function(input).await.unwrap_err();
    assert_eq!(error.code(), "InvalidParameterValue.Runtime");
    let expected = "no Runtime was given, and the default, Python2.7, is not installed: \
         use Python3.10, Python3.11, Python3.9, or Python3 for the newest Python";
    assert_eq!(error.to_string(), expected);
}

#[tokio::test]
async fn a_refused_creation_says_why_and_leaves_nothing() {
    let bed = Bed::new().await;
    bed.create("taken").await.unwrap();
    let with = |change: fn(&mut CreateFunction)| {
        // Other bytes than the function that is there.
        let code = zip(&[("index.py", "pass"), ("more.py", "")]);
        let mut input = CreateFunction {
            code,
            ..creation("hello")
        };
        change(&mut input);
        input
    };
    for (input, code, says) in [
        (
            with(|i| i.key = key("taken")),
            "ResourceInUse.Function",
            "Function taken exists already",
        ),
        (
            with(|i| i.key = key("nowhere/hello")),
            "ResourceNotFound.Namespace",
            "Namespace nowhere does not exist",
        ),
        (
            with(|i| i.runtime = Some("Nodejs18.15".parse().unwrap())),
            "InvalidParameterValue.Runtime",
            "Nodejs18.15 is not installed",
        ),
        (
            with(|i| i.handler = Some("index".to_owned())),
            "InvalidParameterValue.Handler",
            "file.function",
        ),
        (
            with(|i| i.handler = Some("main.main_handler".to_owned())),
            "InvalidParameterValue.Handler",
            "needs the file main.py in the package",
        ),
        (
            with(|i| i.code = Bytes::from_static(b"no zip")),
            "InvalidParameterValue.ZipFile",
            "not a zip",
        ),
        (
            with(|i| i.code = zip(&[("../index.py", "")])),
            "InvalidParameterValue.ZipFile",
            "leads out",
        ),
    ] {
        let error = bed.control.create_function(input).await.unwrap_err();
        assert_eq!(error.code(), code);
        assert!(error.to_string().contains(says), "{error}");
        assert!(bed.get("hello").is_err());
        assert_eq!(bed.packages().await, 1, "{says}");
    }
}

#[tokio::test]
async fn a_function_is_compiled_before_it_is_acknowledged_and_the_same_code_only_once() {
    let bed = Bed::new().await;
    bed.create("one").await.unwrap();
    assert_eq!(*bed.around.compiled.lock(), [runtime("Python3.11")]);
    let code = bed.get("one").unwrap().configuration.code;
    let compiled = format!("packages/{code}/__pycache__/index.Python3.11.pyc");
    assert_eq!(std::fs::read(bed.base.path().join(compiled)).unwrap(), b"compiled");

    bed.create("two").await.unwrap();
    assert_eq!(
        bed.around.compiled.lock().len(),
        1,
        "the same code for the same runtime"
    );
    let other = CreateFunction {
        runtime: Some("Python3.9".parse().unwrap()),
        ..creation("three")
    };
    bed.control.create_function(other).await.unwrap();
    assert_eq!(
        *bed.around.compiled.lock(),
        [runtime("Python3.11"), runtime("Python3.9")]
    );
    assert_eq!(bed.packages().await, 1);
}

#[tokio::test]
async fn a_namespace_takes_no_more_functions_than_its_limit() {
    let bed = Bed::new().await;
    for i in 0..FUNCTIONS_PER_NAMESPACE_MAX {
        bed.create(&format!("f{i}")).await.unwrap();
    }
    let error = bed.create("more").await.unwrap_err();
    assert_eq!(error.code(), "LimitExceeded.Function");
    assert!(error.to_string().contains("50 functions"), "{error}");
    let input = DeleteFunction {
        key: key("f7"),
        qualifier: None,
    };
    bed.control.delete_function(input).await.unwrap();
    bed.create("more").await.expect("there is room again");
}

#[tokio::test]
async fn a_recreated_function_is_another_function() {
    let bed = Bed::new().await;
    bed.create("hello").await.unwrap();
    let first = bed.get("hello").unwrap().uid.clone();
    let input = DeleteFunction {
        key: key("hello"),
        qualifier: None,
    };
    bed.control.delete_function(input).await.unwrap();
    bed.create("hello").await.unwrap();
    assert_ne!(bed.get("hello").unwrap().uid, first);
}

#[tokio::test]
async fn latest_and_default_resolve_and_any_other_version_is_not_found() {
    let bed = Bed::new().await;
    bed.create("hello").await.unwrap();
    for qualifier in ["$LATEST", "$DEFAULT"] {
        assert!(bed.resolve("hello", qualifier).is_ok());
    }
    for (name, qualifier, code) in [
        ("hello", "1", "ResourceNotFound.Qualifier"),
        ("hello", "prod", "ResourceNotFound.Qualifier"),
        ("nope", "$LATEST", "ResourceNotFound.Function"),
        ("nope", "1", "ResourceNotFound.Function"),
        ("nowhere/hello", "$LATEST", "ResourceNotFound.Namespace"),
    ] {
        let error = bed.resolve(name, qualifier).unwrap_err();
        let qualifier = qualifier.parse().unwrap();
        assert_eq!(error.code(), code, "{name} {qualifier}");
        assert_eq!(bed.control.get_function(&key(name), &qualifier).unwrap_err(), error);
    }
}
