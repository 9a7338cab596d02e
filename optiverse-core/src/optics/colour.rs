//! Colours as the files write them.

/// Red, green and blue of a colour written as Qt reads it: `#RGB`, `#RRGGBB`, `#AARRGGBB`, `#RRRGGGBBB`, `#RRRRGGGGBBBB` or a
/// name of SVG 1.0. `None` for anything else.
pub(super) fn rgb(text: &str) -> Option<[u8; 3]> {
    let text = text.trim();
    let Some(digits) = text.strip_prefix('#') else {
        // Only names: the parser knows more notations than the files may hold.
        let name: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphabetic());
        return if is_name {
            csscolorparser::parse(&name).ok().map(|c| {
                let [r, g, b, _] = c.to_rgba8();
                [r, g, b]
            })
        } else {
            None
        };
    };
    if !digits.chars().all(|c| c.is_ascii_hexdigit()) {
        return None;
    }
    let (skip, width) = match digits.len() {
        3 => (0, 1),
        6 => (0, 2),
        8 => (2, 2),
        9 => (0, 3),
        12 => (0, 4),
        _ => return None,
    };
    let channel = |i: usize| {
        let value = u32::from_str_radix(&digits[skip + i * width..skip + (i + 1) * width], 16).ok()?;
        // One digit stands for itself twice; of more than two, the first two count.
        u8::try_from(if width == 1 { value * 17 } else { value >> (4 * (width - 2)) }).ok()
    };
    Some([channel(0)?, channel(1)?, channel(2)?])
}

#[cfg(test)]
mod tests {
    use super::rgb;

    #[test]
    fn notations() {
        assert_eq!(rgb("#DC143C"), Some([0xdc, 0x14, 0x3c]));
        assert_eq!(rgb("#f0a"), Some([0xff, 0x00, 0xaa]));
        assert_eq!(rgb("#80DC143C"), Some([0xdc, 0x14, 0x3c]));
        assert_eq!(rgb("#DC0143C0F"), Some([0xdc, 0x14, 0xc0]));
        assert_eq!(rgb("#DC00143C3C00"), Some([0xdc, 0x14, 0x3c]));
        assert_eq!(rgb("crimson"), Some([0xdc, 0x14, 0x3c]));
        assert_eq!(rgb("Light Blue"), Some([0xad, 0xd8, 0xe6]));
    }

    #[test]
    fn what_is_no_colour() {
        for text in ["", "#", "#12", "#GG0000", "#1234567", "rgb(1,2,3)", "notacolour", "#ÄÄÄ"] {
            assert_eq!(rgb(text), None, "{text}");
        }
    }
}
