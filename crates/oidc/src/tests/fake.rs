//! A provider that answers whatever a test wants, and signs with keys of its own (ES256).

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use msgflash_accounts::{ExternalIdentity, IdentityProvider as _, ProviderError, SignInStart};
use msgflash_kernel::{Clock as _, CountingRandom, FixedClock, Secret};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::macros::datetime;
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::{OidcConfig, OidcProvider};

pub(super) const NOW: OffsetDateTime = datetime!(2026-05-01 10:00 UTC);
pub(super) const SECRET: &str = "known-to-both";
pub(super) const CODE: &str = "the-code";

/// A key that signs.
pub(super) struct Key {
    id: &'static str,
    pair: EcdsaKeyPair,
    random: SystemRandom,
}

impl Key {
    pub(super) fn new(id: &'static str) -> Self {
        let random = SystemRandom::new();
        let rule = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let private = EcdsaKeyPair::generate_pkcs8(rule, &random).expect("a key");
        let pair = EcdsaKeyPair::from_pkcs8(rule, private.as_ref(), &random).expect("a key");
        Self { id, pair, random }
    }

    fn public(&self) -> Value {
        // One byte that says "uncompressed", then both coordinates.
        let point = &self.pair.public_key().as_ref()[1..];
        let (x, y) = point.split_at(32);
        json!({
            "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": self.id,
            "x": URL_SAFE_NO_PAD.encode(x), "y": URL_SAFE_NO_PAD.encode(y),
        })
    }

    pub(super) fn sign(&self, claims: &Value) -> String {
        let header = json!({ "alg": "ES256", "kid": self.id, "typ": "JWT" });
        let text = unsigned(&header, claims);
        let signature = self.pair.sign(&self.random, text.as_bytes());
        let signature = signature.expect("signed");
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()))
    }
}

/// A token up to its signature.
pub(super) fn unsigned(header: &Value, claims: &Value) -> String {
    let part = |it: &Value| URL_SAFE_NO_PAD.encode(it.to_string());
    format!("{}.{}", part(header), part(claims))
}

pub(super) struct Fake {
    pub(super) server: MockServer,
    pub(super) clock: Arc<FixedClock>,
    pub(super) provider: OidcProvider,
    pub(super) start: SignInStart,
}

impl Fake {
    /// A provider that publishes nothing yet.
    pub(super) async fn new() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let server = MockServer::start().await;
        let clock = Arc::new(FixedClock::at(NOW));
        let config = OidcConfig {
            issuer: server.uri(),
            client_id: "msgflash".to_owned(),
            client_secret: Secret::new(SECRET.to_owned()),
            redirect_uri: "https://api.shop.test/api/auth/google/callback".to_owned(),
        };
        Self {
            provider: OidcProvider::new(config, Arc::clone(&clock) as _).expect("settings"),
            start: SignInStart::generate(&CountingRandom::default()),
            server,
            clock,
        }
    }

    /// One that publishes itself and this key.
    pub(super) async fn with(key: &Key) -> Self {
        let fake = Self::new().await;
        fake.publishes(key).await;
        fake
    }

    pub(super) async fn publishes(&self, key: &Key) {
        self.server.reset().await;
        self.answers("/.well-known/openid-configuration", self.document())
            .await;
        self.answers("/keys", json!({ "keys": [key.public()] }))
            .await;
    }

    pub(super) fn document(&self) -> Value {
        let at = self.server.uri();
        json!({
            "issuer": at, "authorization_endpoint": format!("{at}/authorize"),
            "token_endpoint": format!("{at}/token"), "userinfo_endpoint": format!("{at}/me"),
            "jwks_uri": format!("{at}/keys"), "response_types_supported": ["code"],
            "subject_types_supported": ["public"], "id_token_signing_alg_values_supported": ["ES256"],
        })
    }

    pub(super) async fn answers(&self, at: &str, body: Value) {
        let answer = ResponseTemplate::new(200).set_body_json(body);
        self.responds(at, answer).await;
    }

    pub(super) async fn responds(&self, at: &str, answer: ResponseTemplate) {
        let mock = Mock::given(path(at)).respond_with(answer);
        mock.with_priority(1).mount(&self.server).await;
    }

    /// It gives this ID token for the code.
    pub(super) async fn gives(&self, token: &str) {
        let body = json!({
            "access_token": "for-me", "token_type": "Bearer", "expires_in": 60, "id_token": token,
        });
        let answer = ResponseTemplate::new(200).set_body_json(body);
        let mock = Mock::given(method("POST")).and(path("/token"));
        mock.respond_with(answer).mount(&self.server).await;
    }

    /// What is true of Lea, and answers the start.
    pub(super) fn claims(&self) -> Value {
        let now = self.clock.now().unix_timestamp();
        json!({
            "iss": self.server.uri(), "sub": "lea", "aud": "msgflash", "azp": "msgflash",
            "iat": now, "exp": now + 3600, "nonce": self.start.nonce(),
            "email": "lea@shop.test", "email_verified": true, "name": "Lea Roy",
            "picture": "https://pictures.test/lea",
        })
    }

    pub(super) async fn redeem(&self) -> Result<ExternalIdentity, ProviderError> {
        let code = Secret::new(CODE.to_owned());
        self.provider.redeem(&code, &self.start).await
    }

    /// How often something was asked for.
    pub(super) async fn asked(&self, at: &str) -> usize {
        let all = self.server.received_requests().await.expect("recorded");
        all.iter().filter(|it| it.url.path() == at).count()
    }
}
