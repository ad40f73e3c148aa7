//! Columns for array inserts.

/// One column of `UNNEST` arrays: one prepared statement whatever the number of rows.
pub(crate) fn each<T, U>(items: &[T], column: impl Fn(&T) -> U) -> Vec<U> {
    items.iter().map(column).collect()
}
