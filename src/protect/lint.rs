//! `placebo check --strict`: every column has a class, and nothing that is said of it contradicts something else.
//!
//! Each rule has a code that stays; `docs/errors.md` lists them.

mod told;

use std::collections::BTreeMap;

use arrow_schema::{DataType, Field};

use super::{Choice, Handling, decide, handling_of};
use crate::error::Error;
use crate::kinds::{self, Kind};
use crate::notes::{Key, Noted};
use crate::plan::{Known, Mark, Origin, Plan};

/// A mistake in the classification of a column, or a classification that is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The rule's code, such as `PII-001`.
    pub code: &'static str,
    /// The path in the profile.
    pub path: String,
    /// The mistake, as a lowercase fragment.
    pub message: String,
    /// The remedy.
    pub hint: String,
    /// True if it is a warning: the profile may be right after all.
    pub warning: bool,
}

impl Finding {
    /// The finding as an error.
    #[must_use]
    pub fn error(&self) -> Error {
        Error::profile(self.path.clone(), format!("{}: {}", self.code, self.message)).hint(self.hint.clone())
    }
}

/// Telling names of columns, and the kind that each suggests.
const TELLING: [(&str, &str); 23] = [
    ("ssn", "ssn"),
    ("social_security", "ssn"),
    ("itin", "itin"),
    ("dob", "birth_date"),
    ("birth_date", "birth_date"),
    ("birthdate", "birth_date"),
    ("date_of_birth", "birth_date"),
    ("given_name", "name"),
    ("family_name", "name"),
    ("first_name", "name"),
    ("middle_name", "name"),
    ("last_name", "name"),
    ("maiden_name", "name"),
    ("card_number", "pan"),
    ("pan", "pan"),
    ("cvv", "cvv"),
    ("cvc", "cvv"),
    ("pin_block", "pin"),
    ("passport", "passport"),
    ("mrn", "mrn"),
    ("password", "password"),
    ("email", "email"),
    ("ip_address", "ip"),
];

/// All findings of a plan, table by table; those of the profile's own handlings come last, and only if there are no others
/// but warnings.
#[must_use]
pub fn findings(plan: &Plan) -> Vec<Finding> {
    let mut all = Vec::new();
    let mut domains: BTreeMap<String, (String, String)> = BTreeMap::new();
    for at in 0..plan.tables.len() {
        let table = &plan.tables[at];
        let path = |column: &str| format!("tables.{}.columns.{column}", table.name);
        all.extend(table.marks.iter().flat_map(|(name, marks)| marks.iter().flat_map(|mark| words(&path(name), mark))));
        for field in table.schema.fields() {
            let name = field.name();
            let Some(known) = plan.known(at, name) else {
                all.push(finding(
                    "PII-001",
                    path(name),
                    format!("`{name}` is not classified"),
                    "pii = \"KIND\" on the column, or its name in `classes` of the table",
                ));
                continue;
            };
            let Some(index) = table.columns.iter().position(|column| column.name == *name) else { continue };
            all.extend(facts(plan, at, index, field, &known));
            if let Some(domain) = &known.domain {
                let own = known.handling.clone().unwrap_or_default();
                let (other, how) = domains.entry(domain.clone()).or_insert_with(|| (path(name), own.clone()));
                if *how != own {
                    all.push(finding(
                        "PII-020",
                        path(name),
                        format!("the domain `{domain}` is written as `{own}` here and as `{how}` at `{other}`"),
                        "one domain, one handling: else values that are equal differ",
                    ));
                }
            }
        }
    }
    // A column with another mistake may well tell nothing once that is mended.
    let told = told::twice(plan).into_iter().filter(|told| all.iter().all(|known| known.path != told.path));
    all.extend(told.collect::<Vec<_>>());
    if all.iter().all(|finding| finding.warning)
        && let Err(error) = decide(plan, &Choice::profile())
    {
        let (code, message) = error.message().split_once(": ").unwrap_or(("PII-000", error.message()));
        let code = DECIDED.iter().find(|known| **known == code).copied().unwrap_or("PII-000");
        all.push(finding(
            code,
            error.path().to_owned(),
            message.to_owned(),
            error.hint_text().unwrap_or("`placebo plan --protect profile` shows what would happen"),
        ));
    }
    all
}

/// The codes that [`decide`] refuses with.
const DECIDED: [&str; 15] = [
    "PII-009", "PII-025", "PII-027", "PII-030", "PII-031", "PII-032", "PII-033", "PII-034", "PII-040", "PII-041",
    "PII-042", "PII-043", "PII-044", "PII-045", "PII-050",
];

fn finding(code: &'static str, path: String, message: String, hint: &str) -> Finding {
    Finding { code, path, message, hint: hint.to_owned(), warning: false }
}

/// Findings on the words of a mark by themselves. Each of them is known, or the profile would not compile.
fn words(path: &str, mark: &Mark) -> Vec<Finding> {
    let mut all = Vec::new();
    let mut found = |code, message: String, hint: &str| all.push(finding(code, path.to_owned(), message, hint));
    let kind = mark.names.as_deref().and_then(kinds::find);
    if let Some(class) = &mark.class
        && let Some(kind) = kind.filter(|kind| kinds::personal(&kind.class) && !kinds::personal(class))
    {
        found(
            "PII-008",
            format!("a `{}` is {}, and cannot be {class}", kind.name, kind.class),
            "another kind, if it is not of a person",
        );
    }
    if let Some(kind) = kind.filter(|kind| kind.hipaa != "-" && mark.hipaa.as_deref() == Some("-")) {
        found(
            "PII-013",
            format!("a `{}` is on the Safe Harbor list ({})", kind.name, kind.hipaa),
            "another kind, if it is not",
        );
    }
    let handling = mark.known().and_then(|known| known.handling);
    let without = handling.and_then(|text| handling_of(&text).ok()).filter(|known| !known.takes_domain());
    if let Some(known) = without.filter(|_| mark.domain.is_some()) {
        found(
            "PII-018",
            format!("a domain is named, and `{}` has none", known.name),
            &format!("{} have", Handling::list(Handling::takes_domain)),
        );
    }
    all
}

