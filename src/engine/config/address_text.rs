//! Addresses as people write them: URLs and connection strings, taken apart.

use super::address::{Address, Server};
use super::reference;
use super::value::Trouble;

impl Address {
    /// Reads a URL or a connection string.
    ///
    /// # Errors
    /// `bad_address`, `unsupported_scheme`. The text is never repeated: it may hold a password.
    pub fn parse(text: &str, server: Server) -> Result<Self, Trouble> {
        let text = text.trim();
        // References are set aside, so that their braces and colons are not taken for a part of the URL.
        let pieces = reference::pieces(text);
        let mut references = Vec::new();
        let mut bare = String::new();
        for (is_reference, piece) in pieces {
            if is_reference {
                bare.extend(char::from_u32(
                    MARKS + u32::try_from(references.len()).unwrap_or(0),
                ));
                references.push(piece);
            } else {
                bare.push_str(&piece);
            }
        }
        let mut address = if bare.contains("://") {
            Self::from_url(&bare, server)?
        } else if bare.contains('=') {
            Self::from_pairs(&bare, server)?
        } else {
            return Err(Trouble::new(
                "bad_address",
                "this is not an address with a scheme",
            ));
        };
        address.restore(&references);
        address.check()?;
        Ok(address)
    }

    fn from_url(text: &str, server: Server) -> Result<Self, Trouble> {
        let bad = |why: &str| Trouble::new("bad_address", why);
        let Some((scheme, rest)) = text.split_once("://") else {
            return Err(bad("this is not an address with a scheme"));
        };
        let scheme = scheme.to_lowercase();
        let scheme = scheme.split('+').next().unwrap_or_default();
        let mut address = Self::empty(server);
        match (server, scheme) {
            (Server::Postgres, "postgres" | "postgresql") | (Server::Redis, "redis") => {}
            (Server::Redis, "rediss") => address.tls = true,
            (Server::Postgres, _) => {
                return Err(Trouble::new(
                    "unsupported_scheme",
                    "it is not a PostgreSQL address",
                ));
            }
            (Server::Redis, _) => {
                return Err(Trouble::new("unsupported_scheme", "it is not a Redis address"));
            }
        }
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, tail) = rest.split_at(end);
        if tail.contains('#') || tail.split('?').next().is_some_and(|path| path.contains('@')) {
            return Err(bad(
                "a password with / ? # or @ must be percent-encoded in an address",
            ));
        }
        let (userinfo, place) = match authority.rsplit_once('@') {
            Some((userinfo, place)) => (Some(userinfo), place),
            None => (None, authority),
        };
        if let Some(userinfo) = userinfo {
            let (user, password) = match userinfo.split_once(':') {
                Some((user, password)) => (user, Some(password)),
                None => (userinfo, None),
            };
            address.user = filled(decoded(user)?);
            address.password = password.map(decoded).transpose()?.and_then(filled);
        }
        address.set_place(place)?;
        let (path, query) = match tail.split_once('?') {
            Some((path, query)) => (path, query),
            None => (tail, ""),
        };
        address.name = filled(decoded(path.trim_start_matches('/'))?);
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            address.set_option(decoded(key)?, decoded(value)?);
        }
        Ok(address)
    }

    fn set_place(&mut self, place: &str) -> Result<(), Trouble> {
        let bad = || {
            Trouble::new(
                "bad_address",
                "the host or the port cannot be read; a password must be percent-encoded",
            )
        };
        if let Some(inner) = place.strip_prefix('[') {
            let (host, port) = inner.split_once(']').ok_or_else(bad)?;
            self.host = Some(host.to_owned());
            self.port = port.strip_prefix(':').and_then(|p| filled(p.to_owned()));
            return if port.is_empty() || port.starts_with(':') {
                Ok(())
            } else {
                Err(bad())
            };
        }
        if self.server == Server::Postgres && place.contains(',') {
            // Several hosts with ports of their own stay together.
            self.host = filled(decoded(place)?);
            return Ok(());
        }
        let (host, port) = match place.split_once(':') {
            Some((host, port)) => (host, filled(port.to_owned())),
            None => (place, None),
        };
        self.host = filled(decoded(host)?);
        self.port = port;
        Ok(())
    }

    fn set_option(&mut self, key: String, value: String) {
        match key.to_lowercase().as_str() {
            "password" if self.password.is_none() => self.password = filled(value),
            "user" | "username" if self.user.is_none() => self.user = filled(value),
            "host" if self.host.is_none() => self.host = filled(value),
            "port" if self.port.is_none() => self.port = filled(value),
            "db" if self.server == Server::Redis && self.name.is_none() => self.name = filled(value),
            _ => self.options.push((key, value)),
        }
    }

    /// `host=h port=1 password = 'x'` (libpq) or `Server=h;Password = x` (ADO).
    fn from_pairs(text: &str, server: Server) -> Result<Self, Trouble> {
        let bad = || Trouble::new("bad_address", "the connection string cannot be read");
        let mut address = Self::empty(server);
        let pairs = if text.contains(';') {
            text.split(';')
                .filter(|part| !part.trim().is_empty())
                .map(|part| {
                    part.split_once('=')
                        .map(|(k, v)| (k.trim().to_owned(), v.trim().to_owned()))
                })
                .collect::<Option<Vec<_>>>()
                .ok_or_else(bad)?
        } else {
            keywords(text).ok_or_else(bad)?
        };
        for (key, value) in pairs {
            let value = value.trim_matches(|c| c == '"').to_owned();
            match key.to_lowercase().replace([' ', '_', '-'], "").as_str() {
                "host" | "hostaddr" | "server" | "datasource" | "address" => {
                    address.host = filled(value.trim_start_matches("tcp:").to_owned());
                }
                "port" => address.port = filled(value),
                "dbname" | "database" | "initialcatalog" | "db" => address.name = filled(value),
                "user" | "userid" | "uid" | "username" => address.user = filled(value),
                "password" | "pwd" => address.password = filled(value),
                _ => address.options.push((key, value)),
            }
        }
        Ok(address)
    }

    fn restore(&mut self, references: &[String]) {
        for (mark, reference) in (MARKS..).map_while(char::from_u32).zip(references) {
            self.each_mut(&mut |part| *part = part.replace(mark, reference));
        }
    }
}

