//! istio
