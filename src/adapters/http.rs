//! HTTP by `ureq`: blocking calls on their own threads, the machine's certificates, no redirects.

use std::io::Read as _;
use std::time::Duration;

use secrecy::ExposeSecret as _;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use crate::engine::error::{Error, Result};
use crate::engine::ports::BoxFuture;
use crate::engine::ports::http::{Http, Post, Posted};

/// The client.
#[derive(Debug, Default)]
pub struct HttpClient;

impl Http for HttpClient {
    fn post(&self, post: Post) -> BoxFuture<'_, Result<Posted>> {
        Box::pin(async move {
            // The call's own limit ends it; this one is for a name service that does not answer.
            let limit = post.limit + Duration::from_secs(1);
            let call = tokio::task::spawn_blocking(move || exchange(&post));
            match tokio::time::timeout(limit, call).await {
                Ok(Ok(result)) => result,
                Ok(Err(_)) => Err(Error::bug("an HTTP call panicked")),
                Err(_) => Ok(Posted::TimedOut),
            }
        })
    }
}

fn roots() -> RootCerts {
    // Legacy systems often have certificates of their own house: the machine's list knows them, a built-in one would not.
    let found = rustls_native_certs::load_native_certs();
    let certificates: Vec<Certificate<'static>> = found
        .certs
        .iter()
        .map(|certificate| Certificate::from_der(certificate).to_owned())
        .collect();
    RootCerts::from(certificates)
}

fn exchange(post: &Post) -> Result<Posted> {
    let agent = ureq::Agent::new_with_config(
        ureq::config::Config::builder()
            .timeout_global(Some(post.limit))
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .tls_config(TlsConfig::builder().root_certs(roots()).build())
            .build(),
    );
    let mut request = agent
        .post(post.url.expose_secret())
        .header("content-type", "application/json")
        .header("accept", "application/json");
    for (name, value) in &post.headers {
        request = request.header(name, value.expose_secret());
    }
    let mut response = match request.send(&post.body[..]) {
        Ok(response) => response,
        Err(error) => return failed(&error),
    };
    let status = response.status().as_u16();
    let mut body = Vec::new();
    let most = post.kept as u64;
    match response
        .body_mut()
        .as_reader()
        .take(most + 1)
        .read_to_end(&mut body)
    {
        Ok(_) if body.len() as u64 > most => Ok(Posted::Broken(format!(
            "the answer is longer than {} bytes",
            crate::engine::text::count(most)
        ))),
        Ok(_) => Ok(Posted::Answer(status, body)),
        Err(error) if timed_out(&error) => Ok(Posted::TimedOut),
        Err(error) => Ok(Posted::Broken(error.to_string())),
    }
}

fn timed_out(error: &std::io::Error) -> bool {
    matches!(
        error.kind(),
        std::io::ErrorKind::TimedOut | std::io::ErrorKind::WouldBlock
    ) || error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<ureq::Error>())
        .is_some_and(|inner| matches!(inner, ureq::Error::Timeout(_)))
}

/// What a failure means. Texts of the client may hold the address, so they are not passed on.
fn failed(error: &ureq::Error) -> Result<Posted> {
    use ureq::Error as E;
    Ok(match error {
        E::Timeout(_) => Posted::TimedOut,
        E::HostNotFound => Posted::Unreachable("the host's name is not known".to_owned()),
        E::ConnectionFailed => Posted::Unreachable("the connection was refused".to_owned()),
        E::Io(error) if timed_out(error) => Posted::TimedOut,
        E::Io(error) => match error.kind() {
            std::io::ErrorKind::ConnectionRefused => {
                Posted::Unreachable("the connection was refused".to_owned())
            }
            _ => Posted::Broken(format!("the connection broke ({})", error.kind())),
        },
        E::Tls(_) | E::Rustls(_) => Posted::Unreachable("the TLS connection cannot be trusted".to_owned()),
        E::BadUri(_) => return Err(Error::input("the address cannot be used")),
        E::Http(_) => return Err(Error::input("the address or a header cannot be used")),
        _ => Posted::Broken("the answer is not HTTP".to_owned()),
    })
}
