//! The link between the legacy system and the target: the speed of the interface on the way there.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use secrecy::ExposeSecret as _;

use super::Place;
use crate::engine::assess::Value;
use crate::engine::ports::BoxFuture;
use crate::engine::ports::probe::{Probe, Reading};

const FIGURE: &str = "network_mbps";

/// The slowest link from this machine to the hosts of both databases.
#[derive(Debug, Clone)]
pub struct NetworkLink {
    /// Host and port of every database that is reached over the network.
    hosts: Vec<(String, u16)>,
    /// Whether any database is named at all.
    known: bool,
}

impl NetworkLink {
    /// Between the databases of both sides.
    #[must_use]
    pub fn between(source: Option<&Place>, target: Option<&Place>) -> Self {
        let mut hosts: Vec<(String, u16)> = [source, target].into_iter().flatten().filter_map(host).collect();
        hosts.dedup();
        Self {
            hosts,
            known: target.is_some(),
        }
    }
}

/// The host of a PostgreSQL URL; `None` when it is a file or a socket on this machine.
fn host(place: &Place) -> Option<(String, u16)> {
    let Place::Postgres(url) = place else {
        return None;
    };
    let url = url::Url::parse(url.expose_secret()).ok()?;
    // `?host=/run/postgresql` names the folder of a socket and wins over the host before the path.
    let named = url
        .query_pairs()
        .find(|(key, _)| key == "host")
        .map(|(_, host)| host.into_owned());
    let host = match named {
        Some(host) => host,
        None => url
            .host_str()
            .unwrap_or_default()
            .trim_matches(['[', ']'])
            .to_owned(),
    };
    // An encoded slash at the start of the host is a socket too.
    let socket = host.is_empty() || host.starts_with('/') || host.to_ascii_lowercase().starts_with("%2f");
    (!socket).then(|| (host, url.port().unwrap_or(5432)))
}

impl Probe for NetworkLink {
    fn id(&self) -> &'static str {
        FIGURE
    }

    fn figures(&self) -> &'static [&'static str] {
        &[FIGURE]
    }

    fn limit(&self) -> Duration {
        Duration::from_secs(5)
    }

    fn run(&self) -> BoxFuture<'_, Vec<Reading>> {
        Box::pin(async { vec![self.read().await] })
    }
}

impl NetworkLink {
    async fn read(&self) -> Reading {
        if !self.known {
            return Reading::none(FIGURE, "no target database is named yet");
        }
        let mut slowest: Option<(i64, String)> = None;
        for (host, port) in &self.hosts {
            match link(host, *port).await {
                Ok(None) => {}
                Ok(Some((speed, interface))) => {
                    if slowest.as_ref().is_none_or(|(known, _)| speed < *known) {
                        slowest = Some((speed, format!("{interface} to {host}")));
                    }
                }
                Err(why) => return Reading::none(FIGURE, why),
            }
        }
        match slowest {
            Some((speed, evidence)) => Reading::of(FIGURE, Value::Integer(speed), evidence),
            None => Reading::of(
                FIGURE,
                Value::Word("local".to_owned()),
                "both databases are on this machine",
            ),
        }
    }
}

/// The speed in Mbps and the interface; `None` when the host is this machine.
async fn link(host: &str, port: u16) -> Result<Option<(i64, String)>, String> {
    let address = tokio::net::lookup_host((host, port))
        .await
        .map_err(|error| format!("{host} is not found: {error}"))?
        .next()
        .ok_or_else(|| format!("{host} has no address"))?;
    if is_here(address) {
        return Ok(None);
    }
    let interface = interface(address.ip())
        .await
        .ok_or_else(|| format!("no route to {host} is known"))?;
    let text = tokio::fs::read_to_string(format!("/sys/class/net/{interface}/speed"))
        .await
        .unwrap_or_default();
    match text.trim().parse::<i64>() {
        Ok(speed) if speed > 0 => Ok(Some((speed, interface))),
        _ => Err(format!("{interface} to {host} does not report a link speed")),
    }
}

