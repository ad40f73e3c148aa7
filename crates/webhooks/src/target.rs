//! Which addresses deliveries may go to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use msgflash_kernel::Problem;
use url::{Host, Url};

/// Longest URL accepted.
pub const MAX_URL: usize = 2048;

/// Checks a URL somebody wants us to call, without looking anything up. The address behind a name
/// is checked when the connection is made, where it cannot change any more.
pub fn check(field: &str, text: &str, allow_private: bool) -> Result<Url, Problem> {
    let refuse = |code, message: &str| Problem {
        field: field.into(),
        code,
        message: message.into(),
    };
    if text.chars().count() > MAX_URL {
        return Err(refuse(
            "too_long",
            "The URL may have 2048 characters at most",
        ));
    }
    // The parser forgives blanks, line breaks, missing and surplus slashes; what we echo must be a
    // URL as is.
    let is_plain = !text
        .chars()
        .any(|it| it.is_whitespace() || it.is_control() || it == '\\');
    let rest = text.split_once("://").map(|(_, rest)| rest);
    if !is_plain || rest.is_none_or(|rest| rest.starts_with('/')) {
        return Err(refuse("invalid_url", "Not an absolute URL"));
    }
    let url = Url::parse(text).map_err(|_| refuse("invalid_url", "Not an absolute URL"))?;
    match url.scheme() {
        "https" => {}
        "http" if allow_private => {}
        "http" => return Err(refuse("https_required", "The URL must begin with https://")),
        _ => return Err(refuse("invalid_url", "The URL must begin with https://")),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refuse(
            "invalid_url",
            "The URL must not carry a user name or password",
        ));
    }
    if allow_private {
        return Ok(url);
    }
    if url.host().is_some_and(|host| is_public_host(&host)) {
        Ok(url)
    } else {
        Err(refuse(
            "private_address",
            "The URL must not lead to a private address",
        ))
    }
}

/// Names below these are nobody's on the internet: special ones, those that networks of their own are
/// known to use (RFC 6762, appendix G), and those that a cluster completes by itself.
const RESERVED_NAMES: [&str; 12] = [
    "localhost",
    "localdomain",
    "local",
    "internal",
    "intranet",
    "private",
    "corp",
    "home",
    "lan",
    "home.arpa",
    "onion",
    "svc",
];

/// Whether a host, as written, may be public. Names may still resolve to private addresses.
pub fn is_public_host(host: &Host<&str>) -> bool {
    match host {
        Host::Ipv4(address) => is_public((*address).into()),
        // Nobody writes a translated address by hand who means well.
        Host::Ipv6(address) => is_public((*address).into()) && address.segments()[0] != 0x64,
        Host::Domain(name) => {
            let name = name.trim_end_matches('.').to_ascii_lowercase();
            name.contains('.')
                && !RESERVED_NAMES.iter().any(|it| {
                    name == *it || name.strip_suffix(it).is_some_and(|s| s.ends_with('.'))
                })
        }
    }
}

/// Whether an address is on the public internet.
///
/// Decides at connection time too, when a name has been looked up. An address translated by NAT64
/// leads where its IPv4 address leads, so networks without IPv4 can still deliver.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

