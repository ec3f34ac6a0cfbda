//! The profile of a catalog: its text, the data files that it needs, and what it does not hold.

mod table;

use std::collections::{BTreeMap, BTreeSet};

use super::Catalog;
use super::arrange::arrange;
use super::names::mapped;
use super::toml_text::{comment, quoted};

/// The largest file that is written, in bytes; a profile takes files of at most 1 MiB.
const MAX_FILE: usize = 900_000;

/// The results of a look at the rows of a profile, so that it is written again. Tables, columns and checks are positions.
#[derive(Debug, Clone, Default)]
pub struct Choices {
    /// Columns without values.
    pub(super) nulls: BTreeSet<(usize, usize)>,
    /// Columns with a value in every row.
    pub(super) filled: BTreeSet<(usize, usize)>,
    /// Columns whose values follow from their type alone.
    pub(super) plain: BTreeSet<(usize, usize)>,
    /// Foreign keys that are no references.
    pub(super) unlinked: BTreeSet<(usize, usize)>,
    /// Checks that are only a comment.
    pub(super) comments: BTreeSet<(usize, usize)>,
    /// Checks that the rows do not keep.
    pub(super) broken: BTreeSet<(usize, usize)>,
}

/// A profile that was made of a catalog.
#[derive(Debug, Clone)]
pub struct Made {
    /// The files by name, `profile.toml` first.
    pub files: Vec<(String, String)>,
    /// The data files of the module `common` that it reads.
    pub data: BTreeSet<&'static str>,
    /// The tables with their names, in the order of the catalog. One that has no columns to fill is not among them.
    pub tables: Vec<Names>,
    /// The constraints that the rows may break, each with the reason.
    pub broken: Vec<String>,
    /// The number of columns that were guessed to hold personal data.
    pub personal: usize,
    /// Checks for which profiles have no words, beside those that were chosen to be comments.
    pub(super) unsaid: Vec<(usize, usize)>,
    /// The names of references, each with the positions of its table and of its foreign key.
    pub(super) links: BTreeMap<(String, String), (usize, usize)>,
    /// The foreign keys that columns are read through, by the positions of table and column.
    pub(super) read: BTreeMap<(usize, usize), usize>,
    /// The ids of checks, each with the positions of its table and of the check.
    pub(super) checks: BTreeMap<(String, String), (usize, usize)>,
}

/// The names of a table and of its columns in the profile.
#[derive(Debug, Clone)]
pub struct Names {
    /// The position of the table in the catalog.
    pub at: usize,
    /// The name in the profile.
    pub table: String,
    /// The columns, each as its position in the table and its name in the profile. Columns that the database computes are not here.
    pub columns: Vec<(usize, String)>,
}

/// Writes the profile of a catalog. `source` says where the catalog is from, in words.
#[must_use]
pub fn write(name: &str, source: &str, catalog: &Catalog, choices: &Choices) -> Made {
    let arrangements = arrange(catalog, choices);
    // Tables of equal names in several schemas have the schema before their name.
    let twice = |table: &super::Table| {
        catalog.tables.iter().filter(|other| other.name.eq_ignore_ascii_case(&table.name)).count() > 1
    };
    let full: Vec<String> = catalog
        .tables
        .iter()
        .map(|table| if twice(table) { table.full_name().replace('.', "_") } else { table.name.clone() })
        .collect();
    let tables = mapped(full.iter().map(String::as_str));
    let columns: Vec<Vec<String>> =
        catalog.tables.iter().map(|table| mapped(table.columns.iter().map(|column| column.name.as_str()))).collect();
    let mut made = Made {
        files: Vec::new(),
        data: BTreeSet::new(),
        tables: Vec::new(),
        broken: Vec::new(),
        personal: 0,
        unsaid: Vec::new(),
        links: BTreeMap::new(),
        read: BTreeMap::new(),
        checks: BTreeMap::new(),
    };
    let mut parts: Vec<String> = vec![String::new()];
    for at in 0..catalog.tables.len() {
        let writer =
            table::Writer { catalog, at, arrangements: &arrangements, tables: &tables, columns: &columns, choices };
        let text = writer.write(&mut made);
        if parts.last().is_some_and(|part| !part.is_empty() && part.len() + text.len() > MAX_FILE) {
            parts.push(String::new());
        }
        if let Some(part) = parts.last_mut() {
            part.push_str(&text);
        }
    }
    let names: Vec<String> = (2..=parts.len()).map(|n| format!("tables_{n}")).collect();
    let mut text = head(name, source, catalog, &made);
    if !names.is_empty() {
        let list: Vec<String> = names.iter().map(|name| quoted(name)).collect();
        text.push_str(&format!("parts = [{}]\n", list.join(", ")));
    }
    let mut parts = parts.into_iter();
    text.push_str(&parts.next().unwrap_or_default());
    made.files.push(("profile.toml".to_owned(), text));
    made.files.extend(names.iter().map(|name| format!("{name}.toml")).zip(parts));
    made
}

/// The first lines of a profile.
fn head(name: &str, source: &str, catalog: &Catalog, made: &Made) -> String {
    let mut text = format!(
        "# Made of {} by `placebo new --from`: tables, columns, keys and checks; no row was read.\n\
         # Names are in lower case; where the database has another one, a remark says so.\n\
         # Lines with a guess say so: what a column holds follows from its name and type. Look at them first.\n\
         # `placebo check --strict {name}` lists the columns of which nobody has said yet whether they are personal.\n\
         # The language: docs/profiles.md; every key, generator and function: docs/reference.md.\n",
        comment(source)
    );
    for note in &catalog.notes {
        text.push_str(&format!("# {}\n", comment(note)));
    }
    if !made.broken.is_empty() {
        text.push_str("# NOT HELD, and for you to settle:\n");
        for broken in &made.broken {
            text.push_str(&format!("#   {}\n", comment(broken)));
        }
    }
    text.push_str(&format!(
        "name  = {}\ntitle = {}\nas_of = 2025-06-30                  # the day on which the data set ends; nothing reads the clock\n",
        quoted(name),
        quoted(&format!("The tables of {}", comment(source)))
    ));
    text
}
