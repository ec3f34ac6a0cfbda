//! The export of a table of a system: a CSV file or pipe, a Parquet file, or a table of a database, read as often as needed, as batches
//! of canonical texts.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Arc;

use arrow_array::builder::StringBuilder;
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, RecordBatch, StringArray};
use arrow_cast::cast;
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::disk::{open_named, scratch};
use crate::error::{Error, Kind, Result, did_you_mean};
use crate::format::read::{MOST_RECORD, Records, normal};
use crate::format::write::texts::texts;
use crate::notes::Noted;
use crate::target::database::{Loaded, Options};

/// The most rows and bytes of a batch.
const ROWS: usize = 8_192;
/// The most columns of an export.
const MOST_COLUMNS: usize = 10_000;
const BYTES: usize = 8 << 20;

/// The place of an export.
enum Source {
    Csv(File),
    Parquet(File),
    Database { name: String, table: String, options: Options },
}

/// An export, and how its columns belong to those of the table.
pub(super) struct Export {
    source: Source,
    /// The columns that are compared: their places in the schema of the table, in its order.
    pub(super) places: Vec<usize>,
    /// For each, its place in the export.
    columns: Vec<usize>,
    /// All columns of the export.
    width: usize,
    /// The compared columns, with the types that they have in the plan.
    schema: SchemaRef,
    /// Columns of the table that the export does not have.
    pub(super) left_out: Vec<String>,
    /// Columns of the export that the table does not have.
    pub(super) unknown: Vec<String>,
    /// The text that stands for null.
    null: Option<String>,
}

/// Some rows of an export.
pub(super) struct Batch {
    /// The cells as canonical texts.
    pub(super) rows: RecordBatch,
    /// The line of each row, or its number from 1 where there are no lines.
    pub(super) lines: Vec<u64>,
}

/// A record that has another number of cells than the header.
pub(super) struct Ragged {
    pub(super) line: u64,
    pub(super) cells: usize,
    pub(super) width: usize,
}

/// Takes the rows of an export, and the records that are none.
pub(super) trait Take {
    fn rows(&mut self, batch: Batch) -> Result<()>;
    fn ragged(&mut self, record: Ragged);
}

impl Export {
    /// Opens an export of a table with these columns; of a pipe at most so many bytes are taken.
    ///
    /// # Errors
    ///
    /// If it cannot be read, has no columns of the table, or lacks one of its key.
    pub(super) fn open(
        (name, room): (&str, u64),
        table: &str,
        all: &SchemaRef,
        null: Option<&str>,
        options: &Options,
    ) -> Result<Self> {
        let (source, names) = opened((name, room), table, options).map_err(|error| within(error, name))?;
        let mut export = Self {
            source,
            places: Vec::new(),
            columns: Vec::new(),
            width: names.len(),
            schema: SchemaRef::clone(all),
            left_out: Vec::new(),
            unknown: Vec::new(),
            null: null.map(str::to_owned),
        };
        export.arrange(table, &names).map_err(|error| within(error, name))?;
        Ok(export)
    }

    fn arrange(&mut self, table: &str, names: &[String]) -> Result<()> {
        let all = SchemaRef::clone(&self.schema);
        let mut seen = BTreeSet::new();
        if let Some(twice) = names.iter().find(|name| !seen.insert(*name)) {
            return Err(Error::new(Kind::Verification, format!("the export has the column `{twice}` twice")));
        }
        if names.len() > MOST_COLUMNS {
            return Err(Error::new(Kind::Verification, format!("the export has {} columns", names.len()))
                .hint(format!("at most {MOST_COLUMNS}: SELECT those of the table")));
        }
        let find = |wanted: &str| {
            let exact = names.iter().position(|name| name == wanted);
            exact.or_else(|| names.iter().position(|name| name.eq_ignore_ascii_case(wanted)))
        };
        for (place, field) in all.fields().iter().enumerate() {
            match find(field.name()) {
                Some(column) => {
                    self.places.push(place);
                    self.columns.push(column);
                }
                None => self.left_out.push(field.name().clone()),
            }
        }
        let unknown = names.iter().enumerate().filter(|(at, _)| !self.columns.contains(at));
        self.unknown = unknown.map(|(_, name)| name.clone()).collect();
        let key = all.fields().iter().find(|field| field.is_primary_key() && self.left_out.contains(field.name()));
        let missing = key.or_else(|| self.places.is_empty().then(|| all.fields().first()).flatten());
        if let Some(missing) = missing {
            let near = did_you_mean(missing.name(), names.iter().map(String::as_str));
            let message =
                format!("the export of `{table}` has no column `{}`, which its rows are known by", missing.name());
            let error = Error::usage(message).maybe_hint(near);
            return Err(
                error.hint(format!("the first line has the names of the columns: SELECT … AS {}", missing.name()))
            );
        }
        self.schema = Arc::new(all.project(&self.places)?);
        Ok(())
    }

