//! Payment providers that are there for one test: they answer as Dodo Payments and Stripe do, keep what they
//! were asked, and tell what happened with signatures that are good.

mod dodo;
mod event;
mod stripe;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use actix_web::http::StatusCode;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use reqwest::Url;
use serde_json::{Value, json};

pub use event::{Event, Period, Sale, WEBHOOK};

/// The key between the server and its payment provider. Nobody else may ever see it.
pub const API_KEY: &str = "sk_test_of_the_operator";

/// Whose part a till plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Brand {
    /// Dodo Payments.
    Dodo,
    /// Stripe.
    Stripe,
}

impl Brand {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Dodo, Self::Stripe];

    /// The name in settings and answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dodo => "dodo",
            Self::Stripe => "stripe",
        }
    }

    /// The secret its webhooks are signed with.
    pub const fn secret(self) -> &'static str {
        match self {
            Self::Dodo => "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            Self::Stripe => "whsec_of_the_tests_alone",
        }
    }

    /// What it calls a plan of [`crate::PlansFile::copied`].
    pub fn product(self, plan: &str) -> String {
        match self {
            Self::Dodo => format!("pdt_{plan}"),
            Self::Stripe => format!("price_{plan}"),
        }
    }
}

/// What it was asked.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The method.
    pub method: String,
    /// The path.
    pub path: String,
    /// The key of idempotency; empty when there was none.
    pub once: String,
    /// The body: JSON, or the fields of a form by their names.
    pub body: Value,
}

/// A page where something can be paid.
#[derive(Clone, Debug)]
pub struct Page {
    /// What the provider calls it.
    pub id: String,
    /// Where it is.
    pub url: String,
    /// What is bought there.
    pub product: String,
    /// What comes back with every event.
    pub metadata: Value,
    once: String,
}

/// A subscription as the provider has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charged {
    /// What is charged now.
    pub product: String,
    /// What will be charged from the next period on, if something else.
    pub next: Option<String>,
    /// Whether nothing is charged after this period.
    pub stops: bool,
    /// Whether it is over.
    pub is_over: bool,
}

/// What a till keeps.
struct Books {
    brand: Brand,
    trouble: Option<u16>,
    asked: Vec<Asked>,
    pages: Vec<Page>,
    charged: BTreeMap<String, Charged>,
    /// The invoices by the payments they were paid with.
    invoices: BTreeMap<String, String>,
}

/// A payment provider on a free port.
pub struct Till {
    /// Whose part it plays.
    pub brand: Brand,
    /// Where its API is.
    pub url: String,
    books: Arc<Mutex<Books>>,
}

impl Till {
    /// Opens one.
    pub async fn open(brand: Brand) -> Self {
        let books = Arc::new(Mutex::new(Books {
            brand,
            trouble: None,
            asked: Vec::new(),
            pages: Vec::new(),
            charged: BTreeMap::new(),
            invoices: BTreeMap::new(),
        }));
        let shared = web::Data::from(Arc::clone(&books));
        let server = HttpServer::new(move || {
            App::new()
                .app_data(shared.clone())
                .default_service(web::to(answer))
        })
        .workers(1)
        .disable_signals()
        .bind(("127.0.0.1", 0))
        .expect("a free port");
        let address = server.addrs()[0];
        // It ends with the runtime of its test.
        tokio::spawn(server.run());
        let there = tokio::net::TcpStream::connect(address).await;
        there.expect("it listens");
        Self {
            brand,
            url: format!("http://{address}"),
            books,
        }
    }

    /// The settings of a server that sells here.
    pub fn settings(&self) -> Vec<(&str, &str)> {
        let [key, secret, url] = match self.brand {
            Brand::Dodo => ["dodo_api_key", "dodo_webhook_secret", "dodo_url"],
            Brand::Stripe => ["stripe_api_key", "stripe_webhook_secret", "stripe_url"],
        };
        vec![
            ("billing_provider", self.brand.name()),
            (key, API_KEY),
            (secret, self.brand.secret()),
            (url, &self.url),
        ]
    }

    /// From now on it answers everything with this status; `None` is well again.
    pub fn answers(&self, trouble: Option<u16>) {
        self.books().trouble = trouble;
    }

    /// What it was asked so far, by method and a part of the path.
    pub fn asked(&self, method: &str, path: &str) -> Vec<Asked> {
        let books = self.books();
        let asked = books.asked.iter();
        let asked = asked.filter(|it| it.method == method && it.path.contains(path));
        asked.cloned().collect()
    }

    /// A page that it made.
    pub fn page(&self, url: &str) -> Page {
        let books = self.books();
        let page = books.pages.iter().find(|it| it.url == url);
        page.unwrap_or_else(|| panic!("it made no page {url}"))
            .clone()
    }

    /// Somebody pays what a page asks for. What it tells of that is up to the test.
    pub fn pays(&self, url: &str) -> Sale {
        let page = self.page(url);
        let mut books = self.books();
        let agreement = format!("sub_{}", books.charged.len() + 1);
        let charged = Charged {
            product: page.product.clone(),
            next: None,
            stops: false,
            is_over: false,
        };
        books.charged.insert(agreement.clone(), charged);
        let customer = format!("cus_of_{agreement}");
        Sale::new(self.brand, agreement, customer, page)
    }

    /// A subscription as it is there now.
    pub fn charged(&self, agreement: &str) -> Charged {
        let books = self.books();
        let found = books.charged.get(agreement);
        found
            .unwrap_or_else(|| panic!("there is no {agreement}"))
            .clone()
    }

    /// Knows which invoice a payment was for.
    pub fn invoiced(&self, payment: &str, invoice: &str) {
        let (payment, invoice) = (payment.to_owned(), invoice.to_owned());
        self.books().invoices.insert(payment, invoice);
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().expect("unpoisoned")
    }
}

async fn answer(
    request: HttpRequest,
    body: web::Bytes,
    books: web::Data<Mutex<Books>>,
) -> HttpResponse {
    let header = |name: &str| {
        let value = request.headers().get(name);
        let value = value.and_then(|it| it.to_str().ok());
        value.unwrap_or_default().to_owned()
    };
    let is_form = header("content-type") == "application/x-www-form-urlencoded";
    let asked = Asked {
        method: request.method().to_string(),
        path: request.uri().to_string(),
        once: header("idempotency-key"),
        body: if is_form {
            fields(&body)
        } else {
            serde_json::from_slice(&body).unwrap_or(Value::Null)
        },
    };
    let mut books = books.lock().expect("unpoisoned");
    books.asked.push(asked.clone());
    let (status, body) = match books.trouble {
        _ if header("authorization") != format!("Bearer {API_KEY}") => (401, json!({})),
        Some(status) => (
            status,
            json!({ "code": "TROUBLE", "message": "told@nobody.test" }),
        ),
        None => match books.brand {
            Brand::Dodo => dodo::answer(&mut books, &asked),
            Brand::Stripe => stripe::answer(&mut books, &asked),
        },
    };
    let status = StatusCode::from_u16(status).expect("a status");
    HttpResponse::build(status).json(body)
}

/// The fields of a form, or of a query, by their names.
fn fields(form: &[u8]) -> Value {
    let form = String::from_utf8_lossy(form);
    let url = Url::parse(&format!("http://form.test/?{form}")).expect("a form");
    let pairs = url.query_pairs();
    let pairs = pairs.map(|(name, value)| (name.into_owned(), Value::from(value.into_owned())));
    Value::Object(pairs.collect())
}

/// Text of a body; empty when it is missing.
fn text<'a>(body: &'a Value, name: &str) -> &'a str {
    body[name].as_str().unwrap_or_default()
}
