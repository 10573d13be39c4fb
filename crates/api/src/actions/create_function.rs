//! CreateFunction.

use serde::Deserialize;
use skiff_control_plane::CreateFunction;

use super::configuration::{self, EnvironmentFields, Pair, PublicNetConfig, VpcConfig};
use super::instance_concurrency::{self, InstanceConcurrencyConfig};
use super::layer::{self, VersionFields};
use super::package::{self, Code};
use super::web::{self, ProtocolParams};
use super::{Call, names};
use crate::error::ApiError;
use crate::parameters::Unserved;
use crate::reply::Done;

/// What is fixed at creation and not there yet.
const UNSERVED: &[Unserved] = &[
    Unserved::new(
        "AsyncRunEnable",
        "UnsupportedOperation.AsyncRunEnable",
        "long asynchronous runs come later",
    )
    .unless(&["FALSE"]),
    Unserved::new(
        "TraceEnable",
        "InvalidParameterValue.TraceEnable",
        "status tracing comes with asynchronous runs",
    )
    .unless(&["FALSE"]),
    Unserved::new(
        "AutoDeployClsTopicIndex",
        "InvalidParameterValue.Cls",
        configuration::CLS_LATER,
    )
    .unless(&["FALSE"]),
    Unserved::new(
        "AutoCreateClsTopic",
        "InvalidParameterValue.Cls",
        configuration::CLS_LATER,
    )
    .unless(&["FALSE"]),
];

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Request {
    function_name: Option<String>,
    code: Option<Code>,
    handler: Option<String>,
    description: Option<String>,
    memory_size: Option<i64>,
    timeout: Option<i64>,
    environment: Option<EnvironmentFields>,
    runtime: Option<String>,
    vpc_config: Option<VpcConfig>,
    namespace: Option<String>,
    public_net_config: Option<PublicNetConfig>,
    init_timeout: Option<i64>,
    tags: Option<Vec<Pair>>,
    role: Option<String>,
    layers: Option<Vec<VersionFields>>,
    r#type: Option<String>,
    protocol_type: Option<String>,
    protocol_params: Option<ProtocolParams>,
    instance_concurrency_config: Option<InstanceConcurrencyConfig>,
}

pub(super) async fn run(mut call: Call<'_>) -> Result<Done, ApiError> {
    call.parameters.refuse_within("Code", package::UNSERVED)?;
    for unserved in [
        package::UNSERVED_SOURCE,
        configuration::UNSERVED,
        instance_concurrency::UNSERVED,
        UNSERVED,
    ] {
        call.parameters.refuse(unserved)?;
    }
    let request: Request = call.parameters.parse()?;
    // Everything that is cheap to refuse comes before the code is unpacked.
    let key = names::key(request.function_name, request.namespace)?;
    let zip_file = request.code.unwrap_or_default().required()?;
    let layers = layer::of_function(request.layers)?.unwrap_or_default();
    let input = CreateFunction {
        key,
        runtime: configuration::runtime(request.runtime.as_deref()),
        handler: request.handler.filter(|handler| !handler.is_empty()),
        description: configuration::description(request.description)?.unwrap_or_default(),
        memory: configuration::memory(request.memory_size)?.unwrap_or_default(),
        timeout: configuration::timeout(request.timeout)?.unwrap_or_default(),
        init_timeout: configuration::init_timeout(request.init_timeout)?.unwrap_or_default(),
        environment: request.environment.unwrap_or_default().read()?,
        network: configuration::network(request.vpc_config, request.public_net_config)?.unwrap_or_default(),
        role: configuration::role(request.role)?.flatten(),
        tags: configuration::tags(request.tags)?,
        code: package::decode(zip_file).await?,
        layers,
        web: web::read(request.r#type, request.protocol_type, request.protocol_params)?,
        concurrency: instance_concurrency::read(request.instance_concurrency_config)?.unwrap_or_default(),
    };
    let created = call.context.control.create_function(input).await;
    created.map_err(|error| ApiError::refused(error.code(), &error))?;
    Ok(Done {})
}
