//! GetFunction: everything the SDKs show of a function.

use serde::{Deserialize, Serialize};
use skiff_control_plane::{EntrySource, FunctionView};
use skiff_domain::{NetworkMode, Qualifier};

use super::configuration::{self, EnvironmentFields, Pair, VpcConfig};
use super::instance_concurrency::InstanceConcurrencyConfig;
use super::layer::Entry;
use super::web::{self, ProtocolParams};
use super::{Call, names};
use crate::error::ApiError;
use crate::time;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Request {
    function_name: Option<String>,
    qualifier: Option<String>,
    namespace: Option<String>,
    show_code: Option<String>,
    /// Not in the contract: only who asks gets a field that official SDKs would warn of.
    #[serde(rename = "ShowCodeSha256")]
    show_code_sha256: Option<String>,
}

/// The fields that hold what a function is. `Unserved` has the rest.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Answer {
    function_name: String,
    function_id: String,
    namespace: String,
    description: String,
    r#type: &'static str,
    runtime: &'static str,
    handler: String,
    function_version: String,
    qualifier: String,
    memory_size: u32,
    timeout: u32,
    init_timeout: u32,
    environment: EnvironmentFields,
    vpc_config: VpcConfig,
    public_net_config: PublicNetConfigOut,
    role: String,
    tags: Vec<Pair>,
    layers: Vec<Entry>,
    protocol_type: &'static str,
    protocol_params: Option<ProtocolParams>,
    instance_concurrency_config: InstanceConcurrencyConfig,
    status: &'static str,
    available_status: &'static str,
    add_time: String,
    mod_time: String,
    code_size: u64,
    code_info: String,
    code_result: &'static str,
    code_error: &'static str,
    /// The zip's, in hexadecimal.
    #[serde(rename = "CodeSha256", skip_serializing_if = "Option::is_none")]
    code_sha256: Option<String>,
    #[serde(flatten)]
    unserved: Unserved,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct PublicNetConfigOut {
    public_net_status: &'static str,
    eip_config: EipConfigOut,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct EipConfigOut {
    eip_status: &'static str,
    eip_address: [&'static str; 0],
}

/// What a function does not have yet, as the service writes its absence.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Unserved {
    triggers: [(); 0],
    status_reasons: [(); 0],
    status_desc: &'static str,
    err_no: i64,
    cls_logset_id: &'static str,
    cls_topic_id: &'static str,
    install_dependency: &'static str,
    use_gpu: &'static str,
    #[serde(rename = "L5Enable")]
    l5_enable: &'static str,
    ons_enable: &'static str,
    async_run_enable: &'static str,
    trace_enable: &'static str,
    dns_cache: &'static str,
    eip_config: EipOutConfig,
    access_info: AccessInfo,
    dead_letter_config: DeadLetterConfig,
    cfs_config: CfsConfig,
    intranet_config: IntranetConfigOut,
    image_config: Option<()>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct EipOutConfig {
    eip_fixed: &'static str,
    eips: [(); 0],
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
struct AccessInfo {
    host: &'static str,
    vip: &'static str,
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
struct DeadLetterConfig {
    r#type: &'static str,
    name: &'static str,
    filter_type: &'static str,
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
struct CfsConfig {
    cfs_ins_list: [(); 0],
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct IntranetConfigOut {
    ip_fixed: &'static str,
    ip_address: [(); 0],
}

const OFF: &str = "FALSE";
const DISABLED: &str = "DISABLE";

pub(super) async fn run(mut call: Call<'_>) -> Result<Answer, ApiError> {
    let request: Request = call.parameters.parse()?;
    let key = names::key(request.function_name, request.namespace)?;
    let qualifier = names::qualifier(request.qualifier, Qualifier::LATEST)?;
    let show_code = configuration::switch(request.show_code.as_deref(), "ShowCode")?;
    let show_digest = configuration::switch(request.show_code_sha256.as_deref(), "ShowCodeSha256")?;
    let control = &call.context.control;
    let view = control
        .get_function(&key, &qualifier)
        .map_err(|error| ApiError::refused(error.code(), &error))?;
    let source = if show_code {
        Some(control.entry_source(&view.configuration).await)
    } else {
        None
    };
    Ok(Answer {
        code_sha256: show_digest.then(|| view.configuration.code.to_string()),
        ..Answer::of(&view, qualifier, source)
    })
}

impl Answer {
    fn of(view: &FunctionView, qualifier: Qualifier, source: Option<EntrySource>) -> Self {
        let (code_info, code_result, code_error) = match source {
            None => (String::new(), "success", ""),
            Some(EntrySource::Text(text)) => (text, "success", ""),
            Some(EntrySource::TooLarge) => (String::new(), "failed", "the entry file is larger than 1 MB"),
            Some(EntrySource::NotText) => (String::new(), "failed", "the entry file is not text"),
            Some(EntrySource::Unreadable) => (String::new(), "failed", "the package cannot be read now"),
        };
        let FunctionView {
            function,
            configuration: its,
            ..
        } = view;
        Self {
            function_name: function.key.name.to_string(),
            function_id: function.uid.to_string(),
            namespace: function.key.namespace.to_string(),
            description: its.description.to_string(),
            r#type: its.function_type().as_str(),
            runtime: its.runtime.as_str(),
            handler: its.handler.clone(),
            function_version: view.version.to_string(),
            qualifier: qualifier.into(),
            memory_size: its.memory.mb(),
            timeout: its.timeout.secs(),
            init_timeout: its.init_timeout.secs(),
            environment: EnvironmentFields::of(&its.environment),
            vpc_config: VpcConfig::of(its.network),
            public_net_config: PublicNetConfigOut::of(its.network),
            layers: its.layers.as_slice().iter().map(|layer| Entry::bound(layer)).collect(),
            role: its.role.as_ref().map(ToString::to_string).unwrap_or_default(),
            protocol_type: web::protocol_type(its.web),
            protocol_params: its.web.and_then(ProtocolParams::of),
            instance_concurrency_config: InstanceConcurrencyConfig::of(its.concurrency),
            tags: configuration::pairs(function.tags.as_slice()),
            status: function.status().as_str(),
            available_status: "Available",
            add_time: time::to_text(view.created_at),
            mod_time: time::to_text(view.modified_at),
            code_size: its.code_bytes,
            code_info,
            code_result,
            code_error,
            code_sha256: None,
            unserved: Unserved::new(),
        }
    }
}

impl PublicNetConfigOut {
    fn of(network: NetworkMode) -> Self {
        let public_net_status = match network {
            NetworkMode::Public => "ENABLE",
            NetworkMode::Private | NetworkMode::None => DISABLED,
        };
        Self {
            public_net_status,
            eip_config: EipConfigOut {
                eip_status: DISABLED,
                eip_address: [],
            },
        }
    }
}

impl Unserved {
    fn new() -> Self {
        Self {
            triggers: [],
            status_reasons: [],
            status_desc: "",
            err_no: 0,
            cls_logset_id: "",
            cls_topic_id: "",
            install_dependency: OFF,
            use_gpu: OFF,
            l5_enable: OFF,
            ons_enable: OFF,
            async_run_enable: OFF,
            trace_enable: OFF,
            dns_cache: OFF,
            eip_config: EipOutConfig {
                eip_fixed: OFF,
                eips: [],
            },
            access_info: AccessInfo::default(),
            dead_letter_config: DeadLetterConfig::default(),
            cfs_config: CfsConfig::default(),
            intranet_config: IntranetConfigOut {
                ip_fixed: DISABLED,
                ip_address: [],
            },
            image_config: None,
        }
    }
}
