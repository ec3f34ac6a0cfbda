//! Templates of messages: text with the values of rows in it, one message for each row of a table.
//!
//! A template has the delimiters of Jinja and the expressions of the profile language: `{{ patient.mrn }}`,
//! `{% for d in condition if d.rank = 1 %}`, `{% if … %}`, `{% set … %}`, `{% include "…" %}`. It has no functions of its own beyond
//! counters, no loop but over rows, and no access to anything outside: its cost is that of its rows. [`parse`] reads the text;
//! the plan compiles the expressions to columns, in the table of each loop; [`render`] puts text and cells together. A
//! [`Syntax`] knows how a format writes and escapes values.

mod parse;
mod render;
pub mod syntax;

use std::ops::Range;
use std::sync::Arc;

use crate::error::{Error, Kind, Place};

pub use parse::parse;
pub use render::{Cell, Cells, List, Rows, render};
pub use syntax::Syntax;

/// The text of a file of a template, for messages.
#[derive(Debug, PartialEq, Eq)]
pub struct File {
    /// The name as the user gave it, or the place among the embedded ones.
    pub name: String,
    /// The complete text.
    pub text: Arc<str>,
}

/// A range of bytes in a file of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct At {
    /// The file.
    pub file: Arc<File>,
    /// The bytes.
    pub span: Range<usize>,
}

impl At {
    /// An error at this place.
    #[must_use]
    pub fn error(&self, message: impl Into<String>) -> Error {
        Error::new(Kind::Profile, message).at(Some(self.place()))
    }

    /// The place, for an error that has none.
    #[must_use]
    pub fn place(&self) -> Place {
        Place { file: self.file.name.clone(), text: Arc::clone(&self.file.text), span: self.span.clone() }
    }
}

/// An SQL expression in a template, as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Code {
    /// Its text.
    pub text: String,
    /// Its place.
    pub at: At,
}

/// A piece of a template. `C` is an expression, `L` the rows of a loop: as text after parsing, as columns and lists of rows after
/// compilation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node<C, L> {
    /// Text that every message has here.
    Text(Box<[u8]>),
    /// The mark between two parts of a record, such as `|`: empty parts before the end of their record are left out.
    Separator(u8),
    /// The end of a record, such as a segment.
    End,
    /// The value of an expression.
    Value {
        /// The expression.
        code: C,
        /// The context of the value in the text, a number of the syntax.
        context: u8,
        /// `true` where the record, object or element has no place in the message without this value.
        required: bool,
    },
    /// A number that the message itself gives, written with at least `width` digits.
    Counter {
        /// The number.
        counter: Counter,
        /// The least number of digits.
        width: usize,
    },
    /// Text for each row of a list.
    For {
        /// The rows.
        rows: L,
        /// The text of a row.
        body: Vec<Self>,
        /// The text where there is no row.
        otherwise: Vec<Self>,
    },
    /// The first text whose condition is true.
    If {
        /// Conditions with their texts.
        arms: Vec<(Condition<C>, Vec<Self>)>,
        /// The text where no condition is true.
        otherwise: Vec<Self>,
    },
}

/// A number that the message itself gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Counter {
    /// The number of the row in the loop that is so many loops further out, from 1.
    Index(usize),
    /// The next number of a counter of the message, from 1.
    Next(usize),
    /// The number that a counter gave last; 0 before the first.
    Last(usize),
    /// The number of records since the last one that opens a set, both and the present one included.
    Records,
    /// The number of lines so far, the present one included.
    Lines,
}

/// A condition of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition<C> {
    /// An expression.
    Code(C),
    /// The row is the first of its loop.
    First,
    /// The row is the last of its loop.
    Last,
    /// The row is not the first of its loop.
    NotFirst,
    /// The row is not the last of its loop.
    NotLast,
}

/// A loop as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loop {
    /// The name of a row in the text of the loop.
    pub variable: String,
    /// A path that ends at a child table or hand.
    pub source: Code,
    /// A condition on the rows.
    pub filter: Option<Code>,
    /// The order of the rows; `true` is descending.
    pub order: Vec<(Code, bool)>,
    /// The most rows.
    pub limit: Option<usize>,
}

/// A template after parsing: expressions as they are written, with those that `set` named in the place of their names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parsed {
    /// The pieces.
    pub nodes: Vec<Node<Code, Loop>>,
    /// The number of counters.
    pub counters: usize,
}
