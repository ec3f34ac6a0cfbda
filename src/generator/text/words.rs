//! Filler text: words, sentences and paragraphs of plain English without a particular meaning.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, StringArray};
use arrow_schema::DataType;
use schemars::JsonSchema;
use serde::Deserialize;

use super::MAX_CELL;
use crate::arrays::texts;
use crate::error::Result;
use crate::generator::domain::Domain;
use crate::generator::record::in_field;
use crate::generator::{Fill, Generator, Origin, Params, Scope};
use crate::rng::Cell;

// source: own list, written for this project; neutral words of everyday English.
const NOUNS: &[&str] = &[
    "apple", "basket", "bell", "bench", "bird", "blanket", "boat", "book", "bottle", "branch", "bridge", "brook",
    "candle", "cart", "castle", "chair", "cloud", "coat", "corner", "cup", "curtain", "desk", "door", "drawer", "farm",
    "feather", "fence", "field", "fire", "flower", "forest", "fountain", "garden", "gate", "glass", "grass", "harbour",
    "hat", "hill", "horse", "house", "island", "jar", "kettle", "kitchen", "ladder", "lake", "lamp", "lantern", "leaf",
    "letter", "meadow", "mill", "mirror", "moon", "morning", "mountain", "orchard", "path", "pebble", "pencil",
    "picture", "pillow", "river", "road", "roof", "rope", "sail", "shadow", "shelf", "shore", "song", "spoon", "star",
    "stone", "street", "summer", "table", "tower", "train", "tree", "valley", "village", "wall", "water", "wheel",
    "window", "winter", "wood", "yard",
];
const ADJECTIVES: &[&str] = &[
    "blue", "brave", "bright", "broad", "brown", "calm", "clean", "clear", "cold", "cool", "curious", "deep", "dry",
    "early", "easy", "empty", "fair", "fine", "flat", "fresh", "gentle", "golden", "gray", "green", "heavy", "high",
    "kind", "large", "late", "light", "little", "long", "low", "mild", "narrow", "neat", "new", "old", "open", "pale",
    "plain", "quick", "quiet", "red", "round", "sharp", "short", "silver", "simple", "slow", "small", "smooth", "soft",
    "steady", "still", "strong", "tall", "thin", "warm", "white", "wide", "wooden", "yellow", "young",
];
const VERBS: &[&str] = &[
    "answers",
    "borders",
    "brings",
    "carries",
    "covers",
    "crosses",
    "finds",
    "follows",
    "greets",
    "guides",
    "holds",
    "joins",
    "keeps",
    "leaves",
    "lifts",
    "meets",
    "moves",
    "opens",
    "passes",
    "reaches",
    "remembers",
    "shows",
    "surrounds",
    "touches",
    "turns",
    "watches",
];
const ADVERBS: &[&str] = &[
    "again",
    "always",
    "early",
    "gently",
    "gladly",
    "later",
    "often",
    "once",
    "quickly",
    "quietly",
    "rarely",
    "slowly",
    "softly",
    "sometimes",
    "soon",
    "still",
    "today",
    "usually",
];
const PLACES: &[&str] = &[
    "above",
    "across from",
    "along",
    "around",
    "before",
    "behind",
    "below",
    "beside",
    "beyond",
    "inside",
    "near",
    "under",
];

/// Lower-case words with spaces between them.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Words {
    /// The least number of words, 1 to 200; 2 by default.
    #[serde(default)]
    min: Option<u32>,
    /// The greatest number of words, 1 to 200; 5 by default. A cell has at most 4,096 bytes.
    #[serde(default)]
    max: Option<u32>,
    /// A data file with the words; by default a short list of plain English.
    #[serde(default)]
    file: Option<String>,
    /// The file's column of words; its first column by default.
    #[serde(default)]
    column: Option<String>,
}

