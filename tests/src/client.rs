//! HTTP, with the answers kept whole.

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::Method;
use serde_json::Value;

/// Calls one server.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    headers: Vec<(String, String)>,
}

/// A whole answer.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// The headers, names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body as text.
    pub text: String,
    /// The body as JSON; null when it is none.
    pub json: Value,
}

impl Reply {
    /// The error's code; empty on success.
    pub fn code(&self) -> &str {
        self.json["error"]["code"].as_str().unwrap_or_default()
    }

    /// A header's value; empty when it is absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map(String::as_str)
            .unwrap_or_default()
    }

    /// The `data` member.
    pub fn data(&self) -> &Value {
        &self.json["data"]
    }

    /// The fields named in `details`, in order.
    pub fn fields(&self) -> Vec<&str> {
        let details = self.json["error"]["details"].as_array();
        details
            .into_iter()
            .flatten()
            .filter_map(|item| item["field"].as_str())
            .collect()
    }

    /// Status and code at once, for comparing.
    pub fn outcome(&self) -> (u16, &str) {
        (self.status, self.code())
    }
}

impl Client {
    /// A client of the server at `base`, with a key if it has one.
    pub fn new(base: &str, key: Option<&str>) -> Self {
        let http = reqwest::Client::builder()
            .timeout(Duration::from_secs(20))
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .expect("a client");
        let headers = key.map(|key| ("x-api-key".to_owned(), key.to_owned()));
        Self {
            http,
            base: base.to_owned(),
            headers: headers.into_iter().collect(),
        }
    }

    /// The same client with one more header on every call.
    #[must_use]
    pub fn header(&self, name: &str, value: &str) -> Self {
        let mut other = self.clone();
        other.headers.push((name.to_owned(), value.to_owned()));
        other
    }

    /// The same client of another process.
    #[must_use]
    pub fn at(&self, base: &str) -> Self {
        let mut other = self.clone();
        base.clone_into(&mut other.base);
        other
    }

    /// `GET`.
    pub async fn get(&self, path: &str) -> Reply {
        self.call(Method::GET, path, None, "").await
    }

    /// `POST` with a JSON body.
    pub async fn post(&self, path: &str, body: &Value) -> Reply {
        let text = body.to_string();
        self.call(
            Method::POST,
            path,
            Some(text.into_bytes()),
            "application/json",
        )
        .await
    }

    /// `PUT` with a JSON body.
    pub async fn put(&self, path: &str, body: &Value) -> Reply {
        let body = Some(body.to_string().into_bytes());
        self.call(Method::PUT, path, body, "application/json").await
    }

    /// `PATCH` with a JSON body.
    pub async fn patch(&self, path: &str, body: &Value) -> Reply {
        let body = Some(body.to_string().into_bytes());
        self.call(Method::PATCH, path, body, "application/json")
            .await
    }

    /// `POST` with a file as the part `file` of a form, and other parts.
    pub async fn upload(&self, path: &str, file: &[u8], fields: &[(&str, &str)]) -> Reply {
        let mut body = Vec::new();
        for (name, value) in fields {
            let head = format!("--part\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n");
            body.extend_from_slice(head.as_bytes());
            body.extend_from_slice(value.as_bytes());
            body.extend_from_slice(b"\r\n");
        }
        let head = "--part\r\nContent-Disposition: form-data; name=\"file\"; \
             filename=\"contacts.csv\"\r\nContent-Type: text/csv\r\n\r\n";
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(file);
        body.extend_from_slice(b"\r\n--part--\r\n");
        self.post_raw(path, body, "multipart/form-data; boundary=part")
            .await
    }

    /// `POST` with a file under a name, as a browser sends it: said to be of a type, if at all.
    pub async fn upload_as(
        &self,
        path: &str,
        file: &[u8],
        name: &str,
        content_type: Option<&str>,
    ) -> Reply {
        let said = content_type.map(|it| format!("Content-Type: {it}\r\n"));
        let said = said.unwrap_or_default();
        let mut body = format!(
            "--part\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n{said}\r\n"
        )
        .into_bytes();
        body.extend_from_slice(file);
        body.extend_from_slice(b"\r\n--part--\r\n");
        self.post_raw(path, body, "multipart/form-data; boundary=part")
            .await
    }

    /// `DELETE` with a JSON body.
    pub async fn delete_with(&self, path: &str, body: &Value) -> Reply {
        let body = Some(body.to_string().into_bytes());
        self.call(Method::DELETE, path, body, "application/json")
            .await
    }

    /// `POST` without a body.
    pub async fn post_empty(&self, path: &str) -> Reply {
        self.call(Method::POST, path, None, "").await
    }

    /// `POST` with bytes.
    pub async fn post_raw(
        &self,
        path: &str,
        body: impl Into<Vec<u8>>,
        content_type: &str,
    ) -> Reply {
        self.call(Method::POST, path, Some(body.into()), content_type)
            .await
    }

    /// `DELETE`.
    pub async fn delete(&self, path: &str) -> Reply {
        self.call(Method::DELETE, path, None, "").await
    }

    /// `GET` from a server that may not be there.
    pub async fn try_get(&self, path: &str) -> Option<Reply> {
        self.try_call(Method::GET, path, None, "").await.ok()
    }

    /// `POST` with a JSON body to a server that may not be there, or may go away meanwhile.
    pub async fn try_post(&self, path: &str, body: &Value) -> Option<Reply> {
        let body = Some(body.to_string().into_bytes());
        let called = self.try_call(Method::POST, path, body, "application/json");
        called.await.ok()
    }

    /// Any call.
    pub async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<Vec<u8>>,
        content_type: &str,
    ) -> Reply {
        let called = self.try_call(method, path, body, content_type).await;
        called.expect("the server answers, and wholly")
    }

    /// A call whose answer is none of the API's: status and headers alone.
    pub async fn raw(&self, method: Method, path: &str) -> Reply {
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let answer = request.send().await.expect("the server answers");
        let headers = answer.headers().iter();
        Reply {
            status: answer.status().as_u16(),
            headers: headers
                .map(|(name, value)| {
                    let value = value.to_str().unwrap_or_default();
                    (name.as_str().to_owned(), value.to_owned())
                })
                .collect(),
            text: String::new(),
            json: Value::Null,
        }
    }

    /// Any call to a server that may not be there, or may go away meanwhile.
    pub async fn try_call(
        &self,
        method: Method,
        path: &str,
        body: Option<Vec<u8>>,
        content_type: &str,
    ) -> reqwest::Result<Reply> {
        let name = method.to_string();
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        if !content_type.is_empty() {
            request = request.header("content-type", content_type);
        }
        if let Some(body) = body {
            request = request.body(body);
        }
        let answer = request.send().await?;
        let status = answer.status().as_u16();
        let headers = answer
            .headers()
            .iter()
            .map(|(name, value)| {
                (
                    name.as_str().to_owned(),
                    value.to_str().unwrap_or_default().to_owned(),
                )
            })
            .collect();
        let text = answer.text().await?;
        let json = serde_json::from_str(&text).unwrap_or(Value::Null);
        let reply = Reply {
            status,
            headers,
            text,
            json,
        };
        // The simulator is called with the same client and promises nothing of this.
        if path.starts_with("/api/") {
            crate::promise::check(&name, path, &reply);
        }
        Ok(reply)
    }
}
