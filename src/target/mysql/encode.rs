//! Batches in the text form of `LOAD DATA`: fields between tabs, rows between line feeds, `\N` for null. Runs on any worker.

use arrow_array::cast::AsArray;
use arrow_array::types::Float64Type;
use arrow_array::{Array, ArrayRef, RecordBatch, StringArray};

use super::types::Form;
use crate::engine::{Encode, Encoded};
use crate::error::{Error, Kind, Result};
use crate::format::write::texts::texts;
use crate::format::write::{Canonical, Piece};
use crate::target::database::Receiver;

/// The encoder of one table.
pub(super) struct BatchEncoder {
    canonical: Canonical,
    /// The places of the columns that are written; `None` for all.
    places: Option<Vec<usize>>,
    forms: Vec<Form>,
}

impl BatchEncoder {
    /// The encoder of rows for a table.
    ///
    /// # Errors
    ///
    /// If a column cannot take the type of its values.
    pub(super) fn new(receiver: &Receiver) -> Result<Self> {
        let form = |(at, field): (usize, &arrow_schema::FieldRef)| {
            let column = receiver.columns.as_ref().and_then(|columns| columns.get(at));
            Form::of(field.data_type(), column)
                .ok_or_else(|| Error::internal(format!("`{}` does not take its values", field.name())))
        };
        let forms = receiver.schema.fields().iter().enumerate().map(form).collect::<Result<_>>()?;
        Ok(Self { canonical: Canonical::new(&receiver.all)?, places: receiver.places.clone(), forms })
    }
}

impl Encode for BatchEncoder {
    fn encode(&self, batch: RecordBatch) -> Result<Encoded> {
        let sum = self.canonical.sum(&batch)?;
        let batch = match &self.places {
            Some(places) => batch.project(places)?,
            None => batch,
        };
        let columns = batch.columns().iter().map(Values::new).collect::<Result<Vec<_>>>()?;
        let bytes: usize = columns.iter().map(|column| column.texts.value_data().len() + batch.num_rows()).sum();
        let mut out = Vec::with_capacity(bytes + bytes / 16);
        for row in 0..batch.num_rows() {
            for (at, (column, form)) in columns.iter().zip(&self.forms).enumerate() {
                if at > 0 {
                    out.push(b'\t');
                }
                let Some(text) = column.at(row) else {
                    out.extend_from_slice(b"\\N");
                    continue;
                };
                let text = formed(text, form).map_err(|what| {
                    let column = batch.schema_ref().field(at).name();
                    Error::new(Kind::Profile, format!("column `{column}`, row {} of its chunk: {what}", row + 1))
                        .hint("change the column of the database, or the profile")
                })?;
                escape(text.as_bytes(), &mut out);
            }
            out.push(b'\n');
        }
        Ok(Encoded { sum, held: None, piece: Piece::Bytes(out), clean: None })
    }
}

/// The values of a column as canonical texts.
struct Values<'a> {
    texts: StringArray,
    /// The numbers that the texts are of, some of which may be null to a database.
    doubles: Option<&'a [f64]>,
}

impl<'a> Values<'a> {
    fn new(array: &'a ArrayRef) -> Result<Self> {
        let doubles = array.as_primitive_opt::<Float64Type>().map(|doubles| &**doubles.values());
        Ok(Self { texts: texts(array)?, doubles })
    }

    /// The text of a row; `None` for null, and for a number that is not finite.
    fn at(&self, row: usize) -> Option<&str> {
        let known = self.texts.is_valid(row) && self.doubles.is_none_or(|doubles| doubles[row].is_finite());
        known.then(|| self.texts.value(row))
    }
}

/// A canonical text in the form of a column; an error is a reason in words.
fn formed<'t>(text: &'t str, form: &Form) -> Result<&'t str, String> {
    match form {
        Form::Plain => Ok(text),
        Form::Bit => Ok(if text == "true" { "1" } else { "0" }),
        Form::Moment(places) => {
            let text = text.strip_suffix('Z').unwrap_or(text);
            let digits = text.rsplit_once('.').map_or("", |(_, digits)| digits).trim_end_matches('0');
            match digits.len() > *places {
                true => Err(format!("a part of a second has more digits than the {places} of the column")),
                false => Ok(text),
            }
        }
        // A text that looks like a number could be taken for the number of a member.
        Form::Enum(members) if members.iter().any(|member| member == text) => Ok(text),
        Form::Enum(_) => Err("the text is no member of the column's enum".to_owned()),
    }
}

/// Appends a field, with its tabs, line ends, zero bytes and backslashes escaped.
fn escape(field: &[u8], out: &mut Vec<u8>) {
    let special = |byte: &u8| matches!(byte, b'\t' | b'\n' | b'\r' | b'\0' | b'\\');
    if !field.iter().fold(false, |found, byte| found | special(byte)) {
        return out.extend_from_slice(field);
    }
    for byte in field {
        match byte {
            b'\t' => out.extend_from_slice(b"\\t"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\0' => out.extend_from_slice(b"\\0"),
            b'\\' => out.extend_from_slice(b"\\\\"),
            byte => out.push(*byte),
        }
    }
}

/// The fields of an encoded row, without its line feed; `None` for null.
pub(super) fn fields(row: &[u8]) -> impl Iterator<Item = Option<Vec<u8>>> {
    row.split(|byte| *byte == b'\t').map(|field| (field != b"\\N").then(|| unescaped(field)))
}

fn unescaped(field: &[u8]) -> Vec<u8> {
    let (mut out, mut bytes) = (Vec::with_capacity(field.len()), field.iter());
    while let Some(byte) = bytes.next() {
        match (byte, if *byte == b'\\' { bytes.next() } else { None }) {
            (_, Some(b't')) => out.push(b'\t'),
            (_, Some(b'n')) => out.push(b'\n'),
            (_, Some(b'r')) => out.push(b'\r'),
            (_, Some(b'0')) => out.push(b'\0'),
            (_, Some(other)) => out.push(*other),
            (byte, None) => out.push(*byte),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_lead_back() {
        let texts = ["", "plain", "\\N", "\\", "a\tb\nc\rd\0e\\f", "ü\u{1f600}", "\\\\t", "N"];
        let mut row = Vec::new();
        for (at, text) in texts.iter().enumerate() {
            if at > 0 {
                row.push(b'\t');
            }
            escape(text.as_bytes(), &mut row);
        }
        assert!(!row.contains(&b'\n') && !row.contains(&b'\0'));
        let back: Vec<_> =
            fields(&row).map(|field| String::from_utf8(field.expect("no null")).expect("UTF-8")).collect();
        assert_eq!(back, texts);
        assert_eq!(fields(b"\\N\tx").collect::<Vec<_>>(), [None, Some(b"x".to_vec())]);
    }

    #[test]
    fn what_a_column_would_change_is_refused() {
        assert_eq!(formed("2025-06-30T12:34:56Z", &Form::Moment(0)), Ok("2025-06-30T12:34:56"));
        assert_eq!(formed("2025-06-30T12:34:56.120000Z", &Form::Moment(2)), Ok("2025-06-30T12:34:56.120000"));
        assert!(formed("2025-06-30T12:34:56.120000Z", &Form::Moment(1)).is_err());
        let members = Form::Enum(vec!["b".to_owned(), "a".to_owned()]);
        assert_eq!(formed("a", &members), Ok("a"));
        assert!(formed("1", &members).is_err() && formed("A", &members).is_err());
    }
}
