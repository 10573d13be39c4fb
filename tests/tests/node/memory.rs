//! The heap keeps within a small function's memory.

use serde_json::json;
use skiff_tests::Package;

use crate::world::{VERSIONS, client, node};

#[test]
fn a_function_of_128_mb_collects_its_garbage_in_time_and_dies_of_what_it_keeps() {
    let code = "
        const rows = (count) => {
            const rows = [];
            for (let i = 0; i < count; i += 1) rows.push({ id: i, name: 'name' + i, tags: ['a', 'b' + i], at: { x: i } });
            return rows;
        };
        const kept = [];
        exports.main_handler = (event, context, callback) => {
            const text = JSON.stringify(rows(4000));
            const window = [];
            for (let round = 0; round < event.rounds; round += 1) {
                window.push(JSON.parse(text));
                if (window.length > 4) window.shift();
                if (event.keep) kept.push(JSON.parse(text));
            }
            callback(null, window.length);
        };";
    for version in VERSIONS {
        let package = Package::default().file("index.js", code.as_bytes());
        let function = node(version, package)
            .with("MemorySize", 128)
            .with("Timeout", 60)
            .deploy(&client());
        assert_eq!(
            function.invoke(&json!({"rounds": 100})).returned(),
            &json!(4),
            "{version:?}"
        );
        let answer = function.invoke(&json!({"rounds": 1000, "keep": true}));
        assert_eq!(answer.status, 434, "{version:?} {answer:?}");
    }
}
