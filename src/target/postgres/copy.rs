//! Batches in the binary form of `COPY`, or as CSV where a column takes only text that the server parses. Runs on any worker.

use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Decimal128Type, Float64Type, Int32Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef, BooleanArray, DictionaryArray, PrimitiveArray, RecordBatch, StringArray};
use arrow_schema::DataType;

use super::numeric;
use super::types::{Form, Way, own, way};
use crate::engine::{Encode, Encoded};
use crate::error::{Error, Result};
use crate::format::write::{Canonical, Piece};
use crate::target::database::Receiver;

/// The start of a binary copy: the signature, no flags, no extension.
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// Its end, in place of the number of a row's fields.
const TRAILER: [u8; 2] = (-1_i16).to_be_bytes();
/// The length of a null.
const NULL: [u8; 4] = (-1_i32).to_be_bytes();
/// More bytes than a UUID has.
const NO_UUID: [u8; 17] = [0; 17];
/// 2000-01-01, where the server's days and instants begin, in those of Arrow.
pub(super) const EPOCH_DAYS: i32 = 10_957;
pub(super) const EPOCH_MICROS: i64 = 946_684_800_000_000;

/// The encoder of the rows of a table.
///
/// # Errors
///
/// If a column cannot take the type of its values.
pub(super) fn encoder(receiver: &Receiver) -> Result<Box<dyn Encode>> {
    let canonical = Canonical::new(&receiver.all)?;
    let places = receiver.places.clone();
    match forms(receiver)? {
        Some(forms) => Ok(Box::new(Binary { canonical, places, forms })),
        None => {
            let written = Canonical::new(&receiver.schema)?;
            Ok(Box::new(Csv { canonical, places, written }))
        }
    }
}

/// The binary forms of all columns; `None` where one has none.
fn forms(receiver: &Receiver) -> Result<Option<Vec<Form>>> {
    let fields = receiver.schema.fields();
    let Some(columns) = &receiver.columns else {
        return Ok(Some(fields.iter().map(|field| own(field.data_type())).collect()));
    };
    let mut forms = Some(Vec::with_capacity(columns.len()));
    for (field, column) in fields.iter().zip(columns) {
        match way(&column.kind, field.data_type()) {
            Some(Way::Binary(form)) => forms.iter_mut().for_each(|forms| forms.push(form)),
            Some(Way::Parsed) => forms = None,
            None => return Err(Error::internal(format!("`{}` does not take its values", column.name))),
        }
    }
    Ok(forms)
}

/// Tells whether the rows of a table are copied in the binary form.
///
/// # Errors
///
/// As [`encoder`].
pub(super) fn is_binary(receiver: &Receiver) -> Result<bool> {
    Ok(forms(receiver)?.is_some())
}

/// Rows as CSV, of which an empty field is null.
struct Csv {
    canonical: Canonical,
    places: Option<Vec<usize>>,
    written: Canonical,
}

impl Encode for Csv {
    fn encode(&self, batch: RecordBatch) -> Result<Encoded> {
        let sum = self.canonical.sum(&batch)?;
        let batch = written(batch, self.places.as_ref())?;
        let mut bytes = Vec::with_capacity(batch.get_array_memory_size());
        self.written.each(&batch, |line| bytes.extend_from_slice(line))?;
        Ok(Encoded { sum, held: None, piece: Piece::Bytes(bytes), clean: None })
    }
}

/// The columns of a batch that are written.
fn written(batch: RecordBatch, places: Option<&Vec<usize>>) -> Result<RecordBatch> {
    match places {
        Some(places) => Ok(batch.project(places)?),
        None => Ok(batch),
    }
}

/// Rows in the binary form.
struct Binary {
    canonical: Canonical,
    places: Option<Vec<usize>>,
    forms: Vec<Form>,
}

impl Encode for Binary {
    fn encode(&self, batch: RecordBatch) -> Result<Encoded> {
        let sum = self.canonical.sum(&batch)?;
        let batch = written(batch, self.places.as_ref())?;
        let values = batch.columns().iter().zip(&self.forms).zip(batch.schema_ref().fields());
        let values: Vec<Values<'_>> = values
            .map(|((array, form), field)| {
                Values::new(array, *form)
                    .ok_or_else(|| Error::internal(format!("column `{}` came as {}", field.name(), array.data_type())))
            })
            .collect::<Result<_>>()?;
        let mut out = Vec::with_capacity(HEADER.len() + batch.num_rows() * (2 + 12 * values.len()));
        out.extend_from_slice(HEADER);
        let count = (values.len() as i16).to_be_bytes();
        for row in 0..batch.num_rows() {
            out.extend_from_slice(&count);
            for values in &values {
                values.write(row, &mut out);
            }
        }
        out.extend_from_slice(&TRAILER);
        Ok(Encoded { sum, held: None, piece: Piece::Bytes(out), clean: None })
    }
}

