//! Syntaxes of messages: how each writes and escapes a value, and what it does with parts that have none.
//!
//! To add one: a file here with its `static`, and a line in [`SYNTAXES`].

mod delimited;
mod iso8583;
mod json;
mod text;
mod xml;

use super::render::{Cell, Out};
use super::{Loop, Node, Scoped};
use crate::error::{Error, Result, did_you_mean};

/// All syntaxes, in the order in which they are listed.
pub static SYNTAXES: [&dyn Syntax; 8] = [
    &delimited::HL7,
    &delimited::X12,
    &json::Json,
    &xml::Xml,
    &text::HTML,
    &text::TEXT,
    &text::FIXED,
    &iso8583::Iso8583,
];

/// A form of text that messages have.
pub trait Syntax: Sync + std::fmt::Debug {
    /// The name, as a template's head gives it.
    fn name(&self) -> &'static str;
    /// The form in one line.
    fn about(&self) -> &'static str;
    /// The text of a first template, over the table of people in a shipped profile.
    fn starter(&self) -> &'static str;
    /// The extension of files.
    fn extension(&self) -> &'static str;
    /// Cuts static text into pieces, and follows in `scan` where the next value stands.
    fn text(&self, text: &str, scan: &mut Scan, nodes: &mut Vec<Node<Scoped, Loop>>);
    /// Writes a value in a context.
    ///
    /// # Errors
    ///
    /// If the value has a character that the syntax cannot write: a lowercase fragment about it.
    fn value(&self, out: &mut Out, cell: Cell<'_>, context: u8) -> Result<(), String>;
    /// Writes the absence of a value, `required` or not.
    fn missing(&self, out: &mut Out, context: u8, required: bool);
    /// Ends a record; only of syntaxes whose text has [`Node::End`].
    fn end(&self, _: &mut Out) {}
    /// Writes the mark between two parts of a record; only of syntaxes whose text has [`Node::Separator`].
    fn separator(&self, _: &mut Out, _: u8) {}
    /// Completes the message, which is the text behind the messages before it.
    ///
    /// # Errors
    ///
    /// If the text is not what the syntax means: a lowercase fragment about it.
    fn finish(&self, out: &mut Out) -> Result<(), String>;
}

/// What static text has said so far about the place of the next value.
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
pub fn find(name: &str) -> Result<&'static dyn Syntax> {
    SYNTAXES.iter().find(|syntax| syntax.name() == name).copied().ok_or_else(|| {
        let names: Vec<&str> = SYNTAXES.iter().map(|syntax| syntax.name()).collect();
        Error::profile("syntax", format!("unknown syntax `{name}`"))
            .hint(format!("the syntaxes are {}", names.join(", ")))
            .maybe_hint(did_you_mean(name, names))
    })
}

/// The refusal of a character.
fn refused(c: char) -> String {
    match c.is_control() {
        true => format!("the character {} has no place in this format", c.escape_unicode()),
        false => format!("the character `{c}` has no place in this format"),
    }
}
