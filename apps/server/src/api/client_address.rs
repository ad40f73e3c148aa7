//! Where a request comes from.

use std::future::{Ready, ready};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};

use crate::http::Problem;
use crate::services::Services;

/// The address of the client: the peer's, or, behind a proxy, the one the proxy says it saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ClientAddress(pub(super) IpAddr);

impl FromRequest for ClientAddress {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let behind_proxy = request
            .app_data::<web::Data<Services>>()
            .is_some_and(|it| it.settings.behind_proxy);
        let peer = request.peer_addr().map(|it| it.ip());
        let told = if behind_proxy { told(request) } else { None };
        let address = told.or(peer).unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        ready(Ok(Self(address)))
    }
}

/// What the nearest proxy added: the last address. Those before it are whatever the client wrote.
fn told(request: &HttpRequest) -> Option<IpAddr> {
    let header = request.headers().get_all("x-forwarded-for").last()?;
    let last = header.to_str().ok()?.rsplit(',').next()?.trim();
    let bare = last.trim_start_matches('[').split(']').next()?;
    let with_port = || last.parse().ok().map(|it: SocketAddr| it.ip());
    bare.parse().ok().or_else(with_port)
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn only_what_the_nearest_proxy_added_is_believed() {
        for (written, seen) in [
            ("203.0.113.7", Some("203.0.113.7")),
            ("10.0.0.1, 203.0.113.7", Some("203.0.113.7")),
            ("203.0.113.7, 2001:db8::1", Some("2001:db8::1")),
            ("[2001:db8::1]:4711", Some("2001:db8::1")),
            ("203.0.113.7:4711", Some("203.0.113.7")),
            ("unknown", None),
            ("", None),
        ] {
            let request = TestRequest::default()
                .insert_header(("x-forwarded-for", written))
                .to_http_request();
            let seen = seen.map(|it| it.parse().expect("an address"));
            assert_eq!(told(&request), seen, "{written}");
        }
    }
}
