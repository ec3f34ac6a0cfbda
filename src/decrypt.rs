//! Data sets opened again, and sealed anew: what `decrypt` and `reencrypt` do.
//!
//! A file is read a batch at a time; batches are opened and encoded on all cores and written in order. What comes out is
//! what an unprotected run would have written, byte for byte, for the columns that could be opened.

mod leaks;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
pub use leaks::{Leak, Place, leaks};
use rayon::prelude::*;

use crate::digest::{RowSum, hex};
use crate::error::{Error, Kind, Result};
use crate::folder::manifest::{Manifest, TableEntry};
use crate::format::read;
use crate::format::write::{Canonical, Encoder};
use crate::notes::{Key, Noted};
use crate::order::pool;
use crate::protect::fe1::{self, Broken, Cipher, Scope};
use crate::protect::keyring::Keys;
use crate::protect::secret::Secret;
use crate::protect::texts::{Filled, Texts};
use crate::protect::{ProtectedColumn, ProtectionEntry, Rows as Bindings, fe1::OVERHEAD};
use crate::type_names::type_named;

/// Rows opened at a time, on each core.
const BATCH: usize = 16_384;

/// What opens cells: the data key, or the key of one column.
pub enum Opener<'a> {
    /// Every key of a keyring.
    Keys(&'a Keys),
    /// One column's key, as `keys export` prints it.
    Column(&'a Secret),
}

/// What is wanted of a data set.
pub struct Request<'a> {
    /// The folder with the manifest.
    pub folder: PathBuf,
    /// Only this file.
    pub file: Option<PathBuf>,
    /// Only these columns, as table and column; all that are encrypted where there is none.
    pub columns: Vec<(String, String)>,
    /// What opens them.
    pub opener: Opener<'a>,
    /// The key that they are sealed with again.
    pub again: Option<&'a Secret>,
    /// Whether a nonce that does not follow from the value is refused.
    pub strict: bool,
    /// Where the files go.
    pub out: PathBuf,
}

/// A file that was written.
#[derive(Debug)]
pub struct Written {
    /// The path below the folder.
    pub path: String,
    /// Its rows.
    pub rows: u64,
    /// Values that were opened.
    pub values: u64,
    /// Its bytes.
    pub bytes: u64,
    /// SHA-256 of its bytes.
    pub sha256: String,
    /// The logical digest of its rows.
    pub sum: RowSum,
}

/// The manifests of a folder: one, or one for each part.
pub fn manifests(folder: &Path) -> Result<Vec<(String, Manifest)>> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .map_err(|error| Error::io(folder, error))?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| {
            name == "manifest.json"
                || name
                    .strip_prefix("manifest.part-")
                    .is_some_and(|rest| rest.split_once('.').is_some_and(|(_, end)| end == "json"))
        })
        .collect();
    names.sort();
    if names.is_empty() {
        return Err(Error::usage(format!("`{}` has no manifest.json", folder.display()))
            .hint("it says which columns are encrypted, and what their cells are bound to"));
    }
    let read = |name: String| {
        let text = fs::read_to_string(folder.join(&name)).map_err(|error| Error::io(folder.join(&name), error))?;
        Ok((name, Manifest::parse(&text)?))
    };
    names.into_iter().map(read).collect()
}

/// How one column is opened, and perhaps sealed again.
struct Column {
    at: usize,
    cipher: Cipher,
    again: Option<Cipher>,
    clear: Field,
    name: String,
}

/// One table of a data set, ready to be opened.
struct Table<'a> {
    sealed: SchemaRef,
    written: SchemaRef,
    columns: Vec<Column>,
    keys: Vec<usize>,
    entry: &'a ProtectionEntry,
    strict: bool,
}

impl<'a> Table<'a> {
    fn new(manifest: &'a Manifest, table: &TableEntry, request: &Request<'_>) -> Result<Option<Self>> {
        let Some(entry) = &manifest.protection else { return Ok(None) };
        let sealed = table.schema()?;
        let key_id = entry.key.as_ref().map_or("", |key| key.check_value.as_str());
        let wanted = |column: &&ProtectedColumn| {
            column.is_sealed()
                && column.table == table.name
                && (request.columns.is_empty()
                    || request.columns.iter().any(|(t, c)| *t == column.table && *c == column.column))
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
            if again.is_none() {
                fields[at] = Arc::new(clear.clone());
            } else {
                // Written as it was read, without what would give it away.
                let bare = fields[at].as_ref().clone().with_metadata(BTreeMap::<String, String>::new());
                fields[at] = Arc::new(bare.with_note(Key::Protection, &column.handling));
            }
            columns.push(Column { at, cipher, again, clear, name: format!("{}.{}", column.table, column.column) });
        }
        let keys = (0..sealed.fields().len()).filter(|at| sealed.field(*at).is_primary_key()).collect();
        let written = Arc::new(Schema::new(fields));
        Ok((!columns.is_empty()).then_some(Self { sealed, written, columns, keys, entry, strict: request.strict }))
    }

