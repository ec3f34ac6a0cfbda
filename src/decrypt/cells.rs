//! Cells opened, and sealed again: one table at a time.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, Schema, SchemaRef};

use super::{Opener, Request};
use crate::error::{Error, Kind, Result};
use crate::folder::manifest::{Manifest, TableEntry};
use crate::format::read;
use crate::notes::{Key, Noted};
use crate::protect::fe1::{self, Broken, Cipher, OVERHEAD, Scope};
use crate::protect::texts::{Filled, Texts};
use crate::protect::{ProtectedColumn, ProtectionEntry, Rows as Bindings};
use crate::type_names::type_named;

/// How one column is opened, and perhaps sealed again.
pub(super) struct Column {
    pub(super) at: usize,
    cipher: Cipher,
    again: Option<Cipher>,
    clear: Field,
    pub(super) name: String,
}

/// One table of a data set, ready to be opened.
pub(super) struct Table<'a> {
    pub(super) sealed: SchemaRef,
    pub(super) written: SchemaRef,
    pub(super) columns: Vec<Column>,
    keys: Vec<usize>,
    entry: &'a ProtectionEntry,
    strict: bool,
}

impl<'a> Table<'a> {
    pub(super) fn new(manifest: &'a Manifest, table: &TableEntry, request: &Request<'_>) -> Result<Option<Self>> {
        let Some(entry) = &manifest.protection else { return Ok(None) };
        let sealed = table.schema()?;
        let key_id = entry.key.as_ref().map_or("", |key| key.check_value.as_str());
        let wanted = |column: &&ProtectedColumn| {
            column.is_sealed()
                && column.table == table.name
                && (request.columns.is_empty() || request.columns.iter().any(|wanted| wanted.is(column)))
        };
        let mut columns = Vec::new();
        let mut fields: Vec<Arc<Field>> = sealed.fields().iter().cloned().collect();
        for column in entry.columns.iter().filter(wanted) {
            let at = sealed.index_of(&column.column)?;
            let scope = match &column.domain {
                Some(domain) => Scope::domain(domain),
                None => Scope::column(&column.table, &column.column),
            };
            let cipher = match &request.opener {
                Opener::Keys(keys) => Cipher::new(keys.find(key_id)?, &entry.data_set, scope.clone()),
                Opener::Column(key) => {
                    let kid = column.key_id.as_deref().and_then(|text| u32::from_str_radix(text, 16).ok()).unwrap_or(0);
                    Cipher::opening(key, kid.to_be_bytes(), &entry.data_set, scope.clone())
                }
            };
            let again = request.again.map(|key| Cipher::new(key, &entry.data_set, scope));
            let ty = type_named(&column.r#type)
                .ok_or_else(|| Error::new(Kind::Verification, format!("`{}` is no type", column.r#type)))?;
            let clear = Field::new(&column.column, ty, sealed.field(at).is_nullable() || entry.encrypt_nulls);
            // The form of a message's file is no secret.
            let formed = |field: Field| match sealed.field(at).note(Key::Extension) {
                Some(extension) => field.with_note(Key::Extension, extension),
                None => field,
            };
            let clear = formed(clear);
            if again.is_none() {
                fields[at] = Arc::new(clear.clone());
            } else {
                // Written as it was read, without what would give it away.
                let bare = fields[at].as_ref().clone().with_metadata(BTreeMap::<String, String>::new());
                fields[at] = Arc::new(formed(bare.with_note(Key::Protection, &column.handling)));
            }
            columns.push(Column { at, cipher, again, clear, name: format!("{}.{}", column.table, column.column) });
        }
        let keys = (0..sealed.fields().len()).filter(|at| sealed.field(*at).is_primary_key()).collect();
        let written = Arc::new(Schema::new(fields));
        Ok((!columns.is_empty()).then_some(Self { sealed, written, columns, keys, entry, strict: request.strict }))
    }

    /// The bindings of the rows.
    fn bindings(&self, columns: &[ArrayRef], first: u64) -> Result<Bindings> {
        if self.keys.is_empty() {
            let rows = columns.first().map_or(0, Array::len) as u64;
            return Ok(Bindings::of_numbers(&(first..first + rows).collect::<Vec<_>>()));
        }
        Bindings::of_key(&self.keys.iter().map(|at| Arc::clone(&columns[*at])).collect::<Vec<_>>())
    }

    /// A batch opened; `first` is the number of its first row.
    pub(super) fn open(&self, batch: &RecordBatch, first: u64) -> Result<(RecordBatch, u64)> {
        // Rows are bound to the key as the output has it: sealed keys are taken as they stand.
        let rows = self.bindings(batch.columns(), first)?;
        let mut anew: Option<Bindings> = None;
        let (mut written, mut values) = (batch.columns().to_vec(), 0);
        // Keys first: what is sealed again is bound to the keys as they are sealed again.
        let (bound, joint): (Vec<&Column>, Vec<&Column>) =
            self.columns.iter().partition(|column| column.cipher.scope().row_bound());
        for column in joint.into_iter().chain(bound) {
            if column.again.is_some() && column.cipher.scope().row_bound() && anew.is_none() {
                anew = Some(self.bindings(&written, first)?);
            }
            let cells = batch.column(column.at);
            let bytes = cells.data_type() == &DataType::Binary;
            let texts = if bytes { None } else { Some(Texts::new(cells)?) };
            let mut plain: Vec<Option<zeroize::Zeroizing<Vec<u8>>>> = Vec::with_capacity(cells.len());
            let mut sealed = Filled::new(cells.len(), OVERHEAD * 2);
            let mut aad = Vec::new();
            for row in 0..cells.len() {
                let cell = match &texts {
                    Some(texts) => texts.get(row).map(|text| fe1::read_text(text.as_bytes())).transpose(),
                    None => {
                        let cells = arrow_array::cast::AsArray::as_binary::<i32>(cells);
                        Ok((!cells.is_null(row)).then(|| cells.value(row).to_vec()))
                    }
                };
                let bound = if column.cipher.scope().row_bound() { rows.get(row) } else { &[] };
                let opened =
                    cell.and_then(|cell| cell.map(|cell| column.cipher.open(bound, &cell, self.strict)).transpose());
                let text = opened.map_err(|broken| broken_cell(&column.name, first + row as u64, broken))?;
                values += u64::from(text.is_some());
                if let Some(again) = &column.again {
                    let Some(text) = text else {
                        sealed.null()?;
                        continue;
                    };
                    let mut cell = Vec::new();
                    let bound = anew.as_ref().map_or(&[][..], |rows| rows.get(row));
                    if !again.seal(bound, &text, None, &mut aad, &mut cell) {
                        return Err(Error::internal("a value that the cipher does not take"));
                    }
                    if bytes {
                        sealed.bytes.extend_from_slice(&cell);
                    } else {
                        fe1::write_text(&cell, &mut sealed.bytes);
                    }
                    sealed.end()?;
                    continue;
                }
                let text = text.map(|text| self.bare(text)).transpose();
                plain.push(text.map_err(|broken| broken_cell(&column.name, first + row as u64, broken))?.flatten());
            }
            written[column.at] = match &column.again {
                Some(_) if bytes => Arc::new(sealed.binary()?),
                Some(_) => sealed.text_ref()?,
                None => clear(&column.clear, &plain)?,
            };
        }
        Ok((RecordBatch::try_new(Arc::clone(&self.written), written)?, values))
    }

    /// The value without padding; `None` for an encrypted null.
    fn bare(&self, text: zeroize::Zeroizing<Vec<u8>>) -> Result<Option<zeroize::Zeroizing<Vec<u8>>>, Broken> {
        let text = match self.entry.pad {
            None => text,
            Some(_) => zeroize::Zeroizing::new(fe1::unpad(&text).ok_or(Broken::Form)?.to_vec()),
        };
        Ok((!(self.entry.encrypt_nulls && text.as_slice() == fe1::NULL)).then_some(text))
    }
}

fn broken_cell(column: &str, row: u64, broken: Broken) -> Error {
    let what = match broken {
        Broken::Form => "is no encrypted cell",
        Broken::OtherKey => "was sealed with another key",
        Broken::Tampered => "was changed, or belongs to another row, column or data set",
        Broken::Nonce => "has a nonce that does not follow from its value",
    };
    let kind = if broken == Broken::OtherKey { Kind::Key } else { Kind::Verification };
    Error::new(kind, format!("`{column}`, row {row}: the cell {what}"))
}

fn clear(field: &Field, plain: &[Option<zeroize::Zeroizing<Vec<u8>>>]) -> Result<ArrayRef> {
    read::column(field, plain.iter().map(|text| text.as_ref().map(|text| text.as_slice())))
}