/// The values of a column with the form that they get.
enum Values<'a> {
    Bool(&'a BooleanArray),
    Integer(&'a PrimitiveArray<Int64Type>, Form),
    Float(&'a PrimitiveArray<Float64Type>, Form),
    Decimal(&'a PrimitiveArray<Decimal128Type>, u8),
    Date(&'a PrimitiveArray<Date32Type>),
    Instant(&'a PrimitiveArray<TimestampMicrosecondType>),
    Text(&'a StringArray, Form),
    Code(&'a DictionaryArray<Int32Type>, &'a StringArray, Form),
}

impl<'a> Values<'a> {
    fn new(array: &'a ArrayRef, form: Form) -> Option<Self> {
        Some(match array.data_type() {
            DataType::Boolean => Self::Bool(array.as_boolean_opt()?),
            DataType::Int64 => Self::Integer(array.as_primitive_opt()?, form),
            DataType::Float64 => Self::Float(array.as_primitive_opt()?, form),
            DataType::Decimal128(_, scale) => Self::Decimal(array.as_primitive_opt()?, u8::try_from(*scale).ok()?),
            DataType::Date32 => Self::Date(array.as_primitive_opt()?),
            DataType::Timestamp(..) => Self::Instant(array.as_primitive_opt()?),
            DataType::Utf8 => Self::Text(array.as_string_opt()?, form),
            _ => {
                let codes: &DictionaryArray<Int32Type> = array.as_dictionary_opt()?;
                Self::Code(codes, codes.values().as_string_opt()?, form)
            }
        })
    }

    /// Appends the value of a row with its length. A value that the column cannot hold gets a length that the server refuses, and then it
    /// tells row and column, as of every other value.
    fn write(&self, row: usize, out: &mut Vec<u8>) {
        match self {
            Self::Bool(array) if array.is_valid(row) => sized(&[u8::from(array.value(row))], out),
            Self::Integer(array, form) if array.is_valid(row) => integer(array.value(row), *form, out),
            Self::Float(array, form) if array.is_valid(row) && array.value(row).is_finite() => match form {
                Form::Float4 => sized(&(array.value(row) as f32).to_be_bytes(), out),
                _ => sized(&array.value(row).to_be_bytes(), out),
            },
            Self::Decimal(array, places) if array.is_valid(row) => numeric::write(array.value(row), *places, out),
            Self::Date(array) if array.is_valid(row) => sized(&(array.value(row) - EPOCH_DAYS).to_be_bytes(), out),
            Self::Instant(array) if array.is_valid(row) => {
                sized(&(array.value(row) - EPOCH_MICROS).to_be_bytes(), out);
            }
            Self::Text(array, form) if array.is_valid(row) => text(array.value(row), *form, out),
            Self::Code(codes, values, form) if codes.is_valid(row) => {
                text(values.value(codes.keys().value(row) as usize), *form, out);
            }
            _ => out.extend_from_slice(&NULL),
        }
    }
}

fn sized(bytes: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&(bytes.len() as i32).to_be_bytes());
    out.extend_from_slice(bytes);
}

fn integer(value: i64, form: Form, out: &mut Vec<u8>) {
    match (form, i16::try_from(value), i32::try_from(value)) {
        (Form::Int2, Ok(value), _) => sized(&value.to_be_bytes(), out),
        (Form::Int4, _, Ok(value)) => sized(&value.to_be_bytes(), out),
        (Form::Numeric, ..) => numeric::write(i128::from(value), 0, out),
        // Also what is too large for its column: eight bytes are too many for it.
        _ => sized(&value.to_be_bytes(), out),
    }
}

fn text(value: &str, form: Form, out: &mut Vec<u8>) {
    match form {
        Form::Jsonb => {
            out.extend_from_slice(&(1 + value.len() as i32).to_be_bytes());
            out.push(1);
            out.extend_from_slice(value.as_bytes());
        }
        Form::Uuid => match uuid(value) {
            Some(bytes) => sized(&bytes, out),
            None => sized(&NO_UUID, out),
        },
        _ => sized(value.as_bytes(), out),
    }
}

/// The bytes of a UUID: 32 hexadecimal digits, with hyphens or without.
fn uuid(text: &str) -> Option<[u8; 16]> {
    let mut digits = text.bytes().filter(|byte| *byte != b'-').map(|byte| char::from(byte).to_digit(16));
    let mut bytes = [0; 16];
    for byte in &mut bytes {
        *byte = (digits.next()?? << 4 | digits.next()??) as u8;
    }
    digits.next().is_none().then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uuids_have_sixteen_bytes() {
        let bytes = uuid("00112233-4455-6677-8899-aabbccddeeff").expect("a UUID");
        assert_eq!((bytes[1], bytes[15]), (0x11, 0xff));
        for text in ["", "0011", "00112233-4455-6677-8899-aabbccddeefg", "00112233445566778899aabbccddeeff00"] {
            assert_eq!(uuid(text), None, "{text}");
        }
    }

    #[test]
    fn integers_keep_to_their_type() {
        let mut out = Vec::new();
        integer(-32_768, Form::Int2, &mut out);
        assert_eq!(out, [0, 0, 0, 2, 0x80, 0]);
        out.clear();
        integer(32_768, Form::Int2, &mut out);
        assert_eq!(out, [0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0x80, 0], "a length that the server refuses");
    }
}
