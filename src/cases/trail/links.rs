//! The links of a trail: numbers, hashes and anchors, and what they say of entries.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::error::{Error, Result, did_you_mean};
use crate::generator::link_on;
use crate::plan::Plan;
use crate::profile::Trail;

/// An entry as it is shown.
pub(super) type Entry = Map<String, Value>;

/// The link before the first entry.
pub(super) const FIRST: [u8; 64] = [b'0'; 64];

/// The columns that hold a trail together.
pub(super) struct Links {
    pub(super) number: String,
    pub(super) hash: String,
    pub(super) previous: Option<String>,
    /// The columns whose texts are hashed, in order.
    over: Vec<String>,
}

impl Links {
    /// The links of a trail as its profile and the chain of its table say.
    pub(super) fn new(plan: &Plan, name: &str, trail: &Trail) -> Result<Self> {
        let at = plan.table(&trail.table)?;
        let table = &plan.tables[at];
        let wrong = |key: &str, text: String| Error::profile(format!("trails.{name}.{key}"), text);
        let known = || table.schema.fields().iter().map(|field| field.name().as_str());
        let named =
            [("number", Some(&trail.number)), ("hash", Some(&trail.hash)), ("previous", trail.previous.as_ref())];
        for (key, column) in named.into_iter().filter_map(|(key, column)| Some((key, column?))) {
            if table.schema.field_with_name(column).is_err() {
                let text = format!("`{}` has no column `{column}`", table.name);
                return Err(wrong(key, text).maybe_hint(did_you_mean(column, known())));
            }
        }
        let chain = plan.chains(at).into_iter().find(|chain| table.columns[chain.column].name == trail.hash);
        let chain = chain.ok_or_else(|| {
            wrong("hash", format!("`{}` is no chain of hashes", trail.hash)).hint("gen.hash_chain.over = [\"…\"]")
        })?;
        let over: Option<Vec<String>> =
            chain.over.iter().map(|over| Some(table.columns[over.column?].name.clone())).collect();
        let over = over.ok_or_else(|| {
            wrong("hash", format!("`{}` hashes an expression, which a verifier cannot read in an entry", trail.hash))
                .hint("hash written columns alone")
        })?;
        if let Some(column) = trail.edits.keys().find(|column| !over.contains(column)) {
            let text = format!("`{column}` is not in the chain, so that nobody can see its change");
            let hint = did_you_mean(column, over.iter().map(String::as_str));
            return Err(wrong(&format!("edits.{column}"), text).maybe_hint(hint));
        }
        if trail.anchors == 0 {
            return Err(wrong("anchors", "must be at least 1".to_owned()));
        }
        Ok(Self { number: trail.number.clone(), hash: trail.hash.clone(), previous: trail.previous.clone(), over })
    }

    /// The chain in words that a verifier can be written from.
    pub(super) fn described(&self) -> Value {
        json!({
            "number": self.number, "hash": self.hash, "previous": self.previous, "over": self.over,
            "algorithm": "SHA-256", "separator": "|", "before_first": String::from_utf8_lossy(&FIRST),
        })
    }

    /// Makes the hashes of entries again, and what they say of those before; `link` stands before the first of them.
    pub(super) fn relink(&self, entries: &mut [Entry], mut link: [u8; 64]) {
        for entry in entries {
            if let Some(previous) = &self.previous {
                entry.insert(previous.clone(), text_of(&link));
            }
            let texts: Vec<String> = self.over.iter().map(|column| text(&entry[column])).collect();
            link_on(&mut link, texts.iter().map(String::as_str));
            entry.insert(self.hash.clone(), text_of(&link));
        }
    }

    /// The hash of an entry as a link to the next.
    pub(super) fn link(&self, entry: &Entry) -> [u8; 64] {
        entry[&self.hash].as_str().and_then(|hash| hash.as_bytes().try_into().ok()).unwrap_or(FIRST)
    }

    pub(super) fn number(&self, entry: &Entry) -> u64 {
        entry[&self.number].as_u64().unwrap_or_default()
    }

    pub(super) fn renumber(&self, entry: &mut Entry, number: u64) {
        entry.insert(self.number.clone(), json!(number));
    }

    /// Refuses a trail that is wrong although nobody tampered with it: the profile says something of it that is not so.
    pub(super) fn right(&self, name: &str, family: &str, entries: &[Entry]) -> Result<()> {
        let wrong = |key: &str, text: String| Err(Error::profile(format!("trails.{name}.{key}"), text));
        if !entries.iter().zip(1..).all(|(entry, number)| self.number(entry) == number) {
            return wrong("number", format!("the entries of trail {family} have not the numbers 1, 2, 3 …"));
        }
        let mut again = entries.to_vec();
        self.relink(&mut again, FIRST);
        let other = again.iter().zip(entries).position(|(again, entry)| again != entry);
        match other {
            None => Ok(()),
            Some(at) if again[at][&self.hash] == entries[at][&self.hash] => wrong(
                "previous",
                format!("entry {} of trail {family} has not the hash of the one before, or 64 zeros", at + 1),
            ),
            Some(at) => wrong(
                "hash",
                format!("the hash of entry {} of trail {family} is not that of its written cells", at + 1),
            ),
        }
    }

    /// The hashes that are known from elsewhere, by number: of every so many entries, and of the last.
    pub(super) fn anchors(&self, entries: &[Entry], every: u32) -> BTreeMap<u64, Value> {
        let anchored = |entry: &&Entry| {
            self.number(entry).is_multiple_of(u64::from(every)) || self.number(entry) == entries.len() as u64
        };
        entries.iter().filter(anchored).map(|entry| (self.number(entry), entry[&self.hash].clone())).collect()
    }

    /// The first number at which a trail contradicts its anchors.
    pub(super) fn contradicted(&self, entries: &[Entry], anchors: &BTreeMap<u64, Value>) -> Option<u64> {
        let other = |entry: &&Entry| anchors.get(&self.number(entry)).is_some_and(|hash| *hash != entry[&self.hash]);
        let (last, known) = (entries.last().map_or(0, |entry| self.number(entry)), anchors.last_key_value()?);
        let missing = (last < *known.0).then_some(last + 1);
        entries.iter().find(other).map(|entry| self.number(entry)).or(missing)
    }
}

fn text_of(link: &[u8; 64]) -> Value {
    json!(String::from_utf8_lossy(link))
}

/// A value as a chain hashes it: its text, nothing for null.
fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
