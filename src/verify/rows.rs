//! The rows: of the right types, as many as there should be, and with the logical digest of the manifest.

use std::collections::BTreeMap;
use std::path::Path;

use rayon::prelude::*;

use super::{Finding, Findings, Report};
use crate::digest::RowSum;
use crate::error::{Kind, Result};
use crate::folder::manifest::StoredManifest;
use crate::folder::{FileEntry, below};
use crate::format::read::{BATCH, Rows};
use crate::format::write::Canonical;

/// The rows of each file that could be read to its end, by its path.
pub(super) type Counts = BTreeMap<String, u64>;

/// Reads every file once.
pub(super) fn check(folder: &Path, made: &[StoredManifest], findings: &Findings, report: &mut Report) -> Counts {
    let files = made.par_iter().flat_map(|one| one.manifest.files.par_iter().map(move |file| (one, file)));
    let counts: Counts = files
        .filter_map(|(one, file)| match sum(folder, one, file) {
            Ok(sum) => {
                let place = |finding: Finding| finding.file(&file.path).table(&file.table);
                if sum.rows != file.rows {
                    let message = format!("it has {} rows, the manifest says {}", sum.rows, file.rows);
                    findings.add(place(Finding::new("rows", message)));
                } else if sum.hex() != file.digest {
                    let message = "its rows are not those of the manifest: --replay all says which";
                    findings.add(place(Finding::new("digest", message)));
                }
                Some((file.path.clone(), sum.rows))
            }
            Err(error) => {
                // A file that is missing was told already.
                if error.kind() != Kind::Io {
                    let message = error.message().replace(&format!("`{}` ", below(folder, &file.path).display()), "");
                    findings.add(Finding::new("format", message).file(&file.path).table(&file.table));
                }
                None
            }
        })
        .collect();
    report.looked.push(format!("{} rows", counts.values().sum::<u64>()));
    counts
}

/// Opens a file of a run.
pub(super) fn open(folder: &Path, made: &StoredManifest, file: &FileEntry) -> Result<Rows> {
    let table = made.table(&file.table).ok_or_else(|| crate::error::Error::internal("a file of no table"))?;
    let (format, options) = made.manifest.format()?;
    Rows::open_below(folder, &file.path, format.name, &table.schema()?, &options)
}

fn sum(folder: &Path, made: &StoredManifest, file: &FileEntry) -> Result<RowSum> {
    let table = made.table(&file.table).ok_or_else(|| crate::error::Error::internal("a file of no table"))?;
    let (canonical, mut rows) = (Canonical::new(&table.schema()?)?, open(folder, made, file)?);
    let mut sum = RowSum::default();
    while let Some(batch) = rows.next(BATCH)? {
        sum.merge(&canonical.sum(&batch)?);
    }
    Ok(sum)
}