impl Params for Words {
    const NAME: &'static str = "words";
    const ORIGIN: Origin = Origin::Synthetic;
    const EXAMPLE: &'static str = "min = 2\nmax = 5";
    const DOMAINS: &'static [Domain] = &[
        Domain::number("min", 1.0, 200.0),
        Domain::number("max", 1.0, 200.0),
        Domain::up_to_or("min", "max", (Some(2.0), Some(5.0))),
    ];

    fn plan(self, scope: &mut dyn Scope) -> Result<Box<dyn Generator>> {
        let (min, max) = (self.min.unwrap_or(2), self.max.unwrap_or(5));
        let list = match (self.file, self.column) {
            (Some(file), column) => file_words(scope, &file, column.as_deref())?,
            (None, Some(_)) => return Err(scope.error("column", "a `column` needs a `file`".to_owned())),
            (None, None) => [NOUNS, ADJECTIVES].concat().into_iter().map(str::to_owned).collect(),
        };
        Ok(Box::new(Filler { form: Form::Words(list), min, max }))
    }
}

/// Reads the distinct words of a data file and refuses those that a spreadsheet would run as a formula.
fn file_words(scope: &mut dyn Scope, file: &str, column: Option<&str>) -> Result<Vec<String>> {
    let data = scope.data("file", file)?;
    let column = column.map_or_else(|| data.names().next().unwrap_or("").to_owned(), str::to_owned);
    let cells = data.column(&column).map_err(|error| in_field(scope, "column", &error))?;
    let cells = arrow_cast::cast(cells, &DataType::Utf8)?;
    let texts = texts(&cells);
    let words: Vec<String> = (0..cells.len()).filter_map(|i| texts.at(i)).map(str::to_lowercase).collect();
    if words.is_empty() {
        return Err(scope.error("column", format!("column `{column}` of `{file}` is empty")));
    }
    match words.iter().find(|word| word.starts_with(FORMULA) || word.len() > MAX_CELL / 4) {
        Some(word) if word.len() > MAX_CELL / 4 => {
            Err(scope.error("file", format!("a word in `{file}` has more than {} bytes", MAX_CELL / 4)))
        }
        Some(word) => Err(scope
            .error("file", format!("`{word}` in `{file}` would be a formula in a spreadsheet"))
            .hint("no word may start with `=`, `+`, `-`, `@`, a tab or a carriage return")),
        None => Ok(words),
    }
}

/// The first characters of a formula in a spreadsheet.
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// One plain English sentence without a particular meaning: `The old lamp watches the river.`
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Sentence {}

impl Params for Sentence {
    const NAME: &'static str = "sentence";
    const ORIGIN: Origin = Origin::Synthetic;
    const EXAMPLE: &'static str = "";

    fn plan(self, _: &mut dyn Scope) -> Result<Box<dyn Generator>> {
        Ok(Box::new(Filler { form: Form::Sentences, min: 1, max: 1 }))
    }
}

/// A few plain English sentences without a particular meaning.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Paragraph {
    /// The least number of sentences, 1 to 30; 3 by default.
    #[serde(default)]
    min: Option<u32>,
    /// The greatest number of sentences, 1 to 30; 6 by default.
    #[serde(default)]
    max: Option<u32>,
}

impl Params for Paragraph {
    const NAME: &'static str = "paragraph";
    const ORIGIN: Origin = Origin::Synthetic;
    const EXAMPLE: &'static str = "min = 2\nmax = 3";
    const DOMAINS: &'static [Domain] = &[
        Domain::number("min", 1.0, 30.0),
        Domain::number("max", 1.0, 30.0),
        Domain::up_to_or("min", "max", (Some(3.0), Some(6.0))),
    ];

    fn plan(self, _: &mut dyn Scope) -> Result<Box<dyn Generator>> {
        let (min, max) = (self.min.unwrap_or(3), self.max.unwrap_or(6));
        Ok(Box::new(Filler { form: Form::Sentences, min, max }))
    }
}

enum Form {
    Words(Vec<String>),
    Sentences,
}

struct Filler {
    form: Form,
    min: u32,
    max: u32,
}

impl Generator for Filler {
    fn data_type(&self) -> DataType {
        DataType::Utf8
    }