/// The first of the characters that stand for references while a URL is taken apart; from the last private plane, so that
/// no file holds them by chance.
const MARKS: u32 = 0x10_0000;

fn filled(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

fn decoded(text: &str) -> Result<String, Trouble> {
    let bad = || {
        Trouble::new(
            "bad_address",
            "a % in it is not followed by two hex digits of UTF-8 text",
        )
    };
    let bytes = text.as_bytes();
    let (mut out, mut i) = (Vec::with_capacity(bytes.len()), 0);
    while i < bytes.len() {
        if bytes[i] == b'%' {
            let hex = text
                .get(i + 1..i + 3)
                .filter(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()))
                .ok_or_else(bad)?;
            out.push(u8::from_str_radix(hex, 16).map_err(|_| bad())?);
            i += 3;
        } else {
            out.push(bytes[i]);
            i += 1;
        }
    }
    String::from_utf8(out).map_err(|_| bad())
}

/// libpq's `key = 'value'` pairs.
fn keywords(text: &str) -> Option<Vec<(String, String)>> {
    let mut pairs = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (key, after) = rest.split_once('=')?;
        let after = after.trim_start();
        let mut value = String::new();
        let quoted = after.starts_with('\'');
        let mut chars = after.char_indices().skip(usize::from(quoted));
        let mut end = after.len();
        let mut closed = !quoted;
        while let Some((i, c)) = chars.next() {
            match c {
                '\\' => value.push(chars.next()?.1),
                '\'' if quoted => {
                    closed = true;
                    end = i + 1;
                    break;
                }
                c if c.is_whitespace() && !quoted => {
                    end = i;
                    break;
                }
                c => value.push(c),
            }
        }
        if !closed || key.trim().is_empty() || key.trim().contains(char::is_whitespace) {
            return None;
        }
        pairs.push((key.trim().to_owned(), value));
        rest = after[end..].trim_start();
    }
    Some(pairs)
}
