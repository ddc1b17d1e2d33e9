//! Types of other crates in public signatures.

use syn::punctuated::Punctuated;
use syn::visit::{self, Visit};
use syn::{Attribute, Fields, Generics, ImplItem, Item, ItemImpl, Meta, Token, TraitItem, Type, Visibility};

use crate::source::{Library, Path};

/// What may stand in public signatures although it is another crate's, and why.
const ALLOWED: &[(&str, &str)] = &[
    // That a private key's bytes are wiped when they are dropped is the contract of the functions that return or take it,
    // and this type is how a caller can rely on it.
    ("zeroize", "Zeroizing"),
];

/// Derives and trait impls that may come from another crate: thiserror's expands to `std` traits only; serde's are what
/// the feature `serde` is; zeroize's make a secret wipe itself.
const ALLOWED_TRAITS: &[(&str, &str)] =
    &[("thiserror", "Error"), ("serde", "Serialize"), ("serde", "Deserialize"), ("zeroize", "Zeroize"), ("zeroize", "ZeroizeOnDrop")];

/// One line for each leak: the module, the item, the foreign type.
pub(crate) fn leaks(library: &Library) -> Vec<String> {
    let mut modules: Vec<_> = library.modules.iter().collect();
    modules.sort_by_key(|(path, _)| *path);
    let mut found = Vec::new();
    for (path, module) in modules {
        let mut here = Here { library, module: path, found: &mut found };
        module.items.iter().for_each(|item| here.item(item));
    }
    found
}

/// Every path that a type is made of.
pub(crate) fn paths_in(ty: &Type) -> Vec<Path> {
    let mut paths = Paths::default();
    paths.visit_type(ty);
    paths.0
}

struct Here<'a> {
    library: &'a Library,
    module: &'a [String],
    found: &'a mut Vec<String>,
}

impl Here<'_> {
    fn item(&mut self, item: &Item) {
        match item {
            Item::Fn(item) if public(&item.vis) => self.report(&item.sig.ident, |paths| paths.visit_signature(&item.sig)),
            Item::Struct(item) if public(&item.vis) => {
                self.derives(&item.ident, &item.attrs);
                self.report(&item.ident, |paths| {
                    paths.visit_generics(&item.generics);
                    item.fields.iter().filter(|field| public(&field.vis)).for_each(|field| paths.visit_type(&field.ty));
                });
            }
            Item::Enum(item) if public(&item.vis) => {
                self.derives(&item.ident, &item.attrs);
                self.report(&item.ident, |paths| {
                    paths.visit_generics(&item.generics);
                    item.variants.iter().flat_map(|variant| fields(&variant.fields)).for_each(|ty| paths.visit_type(ty));
                });
            }
            Item::Trait(item) if public(&item.vis) => self.report(&item.ident, |paths| {
                item.supertraits.iter().for_each(|bound| paths.visit_type_param_bound(bound));
                paths.visit_generics(&item.generics);
                item.items.iter().for_each(|item| paths.trait_item(item));
            }),
            Item::Type(item) if public(&item.vis) => self.report(&item.ident, |paths| paths.visit_type(&item.ty)),
            Item::Const(item) if public(&item.vis) => self.report(&item.ident, |paths| paths.visit_type(&item.ty)),
            Item::Static(item) if public(&item.vis) => self.report(&item.ident, |paths| paths.visit_type(&item.ty)),
            Item::Use(item) if public(&item.vis) => {
                let mut paths = Paths::default();
                let start = if item.leading_colon.is_some() { vec![String::new()] } else { Vec::new() };
                paths.uses(start, &item.tree);
                self.judge(&"pub use", &paths.0, ALLOWED);
            }
            Item::Impl(item) => self.implementation(item),
            _ => {}
        }
    }

    fn implementation(&mut self, item: &ItemImpl) {
        let Type::Path(own) = &*item.self_ty else { return };
        let Some(name) = own.path.segments.last().map(|segment| &segment.ident).filter(|name| self.library.public_types.contains(&name.to_string()))
        else {
            return;
        };
        let Some((implemented, _)) = &item.trait_ else {
            for inner in &item.items {
                match inner {
                    ImplItem::Fn(inner) if public(&inner.vis) => self.report(&format!("{name}::{}", inner.sig.ident), |paths| {
                        // The bounds of the impl are the function's, too.
                        paths.visit_generics(&item.generics);
                        paths.visit_signature(&inner.sig);
                    }),
                    ImplItem::Const(inner) if public(&inner.vis) => {
                        self.report(&format!("{name}::{}", inner.ident), |paths| paths.visit_type(&inner.ty))
                    }
                    _ => {}
                }
            }
            return;
        };
        // A method's signature is its trait's; what the impl adds are the trait itself, its arguments, and its types.
        let mut own = Paths::default();
        own.visit_path(implemented);
        if own.0.first().and_then(|path| self.library.foreign(self.module, path)).is_some_and(|path| among(&path, ALLOWED_TRAITS)) {
            return;
        }
        self.report(&format!("impl for {name}"), |paths| {
            paths.visit_generics(&item.generics);
            paths.visit_path(implemented);
            for inner in &item.items {
                if let ImplItem::Type(inner) = inner {
                    paths.visit_type(&inner.ty);
                }
            }
        });
    }

    fn derives(&mut self, name: &syn::Ident, attributes: &[Attribute]) {
        let mut derived = Paths::default();
        attributes.iter().for_each(|attribute| derived.derives(&attribute.meta));
        self.judge(&format!("derive on {name}"), &derived.0, ALLOWED_TRAITS);
    }

    fn report(&mut self, name: &dyn std::fmt::Display, visit: impl FnOnce(&mut Paths)) {
        let mut paths = Paths::default();
        visit(&mut paths);
        self.judge(name, &paths.0, ALLOWED);
    }

    fn judge(&mut self, name: &dyn std::fmt::Display, paths: &[Path], allowed: &[(&str, &str)]) {
        let foreign = paths.iter().filter_map(|path| self.library.foreign(self.module, path));
        let mut foreign: Vec<_> = foreign.filter(|path| !among(path, allowed)).map(|path| path.join("::")).collect();
        foreign.sort();
        foreign.dedup();
        if !foreign.is_empty() {
            self.found.push(format!("{}: {name}: {}", [&["crate".to_owned()], self.module].concat().join("::"), foreign.join(", ")));
        }
    }
}

