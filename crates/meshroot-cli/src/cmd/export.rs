//! `export` and `import`: a store's whole state as plain files, to move it from one kind of database to another.

use std::path::Path;
use std::sync::Arc;

use meshroot_store::export::{self, Export};
use meshroot_store::{PostgresStore, SqliteStore, Store};
use serde_json::json;

use crate::exit::{Exit, Result};
use crate::home::Home;
use crate::session::Session;

pub(super) fn export(session: &Session<'_>, folder: &Path) -> Result<Exit> {
    let home = Home::of(session)?;
    let store = home.open()?;
    let issued = export::write(&*store, folder)?;
    let out = session.out;
    out.say(format_args!("{}: all of {}, with {issued} certificates on record", folder.display(), home.database.display()));
    out.say("Private keys are in it, sealed; the unlock file is not. Keep it as you keep the store");
    out.document(&json!({ "store": store.meta().id.as_str(), "out": folder.display().to_string(), "issued": issued }));
    Ok(Exit::Ok)
}

pub(super) fn import(session: &Session<'_>, folder: &Path) -> Result<Exit> {
    let home = Home::of(session)?;
    let export = Export::open(folder)?;
    let store: Arc<dyn Store> = match &home.postgres {
        Some(address) => Arc::new(PostgresStore::import(address, &export)?),
        None => Arc::new(SqliteStore::import(&home.database, &export)?),
    };
    let (issued, place) = (export.issuances(), home.database.display().to_string());
    let out = session.out;
    out.say(format_args!("{place}: all of {}, with {issued} certificates on record", folder.display()));
    out.say(format_args!("It opens with the same unlock file as before: {}, or --unlock-file", home.unlock_key().display()));
    out.say("Put the store that it was exported from out of reach now: two of them would give numbers twice");
    out.document(&json!({ "store": store.meta().id.as_str(), "place": place, "issued": issued }));
    Ok(Exit::Ok)
}
