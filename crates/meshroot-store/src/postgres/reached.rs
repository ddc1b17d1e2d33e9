//! How far the database has got, and which server it is on.

use super::failure::Fault;
use super::rows::int;
use super::session::Session;
use crate::mark::{Reached, Server};

/// What else than versions and positions only grows: changes of revocations, requests for CA certificates. Tokens that were made
/// or withdrawn leave no trace in it; used ones have a position.
const REACHED: &str = "SELECT (SELECT epoch FROM standing), (SELECT version FROM store), \
    (SELECT coalesce(max(version), 0) FROM revocation_changes) + (SELECT coalesce(max(position), 0) FROM ca_requests), \
    (SELECT position FROM log_head), (SELECT coalesce(max(sequence), 0) FROM bundles)";

/// Asked of the server's write-ahead log and not of its control file, which learns of a promotion late.
const SERVER: &str =
    "SELECT (SELECT system_identifier FROM pg_control_system()), ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::bigint";

pub(super) async fn reached(session: &Session) -> Result<Reached, Fault> {
    let Some(row) = session.one(REACHED, &[]).await? else { return Ok(Reached::default()) };
    Ok(Reached {
        epoch: int(&row, 0)?,
        version: int(&row, 1)?,
        writes: int(&row, 2)?,
        position: int(&row, 3)?,
        sequence: int(&row, 4)?,
        server: session.server(),
    })
}

/// The server at the other end. Services that are spoken to like PostgreSQL and are something else may not say: what they hold is
/// compared all the same.
pub(super) async fn server(session: &Session) -> Option<Server> {
    let row = session.query_once(SERVER, &[]).await.ok()?.pop()?;
    Some(Server { system: int(&row, 0).ok()?.cast_unsigned(), timeline: u32::try_from(int(&row, 1).ok()?).ok()? })
}
