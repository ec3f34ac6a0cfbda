//! Tables as a database has them, and whether the rows of a data set fit into them.

use arrow_schema::{DataType, SchemaRef};

use crate::dataset::Output;
use crate::error::{Error, Kind, Result, did_you_mean};
use crate::type_names::type_name;

/// A table of a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Table {
    pub(crate) name: String,
    pub(crate) columns: Vec<Column>,
    /// True if a foreign key of it is enforced row by row.
    pub(crate) foreign_keys: bool,
}

/// A column of a table of a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) name: String,
    /// The name of its type, that below a domain, in lower case and without its length, such as `int8`.
    pub(crate) kind: String,
    /// The type as the database prints it, such as `character varying(20)`.
    pub(crate) shown: String,
    pub(crate) nullable: bool,
    /// True if the database fills it in where a row does not.
    pub(crate) filled: bool,
    /// True if the database computes it, and takes no value.
    pub(crate) generated: bool,
}

impl Table {
    /// The tables of a catalogue's rows, in their order. A row is a column: table, column, type below a domain, type as shown,
    /// whether it may be null, is filled in, is computed, and whether foreign keys of the table are enforced; truth is `true` or `1`.
    ///
    /// # Errors
    ///
    /// If a row has another form.
    pub(crate) fn of_rows(rows: Vec<Vec<Option<String>>>) -> Result<Vec<Self>> {
        let wrong = || Error::internal("a row of the catalogue has another form");
        let is = |text: Option<String>| matches!(text.as_deref(), Some("true" | "1"));
        let mut all: Vec<Self> = Vec::new();
        for row in rows {
            let [name, column, kind, shown, nullable, filled, generated, foreign] =
                <[_; 8]>::try_from(row).map_err(|_| wrong())?;
            let name = name.ok_or_else(wrong)?;
            if all.last().is_none_or(|last| last.name != name) {
                all.push(Self { name, columns: Vec::new(), foreign_keys: is(foreign) });
            }
            // A table may have no columns.
            let (Some(column), Some(table)) = (column, all.last_mut()) else { continue };
            let (kind, shown) = (kind.ok_or_else(wrong)?, shown.ok_or_else(wrong)?);
            let (nullable, filled, generated) = (is(nullable), is(filled), is(generated));
            table.columns.push(Column { name: column, kind, shown, nullable, filled, generated });
        }
        Ok(all)
    }
}

/// A table that takes the rows of an output: the columns that are written, in their order.
#[derive(Debug, Clone)]
pub(crate) struct Receiver {
    pub(crate) table: String,
    /// All columns of the output.
    pub(crate) all: SchemaRef,
    /// The columns of the output, with those that the database computes left out.
    pub(crate) schema: SchemaRef,
    /// The columns of the table that they go into, in the same order; `None` for a table that has the types of its rows.
    pub(crate) columns: Option<Vec<Column>>,
    /// The places of the written columns in the rows of the output, if some are left out.
    pub(crate) places: Option<Vec<usize>>,
}

impl Receiver {
    /// A table that is made for an output.
    pub(crate) fn made(output: &Output) -> Self {
        let all = SchemaRef::clone(&output.schema);
        Self { table: output.name.clone(), schema: SchemaRef::clone(&all), all, columns: None, places: None }
    }

    /// A table that exists, matched to an output by the names of columns; `takes` tells whether a column can hold a type.
    ///
    /// # Errors
    ///
    /// If a column of the output is missing there, one of the table has no value and must have one, or types do not fit. All
    /// mismatches are told at once.
    pub(crate) fn matched(output: &Output, table: &Table, takes: impl Fn(&Column, &DataType) -> bool) -> Result<Self> {
        let (mut wrong, mut columns, mut places) = (Vec::new(), Vec::new(), Vec::new());
        for (place, field) in output.schema.fields().iter().enumerate() {
            let Some(column) = table.columns.iter().find(|column| column.name == *field.name()) else {
                let hint = did_you_mean(field.name(), table.columns.iter().map(|column| column.name.as_str()));
                let hint = hint.map_or_else(String::new, |hint| format!(" ({hint})"));
                wrong.push(format!("`{}` is missing there{hint}", field.name()));
                continue;
            };
            if column.generated {
                continue;
            }
            let (name, shown) = (&column.name, &column.shown);
            if !takes(column, field.data_type()) {
                wrong.push(format!("`{name}` is `{shown}` there, and the rows have {}", type_name(field.data_type())));
            }
            columns.push(column.clone());
            places.push(place);
        }
        let has = |column: &Column| output.schema.field_with_name(&column.name).is_ok();
        for column in table.columns.iter().filter(|column| !column.nullable && !column.filled && !column.generated) {
            if !has(column) {
                wrong.push(format!("`{}` must have a value there, and the rows have none", column.name));
            }
        }
        if !wrong.is_empty() {
            let message = format!("the table `{}` does not fit its rows: {}", output.name, wrong.join("; "));
            return Err(Error::new(Kind::Usage, message)
                .hint("change the profile or the table, or leave the table out with --tables"));
        }
        let all = SchemaRef::clone(&output.schema);
        let schema = SchemaRef::new(all.project(&places)?);
        let (table, columns, whole) = (output.name.clone(), Some(columns), places.len() == all.fields().len());
        Ok(Self { table, all, schema, columns, places: (!whole).then_some(places) })
    }
}
