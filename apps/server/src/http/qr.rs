//! QR codes as pictures.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use png::{BitDepth, ColorType, Encoder};
use qrcode::{Color, QrCode};

use super::problem::Problem;

/// Pixels of one module: large enough for a phone that looks at a screen.
const SCALE: usize = 6;
/// The margin that readers need, in modules.
const MARGIN: usize = 4;

/// A picture of the code, as an address that holds it.
pub fn data_url(text: &str) -> Result<String, Problem> {
    let picture = picture(text).map_err(|cause| {
        tracing::error!(%cause, "a QR code could not be drawn");
        Problem::internal()
    })?;
    Ok(format!(
        "data:image/png;base64,{}",
        STANDARD.encode(picture)
    ))
}

/// A PNG of one bit per pixel.
fn picture(text: &str) -> anyhow::Result<Vec<u8>> {
    let code = QrCode::new(text.as_bytes())?;
    let width = code.width();
    let side = (width + 2 * MARGIN) * SCALE;
    let row_bytes = side.div_ceil(8);
    // Ones are white.
    let mut bits = vec![0xff_u8; row_bytes * side];
    for (at, color) in code.to_colors().into_iter().enumerate() {
        if color == Color::Dark {
            let (x, y) = (at % width + MARGIN, at / width + MARGIN);
            for row in y * SCALE..(y + 1) * SCALE {
                for column in x * SCALE..(x + 1) * SCALE {
                    bits[row * row_bytes + column / 8] &= !(0x80 >> (column % 8));
                }
            }
        }
    }
    let mut png = Vec::new();
    let side = u32::try_from(side)?;
    let mut encoder = Encoder::new(&mut png, side, side);
    encoder.set_color(ColorType::Grayscale);
    encoder.set_depth(BitDepth::One);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&bits)?;
    writer.finish()?;
    Ok(png)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_picture_has_the_modules_of_the_code() {
        let text =
            "2@rmIlSZHJXNVuPzZyuD6Ktd64bKugFdkSrKtBERcIQgHFEte3IKaVgxbHWE6tkiLP,KDYLFNYne1w=";
        let code = QrCode::new(text).expect("a code");
        let picture = picture(text).expect("a picture");
        let mut reader = png::Decoder::new(std::io::Cursor::new(&picture))
            .read_info()
            .expect("a PNG");
        let mut bits = vec![0; reader.output_buffer_size().expect("fits")];
        let shown = reader.next_frame(&mut bits).expect("pixels");
        let side = (code.width() + 2 * MARGIN) * SCALE;
        assert_eq!((shown.width as usize, shown.height as usize), (side, side));
        let is_dark =
            |x: usize, y: usize| bits[y * shown.line_size + x / 8] & (0x80 >> (x % 8)) == 0;
        for y in 0..side {
            for x in 0..side {
                let (column, row) = (x / SCALE, y / SCALE);
                let inside = (MARGIN..MARGIN + code.width()).contains(&column)
                    && (MARGIN..MARGIN + code.width()).contains(&row);
                let dark = inside && code[(column - MARGIN, row - MARGIN)] == Color::Dark;
                assert_eq!(is_dark(x, y), dark, "{x} {y}");
            }
        }
    }
}