    /// Compares some columns not at all.
    pub(super) fn leave_out(&mut self, which: &dyn Fn(&Field) -> bool) -> Result<()> {
        let kept: Vec<usize> = (0..self.places.len()).filter(|at| !which(self.schema.field(*at))).collect();
        let left = (0..self.places.len()).filter(|at| !kept.contains(at));
        self.left_out.extend(left.map(|at| self.schema.field(at).name().clone()));
        self.columns = kept.iter().map(|at| self.columns[*at]).collect();
        self.places = kept.iter().map(|at| self.places[*at]).collect();
        self.schema = Arc::new(self.schema.project(&kept)?);
        Ok(())
    }

    /// The columns that are compared, as texts.
    pub(super) fn texts(&self) -> SchemaRef {
        let text = |field: &Arc<Field>| field.as_ref().clone().with_data_type(DataType::Utf8).with_nullable(true);
        Arc::new(Schema::new(self.schema.fields().iter().map(text).collect::<Vec<_>>()))
    }

    /// The columns that are compared, with their types.
    pub(super) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Reads all rows, from the first.
    ///
    /// # Errors
    ///
    /// If the export cannot be read.
    pub(super) fn read(&mut self, take: &mut dyn Take) -> Result<()> {
        let texts = self.texts();
        match &mut self.source {
            Source::Csv(file) => {
                file.seek(SeekFrom::Start(0)).map_err(unreadable)?;
                let file = file.try_clone().map_err(unreadable)?;
                self.read_csv(file, take)
            }
            Source::Parquet(file) => {
                let file = file.try_clone().map_err(unreadable)?;
                self.read_parquet(file, take)
            }
            Source::Database { name, table, options } => {
                let schema = Arc::new(Schema::new(
                    self.schema
                        .fields()
                        .iter()
                        .map(|field| field.as_ref().clone().with_nullable(true))
                        .collect::<Vec<_>>(),
                ));
                let mut seen = 0;
                Loaded::open(name, options)?.batches(table, &schema, |batch| {
                    let columns = batch
                        .columns()
                        .iter()
                        .map(|array| Ok(Arc::new(crate::format::write::texts::texts(array)?) as ArrayRef));
                    let rows = RecordBatch::try_new(SchemaRef::clone(&texts), columns.collect::<Result<_>>()?)?;
                    let lines = (seen + 1..=seen + rows.num_rows() as u64).collect();
                    seen += rows.num_rows() as u64;
                    take.rows(Batch { rows, lines })
                })
            }
        }
    }

    fn read_csv(&self, file: File, take: &mut dyn Take) -> Result<()> {
        let mut records = Records::new(Unmarked { file, begun: false }, b',');
        records.next()?;
        let mut draft = Draft::new(self);
        let (mut text, mut room) = (String::new(), String::new());
        while records.next()? {
            let (cells, width, line) = (records.len(), self.width, records.line());
            if cells != width {
                take.ragged(Ragged { line, cells, width });
                continue;
            }
            for (at, column) in self.columns.iter().enumerate() {
                let (bytes, quoted) = records.cell(*column);
                text.clear();
                text.push_str(&String::from_utf8_lossy(bytes));
                let none = match &self.null {
                    Some(null) => text == *null,
                    None => text.is_empty() && !(quoted && *self.schema.field(at).data_type() == DataType::Utf8),
                };
                draft.push(at, (!none).then(|| normal(plain(self.schema.field(at).data_type()), &text, &mut room)));
            }
            draft.lines.push(line);
            if draft.lines.len() == ROWS || draft.bytes > BYTES {
                take.rows(draft.take()?)?;
            }
        }
        if draft.lines.is_empty() { Ok(()) } else { take.rows(draft.take()?) }
    }

