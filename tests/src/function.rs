//! A deployed function that goes away with the test that deployed it.

use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::{Answer, ApiError, Client, Package, eventually};

static NEXT: AtomicU32 = AtomicU32::new(0);

/// What to deploy. Fields not set are the API's defaults.
#[derive(Debug)]
pub struct Spec {
    package: Package,
    params: Value,
}

impl Spec {
    /// A Python function of one file, its entry `main_handler`.
    pub fn python(code: &str) -> Self {
        Self::package(Package::python(code))
    }

    /// A Python function in this package, run by the newest CPython of the host.
    pub fn package(package: Package) -> Self {
        let mut params = json!({"Runtime": "Python3", "Handler": "index.main_handler", "Timeout": 20});
        // A kernel without address translation runs everything but public functions.
        if std::env::var_os("SKIFF_TESTS_PRIVATE").is_some() {
            params["PublicNetConfig"] = json!({"PublicNetStatus": "DISABLE"});
        }
        Self { package, params }
    }

    /// Sets one parameter of CreateFunction.
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.params[name] = value.into();
        self
    }

    /// Leaves one parameter of CreateFunction out.
    pub fn without(mut self, name: &str) -> Self {
        if let Some(params) = self.params.as_object_mut() {
            params.remove(name);
        }
        self
    }

    /// Creates it under a name nobody else has and waits until it is active.
    pub fn deploy(self, client: &Client) -> Function {
        self.try_deploy(client)
            .unwrap_or_else(|error| panic!("CreateFunction: {error:?}"))
    }

    /// Like [`Spec::deploy`], for those that are to be refused.
    pub fn try_deploy(self, client: &Client) -> Result<Function, ApiError> {
        let name = format!("f{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let mut params = self.params;
        params["FunctionName"] = json!(name);
        params["Code"] = json!({"ZipFile": self.package.base64()});
        client.call("CreateFunction", params)?;
        let function = Function {
            client: client.clone(),
            name,
        };
        function.wait_active();
        Ok(function)
    }
}

/// A deployed function. Dropping it deletes it.
#[derive(Debug)]
pub struct Function {
    client: Client,
    /// Its name.
    pub name: String,
}

impl Function {
    /// Runs it with this event.
    pub fn invoke(&self, event: &Value) -> Answer {
        self.client.invoke(&self.name, event)
    }

    /// Runs it with all these events at the same time. Answers are in their order.
    pub fn invoke_together(&self, events: &[Value]) -> Vec<Answer> {
        thread::scope(|scope| {
            let calls: Vec<_> = events.iter().map(|event| scope.spawn(|| self.invoke(event))).collect();
            calls.into_iter().map(|call| call.join().expect("a caller")).collect()
        })
    }

    /// What GetFunction says.
    pub fn describe(&self) -> Value {
        self.client
            .call("GetFunction", json!({"FunctionName": self.name}))
            .expect("GetFunction")
    }

    /// Changes settings and waits until they are in force.
    pub fn configure(&self, mut params: Value) {
        params["FunctionName"] = json!(self.name);
        self.client
            .call("UpdateFunctionConfiguration", params)
            .expect("UpdateFunctionConfiguration");
        self.wait_active();
    }

    /// Replaces the code and waits until it is in force.
    pub fn replace_code(&self, package: Package) {
        let params = json!({"FunctionName": self.name, "ZipFile": package.base64()});
        self.client
            .call("UpdateFunctionCode", params)
            .expect("UpdateFunctionCode");
        self.wait_active();
    }

    fn wait_active(&self) {
        eventually(Duration::from_secs(30), "the function to be active", || {
            (self.describe()["Status"] == "Active").then_some(())
        });
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        // The test may have stopped its server: then there is nothing to delete.
        drop(
            self.client
                .try_call("DeleteFunction", &json!({"FunctionName": self.name})),
        );
    }
}
