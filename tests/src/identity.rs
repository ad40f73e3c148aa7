//! A real `OpenID` provider, and a browser to sign in there with.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;

use reqwest::{Method, Response, Url};
use serde_json::{Value, json};

/// The client it knows.
pub const CLIENT: &str = "msgflash";
/// That client's secret.
pub const CLIENT_SECRET: &str = "known-to-the-tests-alone";

/// The provider of `tests/oidc-provider`, as long as its test.
pub struct IdentityServer {
    child: Child,
    /// How it writes itself.
    pub issuer: String,
}

impl IdentityServer {
    /// Starts one. `None` on a machine without Node.js or without the provider's packages: the test
    /// then says that it was skipped, and so does `./run test`.
    pub fn start() -> Option<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("oidc-provider");
        let node = Command::new("node").arg("--version").output();
        if node.is_err() || !folder.join("node_modules/oidc-provider").is_dir() {
            eprintln!("skipped: Node.js or the packages of tests/oidc-provider are not here");
            return None;
        }
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut child = Command::new("node")
            .arg("server.mjs")
            .current_dir(folder)
            // It ends with us, whatever becomes of us.
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("node starts");
        let said = child.stdout.take().expect("piped");
        let (first, line) = mpsc::channel();
        thread::spawn(move || {
            // Reads to the end: it must never wait for somebody to listen.
            for line in BufReader::new(said).lines().map_while(Result::ok) {
                // Nobody waits for a second one.
                let _ = first.send(line);
            }
        });
        let line = line.recv_timeout(crate::PATIENCE).expect("it starts");
        let line: Value = serde_json::from_str(&line).expect("JSON");
        let issuer = line["issuer"].as_str().expect("an issuer").to_owned();
        Some(Self { child, issuer })
    }

    /// The settings of a server whose people sign in here.
    pub fn settings(&self) -> Vec<(&str, &str)> {
        vec![
            ("google_client_id", CLIENT),
            ("google_client_secret", CLIENT_SECRET),
            ("google_issuer", &self.issuer),
        ]
    }

    /// Whoever signs in as `login` is this person.
    pub async fn knows(&self, login: &str, claims: &Value) {
        self.control(&format!("people/{login}"), claims).await;
    }

    /// It tells about people in the ID token, as Google does, not only when it is asked.
    pub async fn tells_in_the_token(&self) {
        self.control("options", &json!({ "claimsInToken": true }))
            .await;
    }

    /// From now on it signs with another key.
    pub async fn changes_its_key(&self) {
        self.control("options", &json!({ "newKey": true })).await;
    }

    /// It is gone.
    pub fn stop(&mut self) {
        // Fails for one that ended, which is fine.
        drop(self.child.kill());
        drop(self.child.wait());
    }

    async fn control(&self, what: &str, body: &Value) {
        let url = format!("{}/control/{what}", self.issuer);
        let mut anybody = Browser::default();
        let told = anybody.call(Method::PUT, &url, Some(body.to_string()));
        assert_eq!(told.await.status, 200, "{what}");
    }
}

impl Drop for IdentityServer {
    fn drop(&mut self) {
        self.stop();
    }
}

struct Cookie {
    origin: String,
    path: String,
    name: String,
    value: String,
}

/// A browser with its cookies.
#[derive(Default)]
pub struct Browser(Vec<Cookie>);

/// What a browser got.
struct Page {
    status: u16,
    location: Option<String>,
    text: String,
}

impl Browser {
    /// Signs in as `login` where the browser was sent, and agrees to everything; answers the address it
    /// is sent back to.
    pub async fn sign_in(&mut self, url: &str, login: &str) -> String {
        let form = format!("prompt=login&login={login}&password=any");
        self.through_forms(url, &form).await
    }

    /// Declines where the browser was sent; answers the address it is sent back to.
    pub async fn decline(&mut self, url: &str) -> String {
        self.through_forms(url, "").await
    }

    /// Follows redirects and fills in forms until the browser leaves the provider. An empty form is
    /// declined.
    async fn through_forms(&mut self, url: &str, login: &str) -> String {
        let home = Url::parse(url).expect("an address").origin();
        let mut at = url.to_owned();
        // Two forms, and a few redirects around each.
        for _ in 0..12 {
            let here = Url::parse(&at).expect("an address");
            if here.origin() != home {
                return at;
            }
            let mut page = self.call(Method::GET, &at, None).await;
            if page.location.is_none() {
                assert_eq!(page.status, 200, "{at}: {}", page.text);
                let asks_who = page.text.contains("name=\"login\"");
                let form = if asks_who { login } else { "prompt=consent" };
                page = if form.is_empty() {
                    let abort = format!("{at}/abort");
                    self.call(Method::GET, &abort, None).await
                } else {
                    self.call(Method::POST, &at, Some(form.to_owned())).await
                };
            }
            let next = page.location;
            let next = next.unwrap_or_else(|| panic!("{at}: {}", page.text));
            at = here.join(&next).expect("an address").to_string();
        }
        panic!("the provider sends the browser around and around: {at}")
    }

    async fn call(&mut self, method: Method, url: &str, body: Option<String>) -> Page {
        let url = Url::parse(url).expect("an address");
        let origin = url.origin().ascii_serialization();
        let mine = self.0.iter();
        let mine = mine.filter(|it| it.origin == origin && url.path().starts_with(&it.path));
        let cookies: Vec<_> = mine.map(|it| format!("{}={}", it.name, it.value)).collect();
        let mut request = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .expect("a client")
            .request(method, url)
            .header("cookie", cookies.join("; "));
        if let Some(body) = body {
            let form = "application/x-www-form-urlencoded";
            request = request.header("content-type", form).body(body);
        }
        let answer = request.send().await.expect("the provider answers");
        self.keep(&origin, &answer);
        let location = answer.headers().get("location");
        let location = location.map(|it| it.to_str().expect("text").to_owned());
        Page {
            status: answer.status().as_u16(),
            location,
            text: answer.text().await.expect("a page"),
        }
    }

    fn keep(&mut self, origin: &str, answer: &Response) {
        for line in answer.headers().get_all("set-cookie") {
            let mut parts = line.to_str().expect("text").split(';').map(str::trim);
            let pair = parts.next().and_then(|it| it.split_once('='));
            let (name, value) = pair.expect("a cookie");
            let path = parts.find_map(|it| it.strip_prefix("path="));
            let path = path.unwrap_or("/");
            let same = |it: &Cookie| it.origin == origin && it.path == path && it.name == name;
            self.0.retain(|it| !same(it));
            // An empty one is one to forget.
            if !value.is_empty() {
                self.0.push(Cookie {
                    origin: origin.to_owned(),
                    path: path.to_owned(),
                    name: name.to_owned(),
                    value: value.to_owned(),
                });
            }
        }
    }
}
