//! The tables that a load makes, fills or drops, by its mode and by what is there.

use super::{DatabaseTarget, refused};
use crate::dataset::DataSet;
use crate::target::database::columns::Table;
use crate::target::database::connection::{Attempt, Connection};
use crate::target::database::ledger::{Ledger, Load};
use crate::target::database::options::Mode;

impl DatabaseTarget<'_> {
    /// The tables that a new load makes; the others are there and may be filled.
    pub(super) fn to_make(
        &self,
        set: &DataSet,
        connection: &mut dyn Connection,
        tables: &[Table],
    ) -> Attempt<Vec<String>> {
        let names: Vec<String> = set.outputs().iter().map(|output| output.name.clone()).collect();
        let there = |name: &String| tables.iter().any(|table| table.name == *name);
        let (present, missing): (Vec<String>, Vec<String>) = names.iter().cloned().partition(there);
        let earlier = self.earlier(connection)?;
        let made_before = |name: &String| earlier.iter().any(|load| load.made.contains(name));
        match self.options.mode {
            Mode::Replace => match present.iter().find(|name| !made_before(name)) {
                Some(name) => Err(refused(format!("the table `{name}` was not made by placebo, and is not dropped"))
                    .hint("--mode truncate removes the rows of earlier loads from tables that are there")
                    .into()),
                None => Ok(names),
            },
            Mode::Auto | Mode::Create if present.is_empty() => Ok(names),
            Mode::Create => {
                if present.iter().any(made_before) {
                    self.allow_empty(connection, &present, &earlier)?;
                }
                Err(refused(format!("the table `{}` is there", present[0]))
                    .hint("--mode append or truncate fills tables that are there; --schema NAME makes them elsewhere")
                    .into())
            }
            Mode::Append => all_there(&missing),
            Mode::Auto | Mode::Truncate => {
                self.allow_empty(connection, &present, &earlier)?;
                all_there(&missing)
            }
        }
    }

    /// Refuses tables that hold rows.
    fn allow_empty(&self, connection: &mut dyn Connection, present: &[String], earlier: &[Load]) -> Attempt<()> {
        for name in present {
            let first = format!("SELECT 1 FROM {} LIMIT 1", (self.server.sql().quoted)(name));
            if connection.query(&first, &[])?.is_empty() {
                continue;
            }
            let (what, hint) = match earlier.iter().find(|load| load.made.contains(name)).or(earlier.first()) {
                Some(Load { profile, .. }) => (
                    format!("the table `{name}` holds rows of other inputs, loaded from the profile `{profile}`"),
                    "--mode replace makes its tables again, --mode truncate removes its rows; or repeat the command that \
                     loaded them",
                ),
                None => (
                    format!("the table `{name}` holds rows that placebo did not write"),
                    "--mode append adds to them; --schema NAME makes tables elsewhere",
                ),
            };
            return Err(refused(what).hint(hint).into());
        }
        Ok(())
    }

    fn earlier(&self, connection: &mut dyn Connection) -> Attempt<Vec<Load>> {
        let mut ledger = Ledger::new(connection, self.server.sql());
        if ledger.exists()? { ledger.loads() } else { Ok(Vec::new()) }
    }

    /// Drops the tables of earlier loads that made a table of this data set, and removes these loads.
    pub(super) fn drop_earlier(&self, set: &DataSet, connection: &mut dyn Connection) -> Attempt<()> {
        let own = |name: &String| set.outputs().iter().any(|output| output.name == *name);
        let there = connection.tables()?;
        for load in self.earlier(connection)?.iter().filter(|load| load.made.iter().any(own)) {
            Ledger::new(connection, self.server.sql()).reopen(&load.id)?;
            let made = load.made.iter().filter(|name| there.iter().any(|table| table.name == **name));
            connection.drop_tables(&made.map(String::as_str).collect::<Vec<_>>())?;
            Ledger::new(connection, self.server.sql()).remove(&load.id, true)?;
        }
        Ok(())
    }
}

/// No table to make, as all of them are there.
fn all_there(missing: &[String]) -> Attempt<Vec<String>> {
    if missing.is_empty() {
        return Ok(Vec::new());
    }
    let names = missing.iter().take(5).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let more = if missing.len() > 5 { format!(" and {} more", missing.len() - 5) } else { String::new() };
    Err(refused(format!("some tables of the data set are missing there: {names}{more}"))
        .hint("--tables leaves tables out; --schema NAME makes all of them elsewhere")
        .into())
}
