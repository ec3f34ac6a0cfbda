//! The files that are searched: cells as they read, decompressed pages, and bytes.

use std::fs;
use std::io::Read;
use std::path::Path;

use arrow_array::{Array, RecordBatch};
use arrow_schema::DataType;
use rayon::prelude::*;

use super::Place;
use crate::disk::open_below;
use crate::error::{Error, Result};
use crate::folder::manifest::{Manifest, StoredManifest, TableEntry};
use crate::folder::{answers_names, below};
use crate::format::read::{self, BATCH, Rows};
use crate::protect::texts::Texts;
use crate::scan::{Candidates, OVERLAP, Scanner, Search};
use crate::verify::Request;

/// The number of bytes read at a time.
const BLOCK: usize = 1 << 20;

/// Lists the files below the folder, and the candidates for protected values in each.
pub(super) fn read(
    request: &Request,
    manifests: &[StoredManifest],
    search: &Search,
) -> Result<(Vec<String>, Vec<Candidates<Place>>)> {
    let mut names = Vec::new();
    walk(&request.folder, "", &mut names)?;
    // What describes the columns has no values; the answer key has.
    let described = |name: &String| manifests.iter().any(|one| describes(&one.manifest, name));
    names.retain(|name| !described(name));
    names.sort();
    let candidates = names.par_iter().map(|name| one(&request.folder, name, manifests, search));
    let candidates = candidates.collect::<Result<Vec<_>>>()?;
    Ok((names, candidates))
}

/// Tells whether a file describes the columns of a run.
fn describes(manifest: &Manifest, name: &str) -> bool {
    let beside = manifest.beside.iter().any(|file| file.path == name);
    beside && !answers_names(manifest.part).iter().any(|answers| answers == name)
}

/// Collects the path of every regular file below a folder, with `/`. Links are not followed.
fn walk(folder: &Path, prefix: &str, found: &mut Vec<String>) -> Result<()> {
    let path = below(folder, prefix.trim_end_matches('/'));
    for entry in fs::read_dir(&path).map_err(|error| Error::io(&path, error))? {
        let entry = entry.map_err(|error| Error::io(&path, error))?;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        let kind = entry.file_type().map_err(|error| Error::io(entry.path(), error))?;
        if kind.is_dir() {
            walk(folder, &format!("{name}/"), found)?;
        } else if kind.is_file() {
            found.push(name);
        }
    }
    Ok(())
}

fn one(folder: &Path, name: &str, manifests: &[StoredManifest], search: &Search) -> Result<Candidates<Place>> {
    let mut scanner = search.scanner();
    let data = manifests.iter().find_map(|stored| {
        let file = stored.manifest.files.iter().find(|file| file.path == name)?;
        Some((stored, stored.table(&file.table)?))
    });
    if let Some((stored, table)) = data {
        cells((folder, name), stored, table, &mut scanner)?;
        // The cells of a text file are all its bytes.
        if !stored.manifest.format()?.0.binary {
            return Ok(scanner.finish());
        }
    }
    if bytes((folder, name), &mut scanner)? {
        read::pages(&below(folder, name), &mut |column, page| scanner.feed(page, &|_| Place::Page(column.to_owned())))?;
    }
    Ok(scanner.finish())
}

/// Scans every cell that can have a value in the clear. Encrypted cells are left out, because those were opened.
fn cells(
    (folder, name): (&Path, &str),
    stored: &StoredManifest,
    table: &TableEntry,
    scanner: &mut Scanner<'_, Place>,
) -> Result<()> {
    let schema = table.schema()?;
    let sealed = |name: &str| {
        let columns = stored.manifest.protection.iter().flat_map(|entry| &entry.columns);
        columns.into_iter().any(|it| it.is_sealed() && it.table == table.name && it.column == name)
    };
    let timeless = |ty: &DataType| !matches!(ty, DataType::Boolean | DataType::Date32 | DataType::Timestamp(..));
    let fields = schema.fields().iter().enumerate();
    let scanned = fields.filter(|(_, field)| !sealed(field.name()) && timeless(field.data_type()));
    let scanned: Vec<usize> = scanned.map(|(at, _)| at).collect();
    let (format, options) = stored.manifest.format()?;
    let (mut reader, mut first) = (Rows::open_below(folder, name, format.name, &schema, &options)?, 1);
    while let Some(batch) = reader.next(BATCH)? {
        for at in &scanned {
            column(&batch, *at, first, scanner)?;
        }
        first += batch.num_rows() as u64;
    }
    Ok(())
}

/// Scans the cells of one column; a value of a dictionary once.
fn column(batch: &RecordBatch, at: usize, first: u64, scanner: &mut Scanner<'_, Place>) -> Result<()> {
    let schema = batch.schema_ref();
    let place = |row: usize| Place::Cell(first + row as u64, schema.field(at).name().clone());
    let texts = Texts::new(batch.column(at))?;
    let mut seen = Vec::new();
    for row in 0..texts.len() {
        if let Texts::Coded(codes, values) = &texts {
            seen.resize(values.len(), false);
            let Some(seen) = codes.key(row).and_then(|key| seen.get_mut(key)) else { continue };
            if std::mem::replace(seen, true) {
                continue;
            }
        }
        if let Some(text) = texts.get(row) {
            scanner.feed(text.as_bytes(), &|_| place(row));
        }
    }
    Ok(())
}

/// Scans the bytes of a file block by block. True if it is a Parquet file.
fn bytes((folder, name): (&Path, &str), scanner: &mut Scanner<'_, Place>) -> Result<bool> {
    let io = |error| Error::io(below(folder, name), error);
    let mut file = open_below(folder, name).map_err(io)?;
    let (mut block, mut start, mut paged) = (Vec::with_capacity(BLOCK + OVERLAP), 0_u64, false);
    loop {
        let before = block.len();
        let read = Read::by_ref(&mut file).take(BLOCK as u64).read_to_end(&mut block);
        read.map_err(io)?;
        if block.len() == before {
            return Ok(paged);
        }
        paged |= start == 0 && block.starts_with(read::PAGED);
        scanner.feed(&block, &|at| Place::Byte(start + at as u64));
        let gone = block.len().saturating_sub(OVERLAP);
        block.drain(..gone);
        start += gone as u64;
    }
}