    fn read_parquet(&self, file: File, take: &mut dyn Take) -> Result<()> {
        let wrong =
            |error: parquet::errors::ParquetError| Error::new(Kind::Verification, format!("the export: {error}"));
        let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(wrong)?;
        let mask = ProjectionMask::roots(builder.parquet_schema(), self.columns.iter().copied());
        // Columns of the mask come in the order of the file.
        let mut order: Vec<usize> = (0..self.columns.len()).collect();
        order.sort_by_key(|at| self.columns[*at]);
        let reader = builder.with_projection(mask).with_batch_size(ROWS).build().map_err(wrong)?;
        let mut seen = 0;
        for batch in reader {
            let batch = batch.map_err(|error| Error::new(Kind::Verification, format!("the export: {error}")))?;
            let mut draft = Draft::new(self);
            let columns: Vec<StringArray> = (0..self.columns.len())
                .map(|at| {
                    let place = order.iter().position(|own| *own == at).unwrap_or_default();
                    plain_texts(batch.column(place))
                })
                .collect::<Result<_>>()?;
            let mut room = String::new();
            for row in 0..batch.num_rows() {
                for (at, texts) in columns.iter().enumerate() {
                    let ty = plain(self.schema.field(at).data_type());
                    let text = texts.is_valid(row).then(|| texts.value(row));
                    draft.push(at, text.map(|text| normal(ty, text, &mut room)));
                }
                seen += 1;
                draft.lines.push(seen);
            }
            if !draft.lines.is_empty() {
                take.rows(draft.take()?)?;
            }
        }
        Ok(())
    }
}

/// The type of values, whether they come as codes or not.
fn plain(ty: &DataType) -> &DataType {
    match ty {
        DataType::Dictionary(_, value) => value,
        other => other,
    }
}

/// The texts of a column of any type.
fn plain_texts(array: &ArrayRef) -> Result<StringArray> {
    if matches!(array.data_type(), DataType::Binary) {
        return texts(array);
    }
    let to = |array: &ArrayRef, ty: &DataType| {
        cast(array, ty).map_err(|error| Error::new(Kind::Verification, format!("the export: {error}")))
    };
    // Instants are UTC, whatever zone they are shown in.
    let array = match array.data_type() {
        DataType::Timestamp(unit, Some(_)) => to(&to(array, &DataType::Int64)?, &DataType::Timestamp(*unit, None))?,
        _ => ArrayRef::clone(array),
    };
    Ok(to(&array, &DataType::Utf8)?.as_string::<i32>().clone())
}

/// The rows of a batch so far.
struct Draft {
    schema: SchemaRef,
    columns: Vec<StringBuilder>,
    lines: Vec<u64>,
    bytes: usize,
}

impl Draft {
    fn new(export: &Export) -> Self {
        let columns = export.columns.iter().map(|_| StringBuilder::new()).collect();
        Self { schema: export.texts(), columns, lines: Vec::new(), bytes: 0 }
    }

    fn push(&mut self, column: usize, text: Option<&str>) {
        self.bytes += text.map_or(0, str::len);
        self.columns[column].append_option(text);
    }

    fn take(&mut self) -> Result<Batch> {
        let columns = self.columns.iter_mut().map(|column| Arc::new(column.finish()) as ArrayRef).collect();
        self.bytes = 0;
        let rows = RecordBatch::try_new(SchemaRef::clone(&self.schema), columns)?;
        Ok(Batch { rows, lines: std::mem::take(&mut self.lines) })
    }
}

