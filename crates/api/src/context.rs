//! What the actions work with: the ports of the cores, handed in by the binary.

use std::sync::Arc;

use skiff_auth::Keyring;
use skiff_control_plane::ControlPlane;
use skiff_invoker::Invoke;
use skiff_observe::LogStore;

/// Everything an action may use. Cheap to clone.
#[derive(Clone)]
pub struct ApiContext {
    /// Functions and namespaces.
    pub control: ControlPlane,
    /// Runs invocations.
    pub invoker: Arc<dyn Invoke>,
    /// Logs of past invocations.
    pub logs: LogStore,
    /// Who may call.
    pub keyring: Arc<Keyring>,
    /// The region this installation is.
    pub region: String,
    /// The account's number.
    pub app_id: String,
}
