//! Greets by name, and counts its calls.

use std::cell::Cell;

use serde_json::{Value, json};

wit_bindgen::generate!({ world: "function" });

thread_local! {
    /// An instance keeps what it has in memory from call to call.
    static CALLS: Cell<u64> = const { Cell::new(0) };
}

struct Hello;

impl Guest for Hello {
    fn handle(event: String, _context: String) -> Result<String, String> {
        let event: Value = serde_json::from_str(&event).map_err(|error| error.to_string())?;
        let name = event["name"].as_str().ok_or("the event has no name")?;
        CALLS.set(CALLS.get() + 1);
        println!("greeting {name}");
        Ok(json!({"greeting": format!("Hello, {name}"), "calls": CALLS.get()}).to_string())
    }
}

export!(Hello);