/// Opens the place of an export, and reads the names of its columns.
fn opened((name, room): (&str, u64), table: &str, options: &Options) -> Result<(Source, Vec<String>)> {
    if ["sqlite:", "postgres:", "postgresql:", "mysql:"].iter().any(|scheme| name.starts_with(scheme)) {
        let (database, table) = name.rsplit_once('#').unwrap_or((name, table));
        let names = Loaded::open(database, options)?.columns(table)?;
        let source = Source::Database { name: database.to_owned(), table: table.to_owned(), options: options.clone() };
        return Ok((source, names));
    }
    let mut file = if name == "-" { kept(&mut io::stdin().lock(), room)? } else { named(Path::new(name), room)? };
    let mut start = [0; 4];
    let read = file.read(&mut start).map_err(unreadable)?;
    file.seek(SeekFrom::Start(0)).map_err(unreadable)?;
    if read == 4 && start == *b"PAR1" {
        let wrong = |error: parquet::errors::ParquetError| Error::new(Kind::Verification, error.to_string());
        let builder = ParquetRecordBatchReaderBuilder::try_new(file.try_clone().map_err(unreadable)?).map_err(wrong)?;
        let names = builder.schema().fields().iter().map(|field| field.name().clone()).collect();
        return Ok((Source::Parquet(file), names));
    }
    let mut records = Records::new(Unmarked { file: file.try_clone().map_err(unreadable)?, begun: false }, b',');
    if !records.next()? {
        return Err(Error::new(Kind::Verification, "the export is empty: it has not even the names of its columns"));
    }
    let mut names = Vec::new();
    for at in 0..records.len() {
        names.push(String::from_utf8_lossy(records.cell(at).0).trim().to_owned());
    }
    Ok((Source::Csv(file), names))
}

/// Opens a file that the user named; a pipe is kept, because a difference needs a second look.
fn named(path: &Path, room: u64) -> Result<File> {
    let io = |error| Error::io(path, error);
    let mut file = open_named(path).map_err(io)?;
    let metadata = file.metadata().map_err(io)?;
    if metadata.is_dir() {
        return Err(Error::usage(format!("`{}` is a folder, and an export is a file", path.display())));
    }
    if metadata.is_file() { Ok(file) } else { kept(&mut file, room) }
}

/// Copies what comes out of a pipe to a file without a name. A pipe that does not end would fill the disk: it is refused at the first line that
/// is longer than a record may be, such as those of `/dev/zero`, and where there is no more room.
fn kept(input: &mut impl Read, room: u64) -> Result<File> {
    let mut file =
        scratch().map_err(|error| Error::new(Kind::Io, format!("no temporary file for the export: {error}")))?;
    // Parquet has no lines: its first four bytes tell it.
    let mut start = Vec::new();
    input.by_ref().take(4).read_to_end(&mut start).map_err(unreadable)?;
    let lines = start != *b"PAR1";
    let mut rest = start.as_slice().chain(input);
    let (mut block, mut line, mut taken) = (vec![0; 1 << 16], 0, 0);
    loop {
        let read = match rest.read(&mut block) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(unreadable(error)),
        };
        let after = block[..read].iter().rposition(|byte| *byte == b'\n').map(|end| read - end - 1);
        line = after.unwrap_or(line + read);
        if lines && line > MOST_RECORD {
            return Err(Error::new(Kind::Verification, "a line has more than 64 MiB: is the export CSV or Parquet?"));
        }
        taken += read as u64;
        if taken > room {
            let message = format!("the pipe has given more than {room} bytes: does it end?");
            return Err(
                Error::new(Kind::Verification, message).hint("--max-pipe BYTES takes more, a file has no limit")
            );
        }
        file.write_all(&block[..read]).map_err(unreadable)?;
    }
    file.flush().map_err(unreadable)?;
    file.seek(SeekFrom::Start(0)).map_err(unreadable)?;
    Ok(file)
}

fn unreadable(error: io::Error) -> Error {
    Error::new(Kind::Io, format!("the export cannot be read: {error}"))
}

fn within(error: Error, name: &str) -> Error {
    #[cfg(any(feature = "cli", feature = "mysql", feature = "postgres"))]
    let shown = crate::target::secret::without_password(name).map_or_else(|| name.to_owned(), |(plain, _)| plain);
    // Without clients of databases a name has no password.
    #[cfg(not(any(feature = "cli", feature = "mysql", feature = "postgres")))]
    let shown = name.to_owned();
    let hint = error.hint_text().map(str::to_owned);
    Error::new(error.kind(), format!("`{shown}`: {}", error.message())).maybe_hint(hint)
}

/// A file without the mark that some programs write before UTF-8.
struct Unmarked {
    file: File,
    begun: bool,
}

impl Read for Unmarked {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if !self.begun {
            self.begun = true;
            self.file.seek(SeekFrom::Start(0))?;
            let mut mark = [0; 3];
            let read = self.file.read(&mut mark)?;
            let skip = if read == 3 && mark == *b"\xEF\xBB\xBF" { 3 } else { 0 };
            self.file.seek(SeekFrom::Start(skip))?;
        }
        self.file.read(out)
    }
}
