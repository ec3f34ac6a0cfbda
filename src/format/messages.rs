//! Messages as they are: each row the text of its message, in a frame that tells where it ends.
//!
//! | framing | a message |
//! |---|---|
//! | `lines` | its text and a line feed; a text with a line feed is refused |
//! | `mllp` | `0B`, its text, `1C 0D`: the frame of HL7's Minimal Lower Layer Protocol |
//! | `length` | the number of its bytes as two bytes, the higher first, and its text, as card networks send it |
//! | `tar` | a file of a POSIX archive (ustar), named by its number from 1 |
//! | `auto` | `lines`, and `tar` for syntaxes whose text has lines |

mod read;
mod tar;
mod write;

use arrow_schema::{DataType, SchemaRef};

use super::{Format, Options, Setting};
use crate::error::{Error, Result};
use crate::notes::{Key, Noted};
use crate::template::syntax::{self, SYNTAXES};

/// The format `messages`.
pub(super) static MESSAGES: Format = Format {
    name: "messages",
    about: "the text of messages alone, one after another: what `placebo render` writes",
    mediatype: "application/octet-stream",
    settings: &[&FRAMING],
    binary: false,
    dialect: None,
    document: None,
    encoder: write::encoder,
    reader: read::open,
};

static FRAMING: Setting = Setting {
    name: "framing",
    values: &["auto", "lines", "mllp", "length", "tar"],
    about: "How messages follow each other: each on a line, in MLLP frames, after two bytes with its length, or as files of a tar archive; by default lines, or tar where a message has several.",
    ..Setting::CHOICE
};

/// How messages follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Framing {
    Lines,
    Mllp,
    Length,
    Tar,
}

/// The extension of the text in the one column of a table of messages.
fn text_extension(schema: &SchemaRef) -> Result<&str> {
    let [field] = schema.fields().as_ref() else { return Err(not_messages()) };
    match field.note(Key::Extension) {
        Some(extension) if *field.data_type() == DataType::Utf8 => Ok(extension),
        _ => Err(not_messages()),
    }
}

fn not_messages() -> Error {
    Error::usage("the format `messages` takes messages alone, and no tables")
        .hint("`placebo render PROFILE TEMPLATE` writes them; other formats take tables and messages")
}

impl Framing {
    fn new(schema: &SchemaRef, options: &Options) -> Result<Self> {
        let extension = text_extension(schema)?;
        Ok(match options.get(&FRAMING) {
            "lines" => Self::Lines,
            "mllp" => Self::Mllp,
            "length" => Self::Length,
            "tar" => Self::Tar,
            _ if syntax::of_extension(extension).is_some_and(|syntax| syntax.has_lines) => Self::Tar,
            _ => Self::Lines,
        })
    }
}

/// The extension of a file of messages; `None` for a table.
pub(super) fn extension(schema: &SchemaRef, options: &Options) -> Option<&'static str> {
    match Framing::new(schema, options).ok()? {
        Framing::Lines => Some(syntax::of_extension(text_extension(schema).ok()?)?.extension),
        Framing::Mllp => Some("mllp"),
        Framing::Length => Some("bin"),
        Framing::Tar => Some("tar"),
    }
}

/// The extensions that files of messages can have.
pub(super) fn extensions() -> impl Iterator<Item = &'static str> {
    let lines = SYNTAXES.iter().map(|syntax| syntax.extension);
    lines.chain(["mllp", "bin", "tar"])
}
