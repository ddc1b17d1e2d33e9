use core::fmt;
use core::str::FromStr;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use super::witness::Place;
use crate::StoreError;

/// Where a PostgreSQL store is: `postgres://USER@HOST[:PORT][,HOST…]/DATABASE`, and what may follow a `?`:
///
/// | | |
/// |---|---|
/// | `sslmode=verify-full` | TLS, with the server's name verified: the default, and the only way, off loopback |
/// | `sslrootcert=FILE` | the roots (PEM) that the server's certificate is verified with |
/// | `password_file=FILE` | the file with the password: an address never holds one |
/// | `schema=NAME` | the schema that the store's tables are in, `meshroot` without it |
/// | `host=FOLDER` | the folder of the server's Unix socket, in place of HOST |
///
/// With several hosts the one that takes writes is used, so that a failover is followed; one that has got less far than another of
/// them had is left alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostgresAddress {
    user: String,
    hosts: Vec<Host>,
    database: String,
    schema: String,
    tls: Option<bool>,
    root_file: Option<PathBuf>,
    password_file: Option<PathBuf>,
    marks: Place,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Host {
    pub(super) name: String,
    pub(super) port: u16,
}

const PORT: u16 = 5_432;
const SCHEMA: &str = "meshroot";

impl PostgresAddress {
    /// Whether a text is meant as one.
    pub fn is_meant_by(text: &str) -> bool {
        ["postgres:", "postgresql:"].iter().any(|scheme| text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)))
    }

    /// The same with this file for the password.
    #[must_use]
    pub fn with_password_file(self, path: impl Into<PathBuf>) -> Self {
        Self { password_file: Some(path.into()), ..self }
    }

    /// The same with this file for the roots that the server's certificate is verified with.
    #[must_use]
    pub fn with_root_file(self, path: impl Into<PathBuf>) -> Self {
        Self { root_file: Some(path.into()), ..self }
    }

    /// The same with this folder for the store's mark: a small file that says how far the store has got, by which an older copy of
    /// it is noticed. Nobody else may use it, but whoever works beside this process on this machine. It has to be there, and a
    /// store whose mark cannot be kept there is not opened.
    #[must_use]
    pub fn with_marks_in(self, folder: impl Into<PathBuf>) -> Self {
        Self { marks: Place::In(folder.into()), ..self }
    }

    /// The same where that can be: without a mark only what this process itself has seen counts.
    #[must_use]
    pub fn with_marks_if_possible_in(self, folder: impl Into<PathBuf>) -> Self {
        Self { marks: Place::IfPossible(folder.into()), ..self }
    }

    pub(super) fn marks(&self) -> &Place {
        &self.marks
    }

    pub(super) fn user(&self) -> &str {
        &self.user
    }

    pub(super) fn hosts(&self) -> &[Host] {
        &self.hosts
    }

    pub(super) fn database(&self) -> &str {
        &self.database
    }

    pub(super) fn schema(&self) -> &str {
        &self.schema
    }

    pub(super) fn password_file(&self) -> Option<&Path> {
        self.password_file.as_deref()
    }

    /// The file with the roots when TLS is used; `None` when it is not, which only happens within this machine.
    pub(super) fn tls(&self) -> Result<Option<&Path>, StoreError> {
        let away = self.hosts.iter().find(|host| !host.is_here());
        let wanted = self.tls.unwrap_or(away.is_some());
        match (wanted, away, self.root_file.as_deref()) {
            (false, Some(host), _) => {
                Err(invalid(format!("sslmode=disable is for this machine alone, and '{}' is elsewhere: use sslmode=verify-full", host.name)))
            }
            (false, None, _) => Ok(None),
            (true, _, None) => Err(invalid("the server's certificate has to be verified, and no roots are named: add sslrootcert=FILE".into())),
            (true, _, Some(_)) if self.hosts.iter().any(Host::is_socket) => {
                Err(invalid("there is no TLS on a Unix socket: leave sslmode out".into()))
            }
            (true, _, roots) => Ok(roots),
        }
    }

    fn parameter(&mut self, name: &str, value: String) -> Result<(), StoreError> {
        match name {
            "sslmode" => {
                self.tls = Some(match value.as_str() {
                    "verify-full" => true,
                    "disable" => false,
                    _ => return Err(invalid("sslmode is verify-full, or, on this machine, disable: nothing between keeps anybody out".into())),
                });
            }
            "sslrootcert" => self.root_file = Some(value.into()),
            "password_file" => self.password_file = Some(value.into()),
            "schema" => self.schema = schema(value)?,
            "host" => self.hosts = hosts(&value)?,
            "password" => return Err(password()),
            // Not repeated: with a ? in a password its rest comes here.
            _ => return Err(invalid("its parameters are sslmode, sslrootcert, password_file, schema and host".into())),
        }
        Ok(())
    }
}

