//! UpdateFunctionConfiguration: only what is given changes; `Environment` replaces all variables.

use serde::Deserialize;
use skiff_control_plane::UpdateFunctionConfiguration;

use super::configuration::{self, EnvironmentFields, PublicNetConfig, VpcConfig};
use super::instance_concurrency::{self, InstanceConcurrencyConfig};
use super::layer::{self, VersionFields};
use super::web::{self, ProtocolParams};
use super::{Call, names};
use crate::error::ApiError;
use crate::parameters::Unserved;
use crate::reply::Done;

const UNSERVED: &[Unserved] = &[
    Unserved::new(
        "L5Enable",
        "InvalidParameterValue.L5Enable",
        "there is no L5 to register with",
    )
    .unless(&["FALSE"]),
    Unserved::new(
        "IgnoreSysLog",
        "UnsupportedOperation",
        "platform lines are always part of a log",
    )
    .unless(&["FALSE"]),
];

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Request {
    function_name: Option<String>,
    description: Option<String>,
    memory_size: Option<i64>,
    timeout: Option<i64>,
    runtime: Option<String>,
    environment: Option<EnvironmentFields>,
    namespace: Option<String>,
    vpc_config: Option<VpcConfig>,
    public_net_config: Option<PublicNetConfig>,
    init_timeout: Option<i64>,
    publish: Option<String>,
    role: Option<String>,
    layers: Option<Vec<VersionFields>>,
    protocol_params: Option<ProtocolParams>,
    instance_concurrency_config: Option<InstanceConcurrencyConfig>,
}

pub(super) async fn run(mut call: Call<'_>) -> Result<Done, ApiError> {
    for unserved in [configuration::UNSERVED, instance_concurrency::UNSERVED, UNSERVED] {
        call.parameters.refuse(unserved)?;
    }
    let request: Request = call.parameters.parse()?;
    let input = UpdateFunctionConfiguration {
        key: names::key(request.function_name, request.namespace)?,
        description: configuration::description(request.description)?,
        memory: configuration::memory(request.memory_size)?,
        timeout: configuration::timeout(request.timeout)?,
        init_timeout: configuration::init_timeout(request.init_timeout)?,
        runtime: configuration::runtime(request.runtime.as_deref()),
        environment: request.environment.map(EnvironmentFields::read).transpose()?,
        network: configuration::network(request.vpc_config, request.public_net_config)?,
        publish: configuration::publish(request.publish.as_deref())?,
        role: configuration::role(request.role)?,
        layers: layer::of_function(request.layers)?,
        socket_idle: web::read_socket_idle(request.protocol_params)?,
        concurrency: instance_concurrency::read(request.instance_concurrency_config)?,
    };
    let updated = call.context.control.update_function_configuration(input).await;
    updated.map_err(|error| ApiError::refused(error.code(), &error))?;
    Ok(Done {})
}
