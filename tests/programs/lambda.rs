//! A program for AWS Lambda, as its own runtime library makes it: one of the custom runtimes that the tests run.

use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::{Value, json};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut calls = 0;
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Value>| {
        calls += 1;
        handle(event, calls)
    }))
    .await
}

async fn handle(event: LambdaEvent<Value>, calls: u32) -> Result<Value, Error> {
    let LambdaEvent { payload, context } = event;
    match payload["case"].as_str() {
        Some("error") => Err("it broke".into()),
        Some("panic") => panic!("at the disco"),
        _ => {
            println!("call {calls}");
            Ok(json!({
                "echo": payload,
                "id": context.request_id,
                "arn": context.invoked_function_arn,
                "left": context.deadline > 0,
                "memory": context.env_config.memory,
                "calls": calls,
            }))
        }
    }
}
