//! What a package may be: a fat jar, a zip of classes, jars beside or below them, and layers.

use serde_json::json;
use skiff_tests::Package;

use crate::world::{EXAMPLE, client, java, package, versions};

#[test]
fn a_fat_jar_an_exploded_zip_and_jars_in_lib_or_at_the_top_are_all_packages() {
    let jar = || package(&EXAMPLE).file("META-INF/MANIFEST.MF", b"Manifest-Version: 1.0\n\n");
    let resource = |package: Package| package.file("resource.txt", b"beside");
    for &version in versions() {
        for (what, bundle) in [
            // A jar is a zip: uploaded as the code it is the code.
            ("fat jar", jar()),
            ("exploded", package(&EXAMPLE)),
            (
                "lib",
                resource(Package::default().file("lib/function.jar", &jar().bytes())),
            ),
            ("top", resource(Package::default().file("function.jar", &jar().bytes()))),
        ] {
            let function = java(version, bundle, "example.Cases::main").deploy(&client());
            let answer = function.invoke(&json!({"case": "echo", "value": what}));
            assert_eq!(answer.returned(), &json!(what), "{version:?}");
        }
    }
}

#[test]
fn what_comes_first_on_the_class_path_wins_and_layers_come_after_the_package() {
    let client = client();
    let text = |text: &str| Package::default().file("resource.txt", text.as_bytes()).bytes();
    let layer = Package::default()
        .file(
            "lib/layer.jar",
            &package(&EXAMPLE).file("resource.txt", b"of the layer").bytes(),
        )
        .base64();
    let name = format!("java-layer-{}", std::process::id());
    let published = client.call(
        "PublishLayerVersion",
        json!({"LayerName": name, "CompatibleRuntimes": ["Java8", "Java11", "Java17", "Java21"], "Content": {"ZipFile": layer}}),
    );
    let number = published.expect("published")["LayerVersion"].clone();
    for &version in versions() {
        // The handler's own class is in the package, what it loads is where it is found first.
        let first = Package::default()
            .file("lib/a.jar", &text("of a"))
            .file("lib/b.jar", &package(&EXAMPLE).file("resource.txt", b"of b").bytes());
        let function = java(version, first, "example.Cases::main")
            .with("Layers", json!([{"LayerName": name, "LayerVersion": number}]))
            .deploy(&client);
        let answer = function.invoke(&json!({"case": "resource"}));
        assert_eq!(
            answer.returned(),
            &json!(["of a", "of b", "of the layer"]),
            "{version:?}"
        );
    }
    let delete = json!({"LayerName": name, "LayerVersion": number});
    client.call("DeleteLayerVersion", delete).expect("deleted");
}
