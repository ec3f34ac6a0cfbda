//! Syntaxes of messages: how each writes and escapes a value, and what it does with parts that have none.
//!
//! To add one: a file here with its `static`, and a line in [`SYNTAXES`].

mod delimited;
mod iso8583;
mod json;
mod text;
mod xml;

use super::render::{Cell, Out};
use super::{Code, Loop, Node};
use crate::error::{Error, Result, did_you_mean};
use crate::sql::civil;

/// All syntaxes, in the order in which they are listed.
pub static SYNTAXES: [&Syntax; 8] = [
    &delimited::HL7,
    &delimited::X12,
    &json::JSON,
    &xml::XML,
    &text::HTML,
    &text::TEXT,
    &text::FIXED,
    &iso8583::ISO8583,
];

/// The marks of a missing value, and of one that is required, up to the end of the message. No value and no template has these characters.
const ABSENT: u8 = 0;
const NEEDED: u8 = 1;

/// A syntax of messages: its facts, and its way of writing.
#[derive(Debug)]
pub struct Syntax {
    /// The name, as a template's head gives it.
    pub name: &'static str,
    /// The form of a message in one line.
    pub about: &'static str,
    /// The extension of files.
    pub extension: &'static str,
    /// The text of a first template, over the table of people in a shipped profile.
    pub starter: &'static str,
    /// `true` if a message has line ends, so that it cannot be a line of a file.
    pub has_lines: bool,
    /// The way of writing.
    pub form: &'static dyn Form,
}

/// The way in which a syntax cuts static text, writes values, and completes a message.
pub trait Form: Sync + std::fmt::Debug {
    /// Cuts static text into pieces, and notes in `scan` the place of the next value. By default text is one piece.
    fn text(&self, text: &str, _: &mut Scan, nodes: &mut Vec<Node<Code, Loop>>) {
        nodes.push(Node::Text(text.as_bytes().into()));
    }
    /// Writes a value in a context.
    ///
    /// # Errors
    ///
    /// If the value has a character that the syntax cannot write: a lowercase fragment about it.
    fn value(&self, out: &mut Out, cell: Cell<'_>, context: u8) -> Result<(), String>;
    /// Writes the absence of a value, `required` or not; by default nothing.
    fn missing(&self, _: &mut Out, _: u8, _: bool) {}
    /// Ends a record; only of syntaxes whose text has [`Node::End`].
    fn end(&self, _: &mut Out) {}
    /// Writes the mark between two parts of a record; only of syntaxes whose text has [`Node::Separator`].
    fn separator(&self, _: &mut Out, _: u8) {}
    /// Completes the message, which is the text behind the messages before it.
    ///
    /// # Errors
    ///
    /// If the text does not follow the syntax: a lowercase fragment about it.
    fn finish(&self, out: &mut Out) -> Result<(), String>;
}

/// The place of the next value, as far as static text tells it.
#[derive(Debug, Default, Clone)]
pub struct Scan {
    /// The context of the next value, a number of the syntax.
    pub context: u8,
    /// `true` within a record: something stands before the next text.
    pub inside: bool,
    /// `true` within a record whose separators are part of its text.
    pub header: bool,
    /// The character before, where the next one depends on it.
    pub before: Option<char>,
}

/// Finds a syntax by its name.
///
/// # Errors
///
/// If there is none, with the nearest name as a hint.
pub fn find(name: &str) -> Result<&'static Syntax> {
    SYNTAXES.iter().find(|syntax| syntax.name == name).copied().ok_or_else(|| {
        let names: Vec<&str> = SYNTAXES.iter().map(|syntax| syntax.name).collect();
        Error::profile("syntax", format!("unknown syntax `{name}`"))
            .hint(format!("the syntaxes are {}", names.join(", ")))
            .maybe_hint(did_you_mean(name, names))
    })
}

/// Finds the syntax whose files have an extension; `None` if there is none.
#[must_use]
pub fn of_extension(extension: &str) -> Option<&'static Syntax> {
    SYNTAXES.iter().find(|syntax| syntax.extension == extension).copied()
}

/// Hours, minutes and seconds of an instant's day, in UTC.
fn time_of_day(micros: i64) -> (i64, i64, i64) {
    let seconds = micros.rem_euclid(civil::DAY) / 1_000_000;
    (seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// Days since 1970-01-01 of an instant.
fn day_of(micros: i64) -> i32 {
    micros.div_euclid(civil::DAY) as i32
}

/// The refusal of a character.
fn refused(c: char) -> String {
    match c.is_control() {
        true => format!("the character {} is not allowed in this format", c.escape_unicode()),
        false => format!("the character `{c}` is not allowed in this format"),
    }
}
