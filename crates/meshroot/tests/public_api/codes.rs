//! The codes of errors.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use syn::visit::Visit;
use syn::{ImplItem, Item, Type, Visibility};

use crate::source::Library;

/// Errors that have no code yet. Once they have one, this test fails until they are taken from here.
const WITHOUT: &[(&str, &str)] = &[];

/// Errors without a code, codes of a wrong form, and codes that are there twice.
pub(crate) fn problems(library: &Library) -> Vec<String> {
    let (mut errors, mut with_code) = (BTreeSet::new(), HashSet::new());
    // Each code: where it is. Each first word of a code: in which of the crate's modules.
    let (mut codes, mut words) = (BTreeMap::<String, Vec<String>>::new(), BTreeMap::<String, BTreeSet<String>>::new());
    for (module, content) in &library.modules {
        let area = module.first().cloned().unwrap_or_default();
        let key = |name: &str| (area.clone(), name.to_owned());
        for item in &content.items {
            match item {
                Item::Enum(syn::ItemEnum { attrs, vis: Visibility::Public(_), ident, .. })
                | Item::Struct(syn::ItemStruct { attrs, vis: Visibility::Public(_), ident, .. })
                    if derives_error(attrs) =>
                {
                    errors.insert(key(&ident.to_string()));
                }
                Item::Impl(item) => {
                    let Type::Path(own) = &*item.self_ty else { continue };
                    let Some(name) = own.path.segments.last().map(|segment| segment.ident.to_string()) else { continue };
                    if item.trait_.as_ref().is_some_and(|(path, _)| path.segments.last().is_some_and(|segment| segment.ident == "Error")) {
                        if library.public_types.contains(&name) {
                            errors.insert(key(&name));
                        }
                        continue;
                    }
                    for inner in &item.items {
                        let ImplItem::Fn(inner) = inner else { continue };
                        if inner.sig.ident != "code" || !matches!(inner.vis, Visibility::Public(_)) {
                            continue;
                        }
                        with_code.insert(key(&name));
                        let mut literals = Literals::default();
                        literals.visit_block(&inner.block);
                        for code in literals.0 {
                            let word = code.split('.').next().unwrap_or_default().to_owned();
                            words.entry(word).or_default().insert(area.clone());
                            codes.entry(code).or_default().push(format!("{}::{name}", module.join("::")));
                        }
                    }
                }
                _ => {}
            }
        }
    }
    let excused = |(area, name): &(String, String)| WITHOUT.contains(&(area.as_str(), name.as_str()));
    let wrong = |error: &&(String, String)| with_code.contains(*error) == excused(error);
    let without = errors.iter().filter(wrong).map(|(area, name)| format!("{area}::{name} has no `pub fn code`, or is excused without need"));
    let malformed = codes.keys().filter(|code| !well_formed(code)).map(|code| format!("'{code}' is not of the form module.snake_case"));
    let twice = codes.iter().filter(|(_, places)| places.len() > 1).map(|(code, places)| format!("'{code}' is in {}", places.join(" and ")));
    let shared = words.iter().filter(|(_, areas)| areas.len() > 1).map(|(word, areas)| format!("codes of {areas:?} begin with '{word}.'"));
    without.chain(malformed).chain(twice).chain(shared).collect()
}

/// `module.snake_case`, or one level more.
fn well_formed(code: &str) -> bool {
    let words: Vec<_> = code.split('.').collect();
    let word =
        |word: &&str| word.starts_with(|c: char| c.is_ascii_lowercase()) && word.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'));
    (2..=3).contains(&words.len()) && words.iter().all(word)
}

fn derives_error(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().filter(|attribute| attribute.path().is_ident("derive")).any(|attribute| {
        let mut error = false;
        attribute
            .parse_nested_meta(|meta| {
                error |= meta.path.segments.last().is_some_and(|segment| segment.ident == "Error");
                Ok(())
            })
            .unwrap();
        error
    })
}

#[derive(Default)]
struct Literals(Vec<String>);

impl<'ast> Visit<'ast> for Literals {
    fn visit_lit_str(&mut self, literal: &'ast syn::LitStr) {
        self.0.push(literal.value());
    }
}
