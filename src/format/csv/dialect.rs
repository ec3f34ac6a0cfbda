//! The settings of `csv`: what stands between cells, around them, and in place of a null.

use std::borrow::Cow;

use crate::format::write::frame::Style;
use crate::format::write::line::{canonical, escape, plain, plain_in_quotes};
use crate::format::{Dialect, Options, Setting};

/// Every setting of `csv`.
pub(super) const SETTINGS: &[&Setting] = &[&GUARD, &DELIMITER, &HEADER, &NULL, &QUOTE, &BOM, &LINE_END];

/// The setting that puts a `'` before texts that a spreadsheet would take for formulas.
static GUARD: Setting = Setting {
    name: "csv-guard",
    values: &["off", "quote"],
    about: "`quote` writes a `'` before texts that a spreadsheet would take for a formula: this changes the data",
    ..Setting::CHOICE
};

static DELIMITER: Setting = Setting {
    name: "csv-delimiter",
    values: &["comma", "semicolon", "tab", "pipe"],
    spellings: &[(",", "comma"), (";", "semicolon"), ("\t", "tab"), ("\\t", "tab"), ("|", "pipe")],
    about: "The character between cells; `,` `;` `\\t` and `|` are understood too",
    ..Setting::CHOICE
};

static HEADER: Setting = Setting {
    name: "csv-header",
    values: &["on", "off"],
    about: "Whether the first line has the names of the columns",
    ..Setting::CHOICE
};

static NULL: Setting = Setting {
    name: "csv-null",
    values: &["", "\\N", "NULL"],
    text: Some(wrong_null),
    about: "The text of a null; a text that is equal to it has quotes",
    ..Setting::CHOICE
};

static QUOTE: Setting = Setting {
    name: "csv-quote",
    values: &["minimal", "all", "nonnull"],
    about: "Which cells have quotes: those that need them, all, or all but nulls",
    ..Setting::CHOICE
};

static BOM: Setting = Setting {
    name: "csv-bom",
    values: &["off", "on"],
    about: "Whether the file begins with a byte order mark, by which spreadsheets know UTF-8",
    ..Setting::CHOICE
};

static LINE_END: Setting =
    Setting { name: "csv-line-end", values: &["lf", "crlf"], about: "The end of a line", ..Setting::CHOICE };

/// The reason why a text cannot mark a null, if there is one: it would be taken for a value, or for the end of a cell.
fn wrong_null(text: &str) -> Option<&'static str> {
    let number = text.trim_start_matches('-').starts_with(|c: char| c.is_ascii_digit());
    if number || ["true", "false", "NaN", "inf", "-inf"].contains(&text) {
        return Some("this could be a value; such as `\\N`, `NULL`, or nothing");
    }
    if text.contains(|c: char| c.is_control() || ",;|\"".contains(c)) || text.trim() != text {
        return Some(
            "it has blanks at an end, a delimiter, a quote or a control character; such as `\\N`, `NULL`, or nothing",
        );
    }
    (text.len() > 32).then_some("it is longer than 32 bytes; such as `\\N`, `NULL`, or nothing")
}

/// The cells that have quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quotes {
    Minimal,
    All,
    NonNull,
}

/// The form of a file, of its settings.
#[derive(Debug, Clone)]
pub(super) struct Form {
    pub(super) guard: bool,
    pub(super) delimiter: u8,
    pub(super) header: bool,
    pub(super) null: String,
    pub(super) quotes: Quotes,
    pub(super) bom: bool,
    pub(super) line_end: &'static str,
}

impl Form {
    pub(super) fn new(options: &Options) -> Self {
        let is = |setting: &Setting, value: &str| options.get(setting) == value;
        Self {
            guard: is(&GUARD, "quote"),
            delimiter: match options.get(&DELIMITER) {
                "semicolon" => b';',
                "tab" => b'\t',
                "pipe" => b'|',
                _ => b',',
            },
            header: is(&HEADER, "on"),
            null: options.get(&NULL).to_owned(),
            quotes: match options.get(&QUOTE) {
                "all" => Quotes::All,
                "nonnull" => Quotes::NonNull,
                _ => Quotes::Minimal,
            },
            bom: is(&BOM, "on"),
            line_end: if is(&LINE_END, "crlf") { "\r\n" } else { "\n" },
        }
    }

    /// The facts that a reader of the file must know.
    pub(super) fn dialect(self) -> Dialect {
        Dialect { delimiter: char::from(self.delimiter), line_end: self.line_end, header: self.header, null: self.null }
    }

    /// Tells whether a line is the canonical form of its row.
    pub(super) fn is_canonical(&self) -> bool {
        !self.guard
            && self.delimiter == b','
            && self.null.is_empty()
            && self.quotes == Quotes::Minimal
            && self.line_end == "\n"
    }

    /// The way in which rows are written.
    pub(super) fn style(&self) -> Style {
        let (between, minimal): (_, fn(&[u8]) -> bool) = match self.delimiter {
            b';' => (";", plain::<b';'>),
            b'\t' => ("\t", plain::<b'\t'>),
            b'|' => ("|", plain::<b'|'>),
            _ => (",", plain::<b','>),
        };
        let style = Style { end: self.line_end, between, null: Cow::Owned(self.null.clone()), ..canonical() };
        match self.quotes {
            Quotes::Minimal => Style { plain: minimal, ..style },
            Quotes::NonNull => Style { quote: "\"", quote_all: true, plain: plain_in_quotes, ..style },
            Quotes::All => {
                let null = Cow::Owned(format!("\"{}\"", self.null));
                Style { quote: "\"", quote_all: true, plain: plain_in_quotes, null, ..style }
            }
        }
    }

    /// What stands before the rows: the mark, and a line with the names of the columns.
    pub(super) fn opening<'a>(&self, names: impl Iterator<Item = &'a str>) -> Vec<u8> {
        let mut out = if self.bom { "\u{feff}".as_bytes().to_vec() } else { Vec::new() };
        if !self.header {
            return out;
        }
        let style = self.style();
        for (n, name) in names.enumerate() {
            out.extend_from_slice(if n == 0 { "" } else { style.between }.as_bytes());
            let name = name.as_bytes();
            let bare = self.quotes == Quotes::Minimal && (style.plain)(name) && name != self.null.as_bytes();
            if bare && !matches!(name, [] | [b' ', ..] | [.., b' ']) {
                out.extend_from_slice(name);
            } else {
                escape(name, &mut out);
            }
        }
        out.extend_from_slice(style.end.as_bytes());
        out
    }
}
