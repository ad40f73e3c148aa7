//! Names that lead elsewhere each time somebody asks.

use super::*;

/// A resolver with an answer for each time it is asked, as one has whose owner wants us inside.
struct Rebinding {
    answers: [&'static str; 3],
    asked: AtomicUsize,
}

impl Rebinding {
    fn new(answers: [&'static str; 3]) -> Arc<Self> {
        let asked = AtomicUsize::new(0);
        Arc::new(Self { answers, asked })
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    fn sender(self: &Arc<Self>, allow_private: bool) -> HttpWebhookSender {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let resolver: Arc<dyn Resolve> = Arc::clone(self) as _;
        HttpWebhookSender::with_resolver(TIMEOUT, allow_private, resolver).expect("a client")
    }
}

#[async_trait]
impl Resolve for Rebinding {
    async fn resolve(&self, _: &str) -> Lookup {
        let at = self.asked.fetch_add(1, Ordering::SeqCst);
        let answer = self.answers[at % self.answers.len()];
        Ok(vec![answer.parse().expect("an address")])
    }
}

#[tokio::test]
async fn each_call_is_judged_by_where_its_name_leads_then() {
    let (port, seen) = receiver(OK, true).await;
    let resolver = Rebinding::new(["127.0.0.1", "169.254.169.254", "::ffff:127.0.0.1"]);
    let sender = resolver.sender(false);
    let url = format!("http://hooks.example.com:{port}/");
    for call in 1..=4 {
        let answer = sender.post(&request(&url)).await;
        assert_eq!(answer, Err(PostError::Forbidden), "call {call}");
        assert_eq!(resolver.asked(), call);
    }
    assert_eq!(seen.load(Ordering::SeqCst), 0);
}

/// What was checked is what is called: nobody is asked between the check and the connection.
#[tokio::test]
async fn a_call_looks_its_name_up_once_and_goes_where_that_said() {
    let (port, seen) = receiver(OK, true).await;
    // Where the second look would lead nobody listens.
    let resolver = Rebinding::new(["127.0.0.1", "127.255.255.254", "127.255.255.254"]);
    let url = format!("http://hooks.example.com:{port}/");
    let answer = resolver.sender(true).post(&request(&url)).await;
    assert_eq!(answer.map(|it| it.status), Ok(200));
    assert_eq!(resolver.asked(), 1);
    assert_eq!(seen.load(Ordering::SeqCst), 1);
}

/// A receiver that answers every request of a connection, and counts connections.
async fn patient() -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let port = listener.local_addr().expect("bound").port();
    let seen = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&seen);
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(async move {
                let (mut buffer, mut heard) = ([0; 4096], Vec::new());
                while let Ok(length @ 1..) = socket.read(&mut buffer).await {
                    heard.extend_from_slice(&buffer[..length]);
                    // The body of every request of these tests.
                    if heard.ends_with(b"{}") {
                        heard.clear();
                        let _ = socket.write_all(OK.as_bytes()).await;
                    }
                }
            });
        }
    });
    (port, seen)
}

/// A connection that is kept is one to an address that was checked, and stays that.
#[tokio::test]
async fn a_kept_connection_goes_where_it_went_whatever_its_name_says_now() {
    let (port, seen) = patient().await;
    let resolver = Rebinding::new(["127.0.0.1", "127.255.255.254", "127.255.255.254"]);
    let sender = resolver.sender(true);
    let url = format!("http://hooks.example.com:{port}/");
    for call in 1..=2 {
        let answer = sender.post(&request(&url)).await;
        assert_eq!(answer.map(|it| it.status), Ok(200), "call {call}");
        // The connection is put back by a task of its own.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
    }
    assert_eq!((resolver.asked(), seen.load(Ordering::SeqCst)), (1, 1));
}
