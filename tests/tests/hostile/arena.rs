//! Where attacks take place: a server all tests of this file share, and the neighbour who must not notice.

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};
use skiff_tests::{Answer, Client, Function, Package, Server, Spec};

static SERVER: LazyLock<Server> = LazyLock::new(Server::start);
static WITNESS: LazyLock<Function> = LazyLock::new(|| witness(&client()));
static CALLS: AtomicU64 = AtomicU64::new(1);

/// The shared server.
pub(crate) fn server() -> &'static Server {
    &SERVER
}

/// A client of the shared server.
pub(crate) fn client() -> Client {
    SERVER.client()
}

/// A well-behaved function that uses what the attackers go for: memory, `/tmp`, a process, its output.
pub(crate) fn witness(client: &Client) -> Function {
    let code = r"
import os, subprocess

def main_handler(event, context):
    with open('/tmp/witness', 'w') as file:
        file.write(str(event['n']))
    said = subprocess.run(['/bin/echo', str(event['n'])], capture_output=True, text=True, check=True).stdout
    print('witness', event['n'])
    return {'n': event['n'], 'said': said.strip(), 'wrote': open('/tmp/witness').read(), 'there': os.listdir('/tmp')}
";
    Spec::python(code).deploy(client)
}

/// The server is well, and another function is answered rightly.
pub(crate) fn all_is_well() {
    witnessed(&SERVER, &WITNESS);
}

/// The same of a server of one's own.
pub(crate) fn witnessed(server: &Server, witness: &Function) {
    assert!(server.is_ready(), "the server is not ready any more:\n{}", server.log());
    let n = CALLS.fetch_add(1, Ordering::Relaxed);
    let answer = witness.invoke(&json!({ "n": n }));
    let expected = json!({"n": n, "said": n.to_string(), "wrote": n.to_string(), "there": ["witness"]});
    assert_eq!(answer.returned(), &expected, "the neighbour was answered wrongly");
    assert!(
        answer.log.contains(&format!("\nwitness {n}\n")),
        "the neighbour's log is not its own: {}",
        answer.log
    );
    let log = server.log();
    assert!(!log.contains("panicked at"), "the server panicked:\n{log}");
}

/// The package of all attacks with this one as its handler.
pub(crate) fn attack(handler: &str) -> Spec {
    let package = Package::default().file("attack.py", include_bytes!("attack.py"));
    Spec::package(package).with("Handler", format!("attack.{handler}"))
}

/// A deployed attack on the shared server.
pub(crate) struct Attacker(Function);

impl Attacker {
    /// Deploys it.
    pub(crate) fn new(spec: Spec) -> Self {
        Self(spec.deploy(&client()))
    }

    /// Attacks once; everybody else must be well afterwards.
    pub(crate) fn strikes(&self, event: &Value) -> Answer {
        let answer = self.0.invoke(event);
        all_is_well();
        answer
    }

    /// The function.
    pub(crate) fn function(&self) -> &Function {
        &self.0
    }
}

/// One attack from deployment to deletion.
pub(crate) fn strike(spec: Spec, event: &Value) -> Answer {
    Attacker::new(spec).strikes(event)
}

/// What an attack tells of each of its attempts.
pub(crate) fn outcomes(answer: &Answer) -> BTreeMap<String, String> {
    serde_json::from_value(answer.returned().clone()).unwrap_or_else(|error| panic!("{error}: {}", answer.ret_text))
}

/// Every attempt was refused with one of these errors.
pub(crate) fn assert_refused(answer: &Answer, errors: &[&str]) {
    let outcomes = outcomes(answer);
    assert!(!outcomes.is_empty(), "nothing was tried");
    let other: Vec<_> = outcomes
        .iter()
        .filter(|(_, outcome)| !errors.contains(&outcome.as_str()))
        .collect();
    assert!(other.is_empty(), "expected {errors:?}: {other:?}");
}
