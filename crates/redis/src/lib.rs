//! Rate windows that several processes share, in Redis or Valkey.
//!
//! The same sliding log as in one process, kept where all can see it. It knows nothing of keys but
//! their ids, and it never refuses a request because Redis is away: this process's own windows
//! decide until it is back. Start reading at [`RedisWindows`]; the rule is the script in
//! `window.lua`.

mod line;
mod windows;

pub use line::BadAddress;
pub use windows::RedisWindows;