impl Host {
    pub(super) fn is_socket(&self) -> bool {
        self.name.starts_with('/')
    }

    fn is_here(&self) -> bool {
        self.is_socket() || self.name == "localhost" || self.name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }
}

impl FromStr for PostgresAddress {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self, StoreError> {
        let rest = text.split_once("://").filter(|_| Self::is_meant_by(text)).map(|(_, rest)| rest);
        let rest = rest.ok_or_else(|| invalid("it begins with postgres://".into()))?;
        let (place, parameters) = rest.split_once('?').unwrap_or((rest, ""));
        // The last @: a password may hold one, and must not be taken for a host and printed.
        let (user, place) = place.rsplit_once('@').ok_or_else(|| invalid("it names no user: postgres://USER@HOST/DATABASE".into()))?;
        if user.contains(':') {
            return Err(password());
        }
        let (names, database) = place.split_once('/').ok_or_else(|| invalid("it names no database: postgres://USER@HOST/DATABASE".into()))?;
        let mut address = Self {
            user: decoded(user)?,
            hosts: hosts(&decoded(names)?)?,
            database: decoded(database)?,
            schema: SCHEMA.into(),
            tls: None,
            root_file: None,
            password_file: None,
            marks: Place::Nowhere,
        };
        for parameter in parameters.split('&').filter(|parameter| !parameter.is_empty()) {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            address.parameter(name, decoded(value)?)?;
        }
        for (what, value) in [("user", &address.user), ("database", &address.database)] {
            if value.is_empty() || value.chars().any(char::is_control) || value.contains('/') {
                return Err(invalid(format!("it names no {what}: postgres://USER@HOST/DATABASE")));
            }
        }
        if address.hosts.is_empty() {
            return Err(invalid("it names no host: postgres://USER@HOST/DATABASE, or ?host=FOLDER for a Unix socket".into()));
        }
        Ok(address)
    }
}

/// Without anything secret: the files are named, not their contents, and those are left out too.
impl fmt::Display for PostgresAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "postgres://{}@", self.user)?;
        for (at, host) in self.hosts.iter().enumerate() {
            f.write_str(if at == 0 { "" } else { "," })?;
            f.write_str(&if host.name.contains(':') { format!("[{}]", host.name) } else { host.name.clone() })?;
            if host.port != PORT {
                write!(f, ":{}", host.port)?;
            }
        }
        write!(f, "/{}", self.database)?;
        if self.schema == SCHEMA { Ok(()) } else { write!(f, "?schema={}", self.schema) }
    }
}

fn invalid(why: String) -> StoreError {
    StoreError::Address(why)
}

fn password() -> StoreError {
    invalid("it holds a password, which everybody could read: put that into a file and name it with password_file=FILE".into())
}

fn schema(name: String) -> Result<String, StoreError> {
    let starts = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_');
    let rest = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    // PostgreSQL keeps the first three letters to itself, and cuts names at 63 octets.
    if starts && rest && name.len() <= 48 && !name.starts_with("pg_") {
        return Ok(name);
    }
    Err(invalid("a schema's name has at most 48 of a-z, 0-9 and _, and does not begin with a digit or pg_".into()))
}

fn hosts(text: &str) -> Result<Vec<Host>, StoreError> {
    text.split(',').filter(|host| !host.is_empty()).map(host).collect()
}

fn host(text: &str) -> Result<Host, StoreError> {
    let (name, port) = match text.strip_prefix('[') {
        Some(rest) => rest.split_once(']').map(|(name, port)| (name, port.strip_prefix(':'))).unwrap_or((rest, None)),
        None => text.rsplit_once(':').map_or((text, None), |(name, port)| (name, Some(port))),
    };
    let port = port.map_or(Ok(PORT), str::parse).map_err(|_| invalid("a port is a number up to 65535".into()))?;
    if name.is_empty() || name.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(invalid("it has a host without a name".into()));
    }
    Ok(Host { name: name.to_owned(), port })
}

