//! Taking files at once and in parts.

use std::sync::{Arc, Mutex};

use msgflash_kernel::Phone;

use super::*;
use crate::contact::Contact;
use crate::file::ImportRow;
use crate::testing::{FakeUnit, contact, own};

mod run;
mod start;

fn row(line: u64, name: Option<&str>, tags: &[&str]) -> ImportRow {
    ImportRow {
        line,
        phone: phone(line),
        name: name.map(str::to_owned),
        tags: tags.iter().map(ToString::to_string).collect(),
    }
}

/// The number of the row in a line.
fn phone(line: u64) -> Phone {
    Phone::from_i64(33_612_000_000 + i64::try_from(line).unwrap()).unwrap()
}

/// A contact that is known by the number of a line.
fn known(line: u64, tags: &[&str]) -> Contact {
    Contact {
        phone: phone(line),
        tags: tags.iter().map(ToString::to_string).collect(),
        ..contact()
    }
}

/// A unit that knows these contacts, and notes which are stored new and which changed.
fn knowing(mut unit: FakeUnit, known: Vec<Contact>) -> (FakeUnit, Kept) {
    let kept = Kept::default();
    unit.contacts
        .expect_find_by_phone()
        .returning(move |workspace, phones| {
            assert_eq!(workspace, own().id);
            let found = known.iter().filter(|it| phones.contains(&it.phone));
            Ok(found.cloned().collect())
        });
    let new = Arc::clone(&kept.new);
    unit.contacts.expect_insert().returning(move |contacts| {
        new.lock().unwrap().extend_from_slice(contacts);
        Ok(())
    });
    let changed = Arc::clone(&kept.changed);
    unit.contacts.expect_update().returning(move |contacts| {
        let after = contacts.iter().map(|(_, after)| after.clone());
        changed.lock().unwrap().extend(after);
        Ok(())
    });
    (unit, kept)
}

#[derive(Default)]
struct Kept {
    new: Arc<Mutex<Vec<Contact>>>,
    changed: Arc<Mutex<Vec<Contact>>>,
}

impl Kept {
    fn made(&self) -> Vec<Contact> {
        self.new.lock().unwrap().clone()
    }

    fn changed(&self) -> Vec<Contact> {
        self.changed.lock().unwrap().clone()
    }
}
