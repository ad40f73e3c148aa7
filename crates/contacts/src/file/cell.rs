//! Single cells: several values in one, and protection from spreadsheets.

use std::iter;

/// Parts the values of a cell.
const BAR: char = '|';
/// Keeps the next sign from meaning anything.
const ESCAPE: char = '\\';
/// What spreadsheets take for "this is text".
const MARK: char = '\'';
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

/// A cell that no spreadsheet runs.
pub(super) fn marked(cell: String) -> String {
    if is_formula(&cell) {
        return format!("{MARK}{cell}");
    }
    cell
}

/// The cell without the mark it was given.
pub(super) fn unmarked(cell: &str) -> &str {
    match cell.strip_prefix(MARK) {
        Some(rest) if is_formula(rest) => rest,
        _ => cell,
    }
}

/// Whether it begins like a formula, marked or not: what was marked already gets one more mark, so
/// that taking one off gives it back.
fn is_formula(cell: &str) -> bool {
    cell.trim_start_matches(MARK).starts_with(FORMULA)
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
        ] {
            assert_eq!(marked(cell.to_owned()), shown);
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
        fn what_is_marked_is_unmarked_again(cell in "['=+@a-]{0,6}") {
            let shown = marked(cell.clone());
            prop_assert!(!shown.starts_with(['=', '+', '-', '@']));
            prop_assert_eq!(unmarked(&shown), cell);
        }
    }
}
