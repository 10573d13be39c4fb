//! The heap keeps within a small function's memory.

use serde_json::json;

use crate::world::{EXAMPLE, client, java, package, versions};

#[test]
fn a_function_of_128_mb_collects_its_garbage_in_time_and_dies_of_what_it_keeps_in_java() {
    for &version in versions() {
        let function = java(version, package(&EXAMPLE), "example.Cases::main")
            .with("MemorySize", 128)
            .with("Timeout", 60)
            .deploy(&client());
        let garbage = function.invoke(&json!({"case": "garbage"}));
        assert_eq!(garbage.returned(), &json!(2_000_i64 << 20), "{version:?}");
        let answer = function.invoke(&json!({"case": "keep"}));
        assert_eq!(answer.status, 434, "{version:?} {answer:?}");
        assert_eq!(
            function.invoke(&json!({"case": "echo", "value": 1})).returned(),
            &json!(1),
            "{version:?}"
        );
    }
}
