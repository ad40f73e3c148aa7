//! Who calls, remembered for a moment.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use time::{Duration, OffsetDateTime};

use crate::instance::Instance;

/// How long a session is remembered. What was deleted or changed meanwhile is seen after this.
const MEMORY: Duration = Duration::seconds(5);
/// How many sessions are remembered; beyond that the memory starts anew.
const ROOM: usize = 10_000;

/// Sessions that were looked up a moment ago. It knows which secret a session has, never whether
/// somebody showed it: that is compared each time.
#[derive(Debug, Default)]
pub(super) struct KnownSessions {
    sessions: Mutex<HashMap<String, (Arc<Instance>, OffsetDateTime)>>,
}

impl KnownSessions {
    /// The instance behind a session, when it was looked up within the last seconds.
    pub(super) fn find(&self, session: &str, now: OffsetDateTime) -> Option<Arc<Instance>> {
        let sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        let (instance, until) = sessions.get(session)?;
        (now < *until).then(|| Arc::clone(instance))
    }

    /// Remembers who was found.
    pub(super) fn learn(&self, instance: &Arc<Instance>, now: OffsetDateTime) {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        if sessions.len() >= ROOM {
            sessions.retain(|_, (_, until)| now < *until);
            if sessions.len() >= ROOM {
                sessions.clear();
            }
        }
        let known = (Arc::clone(instance), now + MEMORY);
        sessions.insert(instance.session.clone(), known);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{NOW, instance};

    #[test]
    fn a_session_is_forgotten_after_a_moment() {
        let known = KnownSessions::default();
        let instance = Arc::new(instance());
        known.learn(&instance, NOW);
        let before = NOW + MEMORY - Duration::MILLISECOND;
        assert!(known.find(&instance.session, before).is_some());
        assert!(known.find(&instance.session, NOW + MEMORY).is_none());
        assert!(known.find("another", NOW).is_none());
    }

    #[test]
    fn the_memory_is_bounded() {
        let known = KnownSessions::default();
        for number in 0..=ROOM {
            let mut instance = instance();
            instance.session = format!("mf-{number}");
            known.learn(&Arc::new(instance), NOW);
        }
        assert!(known.sessions.lock().expect("whole").len() <= ROOM);
        assert!(known.find(&format!("mf-{ROOM}"), NOW).is_some());
    }
}