/// Findings on a mark against its column: type, origin, name, inputs.
fn facts(plan: &Plan, table: usize, column: usize, field: &Field, known: &Known) -> Vec<Finding> {
    let mut all = Vec::new();
    let name = field.name();
    let path = format!("tables.{}.columns.{name}", plan.tables[table].name);
    let mut found = |code, message: String, hint: &str| all.push(finding(code, path.clone(), message, hint));
    let personal = kinds::personal(&known.class);
    let handled = known.handling.as_deref().and_then(|text| handling_of(text).ok());
    let clear = handled.is_some_and(Handling::is_clear);
    let origin = plan.origin(table, column);
    let timely = matches!(field.data_type(), DataType::Date32 | DataType::Timestamp(..));
    let kind_name = known.kind.map_or("", |kind| kind.name.as_str());
    if !personal && known.kind.is_none() {
        // What repeats a key is what the key is.
        let repeats = field.note(Key::References).is_some();
        if let Some((from, index)) = plan.carries(table, column).first().filter(|_| !repeats) {
            let (from, source) = (&plan.tables[*from].name, &plan.tables[*from].columns[*index].name);
            found(
                "PII-010",
                format!("`{name}` is {} and hands on `{from}.{source}`, which is personal", known.class),
                "give it the kind of what it is made of",
            );
        } else if matches!(origin, Origin::Reserved | Origin::Live) {
            found(
                "PII-011",
                format!("`{name}` is made by a generator of identifiers, and no kind is named"),
                "pii = \"KIND\": `placebo list kinds` shows them",
            );
        }
    }
    if personal && clear && origin == Origin::Live {
        found(
            "PII-012",
            format!("`{name}` looks live and would be written in the clear"),
            "numbers that no one can have, or handling = \"encrypt\"",
        );
    }
    let listed = known.kind.is_some_and(|kind| kind.hipaa != "-");
    if known.hipaa != "-" && !personal && !listed {
        found(
            "PII-014",
            format!("`{name}` is {} and on the Safe Harbor list ({})", known.class, known.hipaa),
            "a class of persons, or no letter",
        );
    }
    let rule = known.kind.and_then(|kind| kind.generalize);
    if rule.is_some_and(|rule| !rule.takes(field.data_type())) {
        found(
            "PII-015",
            format!("a `{kind_name}` is not {}", crate::sql::types::name(field.data_type())),
            "dates are dates or instants, ages are integers",
        );
    }
    if known.identifies == "direct" && (timely || matches!(field.data_type(), DataType::Boolean | DataType::Float64)) {
        found(
            "PII-016",
            format!("{} identifies nobody as a `{kind_name}`", crate::sql::types::name(field.data_type())),
            "another kind, such as date or health",
        );
    }
    if personal && origin == Origin::Constant {
        found("PII-017", format!("`{name}` is {}, and is the same in every row", known.class), "internal, or public");
    }
    let of_a_person = known.kind.is_some_and(|kind| kinds::personal(&kind.class));
    if known.class == "public" && !clear && !of_a_person {
        found(
            "PII-021",
            format!("`{name}` is public, and would be written as `{}`", handled.map_or("", |known| known.name)),
            "clear, or another class",
        );
    }
    if !personal && known.kind.is_none() {
        let is = |word: &str| *name == word || name.strip_suffix(word).is_some_and(|head| head.ends_with('_'));
        if let Some((word, kind)) = TELLING.iter().find(|(word, _)| is(word)) {
            let hint = format!("pii = \"{kind}\", if it is what its name says");
            let message = format!("`{name}` is {}, and is called `{word}`", known.class);
            all.push(Finding { warning: true, ..finding("PII-100", path, message, &hint) });
        }
    }
    all
}

/// The names of a kind in Presidio, Fideslang and the DPV, for catalogues; empty where there is none.
#[must_use]
pub fn names(kind: Option<&Kind>) -> [String; 3] {
    kind.map_or_else(Default::default, |kind| [kind.presidio.clone(), kind.fideslang.clone(), kind.dpv.clone()])
}

/// The catalogue of a plan's written columns, as CSV.
#[must_use]
pub fn catalogue(plan: &Plan) -> String {
    let mut out = csv::Writer::from_writer(Vec::new());
    let header = [
        "table",
        "column",
        "type",
        "class",
        "kind",
        "hipaa",
        "identifies",
        "origin",
        "handling",
        "domain",
        "presidio",
        "fideslang",
        "dpv",
        "about",
    ];
    // Writing to memory cannot fail.
    let _ = out.write_record(header);
    for (at, table) in plan.tables.iter().enumerate() {
        for field in table.schema.fields() {
            let note = |key: Key| field.note(key).unwrap_or_default().to_owned();
            let [presidio, fideslang, dpv] = names(plan.known(at, field.name()).and_then(|known| known.kind));
            let _ = out.write_record([
                table.name.clone(),
                field.name().clone(),
                crate::sql::types::name(field.data_type()),
                note(Key::Class),
                note(Key::Pii),
                note(Key::Hipaa),
                note(Key::Identifies),
                note(Key::Origin),
                note(Key::Handling),
                note(Key::Domain),
                presidio,
                fideslang,
                dpv,
                note(Key::About),
            ]);
        }
    }
    String::from_utf8(out.into_inner().unwrap_or_default()).unwrap_or_default()
}
