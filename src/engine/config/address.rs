//! Addresses of databases and Redis servers: read from a URL, from a connection string of `key=value` pairs or from single
//! keys, written once as a URL with every part percent-encoded (RFC 3986). References to variables stay as they are.

use std::fmt::Write as _;

use super::reference;
use super::value::Trouble;

/// The kind of server behind an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Server {
    /// PostgreSQL.
    Postgres,
    /// Redis.
    Redis,
}

impl Server {
    const fn port(self) -> u16 {
        match self {
            Self::Postgres => 5432,
            Self::Redis => 6379,
        }
    }
}

/// The parts of an address, decoded. No `Debug`: it may hold a password.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    /// What it leads to.
    pub server: Server,
    /// The user.
    pub user: Option<String>,
    /// The password, as it is.
    pub password: Option<String>,
    /// The host: a name, an address, for PostgreSQL also several or a folder of sockets.
    pub host: Option<String>,
    /// The port.
    pub port: Option<String>,
    /// The database: a name, for Redis a number.
    pub name: Option<String>,
    /// Redis over TLS. PostgreSQL says it in `options`.
    pub tls: bool,
    /// What follows the question mark, decoded, in order.
    pub options: Vec<(String, String)>,
}

/// How the password is written.
#[derive(Clone, Copy)]
pub enum Password<'a> {
    /// As `${NAME}`, for MAOS to replace.
    Placeholder(&'a str),
    /// As `******`, for people.
    Masked,
    /// Percent-encoded, for the environment file only.
    Plain,
    /// Neither user nor password.
    Left,
}

impl Address {
    /// An address without any part.
    #[must_use]
    pub const fn empty(server: Server) -> Self {
        Self {
            server,
            user: None,
            password: None,
            host: None,
            port: None,
            name: None,
            tls: false,
            options: Vec::new(),
        }
    }

    /// Every text in it, in the order of a URL.
    pub(super) fn each_mut(&mut self, act: &mut dyn FnMut(&mut String)) {
        let texts = [
            &mut self.user,
            &mut self.password,
            &mut self.host,
            &mut self.port,
            &mut self.name,
        ];
        texts.into_iter().flatten().for_each(&mut *act);
        for (key, value) in &mut self.options {
            act(key);
            act(value);
        }
    }

    /// Checks host, port and database number.
    ///
    /// # Errors
    /// `incomplete`, `out_of_range`.
    pub fn check(&self) -> Result<(), Trouble> {
        if self.host.is_none() {
            return Err(Trouble::new("incomplete", "the host is missing"));
        }
        if self.server == Server::Postgres && self.name.is_none() {
            return Err(Trouble::new("incomplete", "the name of the database is missing"));
        }
        if let Some(port) = &self.port
            && !reference::any(port)
            && !port.parse::<u16>().is_ok_and(|port| port > 0)
        {
            return Err(Trouble::new(
                "out_of_range",
                "the port is not a number from 1 to 65535",
            ));
        }
        if let (Server::Redis, Some(name)) = (self.server, &self.name)
            && !reference::any(name)
            && name.parse::<u16>().is_err()
        {
            return Err(Trouble::new(
                "out_of_range",
                "the Redis database is not a whole number from 0",
            ));
        }
        Ok(())
    }

    /// Replaces the references that `lookup` knows.
    pub fn resolve(&mut self, lookup: &dyn Fn(&str) -> Option<String>) {
        self.each_mut(&mut |part| *part = reference::replace(part, lookup));
    }

    /// The names of variables that the address refers to.
    #[must_use]
    pub fn references(&self) -> Vec<String> {
        let mut names = Vec::new();
        self.clone()
            .each_mut(&mut |part| names.extend(reference::names(part)));
        names
    }

    /// The parts that are missing here taken from `other`. Only sensible when both mean the same host.
    pub fn fill_from(&mut self, other: &Self) {
        for (mine, theirs) in [
            (&mut self.user, &other.user),
            (&mut self.password, &other.password),
            (&mut self.host, &other.host),
            (&mut self.port, &other.port),
            (&mut self.name, &other.name),
        ] {
            if mine.is_none() {
                mine.clone_from(theirs);
            }
        }
        self.tls |= other.tls;
        for option in &other.options {
            if !self.options.iter().any(|(key, _)| *key == option.0) {
                self.options.push(option.clone());
            }
        }
    }

    /// Whether no part of one contradicts a part of the other.
    #[must_use]
    pub fn agrees_with(&self, other: &Self) -> bool {
        [
            (&self.user, &other.user),
            (&self.password, &other.password),
            (&self.host, &other.host),
            (&self.port, &other.port),
            (&self.name, &other.name),
        ]
        .iter()
        .all(|(a, b)| a.is_none() || b.is_none() || a == b)
            && self.options.iter().all(|(key, value)| {
                other
                    .options
                    .iter()
                    .all(|(other_key, other_value)| key != other_key || value == other_value)
            })
    }

    /// The port and, for Redis, the database that hold when nothing is said.
    pub fn fill_defaults(&mut self) -> bool {
        let several = self.host.as_ref().is_some_and(|host| host.contains(','));
        let missing = self.port.is_none() && !several;
        if missing {
            self.port = Some(self.server.port().to_string());
        }
        if self.server == Server::Redis && self.name.is_none() {
            self.name = Some("0".to_owned());
        }
        missing
    }

