//! Cursors of lists, as callers hand them back.
//!
//! An input is a text, a scope and a key, with NUL characters between them.

#![no_main]

use libfuzzer_sys::fuzz_target;
use msgflash_kernel::{Cursor, InvalidCursor, Problems};

/// What stands between scope and key.
const SEPARATOR: char = '\u{1f}';

fuzz_target!(|input: &str| {
    let mut parts = input.splitn(3, '\0');
    let text = parts.next().unwrap_or_default();
    let scope = parts.next().unwrap_or_default();
    let key = parts.next().unwrap_or_default();
    // The empty scope is one that arbitrary text hits.
    for scope in [scope, "", "contacts|"] {
        check_text(text, scope);
    }
    check_own(scope, key);
});

fn check_text(text: &str, scope: &str) {
    let Ok(cursor) = Cursor::decode(text, scope) else {
        return;
    };
    assert_eq!(cursor.encode(), text);
    assert!(cursor.key().len() < text.len());
    let other = format!("{scope}x");
    assert_eq!(Cursor::decode(text, &other), Err(InvalidCursor));
    assert_eq!(Cursor::given(text, scope, |_| false), Err(InvalidCursor));
    let given = Cursor::given(text, scope, |key| key == cursor.key());
    assert_eq!(given.as_ref(), Ok(&cursor));
}

fn check_own(scope: &str, key: &str) {
    let cursor = Cursor::new(scope, key);
    let text = cursor.encode();
    let is_safe = |it: u8| it.is_ascii_alphanumeric() || matches!(it, b'-' | b'_');
    assert!(text.bytes().all(is_safe));
    let read = Cursor::decode(&text, scope);
    if scope.contains(SEPARATOR) {
        assert_eq!(read, Err(InvalidCursor));
        assert_eq!(Problems::from(InvalidCursor).0.len(), 1);
    } else {
        assert_eq!(read, Ok(cursor));
        check_text(&text, scope);
    }
}
