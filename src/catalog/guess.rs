//! Guesses at the values of a column, from its name and type with the table `guesses.csv`.

use std::sync::LazyLock;

use regex::Regex;

use super::names::snake;
use super::{Column, Table, Type};

const FILE: &str = include_str!("guesses.csv");

/// A row of the table.
#[derive(Debug)]
pub(super) struct Guess {
    table: Option<Regex>,
    column: Regex,
    types: Vec<String>,
    /// The data files of the records, each as alias, file and column of weights.
    pub(super) files: Vec<(String, String, Option<String>)>,
    pub(super) value: Value,
    /// The longest value.
    pub(super) longest: Option<u32>,
    pub(super) unique: Unique,
    /// The kind of personal data.
    pub(super) kind: Option<String>,
    pub(super) about: String,
}

/// The source of the values.
#[derive(Debug, PartialEq)]
pub(super) enum Value {
    /// The name of a generator and its parameters: `phone = {}`.
    Generator(String),
    Expr(String),
    /// Numbers, or days after the end of the data.
    Between(i64, i64),
    ByType,
}

/// The way in which values become unique.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unique {
    /// The generator takes `unique = true`, together with these keys.
    Generator(String),
    /// They are.
    Row,
    No,
}

static GUESSES: LazyLock<Vec<Guess>> = LazyLock::new(|| {
    let mut reader = csv::ReaderBuilder::new().comment(Some(b'#')).from_reader(FILE.as_bytes());
    let rows = reader.records().filter_map(Result::ok).map(|record| parse(&record.iter().collect::<Vec<_>>()));
    rows.flatten().collect()
});

/// Reads a row of the table. `None` if it is none, which a test rules out.
fn parse(fields: &[&str]) -> Option<Guess> {
    let [table, column, types, files, value, longest, unique, kind, about] = fields else { return None };
    let file = |text: &str| {
        let (alias, file) = text.split_once('=')?;
        let (file, weight) = file.split_once(':').map_or((file, None), |(file, weight)| (file, Some(weight)));
        Some((alias.to_owned(), file.to_owned(), weight.map(str::to_owned)))
    };
    let value = match value.split_once(' ') {
        Some(("gen", rest)) => Value::Generator(rest.to_owned()),
        Some(("expr", rest)) => Value::Expr(rest.to_owned()),
        Some(("between", rest)) => {
            let (low, high) = rest.split_once(' ')?;
            Value::Between(low.parse().ok()?, high.parse().ok()?)
        }
        _ => Value::ByType,
    };
    Some(Guess {
        table: if table.is_empty() { None } else { Some(Regex::new(&format!("(^|_)({table})s?(_|$)")).ok()?) },
        column: match column.strip_prefix('^') {
            Some(whole) => Regex::new(&format!("^(?:{whole})$")).ok()?,
            None => Regex::new(&format!("^(?:(.+?)_)??(?:{column})$")).ok()?,
        },
        types: types.split(' ').map(str::to_owned).collect(),
        files: files.split(' ').filter(|text| !text.is_empty()).map(file).collect::<Option<_>>()?,
        value,
        longest: longest.parse().ok(),
        unique: match *unique {
            "row" => Unique::Row,
            "-" => Unique::No,
            keys => Unique::Generator(keys.strip_prefix("gen")?.trim().to_owned()),
        },
        kind: (*kind != "-").then(|| (*kind).to_owned()),
        about: (*about).to_owned(),
    })
}

/// A guess at a column, with the words before those that it knows: `billing` of `billing_city`.
pub(super) struct Guessed {
    pub(super) guess: &'static Guess,
    pub(super) before: String,
}

impl Guessed {
    /// The meaning of the column, and its kind of personal data.
    pub(super) fn said(&self) -> (&'static str, Option<&'static str>) {
        (&self.guess.about, self.guess.kind.as_deref())
    }
}

/// Guesses what a column holds. `None` if its name says nothing, or nothing that fits its type and length.
pub(super) fn guess(table: &Table, column: &Column, longest: Option<u32>) -> Option<Guessed> {
    let ty = match &column.ty {
        Type::Text { .. } => "text",
        Type::Integer { .. } | Type::Decimal { .. } | Type::Double => "number",
        Type::Date | Type::Timestamp => "time",
        Type::Network => "network",
        Type::Mac => "mac",
        _ => return None,
    };
    let (table, column) = (snake(&table.name), snake(&column.name));
    GUESSES.iter().filter(|guess| guess.types.iter().any(|known| known == ty)).find_map(|guess| {
        if guess.table.as_ref().is_some_and(|of| !of.is_match(&table)) {
            return None;
        }
        let found = guess.column.captures(&column)?;
        let short = longest.zip(guess.longest).is_some_and(|(fits, longest)| fits < longest);
        if short && ty == "text" {
            return None;
        }
        Some(Guessed { guess, before: found.get(1).map_or_else(String::new, |words| words.as_str().to_owned()) })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Filled;

    fn guessed(table: &str, column: &str, ty: Type) -> Option<&'static str> {
        let table = Table { name: table.to_owned(), ..Table::default() };
        let longest = if let Type::Text { longest } = ty { longest } else { None };
        let column = Column {
            name: column.to_owned(),
            ty,
            written: String::new(),
            nullable: true,
            default: None,
            filled: Filled::ByRow,
            about: String::new(),
        };
        guess(&table, &column, longest).map(|guessed| guessed.guess.about.as_str())
    }

    #[test]
    fn every_row_of_the_table_is_read() {
        let rows = FILE.lines().filter(|line| !line.starts_with('#')).count() - 1;
        assert_eq!(GUESSES.len(), rows);
        for guess in GUESSES.iter() {
            assert!(guess.kind.as_deref().is_none_or(|kind| crate::kinds::find(kind).is_some()), "{guess:?}");
            for (_, file, weight) in &guess.files {
                let files = crate::profile::Files::Embedded("common");
                let text = files.read(&format!("data/{file}")).expect("reads").expect("a file");
                let text = String::from_utf8(text).expect("text");
                let header = text.lines().find(|line| !line.starts_with('#')).unwrap_or_default();
                assert!(weight.as_ref().is_none_or(|weight| header.contains(weight.as_str())), "{file}");
            }
        }
    }

    #[test]
    fn names_are_understood() {
        let text = |longest| Type::Text { longest };
        for (table, column, ty, expected) in [
            ("customer", "FirstName", text(Some(40)), Some("given name")),
            ("customer", "Email", text(Some(60)), Some("e-mail address")),
            ("customer", "work_email", text(None), Some("e-mail address")),
            ("customer", "BillingCity", text(Some(40)), Some("city")),
            ("customer", "ssn", text(Some(9)), Some("US social security number")),
            ("customer", "ssn", text(Some(5)), None),
            ("employees", "BirthDate", Type::Timestamp, Some("day of birth")),
            ("employees", "name", text(None), Some("name of a person")),
            ("genre", "name", text(None), None),
            ("film", "capacity", text(None), None),
            ("film", "email", Type::Date, None),
            ("x", "card_number", text(Some(19)), Some("card number")),
        ] {
            assert_eq!(guessed(table, column, ty), expected, "{table}.{column}");
        }
    }
}
