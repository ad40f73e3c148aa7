//! QR codes as PNG data URIs.

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::{Compression, Crc, write::ZlibEncoder};
use qrcode::{Color, QrCode};

/// Pixels per module, and the white border in modules.
const SCALE: usize = 4;
const BORDER: usize = 4;

/// A picture of the text as a data URI; empty when the text is too long for any QR code.
pub(crate) fn data_uri(text: &str) -> String {
    let Ok(code) = QrCode::new(text) else {
        return String::new();
    };
    let width = code.width();
    let modules = code.to_colors();
    let is_dark = |x: usize, y: usize| {
        let (x, y) = (
            (x / SCALE).checked_sub(BORDER),
            (y / SCALE).checked_sub(BORDER),
        );
        match (x, y) {
            (Some(x), Some(y)) if x < width && y < width => modules[y * width + x] == Color::Dark,
            _ => false,
        }
    };
    let side = (width + 2 * BORDER) * SCALE;
    let mut rows = Vec::with_capacity(side * (side + 1));
    for y in 0..side {
        rows.push(0); // No filter.
        rows.extend((0..side).map(|x| if is_dark(x, y) { 0 } else { 255 }));
    }
    format!(
        "data:image/png;base64,{}",
        STANDARD.encode(png(side, &rows))
    )
}

/// A greyscale PNG with eight bits per pixel.
fn png(side: usize, rows: &[u8]) -> Vec<u8> {
    let side = u32::try_from(side).unwrap_or_default().to_be_bytes();
    let header = [&side[..], &side[..], &[8, 0, 0, 0, 0]].concat();
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    let _ = encoder.write_all(rows); // Writing to memory does not fail.
    let pixels = encoder.finish().unwrap_or_default();

    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    chunk(&mut png, *b"IHDR", &header);
    chunk(&mut png, *b"IDAT", &pixels);
    chunk(&mut png, *b"IEND", &[]);
    png
}

fn chunk(png: &mut Vec<u8>, kind: [u8; 4], content: &[u8]) {
    let length = u32::try_from(content.len()).unwrap_or_default();
    png.extend_from_slice(&length.to_be_bytes());
    let from = png.len();
    png.extend_from_slice(&kind);
    png.extend_from_slice(content);
    let mut sum = Crc::new();
    sum.update(&png[from..]);
    png.extend_from_slice(&sum.sum().to_be_bytes());
}
