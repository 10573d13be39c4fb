//! Listing functions, and what the account has.

use skiff_domain::NamespaceName;

use super::*;

/// Three functions in `default` and one in `prod`.
async fn bed_of_four() -> Bed {
    let bed = Bed::new().await;
    let prod = CreateNamespace {
        name: "prod".parse().unwrap(),
        description: Description::default(),
    };
    bed.control.create_namespace(prod).await.unwrap();
    for (name, runtime, description, tag) in [
        ("beta-probe", "Python3.9", "probes a page", "a"),
        ("alpha", "Python3.11", "resizes pictures", "b"),
        ("gamma-probe", "Python3.11", "probes a port", "a"),
        ("prod/alpha", "Python3.11", "resizes pictures", "a"),
    ] {
        let input = CreateFunction {
            runtime: Some(runtime.parse().unwrap()),
            description: Description::new(description).unwrap(),
            tags: Tags::new(vec![("team".to_owned(), tag.to_owned())]).unwrap(),
            ..creation(name)
        };
        bed.control.create_function(input).await.unwrap();
    }
    bed
}

fn names(bed: &Bed, input: &ListFunctions) -> Vec<String> {
    let listing = bed.control.list_functions(input).unwrap();
    listing
        .items
        .iter()
        .map(|function| function.key.name.to_string())
        .collect()
}

fn filters(filters: &[(&str, &[&str])]) -> Result<FunctionFilters, InvalidFilter> {
    let owned = filters.iter().map(|(name, values)| {
        (
            (*name).to_owned(),
            values.iter().map(|value| (*value).to_owned()).collect(),
        )
    });
    FunctionFilters::parse(owned.collect())
}

#[tokio::test]
async fn a_listing_is_of_one_namespace_default_if_none_is_given() {
    let bed = bed_of_four().await;
    assert_eq!(
        names(&bed, &ListFunctions::default()),
        ["alpha", "beta-probe", "gamma-probe"]
    );
    let of = |name: &str| ListFunctions {
        namespace: Some(name.parse().unwrap()),
        ..ListFunctions::default()
    };
    assert_eq!(names(&bed, &of("prod")), ["alpha"]);
    let error = bed.control.list_functions(&of("nowhere")).unwrap_err();
    assert_eq!(error.code(), "ResourceNotFound.Namespace");
}

#[tokio::test]
async fn functions_are_found_by_a_part_of_their_name_or_description() {
    let bed = bed_of_four().await;
    let input = ListFunctions {
        search_key: Some("probe".to_owned()),
        ..ListFunctions::default()
    };
    assert_eq!(names(&bed, &input), ["beta-probe", "gamma-probe"]);
    let input = ListFunctions {
        description: Some("a page".to_owned()),
        ..input
    };
    assert_eq!(names(&bed, &input), ["beta-probe"]);
}

#[tokio::test]
async fn filters_all_hold_and_of_the_values_of_one_any() {
    let bed = bed_of_four().await;
    let all = ["alpha", "beta-probe", "gamma-probe"];
    for (given, found) in [
        (vec![("Runtime", &["python3.11"][..])], &["alpha", "gamma-probe"][..]),
        (vec![("Runtime", &["Python3.9", "Python3.11"])], &all),
        (vec![("Runtime", &["Python3.9"]), ("tag-team", &["b"])], &[]),
        (vec![("Status", &["Active"])], &all),
        (vec![("Status", &["Creating", "UpdateFailed"])], &[]),
        (vec![("FunctionType", &["Event"])], &all),
        (vec![("Type", &["HTTP"])], &[]),
        (vec![("tag-team", &["a"])], &["beta-probe", "gamma-probe"]),
        (vec![("tag-other", &["a"])], &[]),
        (vec![("Namespace", &["prod"])], &["alpha"]),
        (
            vec![("Namespace", &["prod", "default"])],
            &["alpha", "beta-probe", "gamma-probe", "alpha"],
        ),
    ] {
        let input = ListFunctions {
            filters: filters(&given).unwrap(),
            ..ListFunctions::default()
        };
        assert_eq!(names(&bed, &input), found, "{given:?}");
    }
}

#[test]
fn a_filter_that_is_not_known_or_means_nothing_is_refused() {
    for given in [
        ("Color", &["red"][..]),
        ("tag-", &["x"]),
        ("status", &["Active"]),
        ("Status", &["Sleeping"]),
        ("Runtime", &["Cobol85"]),
        ("FunctionType", &["Web"]),
        ("Namespace", &["-"]),
        ("Status", &[]),
    ] {
        let error = filters(&[given]).unwrap_err();
        assert_eq!(error.code(), "InvalidParameterValue.Filters", "{given:?}");
        assert!(error.to_string().starts_with("Filters "), "{error}");
    }
}

#[tokio::test]
async fn a_listing_is_ordered_and_cut_as_asked_and_tells_the_whole_number() {
    let bed = bed_of_four().await;
    let touch = UpdateFunctionConfiguration {
        timeout: Some(Timeout::from_secs(9).unwrap()),
        ..UpdateFunctionConfiguration::of(key("beta-probe"))
    };
    bed.control.update_function_configuration(touch).await.unwrap();
    for (order_by, order, found) in [
        ("FunctionName", "DESC", ["gamma-probe", "beta-probe", "alpha"]),
        ("functionname", "asc", ["alpha", "beta-probe", "gamma-probe"]),
        ("AddTime", "ASC", ["beta-probe", "alpha", "gamma-probe"]),
        ("ModTime", "ASC", ["alpha", "gamma-probe", "beta-probe"]),
        ("ModTime", "DESC", ["beta-probe", "gamma-probe", "alpha"]),
    ] {
        let input = ListFunctions {
            order_by: order_by.parse().unwrap(),
            order: order.parse().unwrap(),
            ..ListFunctions::default()
        };
        assert_eq!(names(&bed, &input), found, "{order_by} {order}");
    }
    let input = ListFunctions {
        page: Page { offset: 1, limit: 1 },
        ..ListFunctions::default()
    };
    let listing = bed.control.list_functions(&input).unwrap();
    assert_eq!((listing.items.len(), listing.total), (1, 3));
    assert_eq!(names(&bed, &input), ["beta-probe"]);
    assert_eq!(
        "Size".parse::<FunctionOrder>().unwrap_err().code(),
        "InvalidParameterValue.Orderby"
    );
    assert_eq!("up".parse::<Order>().unwrap_err().code(), "InvalidParameterValue.Order");
}

#[tokio::test]
async fn the_account_tells_what_is_in_every_namespace() {
    let bed = bed_of_four().await;
    let account = bed.control.account();
    let told: Vec<(NamespaceName, usize)> = account
        .namespaces
        .iter()
        .map(|usage| (usage.namespace.clone(), usage.functions.len()))
        .collect();
    assert_eq!(told, [("default".parse().unwrap(), 3), ("prod".parse().unwrap(), 1)]);
    assert_eq!(account.namespaces[0].functions[0].as_str(), "alpha");
}
