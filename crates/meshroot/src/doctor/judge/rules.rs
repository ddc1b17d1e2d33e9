use crate::verify::Rules;

use super::Plane;

/// How a data plane judges a path.
pub(in super::super) fn plane_rules(plane: Plane) -> Rules {
    match plane {
        Plane::Sidecar => Rules::boringssl(),
        Plane::Ambient => Rules::rustls_webpki(),
    }
}