/// Address blocks that never are.
const RESERVED_V4: [(Ipv4Addr, u8); 15] = [
    (Ipv4Addr::UNSPECIFIED, 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

fn is_public_v4(address: Ipv4Addr) -> bool {
    !RESERVED_V4.iter().any(|(block, length)| {
        ipnet::Ipv4Net::new(*block, *length).is_ok_and(|block| block.contains(&address))
    })
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    match address.segments() {
        // NAT64.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            let [a, b] = high.to_be_bytes();
            let [c, d] = low.to_be_bytes();
            is_public_v4(Ipv4Addr::new(a, b, c, d))
        }
        // Teredo, benchmarking, documentation, ORCHID; 6to4, whose relays are long gone.
        [0x2001, 0..=0x01ff | 0x0db8, ..] | [0x3fff, 0..=0x0fff, ..] | [0x2002, ..] => false,
        // Only 2000::/3 is handed out for the internet; IPv4 in IPv6 dress is outside of it.
        [first, ..] => (first & 0xe000) == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(url: &str) -> Option<&'static str> {
        check("url", url, false).err().map(|problem| problem.code)
    }

    #[test]
    fn public_https_addresses_pass() {
        for url in [
            "https://example.com/hook",
            "https://1.1.1.1/x",
            "https://[2606:4700::1111]/",
        ] {
            assert_eq!(refused(url), None, "{url}");
        }
    }

    #[test]
    fn private_addresses_are_refused_however_they_are_written() {
        let private = [
            "https://localhost/x",
            "https://a.localhost/x",
            "https://db.internal/",
            "https://nas.local/",
            "https://intranet/",
            "https://127.0.0.1/",
            "https://127.1/",
            "https://2130706433/",
            "https://0x7f.1/",
            "https://10.0.0.1/",
            "https://172.31.255.255/",
            "https://192.168.0.1/",
            "https://169.254.169.254/latest",
            "https://100.64.0.1/",
            "https://0.0.0.0/",
            "https://[::1]/",
            "https://[::]/",
            "https://[fe80::1]/",
            "https://[fd00::1]/",
            "https://[::ffff:127.0.0.1]/",
            "https://[::ffff:10.0.0.1]/",
            "https://[64:ff9b::7f00:1]/",
            "https://[2002:7f00:1::]/",
            "https://[2001:db8::1]/",
            "https://224.0.0.1/",
            "https://localhost./",
            "https://[::127.0.0.1]/",
            "https://LOCALHOST/",
            "https://[::ffff:1.1.1.1]/",
            "https://[64:ff9b::101:101]/",
            "https://[2002:101:101::]/",
            "https://[64:ff9b:1::1]/",
            "https://[ff02::1]/",
            "https://[fec0::1]/",
            "https://0/",
            "https://255.255.255.255/",
            "https://metadata.google.internal/",
            "https://①②⑦.0.0.1/",
            "https://127.0.0.1./",
            "https://0x7f.0.0.1/",
            "https://0177.0.0.1/",
            "https://127%2e0%2e0%2e1/",
            "https://%6c%6f%63alhost/",
            "https://192.0.0.192/",
            "https://198.19.255.255/",
            "https://239.255.255.255/",
            "https://240.0.0.1/",
            "https://100.127.255.255/",
            "https://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/",
            "https://[2001:2::1]/",
            "https://[2001:20::1]/",
            "https://[3fff::1]/",
            "https://[100::1]/",
            "https://[::ffff:0:127.0.0.1]/",
            "https://[febf::1]/",
            "https://localhost.localdomain/",
            "https://wiki.corp/",
            "https://kubernetes.default.svc/",
            "https://metadata.google.internal./",
        ];
        for url in private {
            assert_eq!(refused(url), Some("private_address"), "{url}");
        }
    }

    #[test]
    fn a_translated_address_leads_where_its_ipv4_address_leads() {
        let public = |text: &str| is_public(text.parse().expect("an address"));
        assert!(public("64:ff9b::101:101"));
        assert!(!public("64:ff9b::7f00:1") && !public("64:ff9b::a9fe:a9fe"));
        assert!(!public("64:ff9b:1::101:101"));
    }

    #[test]
    fn what_only_the_parser_would_forgive_is_refused() {
        let forgiven = [
            " https://example.com/",
            "https://example.com/\n",
            "https://exa\tmple.com/",
            "https:example.com",
            "https:/example.com",
            "https:\\\\example.com",
            "https://",
            "https://example.com\\@127.0.0.1/",
            "//example.com/",
            "",
            "https://exa mple.com/",
            "https://example.com:99999/",
        ];
        for url in forgiven {
            assert_eq!(refused(url), Some("invalid_url"), "{url:?}");
        }
    }

    /// What the parser makes of these is its own business; none of them may get in.
    #[test]
    fn letters_that_look_like_others_lead_nowhere_private() {
        for url in [
            "https://127\u{3002}0\u{3002}0\u{3002}1/",
            "https://127\u{ff0e}0\u{ff0e}0\u{ff0e}1/",
            "https://127\u{ff61}0\u{ff61}0\u{ff61}1/",
            "https://\u{ff11}\u{ff12}\u{ff17}.0.0.1/",
            "https://\u{661}\u{662}\u{667}.0.0.1/",
            "https://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/",
            "https://local\u{ad}host/",
            "https://localhost\u{3002}/",
            "https://localhost../",
            "https://metadata\u{3002}google\u{3002}internal/",
        ] {
            let told = refused(url);
            assert!(
                matches!(told, Some("private_address" | "invalid_url")),
                "{url}: {told:?}"
            );
        }
    }

    #[test]
    fn an_address_of_one_machines_network_card_is_none() {
        for url in [
            "https://[fe80::1%25eth0]/",
            "https://[fe80::1%eth0]/",
            "https://[::1%25lo]/",
        ] {
            assert_eq!(refused(url), Some("invalid_url"), "{url}");
        }
    }

    #[test]
    fn what_stands_before_an_at_sign_is_not_taken_for_the_host() {
        for url in [
            "https://example.com@127.0.0.1/",
            "https://example.com:443@169.254.169.254/",
            "https://user@example.com/",
            "https://:pw@example.com/",
        ] {
            assert_eq!(refused(url), Some("invalid_url"), "{url}");
        }
        // Nobody is named, so what is behind it counts.
        assert_eq!(refused("https://@127.0.0.1/"), Some("private_address"));
        assert_eq!(
            refused("https://127.0.0.1:80#@example.com/"),
            Some("private_address")
        );
        assert_eq!(
            refused("https://127.0.0.1?@example.com/"),
            Some("private_address")
        );
    }

    #[test]
    fn other_mistakes_have_codes_of_their_own() {
        assert_eq!(refused("http://example.com/"), Some("https_required"));
        assert_eq!(refused("ftp://example.com/"), Some("invalid_url"));
        assert_eq!(refused("example.com/hook"), Some("invalid_url"));
        assert_eq!(refused("https:///example.com/hook"), Some("invalid_url"));
        assert_eq!(refused("https://user:pw@example.com/"), Some("invalid_url"));
        assert_eq!(
            refused(&format!("https://example.com/{}", "a".repeat(2048))),
            Some("too_long")
        );
    }

    #[test]
    fn the_switch_for_development_opens_private_addresses_and_http() {
        assert!(check("url", "http://127.0.0.1:9000/hook", true).is_ok());
        assert!(check("url", "ftp://127.0.0.1/", true).is_err());
    }
}
