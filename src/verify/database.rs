//! Checks whether a database still holds what loads wrote: counts, logical digests, foreign keys, and a sample of chunks derived
//! again.
//!
//! The digest of a table is compared with the ledger's, and of a derived chunk with that of the ledger: what the ledger says and the
//! table holds follows from the profile then.

use std::collections::BTreeSet;

use super::{Finding, Findings, Given, Report, Sample, made_again};
use crate::dataset::{DataSet, TreeShare};
use crate::error::Result;
use crate::folder::manifest::{Manifest, TableEntry};
use crate::format::write::Canonical;
use crate::format::write::datapackage::TableFile;
use crate::order::{parallel, pool};
use crate::target::database::{self, Connection, Entry, Ledger, Load, Options, Sql, Table, sums};

/// A request to verify a database.
pub struct Request<'a> {
    /// The database, such as `sqlite:staging.db`.
    pub database: &'a str,
    /// The options by which it is reached.
    pub options: &'a Options,
    /// Counts and foreign keys alone.
    pub quick: bool,
    /// Which chunks are derived again.
    pub sample: Sample,
    /// What the manifests do not tell.
    pub given: Given<'a>,
    /// Worker threads.
    pub threads: usize,
}

/// Looks at the loads of a database.
///
/// # Errors
///
/// If the database cannot be read. What is wrong with its content is no error but a finding.
pub fn verify(request: &Request<'_>) -> Result<Report> {
    let server = database::server(request.database, request.options)?;
    let (mut connection, sql) = (server.look()?, server.sql());
    let (findings, mut report) = (Findings::default(), Report::default());
    let mut ledger = Ledger::new(connection.as_mut(), sql);
    let loads = if ledger.exists()? { ledger.loads()? } else { Vec::new() };
    if loads.is_empty() {
        findings.add(Finding::new("ledger", "the database has no load of placebo"));
    }
    let shared = shared(&loads)?;
    for load in &loads {
        one(request, connection.as_mut(), sql, load, &shared, &findings, &mut report)?;
    }
    (report.findings, report.more) = findings.into_parts();
    Ok(report)
}

/// The tables that several loads write to.
fn shared(loads: &[Load]) -> Result<BTreeSet<String>> {
    let (mut once, mut shared) = (BTreeSet::new(), BTreeSet::new());
    for load in loads {
        for table in Manifest::parse(&load.recipe)?.tables {
            if !once.insert(table.name.clone()) {
                shared.insert(table.name);
            }
        }
    }
    Ok(shared)
}

fn one(
    request: &Request<'_>,
    connection: &mut dyn Connection,
    sql: &'static Sql,
    load: &Load,
    shared: &BTreeSet<String>,
    findings: &Findings,
    report: &mut Report,
) -> Result<()> {
    let Some(text) = &load.manifest else {
        let message = format!("the load of the profile `{}` is not complete", load.profile);
        findings.add(Finding::new("ledger", format!("{message}: the command that began it continues it")));
        return Ok(());
    };
    let manifest = Manifest::parse(text)?;
    let entries = Ledger::new(connection, sql).entries(&load.id)?;
    let told = sums(&entries);
    let there = connection.tables()?;
    let (mut rows, mut digests) = (0, 0_u64);
    for table in &manifest.tables {
        let finding = |rule: &str, message: String| findings.add(Finding::new(rule, message).table(&table.name));
        let own = told.get(table.name.as_str()).copied().unwrap_or_default();
        if (own.rows, own.hex()) != (table.rows, table.digest.clone()) {
            finding("ledger", "the ledger has other rows than the manifest".to_owned());
        }
        if !there.iter().any(|known| known.name == table.name) {
            finding("tables", "the table is missing".to_owned());
            continue;
        }
        let count = connection.count(&table.name, sql)?;
        rows += count.min(table.rows);
        if shared.contains(&table.name) {
            report.notes.push(format!("`{}` has rows of several loads: its digest was not compared", table.name));
        } else if count < table.rows {
            finding("rows", format!("{count} rows are there in place of {}", table.rows));
        } else if count > table.rows {
            let more = count - table.rows;
            report.notes.push(format!("`{}` has {more} rows of others: its digest was not compared", table.name));
        } else if !request.quick {
            let schema = table.schema()?;
            match database::sum(connection, &database::select(&table.name, &schema, sql, ""), &schema) {
                Ok(sum) if sum.hex() == table.digest => digests += 1,
                Ok(_) => finding("digest", "the rows are other ones than were loaded".to_owned()),
                Err(failure) => finding("digest", failure.error.to_string()),
            }
        }
    }
    let keys = references(connection, sql, &manifest.tables, &there, findings)?;
    report.looked.push(format!("{} tables of `{}`", manifest.tables.len(), manifest.profile));
    report.looked.push(format!("{rows} rows"));
    report.looked.push(format!("{keys} foreign keys"));
    if !request.quick {
        report.looked.push(format!("{digests} digests"));
        replay(request, &manifest, &entries, findings, report)?;
    }
    Ok(())
}

