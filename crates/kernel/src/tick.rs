//! What one step of background work did.

/// What one step of background work did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tick {
    /// There was nothing to do: wait for a nudge or for time to pass.
    Idle,
    /// It did this many things, and there may be more.
    Did(usize),
}

impl Tick {
    /// A step that did `count` things.
    pub const fn of(count: usize) -> Self {
        if count == 0 {
            Self::Idle
        } else {
            Self::Did(count)
        }
    }
}

/// Wakes background work up early. It only shortens a wait: nothing depends on it.
pub trait Nudge: Send + Sync {
    /// There may be something to do.
    fn nudge(&self);
}

/// A nudge that nobody feels.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoNudge;

impl Nudge for NoNudge {
    fn nudge(&self) {}
}
