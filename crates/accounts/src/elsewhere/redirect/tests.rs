//! Which answers count.

use std::sync::Mutex;

use msgflash_kernel::{CountingRandom, FixedClock};

use super::*;
use crate::elsewhere::provider::MockIdentityProvider;
use crate::elsewhere::start::MockSignInStarts;
use crate::fake::FakeUnits;
use crate::sample::{identity, lea, sessions};
use crate::session::fixture::NOW;
use crate::throttle::tests::{ip, open, shut};

/// Starts that are remembered as a store would.
fn remembered() -> MockSignInStarts {
    let kept = Arc::new(Mutex::new(Vec::new()));
    let mut starts = MockSignInStarts::new();
    let put = Arc::clone(&kept);
    starts.expect_put().returning(move |hash, until| {
        put.lock().expect("one test").push((*hash, until));
        Ok(())
    });
    starts.expect_take().returning(move |hash, at| {
        let mut kept = kept.lock().expect("one test");
        let before = kept.len();
        kept.retain(|(known, until)| known != hash || *until <= at);
        Ok(kept.len() < before)
    });
    starts
}

/// A provider that knows Lea, and is asked to redeem at most `times`.
fn provider(times: usize) -> MockIdentityProvider {
    let mut provider = MockIdentityProvider::new();
    provider
        .expect_authorize()
        .returning(|start| Ok(format!("https://elsewhere.test/?state={}", start.state())));
    provider
        .expect_redeem()
        .times(..=times)
        .returning(|_, _| Ok(identity()));
    provider
}

struct Scene {
    sign_in: SignInByRedirect,
    clock: Arc<FixedClock>,
}

fn scene(provider: MockIdentityProvider, guard: Guard) -> Scene {
    let units = FakeUnits::default();
    units.with(|unit| {
        unit.identities
            .expect_find()
            .returning(|_, _| Ok(Some(lea().id)));
        unit.identities
            .expect_link()
            .returning(|_, user, _| Ok(user));
        unit.users.expect_lock().returning(|_| Ok(Some(lea())));
        unit.sessions.expect_insert().returning(|_| Ok(()));
    });
    let clock = Arc::new(FixedClock::at(NOW));
    let sign_in = SignInByRedirect::new(
        Arc::new(provider),
        Arc::new(remembered()),
        SignInElsewhere::new(Arc::new(units), sessions()),
        guard,
        Arc::clone(&clock) as _,
        Arc::new(CountingRandom::default()),
    );
    Scene { sign_in, clock }
}

fn answer(start: &SignInStart) -> Answer {
    Answer {
        kept: Some(Secret::new(start.kept().to_owned())),
        state: start.state(),
        code: Ok(Secret::new("the code".to_owned())),
    }
}

#[tokio::test]
async fn an_answer_signs_in_once() {
    let scene = scene(provider(1), open());
    let (url, start) = scene.sign_in.start(ip()).await.expect("let in");
    assert!(url.ends_with(&start.state()));
    let signed_in = scene.sign_in.finish(answer(&start)).await.expect("Lea");
    assert_eq!(signed_in.user, lea());
    let again = scene.sign_in.finish(answer(&start)).await;
    assert!(matches!(again, Err(RedirectError::NotStarted)));
}

#[tokio::test]
async fn an_answer_counts_only_in_the_browser_that_went_and_leaves_its_start_alone() {
    let scene = scene(provider(1), open());
    let (_, start) = scene.sign_in.start(ip()).await.expect("let in");
    let (_, other) = scene.sign_in.start(ip()).await.expect("let in");
    let odd = [
        Answer {
            kept: None,
            ..answer(&start)
        },
        Answer {
            kept: Some(Secret::new(other.kept().to_owned())),
            ..answer(&start)
        },
        Answer {
            state: other.state(),
            ..answer(&start)
        },
        Answer {
            state: String::new(),
            ..answer(&start)
        },
    ];
    for odd in odd {
        let refused = scene.sign_in.finish(odd).await;
        assert!(matches!(refused, Err(RedirectError::NotStarted)));
    }
    assert!(scene.sign_in.finish(answer(&start)).await.is_ok());
}

#[tokio::test]
async fn an_answer_comes_too_late_after_ten_minutes() {
    let scene = scene(provider(0), open());
    let (_, start) = scene.sign_in.start(ip()).await.expect("let in");
    scene.clock.advance(LIFE);
    let late = scene.sign_in.finish(answer(&start)).await;
    assert!(matches!(late, Err(RedirectError::NotStarted)));
}

#[tokio::test]
async fn who_declined_or_brings_no_code_is_not_signed_in_and_the_provider_not_asked() {
    let codes = [
        Err("access_denied".to_owned()),
        Ok(Secret::new(String::new())),
        Ok(Secret::new("x".repeat(LONGEST_CODE + 1))),
    ];
    for code in codes {
        let scene = scene(provider(0), open());
        let (_, start) = scene.sign_in.start(ip()).await.expect("let in");
        let without = Answer {
            code,
            ..answer(&start)
        };
        let refused = scene.sign_in.finish(without).await;
        assert!(matches!(refused, Err(RedirectError::Declined(_))));
        let again = scene.sign_in.finish(answer(&start)).await;
        assert!(matches!(again, Err(RedirectError::NotStarted)));
    }
}

#[tokio::test]
async fn who_goes_too_often_does_not_go() {
    let scene = scene(MockIdentityProvider::new(), shut());
    let refused = scene.sign_in.start(ip()).await.expect_err("too often");
    assert!(matches!(refused.kind(), Kind::Limited(_)));
}

#[tokio::test]
async fn a_provider_that_is_away_leaves_nothing_behind() {
    let mut away = MockIdentityProvider::new();
    away.expect_authorize()
        .returning(|_| Err(ProviderError::Unavailable("it is away".to_owned())));
    let mut scene = scene(away, open());
    scene.sign_in.starts = Arc::new(MockSignInStarts::new());
    let refused = scene.sign_in.start(ip()).await.expect_err("away");
    assert_eq!(refused.kind(), Kind::Unavailable);
}
