//! Foreign keys as `information_schema` has them, and the rows that break them.

use super::catalog;
use super::connection::Open;
use super::failure::name_at;
use super::types::quoted;
use crate::error::{Error, Result};
use crate::target::database::{self, Attempt, Connection, Value};

/// A foreign key of a table.
pub(super) struct ForeignKey {
    pub(super) name: String,
    pub(super) columns: Vec<String>,
    /// Database and name of the table that it refers to.
    pub(super) target: (String, String),
    pub(super) keys: Vec<String>,
}

/// The foreign keys of the rows of [`catalog::FOREIGN_KEYS`].
fn foreign_keys(rows: Vec<Vec<Option<String>>>) -> Result<Vec<ForeignKey>> {
    let mut all: Vec<ForeignKey> = Vec::new();
    for row in rows {
        let Ok([Some(name), Some(column), Some(schema), Some(table), Some(key)]) = <[_; 5]>::try_from(row) else {
            return Err(Error::internal("a row of the catalogue has another form"));
        };
        if all.last().is_none_or(|last| last.name != name) {
            all.push(ForeignKey { name, columns: Vec::new(), target: (schema, table), keys: Vec::new() });
        }
        if let Some(last) = all.last_mut() {
            last.columns.push(column);
            last.keys.push(key);
        }
    }
    Ok(all)
}

impl Open {
    /// The foreign keys of a table.
    pub(super) fn keys_of(&mut self, database: &str, table: &str) -> Attempt<Vec<ForeignKey>> {
        let rows = self.query(catalog::FOREIGN_KEYS, &[Value::Text(database), Value::Text(table)])?;
        Ok(foreign_keys(rows)?)
    }

    /// The foreign keys that reach tables of the schema, with the database of the table that has each.
    pub(super) fn references(&mut self) -> Attempt<Vec<(String, database::ForeignKey)>> {
        let database = self.place.database.clone();
        let rows = self.query(catalog::REFERENCES, &[Value::Text(&database)])?;
        let key = |row: Vec<Option<String>>| {
            let [Some(schema), Some(table), Some(references), Some(cascades)] = <[_; 4]>::try_from(row).ok()? else {
                return None;
            };
            Some((schema, database::ForeignKey { table, references, cascades: cascades == "1" }))
        };
        Ok(rows.into_iter().filter_map(key).collect())
    }

    /// Rows of a table that break a foreign key, in words; `None` if there are none.
    pub(super) fn broken(&mut self, (database, table): (&str, &str), key: &ForeignKey) -> Attempt<Option<String>> {
        let full = |(database, table): (&str, &str)| format!("{}.{}", quoted(database), quoted(table));
        let target = full((&key.target.0, &key.target.1));
        let columns: Vec<String> = key.columns.iter().map(|column| format!("c.{}", quoted(column))).collect();
        let there: Vec<String> = columns.iter().map(|column| format!("{column} IS NOT NULL")).collect();
        let same = columns.iter().zip(&key.keys).map(|(column, key)| format!("p.{} = {column}", quoted(key)));
        let select = format!(
            "SELECT count(*) FROM {} c WHERE {} AND NOT EXISTS (SELECT 1 FROM {target} p WHERE {})",
            full((database, table)),
            there.join(" AND "),
            same.collect::<Vec<_>>().join(" AND ")
        );
        let rows = self.number(&select, &[])?;
        Ok((rows > 0).then(|| format!("{rows} rows of `{table}` break the foreign key `{}`", key.name)))
    }

    /// Rows that break a foreign key which reaches a table of the schema, in words.
    pub(super) fn left_behind(&mut self) -> Attempt<Vec<String>> {
        let mut tables: Vec<(String, String)> =
            self.references()?.into_iter().map(|(schema, key)| (schema, key.table)).collect();
        tables.sort();
        tables.dedup();
        let mut found = Vec::new();
        for (schema, table) in tables {
            for key in self.keys_of(&schema, &table)? {
                if key.target.0 == self.place.database {
                    found.extend(self.broken((&schema, &table), &key)?);
                }
            }
        }
        Ok(found)
    }
}

/// The table, the name and the kind of the constraint that a statement of ours adds; `None` for any other statement.
pub(super) fn added(sql: &str) -> Option<(String, String, &'static str)> {
    let (table, rest) = name_at(sql.strip_prefix("ALTER TABLE ")?)?;
    let (name, rest) = name_at(rest.strip_prefix(" ADD CONSTRAINT ")?)?;
    let kind = [FOREIGN_KEY, "UNIQUE", "CHECK"].into_iter().find(|kind| rest.starts_with(&format!(" {kind} (")))?;
    Some((table, name, kind))
}

/// The kind of a foreign key.
pub(super) const FOREIGN_KEY: &str = "FOREIGN KEY";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constraints_that_are_added_are_known() {
        let added = |sql: &str| added(sql).map(|(table, name, kind)| format!("{table}|{name}|{kind}"));
        let sql = "ALTER TABLE `a``b` ADD CONSTRAINT `a``b.c` FOREIGN KEY (`c`) REFERENCES `p` (`id`)";
        assert_eq!(added(sql).as_deref(), Some("a`b|a`b.c|FOREIGN KEY"));
        let sql = "ALTER TABLE `a` ADD CONSTRAINT `x` UNIQUE (` FOREIGN KEY (`)";
        assert_eq!(added(sql).as_deref(), Some("a|x|UNIQUE"));
        for other in ["ALTER TABLE `a` COMMENT = ' ADD CONSTRAINT `x` UNIQUE ('", "DROP TABLE `a`"] {
            assert_eq!(added(other), None, "{other}");
        }
    }
}
