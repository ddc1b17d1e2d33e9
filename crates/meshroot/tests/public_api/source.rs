//! A crate's modules and the names in them, read from its sources.

use std::collections::{HashMap, HashSet};

use syn::{Attribute, Item, UseTree, Visibility};

pub(crate) type Path = Vec<String>;

/// More imports of imports than any name goes through.
const MOST_STEPS: usize = 24;

/// A crate: its modules by path (the root is empty), and what it depends on.
pub(crate) struct Library {
    pub(crate) modules: HashMap<Path, Module>,
    pub(crate) dependencies: HashSet<String>,
    /// The names of all types that are `pub`, wherever they stand.
    pub(crate) public_types: HashSet<String>,
}

#[derive(Default)]
pub(crate) struct Module {
    pub(crate) items: Vec<Item>,
    names: HashMap<String, Name>,
    globs: Vec<Path>,
}

/// What a name in a module stands for.
enum Name {
    Local,
    Alias(Box<syn::Type>),
    /// A leading empty segment stands for `::`.
    Use(Path),
}

impl Library {
    /// Reads `lib.rs` and every module below it that is not for tests. `read` takes paths below `src/`.
    pub(crate) fn load(manifest: &str, read: &dyn Fn(&str) -> Option<String>) -> Self {
        let mut library = Self { modules: HashMap::new(), dependencies: dependencies(manifest), public_types: HashSet::new() };
        let root = syn::parse_file(&read("lib.rs").unwrap()).unwrap();
        library.add(Vec::new(), root.items, read);
        library
    }

    fn add(&mut self, path: Path, items: Vec<Item>, read: &dyn Fn(&str) -> Option<String>) {
        let mut module = Module::default();
        for item in items {
            if attributes(&item).is_some_and(for_tests) {
                continue;
            }
            let public = |visibility: &Visibility| matches!(visibility, Visibility::Public(_));
            let (name, is_public) = match &item {
                Item::Use(item) => {
                    let start = if item.leading_colon.is_some() { vec![String::new()] } else { Vec::new() };
                    module.import(start, &item.tree);
                    (None, false)
                }
                Item::Mod(inner) => {
                    let below = [path.clone(), vec![inner.ident.to_string()]].concat();
                    let content = inner.content.as_ref().map_or_else(|| file_of(&below, read), |(_, items)| items.clone());
                    self.add(below, content, read);
                    (Some(&inner.ident), false)
                }
                Item::Type(alias) => {
                    module.names.insert(alias.ident.to_string(), Name::Alias(alias.ty.clone()));
                    (None, public(&alias.vis))
                }
                Item::Struct(item) => (Some(&item.ident), public(&item.vis)),
                Item::Enum(item) => (Some(&item.ident), public(&item.vis)),
                Item::Trait(item) => (Some(&item.ident), public(&item.vis)),
                Item::Fn(item) => (Some(&item.sig.ident), false),
                Item::Const(item) => (Some(&item.ident), false),
                Item::Static(item) => (Some(&item.ident), false),
                _ => (None, false),
            };
            if let Some(name) = name {
                module.names.insert(name.to_string(), Name::Local);
                if is_public {
                    self.public_types.insert(name.to_string());
                }
            }
            module.items.push(item);
        }
        self.modules.insert(path, module);
    }

    /// The path in another crate that `path` means where it stands, if it does; through imports, re-exports and aliases.
    pub(crate) fn foreign(&self, module: &[String], path: &[String]) -> Option<Path> {
        self.follow(module, path, MOST_STEPS)
    }

    fn follow(&self, module: &[String], path: &[String], steps: usize) -> Option<Path> {
        let (first, rest) = path.split_first()?;
        match first.as_str() {
            "" => self.dependency(rest),
            "crate" => self.inside(&[], rest, steps),
            "self" => self.inside(module, rest, steps),
            "super" => self.inside(module.split_last()?.1, rest, steps),
            "Self" | "std" | "core" | "alloc" => None,
            _ => self.named(module, path, steps).unwrap_or_else(|| self.dependency(path)),
        }
    }