    /// What the rows are bound to.
    fn bindings(&self, columns: &[ArrayRef], first: u64) -> Result<Bindings> {
        if self.keys.is_empty() {
            let rows = columns.first().map_or(0, Array::len) as u64;
            return Ok(Bindings::of_numbers(&(first..first + rows).collect::<Vec<_>>()));
        }
        Bindings::of_key(&self.keys.iter().map(|at| Arc::clone(&columns[*at])).collect::<Vec<_>>())
    }

    /// A batch opened; `first` is the number of its first row.
    fn open(&self, batch: &RecordBatch, first: u64) -> Result<(RecordBatch, u64)> {
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

/// Opens every file that was asked for.
pub fn open(request: &Request<'_>, manifests: &[(String, Manifest)], threads: usize) -> Result<Vec<Written>> {
    let pool = pool(threads)?;
    let mut all = Vec::new();
    for (_, manifest) in manifests {
        let (format, options) = manifest.format()?;
        for file in &manifest.files {
            let path = request.folder.join(&file.path);
            if request.file.as_ref().is_some_and(|only| *only != path) {
                continue;
            }
            let entry = manifest.tables.iter().find(|table| table.name == file.table);
            let Some(entry) = entry else { continue };
            let Some(table) = Table::new(manifest, entry, request)? else { continue };
            let encoder = (format.encoder)(&table.written, &options)?;
            let reader = read::Rows::open(&path, format.name, &table.sealed, &options)?;
            let mut written = copy(reader, &table, encoder.as_ref(), &request.out.join(&file.path), &pool, threads)?;
            written.path.clone_from(&file.path);
            all.push(written);
        }
    }
    if all.is_empty() {
        return Err(Error::usage("nothing of what was asked for is encrypted")
            .hint("manifest.json lists the columns under `protection`"));
    }
    Ok(all)
}

/// Reads one file, opens it on all cores, and writes it in order.
fn copy(
    mut reader: read::Rows,
    table: &Table<'_>,
    encoder: &dyn Encoder,
    path: &Path,
    pool: &rayon::ThreadPool,
    threads: usize,
) -> Result<Written> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|error| Error::io(folder, error))?;
    }
    let temporary = path.with_added_extension("inprogress");
    if path.symlink_metadata().is_ok() {
        return Err(
            Error::usage(format!("`{}` is there already", path.display())).hint("choose another folder with --out")
        );
    }
    let _gone_already = fs::remove_file(&temporary);
    let file = fs::OpenOptions::new().write(true).create_new(true).open(&temporary);
    let file = file.map_err(|error| Error::io(&temporary, error))?;
    let unfinished = Unfinished(Some(temporary.clone()));
    let mut sink = encoder.open(Box::new(std::io::BufWriter::with_capacity(1 << 20, file)))?;
    let canonical = Canonical::new(&table.written)?;
    let (mut rows, mut values, mut sum) = (0, 0, RowSum::default());
    loop {
        let mut batches = Vec::new();
        while batches.len() < threads * 2
            && let Some(batch) = reader.next(BATCH)?
        {
            let first = rows;
            rows += batch.num_rows() as u64;
            batches.push((first, batch));
        }
        if batches.is_empty() {
            break;
        }
        let pieces = pool.install(|| {
            batches
                .into_par_iter()
                .map(|(first, batch)| {
                    let (opened, values) = table.open(&batch, first)?;
                    let (piece, sum) = canonical.encode(encoder, opened)?;
                    Ok((piece, sum, values))
                })
                .collect::<Result<Vec<_>>>()
        })?;
        for (piece, own, opened) in pieces {
            sink.append(piece)?;
            sum.merge(&own);
            values += opened;
        }
    }
    let mut out = sink.finish()?;
    out.flush().map_err(|error| Error::io(&temporary, error))?;
    drop(out);
    let io = |error| Error::io(path, error);
    fs::File::open(&temporary).and_then(|file| file.sync_all()).map_err(io)?;
    let (bytes, sha256) = hashed(&temporary)?;
    fs::rename(&temporary, path).map_err(io)?;
    unfinished.done();
    Ok(Written { path: String::new(), rows, values, bytes, sha256, sum })
}

/// Size and SHA-256 of a file.
fn hashed(path: &Path) -> Result<(u64, String)> {
    use sha2::Digest;
    let io = |error| Error::io(path, error);
    let mut file = fs::File::open(path).map_err(io)?;
    let (mut hash, mut all, mut room) = (sha2::Sha256::new(), 0, vec![0; 1 << 16]);
    loop {
        let length = std::io::Read::read(&mut file, &mut room).map_err(io)?;
        if length == 0 {
            return Ok((all, hex(&hash.finalize())));
        }
        hash.update(&room[..length]);
        all += length as u64;
    }
}

/// A file that is removed unless it was finished.
struct Unfinished(Option<PathBuf>);

impl Unfinished {
    fn done(mut self) {
        self.0 = None;
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(path) = &self.0 {
            let _gone_already = fs::remove_file(path);
        }
    }
}