fn decoded(text: &str) -> Result<String, StoreError> {
    let broken = || invalid("a % is followed by two hexadecimal digits that make a text in UTF-8".into());
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(octet) = rest.next() {
        if octet != b'%' {
            octets.push(octet);
            continue;
        }
        let mut digit = || rest.next().and_then(|digit| char::from(digit).to_digit(16)).ok_or_else(broken);
        let (high, low) = (digit()?, digit()?);
        octets.push(u8::try_from((high << 4) | low).map_err(|_| broken())?);
    }
    String::from_utf8(octets).map_err(|_| broken())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> PostgresAddress {
        text.parse().unwrap_or_else(|e: StoreError| panic!("{text}: {e}"))
    }

    fn refusal(text: &str) -> String {
        let parsed = text.parse::<PostgresAddress>().and_then(|address| address.tls().map(|_| ()));
        let refused = parsed.expect_err(text);
        assert_eq!(refused.code(), "store.invalid_address");
        refused.to_string()
    }

    #[test]
    fn an_address_is_shown_as_it_was_written() {
        for text in [
            "postgres://meshroot@localhost/mesh",
            "postgres://meshroot@a.example:5433,b.example/mesh",
            "postgres://meshroot@[::1]:1/mesh?schema=west",
            "postgres://meshroot@/run/postgresql/mesh",
        ] {
            let text = text.replace("@/run/postgresql/", "@%2Frun%2Fpostgresql/");
            assert_eq!(parse(&text).to_string().replace("@/run/postgresql/", "@%2Frun%2Fpostgresql/"), text);
        }
        assert_eq!(parse("postgresql://m@/mesh?host=/run/postgresql"), parse("postgres://m@%2frun%2fpostgresql/mesh"));
    }

    #[test]
    fn a_password_is_refused_and_not_repeated() {
        for text in [
            "postgres://m:hunter2@localhost/mesh",
            "postgres://m:hunter2@x/y@localhost/mesh",
            "postgres://m:hunter2/@localhost/mesh",
            "postgres://m@localhost/mesh?password=hunter2",
            "postgres://m:hunter2@",
            "postgres://hunter2",
            "postgres://m@localhost/mesh?hunter2%zz",
        ] {
            let refused = refusal(text);
            assert!(!refused.contains("hunter2"), "{text}: {refused}");
        }
        assert!(refusal("postgres://m:hunter2@localhost/mesh").contains("password_file"));
    }

    #[test]
    fn elsewhere_only_verified_tls_will_do() {
        let roots = Path::new("/etc/roots.pem");
        for text in [
            "postgres://m@db.example/mesh",
            "postgres://m@10.0.0.1/mesh",
            "postgres://m@localhost,db.example/mesh",
            "postgres://m@localhost.db.example/mesh",
        ] {
            assert!(refusal(text).contains("sslrootcert"), "{text}");
            for mode in ["disable", "allow", "prefer", "require", "verify-ca"] {
                assert!(refusal(&format!("{text}?sslmode={mode}&sslrootcert=/etc/roots.pem")).contains("verify-full"), "{text} {mode}");
            }
            assert_eq!(parse(&format!("{text}?sslrootcert=/etc/roots.pem")).tls().unwrap(), Some(roots));
            assert_eq!(parse(text).with_root_file(roots).tls().unwrap(), Some(roots));
        }
        for text in
            ["postgres://m@localhost/mesh", "postgres://m@127.0.0.9/mesh", "postgres://m@[::1]/mesh", "postgres://m@/mesh?host=/run/postgresql"]
        {
            assert_eq!(parse(text).tls().unwrap(), None, "{text}");
        }
        assert!(refusal("postgres://m@/mesh?host=/run/postgresql&sslmode=verify-full&sslrootcert=/etc/roots.pem").contains("Unix socket"));
    }

    #[test]
    fn what_is_no_address_says_what_is_missing() {
        for (text, word) in [
            ("postgres:mesh", "postgres://"),
            ("postgres://localhost/mesh", "user"),
            ("postgres://m@localhost", "database"),
            ("postgres://m@localhost/", "database"),
            ("postgres://@localhost/mesh", "user"),
            ("postgres://m@/mesh", "host"),
            ("postgres://m@localhost:x/mesh", "port"),
            ("postgres://m@localhost/mesh?sslkey=x", "parameters"),
            ("postgres://m@localhost/mesh?schema=a-b", "schema"),
            ("postgres://m@localhost/mesh?schema=pg_x", "schema"),
        ] {
            assert!(refusal(text).contains(word), "{text}: {}", refusal(text));
        }
    }
}
