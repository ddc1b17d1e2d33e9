use ring::digest::{SHA256, digest};
use tokio_postgres::Row;

use super::failure::{Context, Fault};
use super::rows::{bytes, int, text};
use super::session::Session;
use crate::sqlite::idempotency::checksum;

pub(super) const FIND: &str = "SELECT name, caller, key, request, position, expires_at, checksum FROM idempotency_keys WHERE name = ANY($1::bytea[])";
pub(super) const FORGET: &str =
    "DELETE FROM idempotency_keys WHERE ctid = ANY(ARRAY(SELECT ctid FROM idempotency_keys WHERE expires_at < $1 ORDER BY expires_at LIMIT $2))";
pub(super) const REMEMBER: &str = "INSERT INTO idempotency_keys (name, caller, key, request, position, expires_at, checksum) \
    SELECT * FROM unnest($1::bytea[], $2::text[], $3::text[], $4::bytea[], $5::bigint[], $6::bigint[], $7::bigint[])";

/// The row's key: where the caller ends and the name begins is part of it.
pub(super) fn digest_of(caller: &str, key: &str) -> [u8; 32] {
    let length = u64::try_from(caller.len()).unwrap_or(u64::MAX).to_be_bytes();
    let mut name = [0; 32];
    name.copy_from_slice(digest(&SHA256, &[&length, caller.as_bytes(), key.as_bytes()].concat()).as_ref());
    name
}

/// The name's digest, the position that it stands for, and the request that it came with.
pub(super) fn read(row: &Row, context: &Context<'_>) -> Result<([u8; 32], u64, [u8; 32]), Fault> {
    let (name, caller, key, request) = (bytes(row, 0)?, text(row, 1)?, text(row, 2)?, bytes(row, 3)?);
    let (position, expires_at) = (int(row, 4)?, int(row, 5)?);
    let sound = checksum(&caller, &key, &request, position, expires_at) == int(row, 6)? && name == digest_of(&caller, &key);
    context.sound(sound, || "an idempotency key".to_owned())?;
    let damaged = || context.damaged("an idempotency key is not what was written");
    let name = name.try_into().map_err(|_| damaged())?;
    Ok((name, u64::try_from(position).map_err(|_| damaged())?, request.try_into().map_err(|_| damaged())?))
}

pub(super) async fn find(session: &Session, context: &Context<'_>, caller: &str, key: &str) -> Result<Option<(u64, [u8; 32])>, Fault> {
    let name = digest_of(caller, key);
    let row = session.one(FIND, &[&vec![name.as_slice()]]).await?;
    let found = row.map(|row| read(&row, context)).transpose()?;
    Ok(found.map(|(_, position, request)| (position, request)))
}
