//! PostgreSQL's own programs: where they lie, what they are told, what their end means.

use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::SecretString;
use sqlx::postgres::PgConnectOptions;

use super::PgDatabase;
use crate::engine::error::{Error, Result};
use crate::engine::operation::{Control, Progress};
use crate::engine::ports::process::{Call, Ended, Output};
use crate::engine::text::inert_short;

/// Nobody waits longer for a dump or a restore.
const LIMIT: Duration = Duration::from_hours(48);
/// How often the growing file is looked at.
const LOOK: Duration = Duration::from_millis(500);
/// Where Debian and others put each major version.
const HOMES: &str = "/usr/lib/postgresql";

/// What a URL says, as the environment of the programs. `None` when it is no URL.
pub fn environment(url: &SecretString, options: &PgConnectOptions) -> Option<Vec<(String, SecretString)>> {
    use secrecy::ExposeSecret as _;
    let parsed = url::Url::parse(url.expose_secret()).ok()?;
    let mut env: Vec<(String, SecretString)> = Vec::new();
    let mut set = |name: &str, value: String| {
        env.retain(|(known, _)| known != name);
        env.push((name.to_owned(), SecretString::from(value)));
    };
    let host = options.get_socket().map_or_else(
        || options.get_host().to_owned(),
        |path| path.display().to_string(),
    );
    set("PGHOST", host);
    set("PGPORT", options.get_port().to_string());
    set("PGUSER", options.get_username().to_owned());
    if let Some(password) = parsed.password() {
        let decoded = percent_decoded(password);
        set("PGPASSWORD", decoded);
    }
    for (name, value) in parsed.query_pairs() {
        let variable = match &*name {
            "password" => "PGPASSWORD",
            "sslmode" => "PGSSLMODE",
            "sslrootcert" => "PGSSLROOTCERT",
            "sslcert" => "PGSSLCERT",
            "sslkey" => "PGSSLKEY",
            _ => continue,
        };
        set(variable, value.into_owned());
    }
    set("PGAPPNAME", "maos-migrate backup".to_owned());
    // Messages are looked through for what they mean.
    set("LC_ALL", "C".to_owned());
    set("PGCLIENTENCODING", "UTF8".to_owned());
    Some(env)
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let digit = |at: usize| after.get(at).and_then(|b| char::from(*b).to_digit(16));
        if first == b'%'
            && let (Some(high), Some(low)) = (digit(0), digit(1))
        {
            bytes.push(u8::try_from(high * 16 + low).unwrap_or_default());
            rest = &after[2..];
        } else {
            bytes.push(first);
            rest = after;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

impl PgDatabase {
    /// The program for a server of `major`: of the named folder, else the oldest installed one that is new enough, else PATH's.
    pub(super) fn program(&self, name: &str, major: u32) -> String {
        if let Some(folder) = &self.programs {
            return folder.join(name).display().to_string();
        }
        let mut homes: Vec<(u32, PathBuf)> = std::fs::read_dir(HOMES)
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| {
                let version = entry.file_name().to_str()?.parse().ok()?;
                let program = entry.path().join("bin").join(name);
                (version >= major && program.exists()).then_some((version, program))
            })
            .collect();
        homes.sort();
        homes
            .first()
            .map_or_else(|| name.to_owned(), |(_, path)| path.display().to_string())
    }

    /// A call on this database. Prompts are never made.
    pub(super) fn call(&self, program: String, args: &[&str]) -> Call {
        let mut words = vec![program, "--no-password".to_owned()];
        words.extend(args.iter().map(|arg| (*arg).to_owned()));
        let mut call = Call::new(words, LIMIT);
        call.env.clone_from(&self.env);
        // A name with an equals sign or a URL in it would be read as a connection string among the arguments, and is not here.
        call.env
            .push(("PGDATABASE".to_owned(), SecretString::from(self.name.clone())));
        call
    }

    /// Runs a call that writes or reads `file`, telling how many bytes of it there are.
    pub(super) async fn run(
        &self,
        call: Call,
        watched: Option<&Path>,
        phase: &str,
        control: &Control,
    ) -> Result<Output> {
        let program = call.argv.first().cloned().unwrap_or_default();
        let running = self.processes.run(call, Some(control));
        tokio::pin!(running);
        let mut tick = tokio::time::interval(LOOK);
        let output = loop {
            tokio::select! {
                output = &mut running => break output?,
                _ = tick.tick() => {
                    if let Some(bytes) = watched.and_then(|path| std::fs::metadata(path).ok()).map(|meta| meta.len()) {
                        control.progress(Progress {
                            done: bytes,
                            bytes,
                            unit: "bytes".to_owned(),
                            phase: phase.to_owned(),
                            ..Progress::default()
                        });
                    }
                }
            }
        };
        let name = Path::new(&program)
            .file_name()
            .map_or_else(|| program.clone(), |name| name.to_string_lossy().into_owned());
        let said = last_words(&output.stderr);
        match output.ended {
            Ended::Exit(0) => Ok(output),
            Ended::Exit(code) => Err(failed(format!("{name} ended with {code}: {said}"), &said)),
            Ended::Signal(signal) => Err(Error::unavailable(format!("{name} was ended by signal {signal}"))),
            Ended::TimedOut => Err(Error::unavailable(format!("{name} did not end within {} h", LIMIT.as_secs() / 3600))),
            Ended::Stopped => Err(Error::interrupted(format!("{name} was stopped"))),
            Ended::NotFound => Err(Error::unavailable(format!("{name} is not on this machine"))
                .hint("Install PostgreSQL's client programs (postgresql-client), or set backup.programs in migration.yml.")),
            Ended::NotPermitted => Err(Error::unavailable(format!("{name} may not be run"))),
        }
    }
}

fn failed(text: String, said: &str) -> Error {
    let full = said.contains("No space left") || said.contains("could not extend file");
    // What the server says stands behind its own word; anything else is the disk here.
    if full && said.contains("ERROR:") {
        return Error::unavailable(format!("the disk of the PostgreSQL server is full: {text}"))
            .hint("Free space on the server and try again. Nothing half-made was kept.");
    }
    let error = Error::unavailable(text);
    if full {
        error.hint("Free space there and try again. Nothing half-made was kept.")
    } else if said.contains("server version") && said.contains("mismatch") {
        error.hint(
            "Install the client programs of the server's version, or set backup.programs in migration.yml.",
        )
    } else {
        error
    }
}

/// The end of what a program said, on one line.
fn last_words(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let errors: Vec<&str> = lines
        .iter()
        .filter(|line| line.contains("rror:") || line.contains("ERROR") || line.contains("FATAL"))
        .copied()
        .collect();
    let chosen = if errors.is_empty() { &lines } else { &errors };
    inert_short(
        &chosen.iter().take(2).copied().collect::<Vec<_>>().join("; "),
        300,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_goes_into_the_environment_decoded() {
        use secrecy::ExposeSecret as _;
        let url = SecretString::from("postgres://me:p%40ss%2F1@db:5433/x?sslmode=require");
        let options: PgConnectOptions = secrecy::ExposeSecret::expose_secret(&url).parse().unwrap();
        let env = environment(&url, &options).unwrap();
        let of = |name: &str| {
            env.iter()
                .find(|(n, _)| n == name)
                .map(|(_, v)| v.expose_secret().to_owned())
        };
        assert_eq!(of("PGPASSWORD").as_deref(), Some("p@ss/1"));
        assert_eq!(of("PGPORT").as_deref(), Some("5433"));
        assert_eq!(of("PGSSLMODE").as_deref(), Some("require"));
    }

    #[test]
    fn whose_disk_is_full_is_said() {
        let of = |said: &str| failed("pg_restore ended with 1".to_owned(), said);
        let server = of(
            "pg_restore: error: COPY failed for table \"tasks\": ERROR:  could not extend file \"base/1/2\": wrote only 4096 of 8192 bytes at block 537",
        );
        assert!(
            server
                .message
                .starts_with("the disk of the PostgreSQL server is full: pg_restore"),
            "{server:?}"
        );
        let here = of("pg_dump: error: could not write to output file: No space left on device");
        assert!(
            !here.message.contains("server") && here.hint.is_some(),
            "{here:?}"
        );
    }

    #[test]
    fn what_a_program_says_is_cut_to_its_errors() {
        let said = b"pg_restore: warning: x\npg_restore: error: could not read from input file: end of file\n\x1b[31m\n";
        assert_eq!(
            last_words(said),
            "pg_restore: error: could not read from input file: end of file"
        );
    }
}
