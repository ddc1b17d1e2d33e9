//! The interface definitions of what is served, as tables: `security/v1alpha1/ca.proto` of istio/api, `health.proto` and `reflection.proto`
//! of grpc/grpc-proto, and Protocol Buffers' own `struct.proto`, which the first needs.

use super::descriptor::Kind::{Bool, Bytes, Double, Enum, Int32, Int64, Message, Text};
use super::descriptor::Times::{Many, Once, OneOf};
use super::descriptor::{Field, Kind, Times};

/// One file of definitions.
pub(super) struct File {
    pub(super) name: &'static str,
    pub(super) package: &'static str,
    pub(super) dependencies: &'static [&'static str],
    pub(super) messages: &'static [Definition],
    /// Name and values.
    pub(super) enums: &'static [(&'static str, &'static [(&'static str, i32)])],
    /// Name and methods.
    pub(super) services: &'static [(&'static str, &'static [Method])],
}

pub(super) struct Definition {
    pub(super) name: &'static str,
    pub(super) fields: &'static [Field],
    /// An enum within, with its values.
    pub(super) within: Option<(&'static str, &'static [(&'static str, i32)])>,
    /// The name of the group of fields of which one is set.
    pub(super) one_of: Option<&'static str>,
    /// Name and type of values: a map from texts, whose entries are a message of their own.
    pub(super) map: Option<(&'static str, &'static str)>,
}

/// Name, what comes in, what goes out, and which of both is a stream.
pub(super) struct Method {
    pub(super) name: &'static str,
    pub(super) input: &'static str,
    pub(super) output: &'static str,
    pub(super) streams: (bool, bool),
}

const fn plain(name: &'static str, fields: &'static [Field]) -> Definition {
    Definition { name, fields, within: None, one_of: None, map: None }
}

const fn choice(name: &'static str, one_of: &'static str, fields: &'static [Field]) -> Definition {
    Definition { name, fields, within: None, one_of: Some(one_of), map: None }
}

const fn field(name: &'static str, number: i32, kind: Kind, times: Times) -> Field {
    Field { name, number, kind, times }
}

pub(super) const FILES: &[File] = &[ISTIO, HEALTH, REFLECTION, REFLECTION_ALPHA, STRUCT];

const ISTIO: File = File {
    name: "security/v1alpha1/ca.proto",
    package: "istio.v1.auth",
    dependencies: &["google/protobuf/struct.proto"],
    messages: &[
        plain(
            "IstioCertificateRequest",
            &[
                field("csr", 1, Text, Once),
                field("validity_duration", 3, Int64, Once),
                field("metadata", 4, Message(".google.protobuf.Struct"), Once),
            ],
        ),
        plain("IstioCertificateResponse", &[field("cert_chain", 1, Text, Many)]),
    ],
    enums: &[],
    services: &[(
        "IstioCertificateService",
        &[Method {
            name: "CreateCertificate",
            input: ".istio.v1.auth.IstioCertificateRequest",
            output: ".istio.v1.auth.IstioCertificateResponse",
            streams: (false, false),
        }],
    )],
};

const HEALTH: File = File {
    name: "grpc/health/v1/health.proto",
    package: "grpc.health.v1",
    dependencies: &[],
    messages: &[
        plain("HealthCheckRequest", &[field("service", 1, Text, Once)]),
        Definition {
            within: Some(("ServingStatus", &[("UNKNOWN", 0), ("SERVING", 1), ("NOT_SERVING", 2), ("SERVICE_UNKNOWN", 3)])),
            ..plain("HealthCheckResponse", &[field("status", 1, Enum(".grpc.health.v1.HealthCheckResponse.ServingStatus"), Once)])
        },
    ],
    enums: &[],
    services: &[("Health", &[health("Check", false), health("Watch", true)])],
};

const fn health(name: &'static str, watches: bool) -> Method {
    let (input, output) = (".grpc.health.v1.HealthCheckRequest", ".grpc.health.v1.HealthCheckResponse");
    Method { name, input, output, streams: (false, watches) }
}

/// The two versions have the same messages in packages of their own.
macro_rules! reflection {
    ($version:literal) => {
        File {
            name: concat!("grpc/reflection/", $version, "/reflection.proto"),
            package: concat!("grpc.reflection.", $version),
            dependencies: &[],
            messages: &[
                choice("ServerReflectionRequest", "message_request", &asked(concat!(".grpc.reflection.", $version, ".ExtensionRequest"))),
                EXTENSION,
                choice(
                    "ServerReflectionResponse",
                    "message_response",
                    &replied([
                        concat!(".grpc.reflection.", $version, ".ServerReflectionRequest"),
                        concat!(".grpc.reflection.", $version, ".FileDescriptorResponse"),
                        concat!(".grpc.reflection.", $version, ".ExtensionNumberResponse"),
                        concat!(".grpc.reflection.", $version, ".ListServiceResponse"),
                        concat!(".grpc.reflection.", $version, ".ErrorResponse"),
                    ]),
                ),
                FILE,
                NUMBERS,
                plain("ListServiceResponse", &[field("service", 1, Message(concat!(".grpc.reflection.", $version, ".ServiceResponse")), Many)]),
                SERVICE,
                ERROR,
            ],
            enums: &[],
            services: &[(
                "ServerReflection",
                &[Method {
                    name: "ServerReflectionInfo",
                    input: concat!(".grpc.reflection.", $version, ".ServerReflectionRequest"),
                    output: concat!(".grpc.reflection.", $version, ".ServerReflectionResponse"),
                    streams: (true, true),
                }],
            )],
        }
    };
}

const REFLECTION: File = reflection!("v1");

const REFLECTION_ALPHA: File = reflection!("v1alpha");

const fn asked(extension: &'static str) -> [Field; 6] {
    [
        field("host", 1, Text, Once),
        field("file_by_filename", 3, Text, OneOf),
        field("file_containing_symbol", 4, Text, OneOf),
        field("file_containing_extension", 5, Message(extension), OneOf),
        field("all_extension_numbers_of_type", 6, Text, OneOf),
        field("list_services", 7, Text, OneOf),
    ]
}

const fn replied([request, files, numbers, services, error]: [&'static str; 5]) -> [Field; 6] {
    [
        field("valid_host", 1, Text, Once),
        field("original_request", 2, Message(request), Once),
        field("file_descriptor_response", 4, Message(files), OneOf),
        field("all_extension_numbers_response", 5, Message(numbers), OneOf),
        field("list_services_response", 6, Message(services), OneOf),
        field("error_response", 7, Message(error), OneOf),
    ]
}

const EXTENSION: Definition = plain("ExtensionRequest", &[field("containing_type", 1, Text, Once), field("extension_number", 2, Int32, Once)]);
const FILE: Definition = plain("FileDescriptorResponse", &[field("file_descriptor_proto", 1, Bytes, Many)]);
const NUMBERS: Definition = plain("ExtensionNumberResponse", &[field("base_type_name", 1, Text, Once), field("extension_number", 2, Int32, Many)]);
const SERVICE: Definition = plain("ServiceResponse", &[field("name", 1, Text, Once)]);
const ERROR: Definition = plain("ErrorResponse", &[field("error_code", 1, Int32, Once), field("error_message", 2, Text, Once)]);

const STRUCT: File = File {
    name: "google/protobuf/struct.proto",
    package: "google.protobuf",
    dependencies: &[],
    messages: &[
        Definition {
            map: Some(("FieldsEntry", ".google.protobuf.Value")),
            ..plain("Struct", &[field("fields", 1, Message(".google.protobuf.Struct.FieldsEntry"), Many)])
        },
        choice(
            "Value",
            "kind",
            &[
                field("null_value", 1, Enum(".google.protobuf.NullValue"), OneOf),
                field("number_value", 2, Double, OneOf),
                field("string_value", 3, Text, OneOf),
                field("bool_value", 4, Bool, OneOf),
                field("struct_value", 5, Message(".google.protobuf.Struct"), OneOf),
                field("list_value", 6, Message(".google.protobuf.ListValue"), OneOf),
            ],
        ),
        plain("ListValue", &[field("values", 1, Message(".google.protobuf.Value"), Many)]),
    ],
    enums: &[("NullValue", &[("NULL_VALUE", 0)])],
    services: &[],
};
