//! The answer key as it is written beside the data and read again: `answers.json`, and `answers.csv` for people.

use std::collections::BTreeMap;

use arrow_buffer::i256;
use serde::{Deserialize, Serialize};

use crate::digest::{Buckets, RowSum};
use crate::error::{Error, Kind, Result};
use crate::part::Part;

/// The layout of the file.
const LAYOUT: u32 = 1;

/// The answers to the questions of a data set, or of one part of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnswerKey {
    /// The layout of this file.
    pub layout: u32,
    /// The profile's name.
    pub profile: String,
    /// The part of the run, such as `1/3`; `None` for the whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<Part>,
    /// The digests of the rows that a correct system holds, by table.
    pub tables: Vec<Held>,
    /// The answers.
    pub answers: Vec<Answer>,
    /// Columns and answers that are left out, because they read a protected column.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<LeftOut>,
}

/// The rows of a table that a correct system holds, as they are written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Held {
    /// The table.
    pub table: String,
    /// The columns of its key, by which its rows are in buckets.
    pub key: Vec<String>,
    /// How many rows.
    pub rows: u64,
    /// Their logical digest: [`RowSum::hex`].
    pub digest: String,
    /// The digest of each bucket: [`Buckets::text`].
    pub buckets: String,
}

/// An answer: a value for one group of rows of a table, in the world, in the files, and in a system that is correct.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// Its name.
    pub answer: String,
    /// The table.
    pub table: String,
    /// The expressions that make the groups.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dimension: Vec<String>,
    /// The value of each, for this group.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub value: Vec<Option<String>>,
    /// The measure.
    pub measure: String,
    /// The condition on the rows that count.
    #[serde(rename = "where", default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    /// The way in which the answers of several parts become one.
    pub merge: Merge,
    /// The value in the world; `None` for the least of nothing.
    pub clean: Option<String>,
    /// The value in the files.
    pub sent: Option<String>,
    /// The value in a correct system.
    pub accepted: Option<String>,
}

/// The way in which two values of an answer become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Merge {
    /// Numbers are added.
    Add,
    /// The least of two texts, dates or instants.
    Least,
    /// The greatest of two texts, dates or instants.
    Greatest,
    /// The least of two numbers.
    LeastNumber,
    /// The greatest of two numbers.
    GreatestNumber,
}

/// An answer that is not given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeftOut {
    /// The table.
    pub table: String,
    /// The name of the answer, or a column of which nothing is answered.
    pub answer: String,
    /// The protected column that it reads.
    pub protected: String,
}

impl LeftOut {
    pub(super) fn of(table: &str, answer: &str, protected: &str) -> Self {
        Self { table: table.to_owned(), answer: answer.to_owned(), protected: protected.to_owned() }
    }
}

impl Held {
    /// The rows of a table.
    #[must_use]
    pub fn new(table: &str, key: Vec<String>, rows: &Buckets) -> Self {
        let (digest, buckets) = (rows.sum.hex(), rows.text());
        Self { table: table.to_owned(), key, rows: rows.sum.rows, digest, buckets }
    }

    /// The digest of the rows, in buckets; `None` where it cannot be read.
    #[must_use]
    pub fn rows(&self) -> Option<Buckets> {
        Buckets::parse(RowSum::parse(self.rows, &self.digest)?, &self.buckets)
    }
}

impl AnswerKey {
    /// A key without an answer.
    #[must_use]
    pub fn new(profile: &str, part: Option<Part>) -> Self {
        let (tables, answers, left_out) = (Vec::new(), Vec::new(), Vec::new());
        Self { layout: LAYOUT, profile: profile.to_owned(), part, tables, answers, left_out }
    }

    /// The key as JSON with an answer a line.
    #[must_use]
    pub fn to_json(&self) -> String {
        let line = |value: &dyn erased::Line| value.line();
        let list = |lines: Vec<String>| match lines.is_empty() {
            true => "[]".to_owned(),
            false => format!("[\n    {}\n  ]", lines.join(",\n    ")),
        };
        let mut text = format!("{{\n  \"layout\": {},\n  \"profile\": {},\n", self.layout, line(&self.profile));
        if let Some(part) = &self.part {
            text += &format!("  \"part\": {},\n", line(part));
        }
        text += &format!("  \"tables\": {},\n", list(self.tables.iter().map(|one| line(one)).collect()));
        text += &format!("  \"answers\": {}", list(self.answers.iter().map(|one| line(one)).collect()));
        if !self.left_out.is_empty() {
            text += &format!(",\n  \"left_out\": {}", list(self.left_out.iter().map(|one| line(one)).collect()));
        }
        text + "\n}\n"
    }

