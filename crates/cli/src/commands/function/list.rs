//! `skiff function list`.

use serde_json::{Value, json};

use crate::client::Client;
use crate::commands::InNamespace;
use crate::console::{Console, text};
use crate::error::CliError;

/// Arguments of `skiff function list`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    namespace: InNamespace,
    /// Functions of every namespace
    #[arg(long, short, conflicts_with = "namespace")]
    all: bool,
    /// Only names that contain this text
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
}

impl Args {
    pub(super) fn run(&self, client: &Client, console: &mut Console) -> Result<(), CliError> {
        let functions = if self.all {
            let mut functions = Vec::new();
            for namespace in client.list("ListNamespaces", &json!({}), "Namespaces")? {
                functions.extend(self.of(client, &json!({"Namespace": namespace["Name"]}))?);
            }
            functions
        } else {
            let mut params = json!({});
            self.namespace.add_to(&mut params);
            self.of(client, &params)?
        };
        let header = ["NAMESPACE", "NAME", "RUNTIME", "STATUS", "MODIFIED", "DESCRIPTION"];
        console.list(&functions, &header, &["MODIFIED", "RUNTIME"], |function| {
            [
                "Namespace",
                "FunctionName",
                "Runtime",
                "Status",
                "ModTime",
                "Description",
            ]
            .map(|field| text(function, field))
            .to_vec()
        })?;
        match &self.search {
            Some(search) if functions.is_empty() => {
                console.say(format_args!("no function's name contains {search:?}"))?
            }
            None if functions.is_empty() => console.say("no functions; deploy one with `skiff deploy FOLDER`")?,
            _ => {}
        }
        Ok(())
    }

    fn of(&self, client: &Client, namespace: &Value) -> Result<Vec<Value>, CliError> {
        let mut params = namespace.clone();
        params["Orderby"] = json!("FunctionName");
        params["Order"] = json!("ASC");
        if let Some(search) = &self.search {
            params["SearchKey"] = json!(search);
        }
        client.list("ListFunctions", &params, "Functions")
    }
}
