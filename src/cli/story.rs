//! `placebo show --story`: one row of a root table and all that hangs from it, in order of time.

use arrow_array::cast::AsArray;
use arrow_array::{Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Field};

use crate::dataset::{DataSet, Only};
use crate::error::{Error, Result};
use crate::notes::{Key, Noted};
use crate::plan::Plan;
use crate::sql::as_text;

/// A row as a line: when, in which table, and what it says.
struct Event {
    /// A day or an instant as text; empty for a row that has none.
    at: String,
    table: String,
    says: String,
}

/// Tells the rows of a root row's tree, and of the rows with the same number in other root tables, a line each: first the rows
/// without a time, then the others in order of time.
///
/// # Errors
///
/// If the choice is not `TABLE=KEY` or there is no such row, or a value cannot be computed.
pub(super) fn tell(plan: Plan, choice: &str) -> Result<String> {
    let (table, key) = choice.split_once('=').ok_or_else(|| {
        Error::usage(format!("`--story {choice}` has no `=`")).hint("--story TABLE=KEY, such as --story patient=17")
    })?;
    // With all that it refers to, the same thing in other root tables is found; the rest of that is left out.
    let only = Only { table: table.to_owned(), key: key.to_owned(), with_parents: true };
    let set = DataSet::new(plan).only(&only)?;
    let own = |table: usize, row: usize| set.selection().is_some_and(|selection| selection.is_whole(table, row));
    let mut events = Vec::new();
    for output in set.outputs() {
        let mut start = 0;
        for batch in set.batches(&output.name)? {
            let batch = batch?;
            add(&output.name, &batch, |row| own(output.table, start + row), &mut events)?;
            start += batch.num_rows();
        }
    }
    // Rows of one time stay in the order of their tables.
    events.sort_by(|one, other| one.at.cmp(&other.at));
    let widest = |of: fn(&Event) -> &str| events.iter().map(|event| of(event).chars().count()).max().unwrap_or(0);
    let (at, name) = (widest(|event| &event.at), widest(|event| &event.table));
    let line = |event: &Event| format!("{:at$}  {:name$}  {}\n", event.at, event.table, event.says);
    Ok(events.iter().map(line).collect())
}

/// Adds those rows of a table that are the root row's own.
fn add(table: &str, batch: &RecordBatch, own: impl Fn(usize) -> bool, events: &mut Vec<Event>) -> Result<()> {
    let schema = batch.schema();
    let fields = schema.fields();
    let texts = batch.columns().iter().map(|column| Ok(as_text(column)?.as_string::<i32>().clone()));
    let texts: Vec<StringArray> = texts.collect::<Result<_>>()?;
    let times: Vec<usize> = (0..fields.len()).filter(|at| is_time(&fields[*at])).collect();
    for row in (0..batch.num_rows()).filter(|row| own(*row)) {
        let has = |at: &usize| !texts[*at].is_null(row);
        let when = times.iter().copied().find(has);
        let told = (0..fields.len()).filter(|at| Some(*at) != when && has(at) && tells(&fields[*at]));
        let told: Vec<String> =
            told.map(|at| format!("{}={}", fields[at].name(), shown(texts[at].value(row)))).collect();
        let at = when.map_or(String::new(), |at| minute(texts[at].value(row)));
        events.push(Event { at, table: table.to_owned(), says: told.join(" ") });
    }
    Ok(())
}

fn is_time(field: &Field) -> bool {
    matches!(field.data_type(), DataType::Date32 | DataType::Timestamp(..))
}

/// Tells whether a column says something of its row: keys and what a system notes for itself do not.
fn tells(field: &Field) -> bool {
    !field.is_primary_key() && field.note(Key::References).is_none() && field.note(Key::Class) != Some("internal")
}

/// Cuts the seconds off an instant.
fn minute(time: &str) -> String {
    time.get(..16).unwrap_or(time).replace('T', " ")
}

/// Shows a value so that its end is clear.
fn shown(value: &str) -> String {
    if value.is_empty() || value.contains(char::is_whitespace) { format!("{value:?}") } else { value.to_owned() }
}
