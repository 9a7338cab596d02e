//! Text, numbers and paths as SVG wants them.

use glam::DVec2;

/// Appends `value` with at most two decimals, which is a hundredth of a pixel. Infinities are cut to the largest integer and a NaN
/// becomes 0, so that no number can break the document.
pub(super) fn push_number(out: &mut String, value: f64) {
    push_hundredths(out, hundredths(value));
}

fn hundredths(value: f64) -> i64 {
    // The cast saturates.
    (value * 100.0).round() as i64
}

fn push_hundredths(out: &mut String, value: i64) {
    if value < 0 {
        out.push('-');
    }
    let size = value.unsigned_abs();
    out.push_str(&(size / 100).to_string());
    match size % 100 {
        0 => {}
        part if part % 10 == 0 => {
            out.push('.');
            out.push_str(&(part / 10).to_string());
        }
        part => {
            out.push('.');
            out.push_str(&format!("{part:02}"));
        }
    }
}

/// Appends text so that it stands as it is between tags and in attributes. Characters that XML 1.0 does not allow become U+FFFD.
pub(super) fn push_escaped(out: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // As references they outlast the normalisation of white space in attributes.
            '\t' => out.push_str("&#9;"),
            '\n' => out.push_str("&#10;"),
            '\r' => out.push_str("&#13;"),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            _ => out.push(character),
        }
    }
}

/// Appends a `<title>`, which browsers show on hovering and screen readers read.
pub(super) fn push_title(out: &mut String, text: &str) {
    out.push_str("<title>");
    push_escaped(out, text);
    out.push_str("</title>");
}

/// `#rrggbb`.
pub(super) fn hex([r, g, b]: [u8; 3]) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

/// The `d` attribute of a path, in pixels.
#[derive(Clone, Debug, Default)]
pub(super) struct PathData {
    text: String,
    /// The pen, in hundredths of a pixel.
    pen: Option<(i64, i64)>,
}

impl PathData {
    pub(super) fn new() -> Self {
        PathData::default()
    }

    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.text.len()
    }

    pub(super) fn move_to(mut self, point: DVec2) -> Self {
        self.command('M', point);
        self
    }

    pub(super) fn line_to(mut self, point: DVec2) -> Self {
        self.command('L', point);
        self
    }

    /// The shorter arc of a circle to `point`.
    pub(super) fn arc_to(mut self, radius: f64, clockwise: bool, point: DVec2) -> Self {
        self.text.push('A');
        push_number(&mut self.text, radius);
        self.text.push(' ');
        push_number(&mut self.text, radius);
        self.text.push_str(if clockwise { " 0 0 1" } else { " 0 0 0" });
        self.command(' ', point);
        self
    }

    pub(super) fn polygon(mut self, points: &[DVec2]) -> Self {
        for (i, point) in points.iter().enumerate() {
            self.command(if i == 0 { 'M' } else { 'L' }, *point);
        }
        self.close()
    }

    pub(super) fn close(mut self) -> Self {
        self.text.push('Z');
        self.pen = None;
        self
    }

    /// A stretch from `start` to `end`, as a continuation where the pen is at `start`; nothing where it has no length that shows.
    pub(super) fn push_stretch(&mut self, start: DVec2, end: DVec2) {
        let (from, to) = (rounded(start), rounded(end));
        if from == to {
            return;
        }
        if self.pen != Some(from) {
            self.command('M', start);
        }
        self.command('L', end);
    }

    fn command(&mut self, letter: char, point: DVec2) {
        let (x, y) = rounded(point);
        self.text.push(letter);
        push_hundredths(&mut self.text, x);
        if y >= 0 {
            self.text.push(' ');
        }
        push_hundredths(&mut self.text, y);
        self.pen = Some((x, y));
    }
}

fn rounded(point: DVec2) -> (i64, i64) {
    (hundredths(point.x), hundredths(point.y))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(value: f64) -> String {
        let mut out = String::new();
        push_number(&mut out, value);
        out
    }

    #[test]
    fn numbers_are_short_and_never_break_the_document() {
        assert_eq!(number(1.0), "1");
        assert_eq!(number(-0.001), "0");
        assert_eq!(number(-0.5), "-0.5");
        assert_eq!(number(12.345_6), "12.35");
        assert_eq!(number(7.05), "7.05");
        assert_eq!(number(f64::NAN), "0");
        assert!(number(f64::INFINITY).chars().all(|c| c.is_ascii_digit() || c == '.'));
    }

    #[test]
    fn text_is_escaped() {
        let mut out = String::new();
        push_escaped(&mut out, "<a href=\"x\">'&\0\u{1b}\n");
        assert_eq!(out, "&lt;a href=&quot;x&quot;&gt;&#39;&amp;\u{fffd}\u{fffd}&#10;");
    }

    #[test]
    fn a_stretch_goes_on_where_the_pen_is() {
        let mut path = PathData::new();
        path.push_stretch(DVec2::ZERO, DVec2::new(1.0, 2.0));
        path.push_stretch(DVec2::new(1.0, 2.0), DVec2::new(3.0, -2.0));
        path.push_stretch(DVec2::new(3.0, -2.0), DVec2::new(3.001, -2.001));
        path.push_stretch(DVec2::ZERO, DVec2::X);
        assert_eq!(path.as_str(), "M0 0L1 2L3-2M0 0L1 0");
    }
}
