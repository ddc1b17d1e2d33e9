//! Server reflection, `v1` and the older `v1alpha`, which differ in nothing but the name: what `grpcurl` and its like ask first.

mod descriptor;
mod files;
mod message;

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::Response;
use bytes::BytesMut;
use http_body_util::BodyExt;
use prost::Message;

use super::status::{Code, Status};
use super::stream::Messages;
use super::{Calls, frame};
use files::{FILES, File};
use message::{Asked, ErrorResponse, Files, Listed, Named, Reply, ServerReflectionRequest, ServerReflectionResponse};

/// A client that asks nothing for so long has what it wanted.
const IDLE: Duration = Duration::from_secs(60);

/// Names are shorter than this.
const MOST: usize = 16 << 10;

/// `ServerReflectionInfo`
pub(super) async fn info(State(calls): State<Arc<Calls>>, request: Request) -> Response<Body> {
    let Some(turn) = calls.turn() else { return super::too_many_streams(request.into_body()).await };
    let (messages, response) = Messages::begin();
    tokio::spawn(async move {
        let _turn = turn;
        let talk = talk(request.into_body(), &messages);
        let ended = tokio::select! {
            ended = talk => ended,
            () = calls.stopped() => Err(super::stopping()),
        };
        if let Err(status) = ended {
            messages.fail(status).await;
        }
    });
    response
}

/// Answers each message with one, until the client is done.
async fn talk(mut body: Body, messages: &Messages) -> Result<(), Status> {
    let mut bytes = BytesMut::new();
    loop {
        while let Some(message) = frame::split(&mut bytes)? {
            let asked: ServerReflectionRequest = frame::decode(message)?;
            if messages.send(&reply(asked)).await.is_err() {
                return Ok(());
            }
        }
        let idle = || Status::new(Code::Unavailable, "grpc.idle", "nothing was asked for a minute");
        match tokio::time::timeout(IDLE, body.frame()).await.map_err(|_| idle())? {
            None | Some(Err(_)) => return Ok(()),
            Some(Ok(frame)) => bytes.extend_from_slice(frame.data_ref().map_or(&[][..], |data| data)),
        }
        if bytes.len() > MOST {
            return Err(Status::new(Code::ResourceExhausted, "grpc.too_long", format!("a message here has at most {MOST} octets")));
        }
    }
}

fn reply(asked: ServerReflectionRequest) -> ServerReflectionResponse {
    let not_found = |what: &str| Reply::Error(ErrorResponse { error_code: 5, error_message: format!("there is no such {what} here") });
    let file = |file: Option<&File>, what: &str| match file {
        Some(file) => Reply::Files(Files { file_descriptor_proto: with_dependencies(file) }),
        None => not_found(what),
    };
    let reply = match &asked.asked {
        Some(Asked::FileByFilename(name)) => file(FILES.iter().find(|file| file.name == name), "file"),
        Some(Asked::FileContainingSymbol(symbol)) => file(FILES.iter().find(|file| file.defines(symbol)), "symbol"),
        Some(Asked::FileContainingExtension(_) | Asked::AllExtensionNumbersOfType(_)) => not_found("extension"),
        Some(Asked::ListServices(_)) => {
            let services = FILES.iter().flat_map(File::services);
            Reply::Listed(Listed { service: services.map(|name| Named { name }).collect() })
        }
        None => Reply::Error(ErrorResponse { error_code: 3, error_message: "nothing was asked".into() }),
    };
    ServerReflectionResponse { valid_host: asked.host.clone(), original_request: Some(asked), reply: Some(reply) }
}

/// The file, and those that it needs: so a client asks once.
fn with_dependencies(file: &File) -> Vec<Vec<u8>> {
    let needed = file.dependencies.iter().filter_map(|name| FILES.iter().find(|file| file.name == *name));
    core::iter::once(file).chain(needed).map(|file| file.descriptor().encode_to_vec()).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_type_and_service_that_is_named_is_defined() {
        let defined: BTreeSet<String> = FILES.iter().flat_map(File::symbols).collect();
        for file in FILES {
            let descriptor = file.descriptor();
            let nested = descriptor.message_type.iter().flat_map(|message| &message.nested_type);
            let fields = descriptor.message_type.iter().chain(nested).flat_map(|message| &message.field);
            let types = fields.filter_map(|field| field.type_name.clone());
            let methods = descriptor.service.iter().flat_map(|service| &service.method);
            let named = types.chain(methods.flat_map(|method| [method.input_type.clone().unwrap(), method.output_type.clone().unwrap()]));
            for name in named {
                assert!(defined.contains(name.strip_prefix('.').unwrap()), "{name} in {}", file.name);
            }
        }
    }

    #[test]
    fn every_route_is_a_method_that_reflection_shows_and_the_other_way_round() {
        let shown: BTreeSet<String> = FILES
            .iter()
            .flat_map(|file| {
                let descriptor = file.descriptor();
                let package = descriptor.package.clone().unwrap_or_default();
                let of = move |service: prost_types::ServiceDescriptorProto| {
                    let name = format!("/{package}.{}", service.name.unwrap());
                    service.method.into_iter().map(move |method| format!("{name}/{}", method.name.unwrap())).collect::<Vec<_>>()
                };
                descriptor.service.into_iter().flat_map(of).collect::<Vec<_>>()
            })
            .collect();
        let routed: BTreeSet<String> = super::super::methods().into_iter().map(|(path, _)| path.to_owned()).collect();
        assert_eq!(routed, shown);
    }

    #[test]
    fn what_is_not_there_is_said_so() {
        let ask = |asked| reply(ServerReflectionRequest { host: String::new(), asked: Some(asked) }).reply.unwrap();
        for asked in [Asked::FileByFilename("x.proto".into()), Asked::FileContainingSymbol("istio.v1.auth".into())] {
            assert!(matches!(ask(asked), Reply::Error(e) if e.error_code == 5));
        }
        assert!(
            matches!(ask(Asked::FileContainingSymbol("istio.v1.auth.IstioCertificateService.CreateCertificate".into())), Reply::Files(f) if f.file_descriptor_proto.len() == 2)
        );
    }
}
