//! Single cells: several values in one, and protection from spreadsheets.

use std::borrow::Cow;
use std::iter;

/// Parts the values of a cell.
const BAR: char = '|';
/// Keeps the next sign from meaning anything.
const ESCAPE: char = '\\';
/// What spreadsheets take for "this is text".
const MARK: char = '\'';
/// What other programs than ours part cells by, whatever is quoted: a cell of theirs may begin
/// behind each.
const PARTS: [char; 2] = [';', '\t'];
/// What formulas begin with; some programs read the wide forms as the plain ones.
const FORMULA: [char; 11] = [
    '=', '+', '-', '@', '\t', '\r', '\n', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}',
];

/// Several values in one cell.
pub(super) fn joined(values: &[String]) -> String {
    let mut cell = String::new();
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            cell.push(BAR);
        }
        for sign in value.chars() {
            if matches!(sign, BAR | ESCAPE) {
                cell.push(ESCAPE);
            }
            cell.push(sign);
        }
    }
    cell
}

/// The values of a cell, one by one: a cell may hold millions. An escape before any other sign is
/// that sign's neighbour and no escape: files of other makers know none.
pub(super) fn parted(cell: &str) -> impl Iterator<Item = String> {
    let mut rest = Some(cell.chars().peekable());
    iter::from_fn(move || {
        let signs = rest.as_mut()?;
        let mut value = String::new();
        loop {
            match signs.next() {
                None => {
                    rest = None;
                    return Some(value);
                }
                Some(BAR) => return Some(value),
                Some(ESCAPE) => {
                    let meant = signs.next_if(|next| matches!(*next, BAR | ESCAPE));
                    value.push(meant.unwrap_or(ESCAPE));
                }
                Some(other) => value.push(other),
            }
        }
    })
}

/// A cell that no spreadsheet runs, be it parted once more.
pub(super) fn marked(cell: &str) -> String {
    let mut shown = String::with_capacity(cell.len() + MARK.len_utf8());
    for piece in pieces(cell) {
        if is_formula(piece) {
            shown.push(MARK);
        }
        shown.push_str(piece);
    }
    shown
}

/// The cell without the marks it was given.
pub(super) fn unmarked(cell: &str) -> Cow<'_, str> {
    // Few cells have any.
    if pieces(cell).all(|piece| plain(piece) == piece) {
        return Cow::Borrowed(cell);
    }
    Cow::Owned(pieces(cell).map(plain).collect())
}

fn plain(piece: &str) -> &str {
    match piece.strip_prefix(MARK) {
        Some(rest) if is_formula(rest) => rest,
        _ => piece,
    }
}

/// What may become cells of their own: each but the last ends with what parts it from the next.
fn pieces(cell: &str) -> impl Iterator<Item = &str> {
    cell.split_inclusive(PARTS)
}

/// Whether it begins like a formula, be it behind blanks and quotes, which some programs drop.
/// Marked or not: what was marked already gets one more mark, so that taking one off gives it back.
fn is_formula(piece: &str) -> bool {
    let is_dropped = |it: char| matches!(it, MARK | '"') || it.is_whitespace();
    piece
        .trim_start_matches(|it| is_dropped(it) && !FORMULA.contains(&it))
        .starts_with(FORMULA)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn formulas_are_marked_and_everything_else_is_left_alone() {
        for (cell, shown) in [
            ("=1+1", "'=1+1"),
            ("+33 what", "'+33 what"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\tx", "'\tx"),
            ("\u{ff1d}1", "'\u{ff1d}1"),
            ("'=1", "''=1"),
            ("'quoted'", "'quoted'"),
            ("O'Neill", "O'Neill"),
            ("Lina", "Lina"),
            ("", ""),
            ("a+b=c", "a+b=c"),
        ] {
            assert_eq!(marked(cell), shown);
            assert_eq!(unmarked(shown), cell);
        }
    }

    #[test]
    fn formulas_behind_other_separators_are_marked_where_they_begin() {
        for (cell, shown) in [
            ("x;=cmd|' /C calc'!A0;y", "x;'=cmd|' /C calc'!A0;y"),
            ("=1;+2\t-3", "'=1;'+2\t'-3"),
            ("x; \" '@a", "x;' \" '@a"),
            ("x;\u{a0}=1", "x;'\u{a0}=1"),
            ("x;'=1", "x;''=1"),
            ("x;;\t=1", "x;;'\t'=1"),
            ("x;y=1", "x;y=1"),
            ("x;'y'", "x;'y'"),
            ("x;", "x;"),
        ] {
            assert_eq!(marked(cell), shown);
            assert_eq!(unmarked(shown), cell);
        }
    }

    fn all(cell: &str) -> Vec<String> {
        parted(cell).collect()
    }

    #[test]
    fn values_are_parted_at_bars_that_are_not_escaped() {
        assert_eq!(all("vip|shop"), ["vip", "shop"]);
        assert_eq!(all(r"a\|b|c\\|d\e"), ["a|b", r"c\", r"d\e"]);
        assert_eq!(all(""), [""]);
        assert_eq!(all("|"), ["", ""]);
    }

    proptest! {
        #[test]
        fn what_is_joined_is_parted_again(values in prop::collection::vec(any::<String>(), 1..6)) {
            prop_assert_eq!(all(&joined(&values)), values);
        }

        #[test]
        fn what_is_marked_is_unmarked_again(cell in "['=+@a;\" \t\r\u{a0}-]{0,9}") {
            let shown = marked(&cell);
            for piece in shown.split([';', '\t']) {
                let run = piece.trim_start_matches([' ', '"', '\u{a0}']);
                prop_assert!(!run.starts_with(['=', '+', '-', '@']), "{shown:?}");
            }
            prop_assert_eq!(unmarked(&shown), cell);
        }

        #[test]
        fn marks_come_off_any_text(cell in any::<String>()) {
            let shown = marked(&cell);
            prop_assert_eq!(unmarked(&shown), cell);
        }
    }
}
