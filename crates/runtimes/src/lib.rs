//! What runs inside: manifests, bootstraps, the wire protocol between worker and runtime.