    fn dependency(&self, path: &[String]) -> Option<Path> {
        path.first().is_some_and(|root| self.dependencies.contains(root)).then(|| path.to_vec())
    }

    fn inside(&self, module: &[String], path: &[String], steps: usize) -> Option<Path> {
        if path.first().is_some_and(|first| first == "super") {
            return self.follow(module, path, steps);
        }
        self.named(module, path, steps).flatten()
    }

    /// Looks a path up in one module; the outer `None` says that the module does not know its first name.
    fn named(&self, module: &[String], path: &[String], steps: usize) -> Option<Option<Path>> {
        // Modules may import each other's names in a circle.
        let steps = steps.checked_sub(1)?;
        let (first, rest) = path.split_first()?;
        let here = self.modules.get(module)?;
        match here.names.get(first) {
            Some(Name::Use(target)) => {
                let full = [target.as_slice(), rest].concat();
                // `use der::{self, der}`: an import never means itself.
                Some(if full.first() == Some(first) { self.dependency(&full) } else { self.follow(module, &full, steps) })
            }
            Some(Name::Alias(ty)) => Some(crate::leaks::paths_in(ty).iter().find_map(|path| self.follow(module, path, steps))),
            Some(Name::Local) => {
                let below = [module, std::slice::from_ref(first)].concat();
                Some(if rest.is_empty() { None } else { self.named(&below, rest, steps).flatten() })
            }
            None => here.globs.iter().find_map(|glob| self.follow(module, &[glob.as_slice(), path].concat(), steps)).map(Some),
        }
    }
}

impl Module {
    fn import(&mut self, mut path: Path, tree: &UseTree) {
        match tree {
            UseTree::Path(step) => {
                path.push(step.ident.to_string());
                self.import(path, &step.tree);
            }
            UseTree::Name(name) if name.ident == "self" => {
                let own = path.last().cloned().unwrap();
                self.names.insert(own, Name::Use(path));
            }
            UseTree::Name(name) => {
                path.push(name.ident.to_string());
                self.names.insert(name.ident.to_string(), Name::Use(path));
            }
            UseTree::Rename(renamed) => {
                if renamed.ident != "self" {
                    path.push(renamed.ident.to_string());
                }
                self.names.insert(renamed.rename.to_string(), Name::Use(path));
            }
            UseTree::Glob(_) => self.globs.push(path),
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.import(path.clone(), tree)),
        }
    }
}

/// The crates that `[dependencies]` names, as Rust writes them.
fn dependencies(manifest: &str) -> HashSet<String> {
    let table = manifest.lines().skip_while(|line| *line != "[dependencies]").skip(1).take_while(|line| !line.starts_with('['));
    table
        .filter_map(|line| line.split(['.', '=', ' ']).next())
        .filter(|name| !name.is_empty() && !name.starts_with('#'))
        .map(|name| name.replace('-', "_"))
        .collect()
}

fn file_of(module: &[String], read: &dyn Fn(&str) -> Option<String>) -> Vec<Item> {
    let base = module.join("/");
    let text = read(&format!("{base}.rs")).or_else(|| read(&format!("{base}/mod.rs"))).unwrap_or_else(|| panic!("no file for {base}"));
    // syn 3.0 does not read a half-open range inside a slice pattern, which Rust does.
    syn::parse_file(&text.replace(", ..=", ", 0..=")).unwrap_or_else(|e| panic!("{base}: {e}")).items
}

fn attributes(item: &Item) -> Option<&[Attribute]> {
    match item {
        Item::Mod(item) => Some(&item.attrs),
        Item::Use(item) => Some(&item.attrs),
        Item::Fn(item) => Some(&item.attrs),
        Item::Impl(item) => Some(&item.attrs),
        Item::Struct(item) => Some(&item.attrs),
        _ => None,
    }
}

fn for_tests(attributes: &[Attribute]) -> bool {
    attributes
        .iter()
        .any(|attribute| attribute.path().is_ident("cfg") && attribute.parse_args::<syn::Path>().is_ok_and(|condition| condition.is_ident("test")))
}