/// Looks for rows that refer to no row, and gives the number of foreign keys.
fn references(
    connection: &mut dyn Connection,
    sql: &Sql,
    tables: &[TableEntry],
    there: &[Table],
    findings: &Findings,
) -> Result<usize> {
    let (q, mut keys) = (sql.quoted, 0);
    let is_there = |name: &str| there.iter().any(|table| table.name == name);
    for entry in tables.iter().filter(|entry| is_there(&entry.name)) {
        let (name, about, schema) = (entry.name.clone(), String::new(), entry.schema()?);
        let table = TableFile { name, about, schema, checks: Vec::new(), paths: Vec::new(), format: "" };
        for reference in table.references() {
            if !tables.iter().any(|other| other.name == reference.table) || !is_there(reference.table) {
                continue;
            }
            keys += 1;
            let present: Vec<String> =
                reference.columns.iter().map(|column| format!("c.{} IS NOT NULL", q(column))).collect();
            let pairs = reference.columns.iter().zip(&reference.keys);
            let equal: Vec<String> = pairs.map(|(column, key)| format!("p.{} = c.{}", q(key), q(column))).collect();
            let select = format!(
                "SELECT count(*) FROM {} c WHERE {} AND NOT EXISTS (SELECT 1 FROM {} p WHERE {})",
                q(&entry.name),
                present.join(" AND "),
                q(reference.table),
                equal.join(" AND ")
            );
            let orphans = connection.number(&select, &[])?;
            if orphans > 0 {
                let message = format!("{orphans} rows refer to no row of `{}`", reference.table);
                let column = reference.columns.join(", ");
                findings.add(Finding::new("foreign key", message).table(&entry.name).column(&column));
            }
        }
    }
    Ok(keys)
}

/// Derives a sample of the chunks of the ledger again, and compares their digests.
fn replay(
    request: &Request<'_>,
    manifest: &Manifest,
    entries: &[Entry],
    findings: &Findings,
    report: &mut Report,
) -> Result<()> {
    let set = match made_again(manifest, None, request.given) {
        Ok(set) => set,
        Err(error) => {
            report.notes.push(format!("no chunk was derived again: {}", error.message()));
            return Ok(());
        }
    };
    if set.protection().settings.random_nonce {
        report.notes.push("nonces are random: no chunk was derived again".to_owned());
        return Ok(());
    }
    let (mut chunks, mut sample) = (0_u64, Vec::new());
    for share in set.trees() {
        let of_tree = entries.iter().filter(|entry| entry.tree == share.name);
        let mut ranges: Vec<_> = of_tree.map(|entry| (entry.rows.start, entry.rows.end)).collect();
        ranges.dedup();
        chunks += ranges.len() as u64;
        let rows = ranges.into_iter().map(|(start, end)| start..end);
        sample.extend(
            rows.filter(|rows| request.sample.has(&share.name, rows, &share.rows)).map(|rows| (share.clone(), rows)),
        );
    }
    report.looked.push(format!("{} of {chunks} chunks derived again", sample.len()));
    let mut next = sample.into_iter();
    parallel(
        &pool(request.threads)?,
        &|| Ok(()),
        || Ok(next.next()),
        |_, (share, rows)| compare(&set, &share, rows, entries, findings),
    )
}

fn compare(
    set: &DataSet,
    share: &TreeShare,
    rows: std::ops::Range<u64>,
    entries: &[Entry],
    findings: &Findings,
) -> Result<()> {
    let made = set.chunk(share, rows.clone())?;
    for (id, batch) in made.batches {
        let output = set.output(id);
        let sum = Canonical::new(&output.schema)?.sum(&batch)?;
        let same = |entry: &&Entry| entry.tree == share.name && entry.rows == rows && entry.table == output.name;
        let told = entries.iter().find(same).map(|entry| entry.sum).unwrap_or_default();
        if sum != told {
            let message = format!(
                "the rows of chunk `{}` {}..{} do not follow from the profile",
                share.name, rows.start, rows.end
            );
            findings.add(Finding::new("replay", message).table(&output.name));
        }
    }
    Ok(())
}
