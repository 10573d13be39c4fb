//! The context object a handler is given: its JSON text, made once per instance and completed per call.

use bytes::Bytes;
use serde_json::{Map, Value, json};
use skiff_domain::{RequestId, Version};

use crate::settings::Identity;

/// The context of one version with a gap where the request id goes (CONTRACT 1.2).
pub(crate) struct ContextTemplate {
    head: Box<[u8]>,
    tail: Box<[u8]>,
}

impl ContextTemplate {
    /// Serialises everything that is the same for every call.
    pub(crate) fn new(version: &Version, identity: &Identity) -> Self {
        let namespace = version.key.namespace.as_str();
        let mut environment = Map::new();
        environment.insert("SCF_NAMESPACE".to_owned(), namespace.into());
        // The documented sample names the namespace twice here. A reader of pairs sees no difference, so it is kept.
        let mut environ = format!("SCF_NAMESPACE={namespace};SCF_NAMESPACE={namespace}");
        for (key, value) in &version.environment {
            environment.insert(key.clone(), value.as_str().into());
            environ.extend([";", key, "=", value]);
        }
        let rest = json!({
            "environment": Value::Object(environment).to_string(),
            "environ": environ,
            "function_version": version.label.as_str(),
            "function_name": version.key.name.as_str(),
            "namespace": namespace,
            "tencentcloud_region": identity.region,
            "tencentcloud_appid": identity.app_id,
            "tencentcloud_uin": identity.uin,
        })
        .to_string();
        let head = format!(
            r#"{{"memory_limit_in_mb":{},"time_limit_in_ms":{},"request_id":""#,
            version.memory_mb,
            version.timeout.as_millis()
        );
        let tail = format!("\",{}", &rest[1..]);
        Self {
            head: head.into_bytes().into(),
            tail: tail.into_bytes().into(),
        }
    }

    /// The whole context of one call. One allocation.
    pub(crate) fn complete(&self, id: RequestId) -> Bytes {
        let mut text = Vec::with_capacity(self.head.len() + 36 + self.tail.len());
        text.extend_from_slice(&self.head);
        text.extend_from_slice(id.0.hyphenated().encode_lower(&mut [0; 36]).as_bytes());
        text.extend_from_slice(&self.tail);
        text.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fakes::{identity, version};

    #[test]
    fn the_context_is_the_documented_one() {
        let id: RequestId = "f03dc946-3df4-45a0-8e54-000000000001".parse().unwrap();
        let text = ContextTemplate::new(&version("hello"), &identity()).complete(id);
        assert_eq!(
            std::str::from_utf8(&text).unwrap(),
            concat!(
                r#"{"memory_limit_in_mb":128,"time_limit_in_ms":3000,"#,
                r#""request_id":"f03dc946-3df4-45a0-8e54-000000000001","#,
                r#""environment":"{\"SCF_NAMESPACE\":\"default\"}","#,
                r#""environ":"SCF_NAMESPACE=default;SCF_NAMESPACE=default","#,
                r#""function_version":"$LATEST","function_name":"hello","namespace":"default","#,
                r#""tencentcloud_region":"local","tencentcloud_appid":"1250000000","tencentcloud_uin":"100000000001"}"#,
            )
        );
    }

    #[test]
    fn the_users_variables_are_in_the_context_whatever_they_contain() {
        let mut version = version("hello");
        version.environment = vec![
            ("GREETING".to_owned(), "\"你好\"\n".to_owned()),
            ("EMPTY".to_owned(), String::new()),
        ];
        let text = ContextTemplate::new(&version, &identity()).complete(RequestId::random());
        let context: Value = serde_json::from_slice(&text).unwrap();
        let environment: Value = serde_json::from_str(context["environment"].as_str().unwrap()).unwrap();
        assert_eq!(
            environment,
            json!({"SCF_NAMESPACE": "default", "GREETING": "\"你好\"\n", "EMPTY": ""})
        );
        assert_eq!(
            context["environ"],
            "SCF_NAMESPACE=default;SCF_NAMESPACE=default;GREETING=\"你好\"\n;EMPTY="
        );
    }
}
