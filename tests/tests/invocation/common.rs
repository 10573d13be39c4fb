//! The server the tests of this file share, and a function that runs until it is let go.

use std::sync::LazyLock;
use std::thread::{Scope, ScopedJoinHandle};
use std::time::Duration;

use serde_json::json;
use skiff_tests::{Answer, Client, Function, Mark, Server, Spec};

/// Longer than anything takes that happens at all.
pub(crate) const SOON: Duration = Duration::from_secs(60);

pub(crate) static SERVER: LazyLock<Server> = LazyLock::new(Server::start);

/// A client of the shared server.
pub(crate) fn client() -> Client {
    SERVER.client()
}

/// A deployed Python function of one file.
pub(crate) fn python(code: &str) -> Function {
    Spec::python(code).deploy(&client())
}

/// The code of a function that holds when its event has a mark, and then gives the value of this expression.
pub(crate) fn holding(expression: &str) -> Spec {
    Spec::python(&format!(
        "import os, subprocess, uuid, random, secrets, ssl
born = uuid.uuid4().hex
calls = 0

def main_handler(event, context):
    global calls
    calls += 1
    if 'mark' in event:
        subprocess.run(['/bin/sleep', event['mark']])
    return {expression}
"
    ))
    .with("Timeout", 120)
}

/// A call that runs until its mark is released.
pub(crate) struct Held<'scope> {
    pub(crate) mark: Mark,
    answer: ScopedJoinHandle<'scope, Answer>,
}

impl<'scope> Held<'scope> {
    /// Calls and waits until the handler runs.
    pub(crate) fn new(scope: &'scope Scope<'scope, '_>, client: &Client, name: &str) -> Self {
        let mark = Mark::default();
        let (client, name, event) = (client.clone(), name.to_owned(), json!({"mark": mark.as_str()}));
        let answer = scope.spawn(move || client.invoke(&name, &event));
        mark.appeared();
        Self { mark, answer }
    }

    /// Lets the call go on and gives its answer.
    pub(crate) fn release(self) -> Answer {
        self.mark.release();
        self.answer.join().expect("the call's thread")
    }
}
