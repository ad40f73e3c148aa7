//! Every system call that the standard library does not offer, and therefore all our `unsafe`.

use std::{
    ffi::CStr,
    io,
    os::unix::process::CommandExt as _,
    process::{Child, Command},
};

/// A signal that ends a `PostgreSQL` server, from polite to final.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    /// Fast shutdown: clients are sent away, the data is left clean.
    Fast,
    /// Immediate shutdown: the next start recovers from the log.
    Immediate,
    /// What no process can ignore.
    Kill,
}

/// Whether we are root, as far as files and `PostgreSQL` are concerned.
pub(crate) fn effective_uid() -> u32 {
    // SAFETY: takes nothing, cannot fail.
    unsafe { libc::geteuid() }
}

/// The group that goes with [`effective_uid`].
pub(crate) fn effective_gid() -> u32 {
    // SAFETY: takes nothing, cannot fail.
    unsafe { libc::getegid() }
}

/// Sends `signal` to a child that has not been waited for, so its id cannot be anybody else's.
pub(crate) fn signal(child: &Child, signal: Signal) {
    let number = match signal {
        Signal::Fast => libc::SIGINT,
        Signal::Immediate => libc::SIGQUIT,
        Signal::Kill => libc::SIGKILL,
    };
    let Ok(pid) = libc::pid_t::try_from(child.id()) else {
        return;
    };
    // SAFETY: plain system call on a number; a wrong one is answered with an error.
    unsafe { libc::kill(pid, number) };
}

/// Whether a process with this id exists, whoever owns it.
pub(crate) fn is_alive(pid: u32) -> bool {
    let Ok(pid) = libc::pid_t::try_from(pid) else {
        return false;
    };
    if pid <= 0 {
        return false;
    }
    // SAFETY: signal 0 only asks.
    let answer = unsafe { libc::kill(pid, 0) };
    answer == 0 || io::Error::last_os_error().raw_os_error() == Some(libc::EPERM)
}

/// A user namespace in which we appear as `uid` and `gid`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mapping {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

/// Lets the command end with us, however we end: it gets `SIGINT` when the *thread* that spawns it ends, so
/// that should be the main one. It has a process group of its own: Ctrl-C in a terminal reaches us alone, and
/// what becomes of the command is ours to say.
pub fn end_with_us(command: &mut Command) {
    tie_to_us(command, None);
}

/// Ties the command's life to ours: a process group of its own, so that Ctrl-C in a terminal
/// reaches us alone, and a fast shutdown when the *thread* that spawns it ends.
///
/// With a `mapping`, the command also enters a new user namespace. That comes first, because a
/// change of credentials clears the signal.
pub(crate) fn tie_to_us(command: &mut Command, mapping: Option<Mapping>) {
    let parent = libc::pid_t::try_from(std::process::id()).unwrap_or_default();
    // Built here: nothing may allocate between fork and exec.
    let maps = mapping.map(|mapping| {
        (
            format!("{} {} 1\n", mapping.uid, effective_uid()),
            format!("{} {} 1\n", mapping.gid, effective_gid()),
        )
    });
    command.process_group(0);
    // SAFETY: the closure makes system calls only; it takes no lock and allocates nothing.
    unsafe {
        command.pre_exec(move || {
            if let Some((uid_map, gid_map)) = &maps {
                enter_user_namespace(uid_map.as_bytes(), gid_map.as_bytes())?;
            }
            signal_at_death_of(parent)
        });
    }
}

/// Runs between fork and exec.
fn enter_user_namespace(uid_map: &[u8], gid_map: &[u8]) -> io::Result<()> {
    // SAFETY: plain system call.
    if unsafe { libc::unshare(libc::CLONE_NEWUSER) } != 0 {
        return Err(io::Error::last_os_error());
    }
    write(c"/proc/self/setgroups", b"deny")?;
    write(c"/proc/self/uid_map", uid_map)?;
    write(c"/proc/self/gid_map", gid_map)
}

/// Runs between fork and exec.
fn signal_at_death_of(parent: libc::pid_t) -> io::Result<()> {
    // SAFETY: plain system call; the signal's number is widened to what the call takes.
    if unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGINT as libc::c_ulong) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // The parent may have died before the line above; then nobody would ever tell us.
    // SAFETY: takes nothing, cannot fail.
    if unsafe { libc::getppid() } == parent {
        Ok(())
    } else {
        Err(io::Error::from_raw_os_error(libc::ESRCH))
    }
}

/// Runs between fork and exec, where `std::fs` is not to be trusted not to allocate.
fn write(path: &CStr, content: &[u8]) -> io::Result<()> {
    // SAFETY: `path` ends with a NUL, `content` is valid for its length, and the descriptor is
    // closed on every way out.
    unsafe {
        let file = libc::open(path.as_ptr(), libc::O_WRONLY | libc::O_CLOEXEC);
        if file < 0 {
            return Err(io::Error::last_os_error());
        }
        let written = libc::write(file, content.as_ptr().cast(), content.len());
        let outcome = if written < 0 {
            Err(io::Error::last_os_error())
        } else {
            Ok(())
        };
        libc::close(file);
        outcome
    }
}
