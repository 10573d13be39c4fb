//! Layers: what `require` finds at `/opt`.

use serde_json::json;
use skiff_tests::Package;

use crate::world::{VERSIONS, client, node};

const MODULE: &[u8] = b"import { createRequire } from 'module';
const require = createRequire(import.meta.url);
export const main_handler = async () => [require('shared').word, require('deep').word, require('own').word];
";
const CODE: &[u8] = b"exports.main_handler = function (event, context, callback) {
    callback(null, [require('shared').word, require('deep').word, require('own').word]);
};
";

#[test]
fn modules_of_layers_are_found_at_opt_and_behind_the_packages_own() {
    let client = client();
    let word = |word: &str| format!("exports.word = '{word}';").into_bytes();
    let content = Package::default()
        .file("shared.js", &word("of the layer"))
        .file("node_modules/deep/index.js", &word("of its node_modules"))
        .file("node_modules/own/index.js", &word("of the layer"));
    let runtimes = VERSIONS.map(|version| version.1);
    let publication = json!({
        "LayerName": "modules", "CompatibleRuntimes": runtimes, "Content": {"ZipFile": content.base64()},
    });
    let published = client
        .call("PublishLayerVersion", publication)
        .expect("PublishLayerVersion");
    let layers = json!([{"LayerName": "modules", "LayerVersion": published["LayerVersion"]}]);
    for version in VERSIONS {
        // Its `import` does not look at `NODE_PATH`; what it makes for itself to require with does.
        let modular = (version.0 >= 14).then_some(("index.mjs", MODULE));
        for (file, code) in [Some(("index.js", CODE)), modular].into_iter().flatten() {
            let package = Package::default()
                .file(file, code)
                .file("node_modules/own/index.js", &word("of the package"));
            let function = node(version, package).with("Layers", layers.clone()).deploy(&client);
            let expected = json!(["of the layer", "of its node_modules", "of the package"]);
            assert_eq!(function.invoke(&json!({})).returned(), &expected, "{version:?} {file}");
        }
    }
}
