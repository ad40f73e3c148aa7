//! The provider.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use msgflash_accounts::{ExternalIdentity, IdentityProvider, ProviderError, SignInStart};
use msgflash_kernel::{Clock, Secret};
use openidconnect::core::{
    CoreAuthenticationFlow, CoreClient, CoreClientAuthMethod, CoreErrorResponseType,
    CoreIdTokenClaims, CoreTokenResponse, CoreUserInfoClaims,
};
use openidconnect::{
    AccessToken, AuthType, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndUserEmail,
    EndUserName, EndUserPictureUrl, EndpointMaybeSet, EndpointNotSet, EndpointSet, IssuerUrl,
    LocalizedClaim, Nonce, OAuth2TokenResponse as _, PkceCodeChallenge, PkceCodeVerifier,
    RedirectUrl, RequestTokenError, Scope, StandardErrorResponse, TokenResponse as _,
    UserInfoError,
};
use tokio::time::timeout;
use url::Url;

use crate::directory::{Directory, Published};
use crate::token::{Rejection, verify};
use crate::transport::{Transport, TransportError, is_secure};

/// How long all that it takes may take. Somebody is waiting in a browser.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long one request of these may take.
const REQUEST_PATIENCE: Duration = Duration::from_secs(4);

/// Which provider, and who we are there.
#[derive(Clone, Debug)]
pub struct OidcConfig {
    /// The issuer, exactly as the provider writes it.
    pub issuer: String,
    /// Our id there.
    pub client_id: String,
    /// Our secret there.
    pub client_secret: Secret<String>,
    /// Where the provider sends browsers back to.
    pub redirect_uri: String,
}

/// A provider cannot be asked at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidConfig {
    /// The issuer is no address that is safe to ask.
    #[error("an issuer is an https address, or an http address of this machine")]
    Issuer,
    /// The address to come back to cannot be read.
    #[error("the address to come back to cannot be read")]
    Redirect,
    /// The HTTP client could not be built.
    #[error("the HTTP client could not be built")]
    Client,
}

/// The client with what every provider publishes, and what some do not.
type Client = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// An `OpenID` provider.
pub struct OidcProvider {
    issuer: String,
    client_id: ClientId,
    client_secret: ClientSecret,
    redirect_uri: RedirectUrl,
    directory: Directory,
    http: Transport,
    clock: Arc<dyn Clock>,
}

impl OidcProvider {
    /// A provider. Nothing is asked of it before somebody wants to sign in. A TLS provider must have been
    /// installed for the process.
    pub fn new(config: OidcConfig, clock: Arc<dyn Clock>) -> Result<Self, InvalidConfig> {
        Self::check(&config.issuer)?;
        let issuer = IssuerUrl::new(config.issuer.clone()).map_err(|_| InvalidConfig::Issuer)?;
        let redirect = RedirectUrl::new(config.redirect_uri);
        let http = Transport::new(REQUEST_PATIENCE, issuer.url());
        Ok(Self {
            issuer: config.issuer,
            client_id: ClientId::new(config.client_id),
            client_secret: ClientSecret::new(config.client_secret.reveal().clone()),
            redirect_uri: redirect.map_err(|_| InvalidConfig::Redirect)?,
            directory: Directory::new(issuer, Arc::clone(&clock)),
            http: http.map_err(|_| InvalidConfig::Client)?,
            clock,
        })
    }

    /// Whether an issuer can be asked.
    pub fn check(issuer: &str) -> Result<(), InvalidConfig> {
        let url = Url::parse(issuer).map_err(|_| InvalidConfig::Issuer)?;
        let plain = url.query().is_none() && url.fragment().is_none();
        let fine = is_secure(&url) && plain;
        fine.then_some(()).ok_or(InvalidConfig::Issuer)
    }

    fn client(&self, published: &Published) -> Client {
        let metadata = published.metadata.as_ref().clone();
        // Basic is what everybody has who does not say what they have.
        let methods = metadata.token_endpoint_auth_methods_supported();
        let has = |wanted| methods.is_none_or(|it| it.contains(&wanted));
        let in_body = !has(CoreClientAuthMethod::ClientSecretBasic)
            && has(CoreClientAuthMethod::ClientSecretPost);
        let auth = if in_body {
            AuthType::RequestBody
        } else {
            AuthType::BasicAuth
        };
        let (id, secret) = (self.client_id.clone(), self.client_secret.clone());
        CoreClient::from_provider_metadata(metadata, id, Some(secret))
            .set_redirect_uri(self.redirect_uri.clone())
            .set_auth_type(auth)
    }

    async fn identity(
        &self,
        code: &Secret<String>,
        start: &SignInStart,
    ) -> Result<ExternalIdentity, ProviderError> {
        let published = self.directory.published(&self.http).await?;
        let client = self.client(&published);
        let tokens = client
            .exchange_code(AuthorizationCode::new(code.reveal().clone()))
            .map_err(|_| refused("it has no place to exchange codes"))?
            .set_pkce_verifier(PkceCodeVerifier::new(start.verifier()))
            .request_async(&self.http)
            .await
            .map_err(|it| about_exchange(&it))?;
        let claims = self.verified(&tokens, published, start).await?;
        let mut told = Told::new(
            (claims.email(), claims.email_verified()),
            claims.name(),
            claims.picture(),
        );
        // Many providers put no more than the subject into the token.
        if told.email.is_none() {
            let asked = self.user_info(&client, &tokens, claims).await?;
            let email = (asked.email(), asked.email_verified());
            told = told.or(Told::new(email, asked.name(), asked.picture()));
        }
        Ok(ExternalIdentity {
            issuer: self.issuer.clone(),
            subject: claims.subject().to_string(),
            email: told.email.ok_or_else(|| refused("it tells no address"))?,
            email_verified: told.email_verified.unwrap_or(false),
            name: told.name,
            picture: told.picture,
        })
    }

