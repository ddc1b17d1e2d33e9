//! Columns of rows, with a name for what does not fit.

use tokio_postgres::types::FromSqlOwned;
use tokio_postgres::{Error, Row};

pub(super) fn text(row: &Row, column: usize) -> Result<String, Error> {
    row.try_get(column)
}

pub(super) fn int(row: &Row, column: usize) -> Result<i64, Error> {
    row.try_get(column)
}

pub(super) fn bytes(row: &Row, column: usize) -> Result<Vec<u8>, Error> {
    row.try_get(column)
}

pub(super) fn maybe<T: FromSqlOwned>(row: &Row, column: usize) -> Result<Option<T>, Error> {
    row.try_get(column)
}
