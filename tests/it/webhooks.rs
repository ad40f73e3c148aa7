//! What receivers hear, and how often; one module per question.

mod again;
mod attempts;
mod events;
mod manage;
mod reach;