    /// The address as a URL.
    #[must_use]
    pub fn url(&self, password: Password<'_>) -> String {
        let scheme = match (self.server, self.tls) {
            (Server::Postgres, _) => "postgresql",
            (Server::Redis, false) => "redis",
            (Server::Redis, true) => "rediss",
        };
        let mut out = format!("{scheme}://");
        if !matches!(password, Password::Left) && (self.user.is_some() || self.password.is_some()) {
            out.push_str(&self.user.as_deref().map(encoded).unwrap_or_default());
            if let Some(own) = &self.password {
                out.push(':');
                match password {
                    Password::Placeholder(name) => {
                        // Writing to a String cannot fail.
                        let _ = write!(out, "${{{name}}}");
                    }
                    // A reference says where the password is, not what it is.
                    Password::Masked if reference::whole(own) => out.push_str(own),
                    Password::Masked => out.push_str("******"),
                    Password::Plain => out.push_str(&encoded(own)),
                    Password::Left => {}
                }
            }
            out.push('@');
        }
        let host = self.host.as_deref().unwrap_or_default();
        if host.contains(',') {
            out.push_str(host);
        } else if host.contains(':') && !reference::any(host) {
            let _ = write!(out, "[{host}]");
        } else {
            out.push_str(&encoded(host));
        }
        if let Some(port) = &self.port {
            let _ = write!(out, ":{port}");
        }
        if let Some(name) = &self.name {
            let _ = write!(out, "/{}", encoded(name));
        }
        for (i, (key, value)) in self.options.iter().enumerate() {
            out.push(if i == 0 { '?' } else { '&' });
            let secret = super::secret::is_secret_name(key) && matches!(password, Password::Masked);
            let value = if secret {
                "******".to_owned()
            } else {
                encoded(value)
            };
            let _ = write!(out, "{}={value}", encoded(key));
        }
        out
    }
}

/// Percent-encodes everything but RFC 3986's unreserved characters, and leaves references as they are.
#[must_use]
pub fn encoded(text: &str) -> String {
    let mut out = String::new();
    for (is_reference, piece) in reference::pieces(text) {
        if is_reference {
            out.push_str(&piece);
            continue;
        }
        for byte in piece.bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                out.push(char::from(byte));
            } else {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, server: Server) -> Result<String, &'static str> {
        Address::parse(text, server)
            .map(|address| address.url(Password::Plain))
            .map_err(|trouble| trouble.code)
    }

    #[test]
    fn addresses_are_read_and_written_encoded() {
        for (text, want) in [
            ("postgres://a:b@h:5433/n", Ok("postgresql://a:b@h:5433/n")),
            (
                "postgresql+psycopg2://u%40x:p%3A%2F%40w@h/n?sslmode=require",
                Ok("postgresql://u%40x:p%3A%2F%40w@h/n?sslmode=require"),
            ),
            ("postgres://u:p@ss@h/n", Ok("postgresql://u:p%40ss@h/n")),
            (
                "postgres://u:${DB_PASS:-a/b}@h:${PORT}/n",
                Ok("postgresql://u:${DB_PASS:-a/b}@h:${PORT}/n"),
            ),
            ("postgres://u:p/w@h/n", Err("bad_address")),
            ("postgres://u:p#w@h/n", Err("bad_address")),
            ("postgres://u:p%zz@h/n", Err("bad_address")),
            ("postgres://h", Err("incomplete")),
            ("postgres://h:99999/n", Err("out_of_range")),
            ("postgres://[::1]:5432/n", Ok("postgresql://[::1]:5432/n")),
            ("postgres://h1:1,h2:2/n", Ok("postgresql://h1:1,h2:2/n")),
            (
                "host=h port=5432 dbname=n user=u password = 'p w\\'x' sslmode=require",
                Ok("postgresql://u:p%20w%27x@h:5432/n?sslmode=require"),
            ),
            (
                "Server=h;Database=n;User Id=u;Password = p;x;",
                Err("bad_address"),
            ),
            (
                "Server=h;Database=n;User Id=u;Password = p=w;",
                Ok("postgresql://u:p%3Dw@h/n"),
            ),
            ("mysql://u:p@h/n", Err("unsupported_scheme")),
            ("h:5432/n", Err("bad_address")),
        ] {
            assert_eq!(read(text, Server::Postgres), want.map(str::to_owned), "{text}");
        }
        for (text, want) in [
            ("redis://:pw@h:6380/2", Ok("redis://:pw@h:6380/2")),
            ("rediss://u:pw@h", Ok("rediss://u:pw@h")),
            ("redis://h/x", Err("out_of_range")),
            ("redis://h?db=3", Ok("redis://h/3")),
            ("http://h", Err("unsupported_scheme")),
        ] {
            assert_eq!(read(text, Server::Redis), want.map(str::to_owned), "{text}");
        }
    }

    #[test]
    fn sockets_and_masks() {
        let mut address = Address::empty(Server::Postgres);
        address.host = Some("/var/run/postgresql".to_owned());
        address.name = Some("n".to_owned());
        address.password = Some("secret".to_owned());
        assert_eq!(
            address.url(Password::Masked),
            "postgresql://:******@%2Fvar%2Frun%2Fpostgresql/n"
        );
        assert_eq!(
            address.url(Password::Placeholder("PW")),
            "postgresql://:${PW}@%2Fvar%2Frun%2Fpostgresql/n"
        );
        assert_eq!(
            address.url(Password::Left),
            "postgresql://%2Fvar%2Frun%2Fpostgresql/n"
        );
    }
}
