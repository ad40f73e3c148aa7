//! Office since 2007: an archive, known by the names in its directory. Only names are read.

use msgflash_messaging::media::MediaType;
use msgflash_messaging::media::kind::Sniffed;

/// How far the end of the directory may be from the end of the file.
const LONGEST_END: usize = 22 + 0xffff;
const LOCAL: &[u8] = b"PK\x03\x04";
const ENTRY: &[u8] = b"PK\x01\x02";
const END: &[u8] = b"PK\x05\x06";

/// A document or a sheet without programs in it; `None` for what is no archive.
pub(super) fn office(bytes: &[u8]) -> Option<Sniffed> {
    if !bytes.starts_with(LOCAL) {
        return None;
    }
    let mut found = Found::default();
    let is_whole = each_name(bytes, |name| found.see(name)).is_some();
    Some(match found {
        Found {
            types: true,
            text,
            sheet,
            programs: false,
        } if is_whole && text != sheet => Sniffed::Is(if text {
            MediaType::Docx
        } else {
            MediaType::Xlsx
        }),
        _ => Sniffed::Other,
    })
}

/// What the names tell.
#[derive(Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a name that was seen or not"
)]
struct Found {
    types: bool,
    text: bool,
    sheet: bool,
    programs: bool,
}

impl Found {
    fn see(&mut self, name: &[u8]) {
        self.types |= name == b"[Content_Types].xml";
        self.text |= name == b"word/document.xml";
        self.sheet |= name == b"xl/workbook.xml" || name == b"xl/workbook.bin";
        // Programs read names whatever their letters' case.
        let name = name.to_ascii_lowercase();
        self.programs |= name.ends_with(b"vbaproject.bin")
            || name == b"xl/workbook.bin"
            || name.starts_with(b"xl/macrosheets/");
    }
}

/// Shows each name of the directory; `None` when there is none that can be read to its end.
fn each_name(bytes: &[u8], mut see: impl FnMut(&[u8])) -> Option<()> {
    let tail = bytes.len().saturating_sub(LONGEST_END);
    let end = bytes[tail..]
        .windows(END.len())
        .rposition(|it| it == END)
        .map(|at| &bytes[tail + at..])?;
    let count = number(end, 10)?;
    let start = usize::try_from(u32::from_le_bytes(end.get(16..20)?.try_into().ok()?)).ok()?;
    let mut rest = bytes.get(start..)?;
    for _ in 0..count {
        if !rest.starts_with(ENTRY) {
            return None;
        }
        let (name, extra, comment) = (number(rest, 28)?, number(rest, 30)?, number(rest, 32)?);
        see(rest.get(46..46 + name)?);
        rest = rest.get(46 + name + extra + comment..)?;
    }
    Some(())
}

fn number(bytes: &[u8], at: usize) -> Option<usize> {
    let two = bytes.get(at..at + 2)?.try_into().ok()?;
    Some(usize::from(u16::from_le_bytes(two)))
}
