//! What a user may change: functions, namespaces, configuration.

/// The control plane's handle. Cheap to clone.
#[derive(Debug, Clone)]
pub struct ControlPlane {}
