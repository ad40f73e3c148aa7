//! What receivers hear, and how often; one module per question.

mod attempts;
mod events;
mod reach;
