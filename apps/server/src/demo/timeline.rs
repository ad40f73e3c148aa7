//! What happened to each message, as the webhooks tell it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::receiver::Heard;
use crate::cli::Output;

/// What must be seen of every message after it was queued.
const STEPS: [&str; 3] = ["sent", "delivered", "read"];

/// The messages of a round and when each step was seen.
#[derive(Default)]
pub(super) struct Timeline {
    messages: Vec<Track>,
    /// An event can overtake the answer of the request it is about.
    early: Vec<(String, &'static str, Instant)>,
    connected: bool,
}

struct Track {
    label: &'static str,
    id: String,
    queued: Instant,
    steps: BTreeMap<&'static str, Duration>,
    failed: bool,
}

impl Timeline {
    /// Follows a message that was accepted just now.
    pub(super) fn track(&mut self, label: &'static str, id: String, out: Output) {
        out.say(format!("    {label:<10} queued     {id}"));
        let queued = Instant::now();
        let mut steps = BTreeMap::new();
        for (early, step, at) in &self.early {
            if *early == id {
                steps.insert(*step, at.saturating_duration_since(queued));
            }
        }
        self.messages.push(Track {
            label,
            id,
            queued,
            steps,
            failed: false,
        });
    }

    /// Notes a webhook.
    pub(super) fn note(&mut self, event: &Heard, out: Output) {
        if event.name == "instance.connected" {
            self.connected = true;
            out.say("    instance   connected  (webhook verified)");
            return;
        }
        let id = event.payload["messageId"].as_str().unwrap_or_default();
        let status = event.payload["status"].as_str().unwrap_or_default();
        let step = STEPS.into_iter().find(|step| *step == status);
        let Some(track) = self.messages.iter_mut().find(|track| track.id == id) else {
            if let Some(step) = step {
                self.early.push((id.to_owned(), step, Instant::now()));
            }
            return;
        };
        track.failed |= status == "failed";
        let after = track.queued.elapsed();
        out.say(format!(
            "    {:<10} {status:<10} after {:>5.1} s  (webhook verified)",
            track.label,
            after.as_secs_f64()
        ));
        if let Some(step) = step {
            track.steps.entry(step).or_insert(after);
        }
    }

    /// Whether everything was seen.
    pub(super) fn is_complete(&self) -> bool {
        self.connected
            && self
                .messages
                .iter()
                .all(|track| track.steps.len() == STEPS.len())
    }

    /// What was not seen, in words.
    pub(super) fn missing(&self) -> String {
        let mut missing = Vec::new();
        if !self.connected {
            missing.push("instance.connected".to_owned());
        }
        for track in &self.messages {
            let steps = STEPS.iter().filter(|step| !track.steps.contains_key(*step));
            let failed = if track.failed { " (it failed)" } else { "" };
            missing.extend(steps.map(|step| format!("{} {step}{failed}", track.label)));
        }
        missing.join(", ")
    }

    /// One line per message.
    pub(super) fn summary(&self, out: Output) {
        out.say("\n  message    queued      sent  delivered       read");
        for track in &self.messages {
            let cell = |step| {
                let at = track.steps.get(step).copied().unwrap_or_default();
                format!("+{:.1} s", at.as_secs_f64())
            };
            out.say(format!(
                "  {:<10} {:>6} {:>9} {:>10} {:>10}",
                track.label,
                "0.0 s",
                cell("sent"),
                cell("delivered"),
                cell("read")
            ));
        }
    }
}