/// The allow-lists name exact types, however deep in their crate the path to them goes.
fn among(path: &[String], allowed: &[(&str, &str)]) -> bool {
    let (first, last) = (path.first().map(String::as_str), path.last().map(String::as_str));
    allowed.iter().any(|(krate, name)| (first, last) == (Some(*krate), Some(*name)))
}

fn public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

fn fields(fields: &Fields) -> impl Iterator<Item = &Type> {
    fields.iter().map(|field| &field.ty)
}

/// Collects paths, without looking into function bodies.
#[derive(Default)]
struct Paths(Vec<Path>);

impl<'ast> Visit<'ast> for Paths {
    fn visit_path(&mut self, path: &'ast syn::Path) {
        let mut segments: Path = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if path.leading_colon.is_some() {
            segments.insert(0, String::new());
        }
        self.0.push(segments);
        visit::visit_path(self, path);
    }

    fn visit_block(&mut self, _: &'ast syn::Block) {}

    fn visit_attribute(&mut self, _: &'ast Attribute) {}

    fn visit_generics(&mut self, generics: &'ast Generics) {
        visit::visit_generics(self, generics);
    }
}

impl Paths {
    fn trait_item(&mut self, item: &TraitItem) {
        match item {
            TraitItem::Fn(item) => self.visit_signature(&item.sig),
            TraitItem::Type(item) => item.bounds.iter().for_each(|bound| self.visit_type_param_bound(bound)),
            TraitItem::Const(item) => self.visit_type(&item.ty),
            _ => {}
        }
    }

    fn uses(&mut self, mut path: Path, tree: &syn::UseTree) {
        match tree {
            syn::UseTree::Path(step) => {
                path.push(step.ident.to_string());
                self.uses(path, &step.tree);
            }
            syn::UseTree::Group(group) => group.items.iter().for_each(|tree| self.uses(path.clone(), tree)),
            syn::UseTree::Glob(_) => self.0.push(path),
            syn::UseTree::Name(syn::UseName { ident }) | syn::UseTree::Rename(syn::UseRename { ident, .. }) => {
                if ident != "self" {
                    path.push(ident.to_string());
                }
                self.0.push(path);
            }
        }
    }

    fn derives(&mut self, meta: &Meta) {
        let Meta::List(list) = meta else { return };
        if list.path.is_ident("derive") {
            let paths = list.parse_args_with(Punctuated::<syn::Path, Token![,]>::parse_terminated).unwrap();
            paths.iter().for_each(|path| self.visit_path(path));
        } else if list.path.is_ident("cfg_attr") {
            let parts = list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated).unwrap();
            parts.iter().skip(1).for_each(|inner| self.derives(inner));
        }
    }
}
