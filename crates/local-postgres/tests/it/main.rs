//! The life of a private cluster, with whatever `PostgreSQL` this machine has.

mod kit;
mod life;
mod orphan;
mod user;