    /// Reads a key.
    ///
    /// # Errors
    ///
    /// If the text is not exactly what [`AnswerKey::to_json`] writes.
    pub fn parse(text: &str) -> Result<Self> {
        let wrong = |what: String| Error::new(Kind::Verification, format!("the answer key {what}"));
        let read: Self = serde_json::from_str(text).map_err(|error| wrong(format!("cannot be read: {error}")))?;
        if read.layout != LAYOUT || read.to_json() != text || read.tables.iter().any(|table| table.rows().is_none()) {
            return Err(wrong("is not in the form that placebo writes".to_owned()).hint("it was changed afterwards"));
        }
        Ok(read)
    }

    /// The answers as CSV with a header. Several values of one group are joined by `/`; a `/` in a value is `\/`, a backslash
    /// `\\`, and a value that is null `\N`.
    #[must_use]
    pub fn to_csv(&self) -> String {
        let mut out = csv::WriterBuilder::new().from_writer(Vec::new());
        let mut write = |row: [&str; 8]| out.write_record(row).is_ok();
        let mut good = write(["answer", "table", "dimension", "value", "measure", "clean", "sent", "accepted"]);
        for one in &self.answers {
            let (dimension, value) = (one.dimension.join(","), one.group());
            let [clean, sent, accepted] =
                [&one.clean, &one.sent, &one.accepted].map(|cell| cell.as_deref().unwrap_or_default());
            good &= write([&one.answer, &one.table, &dimension, &value, &one.measure, clean, sent, accepted]);
        }
        debug_assert!(good);
        out.into_inner().ok().and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default()
    }

    /// Finds what a correct system holds of a table.
    #[must_use]
    pub fn table(&self, name: &str) -> Option<&Held> {
        self.tables.iter().find(|table| table.table == name)
    }

    /// Adds the answers of another part of the same run.
    ///
    /// # Errors
    ///
    /// If the parts have other questions, or a value is not one of its answer.
    pub fn merge(&mut self, other: &Self) -> Result<()> {
        let wrong = |what: &str| Error::new(Kind::Verification, format!("the answer keys of two parts {what}"));
        let keys = |key: &Self| key.tables.iter().map(|table| table.table.clone()).collect::<Vec<_>>();
        if keys(self) != keys(other) || self.left_out != other.left_out || self.profile != other.profile {
            return Err(wrong("are of different runs"));
        }
        for (own, other) in self.tables.iter_mut().zip(&other.tables) {
            let (Some(mut rows), Some(more)) = (own.rows(), other.rows()) else {
                return Err(wrong("have wrong digests"));
            };
            rows.merge(&more);
            *own = Held::new(&own.table, own.key.clone(), &rows);
        }
        let mut places: BTreeMap<_, usize> = BTreeMap::new();
        for (at, one) in self.answers.iter().enumerate() {
            places.insert(one.id(), at);
        }
        let places: Vec<Option<usize>> = other.answers.iter().map(|one| places.get(&one.id()).copied()).collect();
        for (one, place) in other.answers.iter().zip(places) {
            match place {
                Some(at) => self.answers[at].add(one).ok_or_else(|| wrong("have values that cannot be added"))?,
                None => self.answers.push(one.clone()),
            }
        }
        self.sort();
        self.part = None;
        Ok(())
    }
}

impl AnswerKey {
    /// Puts the answers in their order: by table, the rows first, then by name and group.
    pub(super) fn sort(&mut self) {
        let place: BTreeMap<String, usize> =
            self.tables.iter().enumerate().map(|(at, held)| (held.table.clone(), at)).collect();
        self.answers.sort_by(|one, other| {
            let place = |answer: &Answer| (place.get(&answer.table).copied(), answer.answer != "rows");
            place(one).cmp(&place(other)).then_with(|| one.id().cmp(&other.id()))
        });
    }
}

impl Answer {
    /// The parts that together tell it from all other answers.
    fn id(&self) -> (&str, &str, &[String], &str, &[Option<String>]) {
        (&self.table, &self.answer, &self.dimension, &self.measure, &self.value)
    }

    /// The values of the group as one text.
    #[must_use]
    pub fn group(&self) -> String {
        let escaped = |value: &Option<String>| {
            value.as_ref().map_or_else(|| "\\N".to_owned(), |text| text.replace('\\', "\\\\").replace('/', "\\/"))
        };
        self.value.iter().map(escaped).collect::<Vec<_>>().join("/")
    }

