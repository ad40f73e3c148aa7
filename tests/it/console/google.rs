//! Signing in with Google, or rather with a certified provider in its place.

mod accounts;
mod refusals;

use blackbox::{Browser, IdentityServer, Reply, Stack};
use serde_json::{Value, json};

use super::bearer;

const LEA: &str = "lea@shop.test";
const PORTAL: &str = "https://app.shop.test/auth/callback?";
const FAILED: &str = "https://app.shop.test/auth/callback?error=oauth_failed";

/// A server, and a provider its people sign in at.
struct Scene {
    stack: Stack,
    provider: IdentityServer,
}

/// Somebody who went to the provider, and what their browser keeps.
struct Gone {
    url: String,
    cookie: String,
}

/// `None` where there is no provider to be had.
async fn scene() -> Option<Scene> {
    let provider = IdentityServer::start()?;
    let mut settings = provider.settings();
    settings.extend([
        ("dev_mode", "true"),
        ("portal_url", "https://app.shop.test"),
        // Nobody goes there: tests take the browser back themselves.
        ("public_url", "http://127.0.0.1:9"),
    ]);
    let stack = Stack::with(&settings).await;
    Some(Scene { stack, provider })
}

fn lea() -> Value {
    json!({
        "email": LEA, "email_verified": true, "name": "Lea From Elsewhere",
        "picture": "https://pictures.test/lea",
    })
}

impl Scene {
    /// A browser is sent to the provider.
    async fn goes(&self) -> Gone {
        let sent = self.stack.anonymous().get("/api/auth/google").await;
        assert_eq!(sent.status, 302, "{sent:?}");
        let kept = sent.header("set-cookie");
        assert!(kept.contains("HttpOnly; SameSite=Lax"), "{kept}");
        Gone {
            url: sent.header("location").to_owned(),
            cookie: kept.split(';').next().expect("a cookie").to_owned(),
        }
    }

    /// It comes back, with a cookie or without.
    async fn comes_back(&self, to: &str, cookie: Option<&str>) -> Reply {
        let path = to.strip_prefix("http://127.0.0.1:9").expect("back to us");
        let browser = self.stack.anonymous();
        let browser = match cookie {
            Some(cookie) => browser.header("cookie", cookie),
            None => browser,
        };
        browser.get(path).await
    }

    /// All of the way, in a browser of its own.
    async fn signs_in(&self, login: &str) -> Reply {
        let gone = self.goes().await;
        let back = Browser::default().sign_in(&gone.url, login).await;
        self.comes_back(&back, Some(&gone.cookie)).await
    }

    /// Who a token belongs to.
    async fn me(&self, reply: &Reply) -> Value {
        let token = token(reply);
        let me = bearer(&self.stack, &token).get("/api/auth/me").await;
        assert_eq!(me.status, 200, "{me:?}");
        me.data().clone()
    }
}

/// The token a browser carries on to the portal.
fn token(reply: &Reply) -> String {
    let carried = reply.header("location").strip_prefix(PORTAL);
    let token = carried.and_then(|it| it.strip_prefix("token="));
    token
        .unwrap_or_else(|| panic!("no token: {reply:?}"))
        .to_owned()
}

fn assert_failed(reply: &Reply) {
    assert_eq!(reply.header("location"), FAILED, "{reply:?}");
}
