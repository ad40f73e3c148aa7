//! Numbers that were found out elsewhere, as if they had come in a file.

use std::collections::HashMap;

use msgflash_kernel::Phone;

use super::read::repeats;
use super::{ImportRow, ReadFile, ReportEntry};

impl ReadFile {
    /// A file of nothing but numbers, which all get the same tags. The header is line 1 of it.
    ///
    /// No text is written and read again: whoever has a number has it, whatever the rule for what
    /// people write says of it.
    pub fn of_numbers(numbers: &[Phone], tags: &[String]) -> Self {
        let mut file = Self::default();
        let mut lines = HashMap::new();
        for (line, &phone) in (2..).zip(numbers) {
            if let Some(&first) = lines.get(&phone) {
                file.skipped += 1;
                file.report.push(ReportEntry {
                    line,
                    phone: phone.to_string(),
                    reason: repeats(first),
                });
                continue;
            }
            lines.insert(phone, line);
            file.rows.push(ImportRow {
                line,
                phone,
                name: None,
                tags: tags.to_vec(),
            });
        }
        file
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_comes_twice_is_skipped_and_told_like_in_a_file() {
        // Eight digits since 2021 are two too few for Ivory Coast, but old accounts live on.
        let numbers = ["33612345678", "22507070707", "33612345678"];
        let numbers = numbers.map(|it| Phone::from_e164(it).expect("valid"));
        let file = ReadFile::of_numbers(&numbers, &["found".to_owned()]);
        let rows: Vec<_> = file.rows.iter().map(|it| (it.line, it.phone)).collect();
        assert_eq!(rows, [(2, numbers[0]), (3, numbers[1])]);
        assert!(file.rows.iter().all(|it| it.tags == ["found"]));
        assert_eq!((file.total(), file.skipped, file.invalid), (3, 1, 0));
        let told = &file.report[0];
        assert_eq!((told.line, &*told.reason), (4, "Same number as line 2"));
    }
}