    fn add(&mut self, other: &Self) -> Option<()> {
        let merge = self.merge;
        let views =
            [(&mut self.clean, &other.clean), (&mut self.sent, &other.sent), (&mut self.accepted, &other.accepted)];
        for (own, other) in views {
            match (own.as_deref(), other.as_deref()) {
                (Some(one), Some(two)) => *own = Some(merge.of(one, two)?),
                (None, Some(two)) => *own = Some(two.to_owned()),
                (_, None) => {}
            }
        }
        Some(())
    }
}

impl Merge {
    fn of(self, one: &str, other: &str) -> Option<String> {
        match self {
            Merge::Least => return Some(one.min(other).to_owned()),
            Merge::Greatest => return Some(one.max(other).to_owned()),
            Merge::Add | Merge::LeastNumber | Merge::GreatestNumber => {}
        }
        let ((digits_of_one, scale), (digits_of_other, other_scale)) = (digits(one)?, digits(other)?);
        if scale != other_scale {
            return None;
        }
        Some(match self {
            Merge::Add => super::cell::decimal(digits_of_one.checked_add(digits_of_other)?, scale),
            Merge::LeastNumber if digits_of_one <= digits_of_other => one.to_owned(),
            Merge::GreatestNumber if digits_of_one >= digits_of_other => one.to_owned(),
            _ => other.to_owned(),
        })
    }
}

/// The digits of a decimal as an integer, and the number of its places.
fn digits(text: &str) -> Option<(i256, usize)> {
    let places = text.split_once('.').map_or(0, |(_, places)| places.len());
    let well = text.strip_prefix('-').unwrap_or(text).bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let digits = text.replacen('.', "", 1);
    well.then(|| i256::from_string(&digits)).flatten().map(|digits| (digits, places))
}

/// Values as one line of JSON.
mod erased {
    pub(super) trait Line {
        fn line(&self) -> String;
    }

    impl<T: serde::Serialize> Line for T {
        fn line(&self) -> String {
            serde_json::to_string(self).unwrap_or_default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(answers: &[(&str, &str, Merge, &str)]) -> AnswerKey {
        let mut key = AnswerKey::new("shop", None);
        key.tables.push(Held::new("item", vec!["id".to_owned()], &Buckets::default()));
        for (answer, value, merge, clean) in answers {
            let clean = Some((*clean).to_owned());
            key.answers.push(Answer {
                answer: (*answer).to_owned(),
                table: "item".to_owned(),
                dimension: vec!["colour".to_owned()],
                value: vec![Some((*value).to_owned())],
                measure: "m".to_owned(),
                filter: None,
                merge: *merge,
                sent: clean.clone(),
                accepted: clean.clone(),
                clean,
            });
        }
        key
    }

    #[test]
    fn parts_add_up_and_are_read_as_they_are_written() {
        let mut one = key(&[("sum", "red", Merge::Add, "1.50"), ("first", "red", Merge::Least, "2025-02-01")]);
        let other = key(&[
            ("sum", "blue", Merge::Add, "-3.00"),
            ("sum", "red", Merge::Add, "-2.75"),
            ("first", "red", Merge::Least, "2025-01-31"),
            ("low", "red", Merge::LeastNumber, "-10"),
        ]);
        one.merge(&other).expect("parts of one run");
        one.merge(&key(&[("low", "red", Merge::LeastNumber, "-9")])).expect("parts of one run");
        let seen: Vec<_> = one.answers.iter().map(|one| (one.group(), one.clean.clone().unwrap_or_default())).collect();
        let expected = [("red", "2025-01-31"), ("red", "-10"), ("blue", "-3.00"), ("red", "-1.25")];
        assert_eq!(seen, expected.map(|(group, value)| (group.to_owned(), value.to_owned())));
        assert_eq!(AnswerKey::parse(&one.to_json()).expect("reads"), one);
        assert!(AnswerKey::parse(&one.to_json().replace("-10", "-11 ")).is_ok());
        assert!(AnswerKey::parse(&one.to_json().replace("\"layout\": 1", "\"layout\": 2")).is_err());
        let wrong = key(&[("sum", "red", Merge::Add, "1.5.0")]);
        assert!(one.merge(&wrong).is_err());
    }

    #[test]
    fn groups_of_several_values_are_told_apart() {
        let mut one = key(&[("sum", "a/b\\", Merge::Add, "1")]).answers.remove(0);
        one.value.push(None);
        assert_eq!(one.group(), "a\\/b\\\\/\\N");
    }
}
