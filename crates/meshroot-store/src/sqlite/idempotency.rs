use meshroot::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::failure::Context;
use super::load::sound;
use crate::checksum::Checksum;
use crate::{Idempotency, StoreError};

pub(crate) fn checksum(caller: &str, key: &str, request: &[u8], position: i64, expires_at: i64) -> i64 {
    Checksum::of("idempotency_keys").text(caller).text(key).bytes(request).int(position).int(expires_at).finish()
}

/// The position that a caller's key stands for, with the request that it came with.
pub(super) fn find(connection: &Connection, context: &Context<'_>, caller: &str, key: &str) -> Result<Option<(u64, [u8; 32])>, StoreError> {
    let sql = "SELECT request, position, expires_at, checksum FROM idempotency_keys WHERE caller = ? AND key = ?";
    let mut select = connection.prepare_cached(sql).map_err(|e| context.failed(e))?;
    let found = select.query_row([caller, key], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)));
    let found: Option<(Vec<u8>, i64, i64, i64)> = found.optional().map_err(|e| context.failed(e))?;
    let Some((request, position, expires_at, held)) = found else { return Ok(None) };
    sound(checksum(caller, key, &request, position, expires_at) == held, context, || "an idempotency key".to_owned())?;
    let damaged = || context.damaged("an idempotency key is not what was written");
    Ok(Some((u64::try_from(position).map_err(|_| damaged())?, request.try_into().map_err(|_| damaged())?)))
}

pub(super) fn remember(connection: &Connection, context: &Context<'_>, name: &Idempotency, position: u64, now: Timestamp) -> Result<(), StoreError> {
    let failed = |e| context.failed(e);
    let sql = "DELETE FROM idempotency_keys WHERE (caller, key) IN (SELECT caller, key FROM idempotency_keys WHERE expires_at < ? ORDER BY expires_at LIMIT 4)";
    connection.prepare_cached(sql).and_then(|mut delete| delete.execute([now.unix()])).map_err(failed)?;
    let position = i64::try_from(position).unwrap_or(i64::MAX);
    let expires_at = name.expires_at.unix();
    let checksum = checksum(&name.caller, &name.key, &name.request, position, expires_at);
    let sql = "INSERT INTO idempotency_keys (caller, key, request, position, expires_at, checksum) VALUES (?, ?, ?, ?, ?, ?)";
    connection
        .prepare_cached(sql)
        .and_then(|mut insert| insert.execute(params![name.caller, name.key, name.request, position, expires_at, checksum]))
        .map_err(failed)?;
    Ok(())
}