/// Whether an address is this machine's own: then the kernel would send from the very same address. Nothing is sent.
fn is_here(address: SocketAddr) -> bool {
    if address.ip().is_loopback() {
        return true;
    }
    let any: IpAddr = if address.is_ipv4() {
        Ipv4Addr::UNSPECIFIED.into()
    } else {
        Ipv6Addr::UNSPECIFIED.into()
    };
    UdpSocket::bind((any, 0))
        .and_then(|socket| {
            socket.connect(address)?;
            socket.local_addr()
        })
        .is_ok_and(|own| own.ip() == address.ip())
}

async fn interface(ip: IpAddr) -> Option<String> {
    let name = match ip {
        IpAddr::V4(ip) => {
            let table = tokio::fs::read_to_string("/proc/net/route").await.ok()?;
            route_v4(&table, ip)
        }
        IpAddr::V6(ip) => {
            let table = tokio::fs::read_to_string("/proc/net/ipv6_route").await.ok()?;
            route_v6(&table, ip)
        }
    }?;
    // The name becomes part of a path.
    (!name.contains('/') && name != "..").then_some(name)
}

/// The interface of the longest prefix; columns: interface, destination, gateway, flags, …, mask as the seventh after it.
/// Addresses are hexadecimal in the machine's byte order.
fn route_v4(table: &str, ip: Ipv4Addr) -> Option<String> {
    let ip = u32::from_ne_bytes(ip.octets());
    table
        .lines()
        .skip(1)
        .filter_map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let destination = u32::from_str_radix(fields.get(1)?, 16).ok()?;
            let mask = u32::from_str_radix(fields.get(7)?, 16).ok()?;
            (ip & mask == destination).then(|| (mask.count_ones(), (*fields[0]).to_owned()))
        })
        .max_by_key(|(length, _)| *length)
        .map(|(_, name)| name)
}

/// The interface of the longest prefix; columns: destination, its length, …, interface last. `lo` holds rejections.
fn route_v6(table: &str, ip: Ipv6Addr) -> Option<String> {
    let ip = u128::from(ip);
    table
        .lines()
        .filter_map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let destination = u128::from_str_radix(fields.first()?, 16).ok()?;
            let length = u32::from_str_radix(fields.get(1)?, 16).ok()?;
            let name = *fields.last()?;
            let shift = 128_u32.checked_sub(length)?;
            let same = ip.checked_shr(shift).unwrap_or(0) == destination.checked_shr(shift).unwrap_or(0);
            (same && name != "lo").then(|| (length, name.to_owned()))
        })
        .max_by_key(|(length, _)| *length)
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_prefix_names_the_interface() {
        let hex = |ip: [u8; 4]| format!("{:08X}", u32::from_ne_bytes(ip));
        let table = format!(
            "Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT\n\
             eth0 {} 0 0003 0 0 0 {} 0 0 0\n\
             wg0 {} 0 0001 0 0 0 {} 0 0 0\n",
            hex([0, 0, 0, 0]),
            hex([0, 0, 0, 0]),
            hex([10, 0, 4, 0]),
            hex([255, 255, 255, 0]),
        );
        assert_eq!(
            route_v4(&table, Ipv4Addr::new(10, 0, 4, 7)).as_deref(),
            Some("wg0")
        );
        assert_eq!(
            route_v4(&table, Ipv4Addr::new(8, 8, 8, 8)).as_deref(),
            Some("eth0")
        );
        let table = "20010db8000000000000000000000000 20 00000000000000000000000000000000 00 0 0 0 0 0 eth1\n\
                     00000000000000000000000000000000 00 00000000000000000000000000000000 00 0 0 0 0 0 lo\n";
        assert_eq!(
            route_v6(table, "2001:db8::5".parse().expect("an address")).as_deref(),
            Some("eth1")
        );
        assert_eq!(route_v6(table, "2a00::1".parse().expect("an address")), None);
    }

    #[test]
    fn sockets_and_files_are_on_this_machine() {
        for url in [
            "sqlite:///srv/legacy.db",
            "postgres:///app?host=/run/postgresql",
            "postgres://app@%2Frun%2Fpostgresql/app",
        ] {
            let place = Place::of(url).expect("known");
            assert_eq!(host(&place), None, "{url}");
        }
        let place = Place::of("postgres://app:pw@db.acme:5433/app").expect("known");
        assert_eq!(host(&place), Some(("db.acme".to_owned(), 5433)));
    }
}
