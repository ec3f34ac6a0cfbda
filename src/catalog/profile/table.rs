//! The text of one table of a profile.

use std::collections::BTreeMap;

use super::{Choices, Made, Names};
use crate::catalog::arrange::{Arrangement, Digit, Link, Pick, Role, words};
use crate::catalog::checks::render;
use crate::catalog::names::{mapped, snake};
use crate::catalog::toml_text::{comment, key, quoted};
use crate::catalog::values::{Definition, Scope, identifier};
use crate::catalog::{Catalog, Filled, Table};

/// The column in which remarks stand.
const MARGIN: usize = 88;

pub(super) struct Writer<'a> {
    pub(super) catalog: &'a Catalog,
    pub(super) at: usize,
    pub(super) arrangements: &'a [Arrangement],
    pub(super) tables: &'a [String],
    pub(super) columns: &'a [Vec<String>],
    pub(super) choices: &'a Choices,
}

impl Writer<'_> {
    fn table(&self) -> &Table {
        &self.catalog.tables[self.at]
    }

    fn own(&self) -> &Arrangement {
        &self.arrangements[self.at]
    }

    /// Writes the table, and notes in `made` what it needs and does not hold.
    pub(super) fn write(&self, made: &mut Made) -> String {
        let (table, name, names) = (self.table(), &self.tables[self.at], &self.columns[self.at]);
        let written: Vec<usize> =
            (0..table.columns.len()).filter(|column| self.own().roles[*column] != Role::LeftOut).collect();
        if written.is_empty() {
            return format!("\n# {} has no columns to fill\n", comment(&table.full_name()));
        }
        let columns = written.iter().map(|column| (*column, names[*column].clone())).collect();
        made.tables.push(Names { at: self.at, table: name.clone(), columns });
        let links = self.link_names();
        let scope = Scope { table, at: self.at, arrangement: self.own(), names, links: &links, choices: self.choices };
        let other = |link: usize, column: usize| self.columns[self.own().links[link].target][column].clone();
        let definitions: Vec<Definition> = written.iter().map(|column| scope.define(*column, &other)).collect();

        let mut text = self.header();
        self.references(&scope, &definitions, &mut text, made);
        text.push_str(&format!("\n[tables.{}.columns]\n", key(name)));
        for (column, definition) in (0..table.columns.len())
            .filter_map(|column| {
                if let Ok(at) = written.binary_search(&column) {
                    return Some((column, &definitions[at]));
                }
                let decl = &table.columns[column];
                text.push_str(&format!(
                    "# {}: {}, computed by the database\n",
                    comment(&decl.name),
                    comment(&decl.written)
                ));
                None
            })
            .collect::<Vec<_>>()
        {
            self.column(column, definition, &mut text, made);
        }
        self.checks(&scope, &mut text, made);
        text
    }

    fn header(&self) -> String {
        let (table, own) = (self.table(), self.own());
        let mut text = String::from("\n");
        if !self.tables[self.at].eq_ignore_ascii_case(&table.full_name()) {
            text.push_str(&format!("# in the database: {}\n", comment(&table.full_name())));
        }
        for note in own.notes.iter().chain(&table.notes) {
            text.push_str(&format!("# {}\n", comment(note)));
        }
        for unique in table.unique.iter().filter(|unique| unique.len() > 1) {
            let names: Vec<&str> = unique.iter().map(|column| table.columns[*column].name.as_str()).collect();
            text.push_str(&format!("# UNIQUE ({})\n", comment(&names.join(", "))));
        }
        text.push_str(&format!("[tables.{}]\n", key(&self.tables[self.at])));
        if !table.about.is_empty() {
            text.push_str(&format!("about = {}\n", quoted(&comment(&table.about))));
        }
        let remark = if own.counted { "by the statistics of the database" } else { "a guess" };
        push(&mut text, &format!("rows  = {}", own.rows), remark);
        if !own.scales {
            push(&mut text, "scales = false", "a guess: a list that others look up");
        }
        text
    }

    /// The names of links: that of the only column without `_id`, or of the other table.
    fn link_names(&self) -> Vec<String> {
        let wanted: Vec<String> = self
            .own()
            .links
            .iter()
            .map(|link| match link.pairs.as_slice() {
                [(own, _)] => {
                    let name = snake(&self.table().columns[*own].name);
                    let short = ["_id", "_fk", "_key", "_no", "_code"].iter().find_map(|end| name.strip_suffix(end));
                    short.filter(|short| !short.is_empty()).unwrap_or(&name).to_owned()
                }
                _ => self.tables[link.target].clone(),
            })
            .collect();
        mapped(wanted.iter().map(String::as_str))
    }

    fn references(&self, scope: &Scope<'_>, definitions: &[Definition], text: &mut String, made: &mut Made) {
        let mut records: BTreeMap<&str, (&'static str, Option<&'static str>)> = BTreeMap::new();
        for definition in definitions {
            for (name, file, weight) in &definition.records {
                made.data.insert(file);
                records.insert(name, (file, *weight));
            }
        }
        let links = &self.own().links;
        if links.is_empty() && records.is_empty() {
            return;
        }
        text.push_str(&format!("\n[tables.{}.refs]\n", key(&self.tables[self.at])));
        for (nth, link) in links.iter().enumerate() {
            made.links.insert((self.tables[self.at].clone(), scope.links[nth].clone()), (self.at, link.key));
            made.read.extend(link.pairs.iter().map(|(own, _)| ((self.at, *own), link.key)));
            let line = format!("{} = {{ {} }}", key(&scope.links[nth]), self.link(scope, link).join(", "));
            push(text, &line, &words(self.table(), link.key));
        }
        for (name, (file, weight)) in records {
            let weight = weight.map_or_else(String::new, |weight| format!(", weight = {}", quoted(weight)));
            text.push_str(&format!("{} = {{ file = {}{weight} }}\n", key(name), quoted(file)));
        }
    }

    fn link(&self, scope: &Scope<'_>, link: &Link) -> Vec<String> {
        let target = quoted(&self.tables[link.target]);
        let mut keys = Vec::new();
        match &link.pick {
            Pick::Earlier => keys.push("pick = \"earlier\"".to_owned()),
            Pick::Tree => keys.extend([
                format!("table = {target}"),
                "pick = \"cycle\"".to_owned(),
                format!("at = {}", quoted("row // 8")),
            ]),
            Pick::Random => keys.push(format!("table = {target}")),
            Pick::Digit(digit) if *digit == Digit::ROW && link.target != self.at && self.smaller(link) => {
                keys.extend([format!("table = {target}"), "pick = \"same_row\"".to_owned()]);
            }
            Pick::Digit(digit) => keys.extend([
                format!("table = {target}"),
                "pick = \"cycle\"".to_owned(),
                format!("at = {}", quoted(&digit.expr())),
            ]),
        }
        for (own, column) in &link.matched {
            let column = &self.columns[link.target][*column];
            keys.push(format!("match.{} = {}", key(column), quoted(&scope.name(*own))));
        }
        if !link.matched.is_empty() {
            keys.push("fallback = \"none\"".to_owned());
        }
        let digit = matches!(link.pick, Pick::Digit(_) | Pick::Tree);
        let nullable = link.nullable && link.pairs.iter().all(|(own, _)| scope.nullable(*own));
        if nullable && !digit {
            keys.push("null = 0.1".to_owned());
        }
        keys
    }

    /// Tells whether the other table has at least as many rows.
    fn smaller(&self, link: &Link) -> bool {
        self.own().rows <= self.arrangements[link.target].rows
    }

    fn column(&self, column: usize, definition: &Definition, text: &mut String, made: &mut Made) {
        let (table, name) = (self.table(), &self.columns[self.at][column]);
        let decl = &table.columns[column];
        let mut keys: Vec<String> = definition.keys.iter().map(|(key, value)| format!("{key} = {value}")).collect();
        let alone = |unique: &Vec<usize>| unique.as_slice() == [column];
        if table.primary_key.contains(&column) {
            keys.push("key = true".to_owned());
        } else if table.unique.iter().any(alone) && !self.choices.nulls.contains(&(self.at, column)) {
            keys.push("unique = true".to_owned());
        }
        let kind = definition.guessed.and_then(|(_, kind)| kind);
        if let Some(kind) = kind {
            made.personal += 1;
            keys.push(format!("pii = {}", quoted(kind)));
        } else if table.primary_key.contains(&column) || matches!(self.own().roles[column], Role::Through { .. }) {
            keys.push("class = \"internal\"".to_owned());
        }
        if !decl.about.is_empty() {
            keys.push(format!("about = {}", quoted(&comment(&decl.about))));
        }
        let mut remarks = Vec::new();
        if !decl.name.eq_ignore_ascii_case(name) {
            remarks.push(format!("in the database: {}", decl.name));
        }
        let not_null = if decl.nullable { "" } else { " NOT NULL" };
        remarks.push(format!("{}{not_null}", decl.written));
        if let Some((about, _)) = definition.guessed {
            remarks.push(format!("guessed: {about}"));
        }
        remarks.extend(definition.notes.iter().cloned());
        if decl.filled == Filled::ByCounting {
            remarks.push("the database counts it too".to_owned());
        }
        if let Some(broken) = &definition.broken {
            remarks.push(format!("NOT HELD: {broken}"));
            made.broken.push(format!("{}.{}: {broken}", table.full_name(), decl.name));
        }
        push(text, &format!("{} = {{ {} }}", key(name), keys.join(", ")), &remarks.join("; "));
    }

    fn checks(&self, scope: &Scope<'_>, text: &mut String, made: &mut Made) {
        let (table, name) = (self.table(), &self.tables[self.at]);
        made.broken.extend(self.own().broken.iter().map(|broken| format!("{}: {broken}", table.full_name())));
        let mut lines = String::new();
        let named = |column: usize| (self.own().roles[column] != Role::LeftOut).then(|| scope.name(column));
        for (nth, check) in table.checks.iter().enumerate() {
            let id = match &check.name {
                Some(name) if !made.checks.contains_key(&(self.tables[self.at].clone(), plain(name))) => plain(name),
                _ => format!("check {}", nth + 1),
            };
            let at = (self.at, nth);
            let about = comment(&format!("CHECK ({})", check.condition));
            made.checks.insert((name.clone(), id.clone()), at);
            if self.choices.broken.contains(&at) {
                made.broken.push(format!("{}: {about}", table.full_name()));
            }
            let known = self.choices.comments.contains(&at);
            let that = if known { None } else { render(&check.condition, table, &named) };
            if that.is_none() && !known {
                made.unsaid.push(at);
            }
            match that {
                Some(that) => lines.push_str(&format!(
                    "{} = {{ about = {}, that = {}, null = \"passes\" }}\n",
                    key(&id),
                    quoted(&about),
                    quoted(&that)
                )),
                None => lines.push_str(&format!("# not in the words of a profile: {about}\n")),
            }
        }
        for link in self.own().links.iter().filter(|link| !link.matched.is_empty()) {
            for (own, _) in link.pairs.iter().filter(|(own, _)| !table.columns[*own].nullable) {
                let column = &self.columns[self.at][*own];
                let id = format!("{column} is there");
                lines.push_str(&format!(
                    "{} = {{ about = \"a row matches\", that = {} }}\n",
                    key(&id),
                    quoted(&format!("{} IS NOT NULL", identifier(column)))
                ));
            }
        }
        if !lines.is_empty() {
            text.push_str(&format!("\n[tables.{}.checks]\n{lines}", key(name)));
        }
    }
}

/// The id of a check: its name without signs that a path could mistake.
fn plain(name: &str) -> String {
    let plain: String =
        name.chars().map(|c| if c.is_alphanumeric() || c == '_' || c == '-' { c } else { '_' }).collect();
    if plain.is_empty() { "check".to_owned() } else { plain }
}

/// Adds a line with a remark behind it.
fn push(text: &mut String, line: &str, remark: &str) {
    let space = " ".repeat(MARGIN.saturating_sub(line.chars().count()).max(2));
    text.push_str(line);
    if !remark.is_empty() {
        text.push_str(&format!("{space}# {}", comment(remark)));
    }
    text.push('\n');
}