    fn fill(&self, fill: &Fill<'_>) -> Result<ArrayRef> {
        let column: StringArray = fill.text(|_, mut cell, out| {
            let count =
                if self.min == self.max { self.min } else { cell.between(self.min.into(), self.max.into()) as u32 };
            for _ in 0..count {
                let end = out.len();
                if end > 0 {
                    out.push(' ');
                }
                match &self.form {
                    Form::Words(list) => out.push_str(one(&mut cell, list)),
                    Form::Sentences => sentence(&mut cell, out),
                }
                if out.len() > MAX_CELL {
                    out.truncate(end);
                    break;
                }
            }
            Some(())
        });
        Ok(Arc::new(column))
    }
}

fn one<'a, T: AsRef<str>>(cell: &mut Cell, list: &'a [T]) -> &'a str {
    list.get(cell.below(list.len() as u64) as usize).map_or("", AsRef::as_ref)
}

/// Appends a sentence in one of a few forms.
fn sentence(cell: &mut Cell, out: &mut String) {
    let form = cell.below(6);
    let mut say = |words: &[&str]| words.iter().for_each(|word| out.push_str(word));
    match form {
        0 => say(&["The ", one(cell, ADJECTIVES), " ", one(cell, NOUNS), " ", one(cell, VERBS)]),
        1 => say(&["The ", one(cell, NOUNS), " ", one(cell, ADVERBS), " ", one(cell, VERBS)]),
        2 => say(&["Each ", one(cell, ADJECTIVES), " ", one(cell, NOUNS), " ", one(cell, VERBS)]),
        3 => say(&["This ", one(cell, NOUNS), " ", one(cell, VERBS)]),
        _ => {
            say(&[if form == 4 { "One " } else { "Every " }, one(cell, NOUNS), " ", one(cell, PLACES)]);
            say(&[" the ", one(cell, NOUNS), " ", one(cell, VERBS)]);
        }
    }
    say(&[" the ", one(cell, ADJECTIVES), " ", one(cell, NOUNS)]);
    if cell.below(2) == 0 {
        say(&[" ", one(cell, PLACES), " the ", one(cell, NOUNS)]);
    }
    say(&["."]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generator::testing::{Bed, plan_error, shown};

    #[test]
    fn no_cell_starts_a_formula_or_is_too_long() {
        let cases = [("words", "min = 1\nmax = 200"), ("sentence", ""), ("paragraph", "min = 1\nmax = 30")];
        for (name, toml) in cases {
            for cell in shown(&Bed::root(5_000).fill(name, toml).expect("a column")) {
                assert!(!cell.is_empty() && cell.len() <= MAX_CELL && !cell.starts_with(FORMULA), "{name}: {cell}");
            }
        }
    }

    #[test]
    fn sentences_start_large_and_end_with_a_stop() {
        for cell in shown(&Bed::root(500).fill("sentence", "").expect("a column")) {
            assert!(cell.starts_with(|c: char| c.is_ascii_uppercase()) && cell.ends_with('.'), "{cell}");
            assert!(!cell.contains("  ") && cell.split(' ').count() >= 6, "{cell}");
        }
    }

    #[test]
    fn the_lists_have_no_word_twice() {
        for list in [NOUNS, ADJECTIVES, VERBS, ADVERBS, PLACES] {
            assert!(list.windows(2).all(|pair| pair[0] < pair[1]), "{list:?}");
        }
    }

    #[test]
    fn words_come_from_a_file() {
        let bed = Bed::root(50).file("w.csv", "word\nAlpha\nbeta\n").file("bad.csv", "word\n=cmd()\n");
        let cells = shown(&bed.fill("words", "min = 2\nmax = 2\nfile = \"w.csv\"").expect("a column"));
        assert!(cells.iter().all(|cell| cell.split(' ').all(|word| ["alpha", "beta"].contains(&word))), "{cells:?}");
        let error = bed.fill("words", "file = \"bad.csv\"").expect_err("a formula").to_string();
        assert!(error.contains("formula"), "{error}");
        assert!(plan_error("words", "min = 5\nmax = 4").contains("must not be above"));
        assert!(plan_error("words", "column = \"x\"").contains("needs a `file`"));
        assert!(plan_error("paragraph", "min = 1\nmax = 31").contains("between 1 and 30"));
    }
}
