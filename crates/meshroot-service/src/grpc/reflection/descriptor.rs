use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{
    DescriptorProto, EnumDescriptorProto, EnumValueDescriptorProto, FieldDescriptorProto, FileDescriptorProto, MessageOptions, MethodDescriptorProto,
    OneofDescriptorProto, ServiceDescriptorProto,
};

use super::files::{Definition, File};

/// A field of a message.
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) number: i32,
    pub(super) kind: Kind,
    pub(super) times: Times,
}

#[derive(Clone, Copy)]
pub(super) enum Kind {
    Text,
    Bytes,
    Bool,
    Int32,
    Int64,
    Double,
    /// The message's full name, with a dot before it.
    Message(&'static str),
    Enum(&'static str),
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Times {
    Once,
    Many,
    /// One of several fields.
    OneOf,
}

impl File {
    /// As a compiler of definitions would write it.
    pub(super) fn descriptor(&self) -> FileDescriptorProto {
        FileDescriptorProto {
            name: Some(self.name.into()),
            package: Some(self.package.into()),
            dependency: self.dependencies.iter().map(|name| (*name).to_owned()).collect(),
            message_type: self.messages.iter().map(Definition::descriptor).collect(),
            enum_type: self.enums.iter().map(|(name, values)| enumeration(name, values)).collect(),
            service: self.services.iter().map(|(name, methods)| service(name, methods)).collect(),
            syntax: Some("proto3".into()),
            ..FileDescriptorProto::default()
        }
    }

    /// The full names of its services.
    pub(super) fn services(&self) -> impl Iterator<Item = String> {
        self.services.iter().map(|(name, _)| format!("{}.{name}", self.package))
    }

    /// The full names of what it defines.
    pub(super) fn symbols(&self) -> Vec<String> {
        let package = self.package;
        let messages = self.messages.iter().flat_map(|message| {
            let within = message.within.iter().map(|(name, _)| name).chain(message.map.iter().map(|(name, _)| name));
            let within = within.map(move |name| format!("{package}.{}.{name}", message.name));
            core::iter::once(format!("{package}.{}", message.name)).chain(within).collect::<Vec<_>>()
        });
        let enums = self.enums.iter().map(|(name, _)| format!("{package}.{name}"));
        let methods =
            self.services.iter().flat_map(|(service, methods)| methods.iter().map(move |method| format!("{package}.{service}.{}", method.name)));
        messages.chain(enums).chain(self.services()).chain(methods).collect()
    }

    pub(super) fn defines(&self, symbol: &str) -> bool {
        self.symbols().iter().any(|defined| defined == symbol)
    }
}

impl Definition {
    fn descriptor(&self) -> DescriptorProto {
        let entry = self.map.map(|(name, value)| DescriptorProto {
            name: Some(name.into()),
            field: vec![
                Field { name: "key", number: 1, kind: Kind::Text, times: Times::Once }.descriptor(),
                Field { name: "value", number: 2, kind: Kind::Message(value), times: Times::Once }.descriptor(),
            ],
            options: Some(MessageOptions { map_entry: Some(true), ..MessageOptions::default() }),
            ..DescriptorProto::default()
        });
        DescriptorProto {
            name: Some(self.name.into()),
            field: self.fields.iter().map(Field::descriptor).collect(),
            nested_type: entry.into_iter().collect(),
            enum_type: self.within.iter().map(|(name, values)| enumeration(name, values)).collect(),
            oneof_decl: self.one_of.iter().map(|name| OneofDescriptorProto { name: Some((*name).into()), options: None }).collect(),
            ..DescriptorProto::default()
        }
    }
}

impl Field {
    fn descriptor(&self) -> FieldDescriptorProto {
        let (kind, type_name) = match self.kind {
            Kind::Text => (Type::String, None),
            Kind::Bytes => (Type::Bytes, None),
            Kind::Bool => (Type::Bool, None),
            Kind::Int32 => (Type::Int32, None),
            Kind::Int64 => (Type::Int64, None),
            Kind::Double => (Type::Double, None),
            Kind::Message(name) => (Type::Message, Some(name)),
            Kind::Enum(name) => (Type::Enum, Some(name)),
        };
        let label = if self.times == Times::Many { Label::Repeated } else { Label::Optional };
        FieldDescriptorProto {
            name: Some(self.name.into()),
            number: Some(self.number),
            label: Some(label.into()),
            r#type: Some(kind.into()),
            type_name: type_name.map(str::to_owned),
            oneof_index: (self.times == Times::OneOf).then_some(0),
            ..FieldDescriptorProto::default()
        }
    }
}

fn enumeration(name: &str, values: &[(&str, i32)]) -> EnumDescriptorProto {
    let value = |(name, number): &(&str, i32)| EnumValueDescriptorProto { name: Some((*name).into()), number: Some(*number), options: None };
    EnumDescriptorProto { name: Some(name.into()), value: values.iter().map(value).collect(), ..EnumDescriptorProto::default() }
}

fn service(name: &str, methods: &[super::files::Method]) -> ServiceDescriptorProto {
    let method = |method: &super::files::Method| MethodDescriptorProto {
        name: Some(method.name.into()),
        input_type: Some(method.input.into()),
        output_type: Some(method.output.into()),
        client_streaming: Some(method.streams.0),
        server_streaming: Some(method.streams.1),
        options: None,
    };
    ServiceDescriptorProto { name: Some(name.into()), method: methods.iter().map(method).collect(), options: None }
}
