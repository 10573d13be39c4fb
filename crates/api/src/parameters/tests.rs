//! Both spellings read alike; what is wrong is named.

use serde::Deserialize;

use super::*;

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Wanted {
    name: Option<String>,
    limit: Option<i64>,
    weight: Option<f64>,
    force: Option<bool>,
    filters: Option<Vec<Filter>>,
    code: Option<Filter>,
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Filter {
    name: Option<String>,
    values: Option<Vec<String>>,
}

fn json(text: &str) -> Result<Wanted, ApiError> {
    Parameters::from_json(text.as_bytes())?.parse()
}

fn query(text: &str) -> Result<Wanted, ApiError> {
    let pairs = form_urlencoded::parse(text.as_bytes()).into_owned().collect();
    Parameters::from_pairs(pairs)?.parse()
}

#[test]
fn json_and_query_say_the_same() {
    for (text, flat) in [
        ("{}", ""),
        (
            r#"{"Limit":5,"Force":true,"Weight":0.5}"#,
            "Limit=5&Force=true&Weight=0.5",
        ),
        (
            r#"{"Limit":-1,"Force":false,"Weight":1}"#,
            "Limit=-1&Force=FALSE&Weight=1",
        ),
        (r#"{"Name":"5"}"#, "Name=5"),
        (r#"{"Name":"a b&c"}"#, "Name=a+b%26c"),
        (
            r#"{"Filters":[{"Name":"Type","Values":["Event","HTTP"]},{"Name":"x"}]}"#,
            "Filters.1.Name=x&Filters.0.Name=Type&Filters.0.Values.0=Event&Filters.0.Values.1=HTTP",
        ),
        (r#"{"Code":{"Name":"n"},"Ype":"Event"}"#, "Code.Name=n&Ype=Event"),
    ] {
        assert_eq!(json(text).unwrap(), query(flat).unwrap(), "{flat}");
    }
}

#[test]
fn an_array_of_a_query_is_in_the_order_of_its_numbers() {
    let names: String = (0..12).map(|i| format!("Code.Values.{i}={i}&")).collect();
    let values = query(&names).unwrap().code.unwrap().values.unwrap();
    assert_eq!(values, (0..12).map(|i| i.to_string()).collect::<Vec<_>>());
}

#[test]
fn a_wrong_type_names_the_field_and_what_it_should_be() {
    for (text, field, wanted) in [
        (r#"{"Limit":"5"}"#, "Limit", "expected an integer"),
        (r#"{"Limit":1.5}"#, "Limit", "expected an integer"),
        (r#"{"Name":5}"#, "Name", "expected a string"),
        (r#"{"Force":"yes"}"#, "Force", "expected a boolean"),
        (r#"{"Filters":{}}"#, "Filters", "expected an array"),
        (
            r#"{"Filters":[{"Name":"x"},{"Name":[]}]}"#,
            "Filters[1].Name",
            "expected a string",
        ),
        (r#"{"Code":"x"}"#, "Code", "expected an object"),
        (r#"{"Code":["x",["y"]]}"#, "Code", "array, expected an object"),
        (r#"{"Code":[]}"#, "Code", "expected an object"),
        (r#"{"Filters":[["x",["y"]]]}"#, "Filters[0]", "expected an object"),
        (
            r#"{"Filters":[{"Values":{"0":"y"}}]}"#,
            "Filters[0].Values",
            "object, expected an array",
        ),
    ] {
        let error = json(text).unwrap_err();
        assert_eq!(error.code, "InvalidParameter");
        assert!(
            error.message.contains(&format!("parameter {field} ")),
            "{text}: {error}"
        );
        assert!(error.message.contains(wanted), "{text}: {error}");
    }
    for (text, field) in [
        ("Limit=x", "Limit"),
        ("Force=yes", "Force"),
        ("Code=x", "Code"),
        ("Code.0=x", "Code"),
        ("Filters.0.0=x", "Filters[0]"),
        ("Name.0=x", "Name"),
    ] {
        let error = query(text).unwrap_err();
        assert_eq!(error.code, "InvalidParameter");
        assert!(
            error.message.contains(&format!("parameter {field} ")),
            "{text}: {error}"
        );
    }
}

#[test]
fn null_is_as_good_as_absent() {
    assert_eq!(json(r#"{"Limit":null,"Filters":null}"#).unwrap(), Wanted::default());
    assert_eq!(json("").unwrap(), Wanted::default());
}

#[test]
fn what_is_no_set_of_parameters_is_refused() {
    for text in ["[]", "5", "{", "{}x", "\u{0}"] {
        assert_eq!(json(text).unwrap_err().code, "InvalidParameter", "{text}");
    }
    for text in [
        "A=1&A=2",
        "A=1&A.B=2",
        "A.B=2&A=1",
        "A.1000=x",
        "A.99999999999999999999=x",
        "A.B.C.D.E.F.G.H.I=1",
    ] {
        assert_eq!(query(text).unwrap_err().code, "InvalidParameter", "{text}");
    }
    assert!(json(&"[".repeat(10_000)).is_err());
}

#[test]
fn a_body_of_100000_values_is_read_and_one_of_more_is_not() {
    let zeros = |count: usize| json(&format!(r#"{{"A":[{}0]}}"#, "0,".repeat(count - 3)));
    assert!(zeros(VALUES_MAX).is_ok());
    assert_eq!(zeros(VALUES_MAX + 1).unwrap_err().code, "InvalidParameter");
    let objects = format!(r#"{{"A":[{}0]}}"#, r#"{"":0},"#.repeat(VALUES_MAX));
    assert_eq!(json(&objects).unwrap_err().code, "InvalidParameter");
    // An event is a text, whatever is in it.
    let event = r#"{\"k\":[1,2,\"\\\\\"]},"#.repeat(VALUES_MAX);
    assert!(json(&format!(r#"{{"ClientContext":"{event}"}}"#)).is_ok());
}

#[test]
fn a_feature_that_is_not_there_is_refused_only_when_asked_for() {
    const LAYERS: &[Unserved] = &[
        Unserved::new("Layers", "InvalidParameterValue.Layers", "layers come later"),
        Unserved::new("Trace", "InvalidParameterValue.TraceEnable", "traces come later").unless(&["FALSE", "0"]),
        Unserved::new("Code.Image", "UnsupportedOperation", "images come later"),
    ];
    for (text, code) in [
        ("{}", None),
        (r#"{"Layers":null}"#, None),
        (r#"{"Layers":[]}"#, None),
        (r#"{"Layers":["",null]}"#, None),
        (r#"{"Layers":[{}]}"#, Some("InvalidParameterValue.Layers")),
        (r#"{"Layers":[{"Name":""}]}"#, Some("InvalidParameterValue.Layers")),
        (r#"{"Layers":[{"Name":"x"}]}"#, Some("InvalidParameterValue.Layers")),
        (r#"{"Trace":"false"}"#, None),
        (r#"{"Trace":false}"#, None),
        (r#"{"Trace":{"Enabled":0}}"#, None),
        (r#"{"Trace":"TRUE"}"#, Some("InvalidParameterValue.TraceEnable")),
        (r#"{"Trace":true}"#, Some("InvalidParameterValue.TraceEnable")),
        (r#"{"Trace":1}"#, Some("InvalidParameterValue.TraceEnable")),
        (r#"{"Code":{"Image":{}}}"#, None),
        (r#"{"Code":"Image"}"#, None),
        (r#"{"Code":{"Image":{"Uri":"x"}}}"#, Some("UnsupportedOperation")),
    ] {
        let refusal = Parameters::from_json(text.as_bytes()).unwrap().refuse(LAYERS).err();
        assert_eq!(refusal.as_ref().map(|error| error.code.as_ref()), code, "{text}");
    }
}
