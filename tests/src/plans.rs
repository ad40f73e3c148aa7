//! A file of plans, written as an operator writes one.

use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;

/// What operators are told to copy.
const COPIED: &str = include_str!("../../crates/billing/src/catalogue/default.toml");

/// The plans of one test, in a file that is gone with it.
pub struct PlansFile {
    folder: TempDir,
    text: String,
}

impl PlansFile {
    /// The plans that are offered without a file, each with a product at every provider.
    pub fn copied() -> Self {
        let mut text = COPIED.to_owned();
        for plan in ["pro", "max"] {
            let limits = format!("[plans.{plan}.limits]");
            let products = format!(
                "[plans.{plan}.products]\ndodo = \"pdt_{plan}\"\nstripe = \"price_{plan}\"\n\n"
            );
            text = text.replace(&limits, &format!("{products}{limits}"));
        }
        Self::holding(text)
    }

    /// A file that says this.
    pub fn holding(text: String) -> Self {
        let folder = TempDir::new().expect("a folder");
        let file = Self { folder, text };
        file.save();
        file
    }

    /// Says something else of a key. The section is what stands in brackets; empty is the top.
    pub fn set(&mut self, section: &str, key: &str, value: &str) {
        let (mut at, mut found, mut lines) = (String::new(), false, Vec::new());
        for line in self.text.lines() {
            if let Some(name) = section_of(line) {
                name.clone_into(&mut at);
            }
            let is_it = at == section && key_of(line) == key;
            found |= is_it;
            lines.push(if is_it {
                format!("{key} = {value}")
            } else {
                line.to_owned()
            });
        }
        assert!(found, "there is no {key} in {section:?}");
        self.text = lines.join("\n") + "\n";
        self.save();
    }

    /// A plan is no longer sold.
    pub fn retire(&mut self, plan: &str) {
        let head = format!("[plans.{plan}]\n");
        let retired = format!("{head}retired = true\n");
        assert!(self.text.contains(&head), "there is no plan {plan}");
        self.text = self.text.replace(&head, &retired);
        self.save();
    }

    /// A provider has no product for a plan any more.
    pub fn unsell(&mut self, product: &str) {
        let line = format!("stripe = \"{product}\"\n");
        assert!(self.text.contains(&line), "there is no {product}");
        self.text = self.text.replace(&line, "");
        self.save();
    }

    /// A plan is not named any more.
    pub fn drop_plan(&mut self, plan: &str) {
        let (whole, below) = (format!("plans.{plan}"), format!("plans.{plan}."));
        let (mut is_kept, mut lines) = (true, Vec::new());
        for line in self.text.lines() {
            if let Some(name) = section_of(line) {
                is_kept = name != whole && !name.starts_with(&below);
            }
            if is_kept {
                lines.push(line);
            }
        }
        self.text = lines.join("\n") + "\n";
        self.save();
    }

    /// Where it is.
    pub fn path(&self) -> String {
        self.file().display().to_string()
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("plans.toml")
    }

    fn save(&self) {
        fs::write(self.file(), &self.text).expect("a file");
    }
}

fn section_of(line: &str) -> Option<&str> {
    line.strip_prefix('[')?.strip_suffix(']')
}

fn key_of(line: &str) -> &str {
    line.split('=').next().unwrap_or_default().trim()
}