    async fn verified<'a>(
        &self,
        tokens: &'a CoreTokenResponse,
        published: Published,
        start: &SignInStart,
    ) -> Result<&'a CoreIdTokenClaims, ProviderError> {
        let token = tokens.id_token().ok_or_else(|| refused("no ID token"))?;
        let nonce = Nonce::new(start.nonce());
        let check = |published: &Published| {
            let now = self.clock.now();
            verify(token, &self.client_id, published, &nonce, now)
        };
        let mut checked = check(&published);
        if matches!(checked, Err(Rejection::UnknownKey))
            && let Some(newer) = self.directory.newer(&published, &self.http).await?
        {
            checked = check(&newer);
        }
        checked.map_err(|it| match it {
            Rejection::UnknownKey => refused("its token is signed with an unknown key"),
            Rejection::Other(why) => refused(why),
        })
    }

    async fn user_info(
        &self,
        client: &Client,
        tokens: &CoreTokenResponse,
        claims: &CoreIdTokenClaims,
    ) -> Result<CoreUserInfoClaims, ProviderError> {
        let token = tokens.access_token().secret();
        // What cannot be a header makes the library panic.
        if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(refused("its access token cannot be used"));
        }
        let subject = Some(claims.subject().clone());
        client
            .user_info(AccessToken::new(token.clone()), subject)
            .map_err(|_| refused("it tells no address"))?
            .request_async(&self.http)
            .await
            .map_err(|it| match it {
                UserInfoError::Request(cause) => unavailable(cause),
                UserInfoError::ClaimsVerification(_) => refused("it tells about somebody else"),
                _ => refused("what it tells about them cannot be read"),
            })
    }
}

#[async_trait]
impl IdentityProvider for OidcProvider {
    async fn authorize(&self, start: &SignInStart) -> Result<String, ProviderError> {
        let published = timeout(PATIENCE, self.directory.published(&self.http)).await;
        let published = published.unwrap_or_else(|_| Err(unavailable(TransportError::TimedOut)))?;
        let verifier = PkceCodeVerifier::new(start.verifier());
        let (state, nonce) = (start.state(), start.nonce());
        let (url, ..) = self
            .client(&published)
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                move || CsrfToken::new(state),
                move || Nonce::new(nonce),
            )
            .add_scope(Scope::new("email".to_owned()))
            .add_scope(Scope::new("profile".to_owned()))
            .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier))
            .url();
        Ok(url.into())
    }

    async fn redeem(
        &self,
        code: &Secret<String>,
        start: &SignInStart,
    ) -> Result<ExternalIdentity, ProviderError> {
        let identity = timeout(PATIENCE, self.identity(code, start)).await;
        identity.unwrap_or_else(|_| Err(unavailable(TransportError::TimedOut)))
    }
}

/// What is told about somebody in one place.
struct Told {
    email: Option<String>,
    email_verified: Option<bool>,
    name: Option<String>,
    picture: Option<String>,
}

impl Told {
    fn new(
        (email, email_verified): (Option<&EndUserEmail>, Option<bool>),
        name: Option<&LocalizedClaim<EndUserName>>,
        picture: Option<&LocalizedClaim<EndUserPictureUrl>>,
    ) -> Self {
        Self {
            email: email.map(|it| it.to_string()),
            email_verified,
            name: name.and_then(any).map(|it| it.to_string()),
            picture: picture.and_then(any).map(|it| it.to_string()),
        }
    }

    /// What `other` tells, where this tells nothing. An address and its verification go together.
    fn or(self, other: Self) -> Self {
        Self {
            email: other.email,
            email_verified: other.email_verified,
            name: self.name.or(other.name),
            picture: self.picture.or(other.picture),
        }
    }
}

/// The one of no language, else any.
fn any<T>(claim: &LocalizedClaim<T>) -> Option<&T> {
    claim.get(None).or_else(|| Some(claim.iter().next()?.1))
}

fn refused(why: &str) -> ProviderError {
    ProviderError::Refused(why.to_owned())
}

fn unavailable(why: TransportError) -> ProviderError {
    ProviderError::Unavailable(why.to_string())
}

/// What an exchange failed of. The provider's own words are left out but for the name of an error.
fn about_exchange(
    error: &RequestTokenError<TransportError, StandardErrorResponse<CoreErrorResponseType>>,
) -> ProviderError {
    match error {
        RequestTokenError::Request(cause) => unavailable(*cause),
        RequestTokenError::ServerResponse(answer) => match answer.error() {
            CoreErrorResponseType::Extension(_) => refused("it refuses the code"),
            known => ProviderError::Refused(format!("it refuses the code: {}", known.as_ref())),
        },
        RequestTokenError::Parse(..) => refused("its tokens cannot be read"),
        RequestTokenError::Other(_) => refused("it gives no tokens"),
    }
}
