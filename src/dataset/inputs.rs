//! The hash of everything that determines a data set, and how it is shown.

use serde_json::{Map, Value, json};

use super::{DataSet, FINGERPRINT, fingerprint};
use crate::digest::sha256;
use crate::part::Part;

use super::rows::Form;

impl DataSet {
    /// The hash of everything that determines the rows, as 64 hex digits. Where a key hides the seed, it hides it here too.
    #[must_use]
    pub fn inputs(&self) -> String {
        self.inputs_with(Map::new())
    }

    /// The hash of everything that determines the rows, and of what a target adds to it, such as the file format.
    #[must_use]
    pub fn inputs_with(&self, target: Map<String, Value>) -> String {
        self.inputs_of(self.part, target)
    }

    /// As [`DataSet::inputs_with`], for a target that holds all parts together: equal for each part and for the whole.
    #[must_use]
    pub fn inputs_of_all_parts(&self, target: Map<String, Value>) -> String {
        self.inputs_of(None, target)
    }

    /// As [`DataSet::inputs_with`], for any part.
    #[must_use]
    pub fn inputs_of(&self, part: Option<Part>, target: Map<String, Value>) -> String {
        let names: Vec<&str> = self.outputs.iter().map(|output| output.name.as_str()).collect();
        let mut all = Map::new();
        all.insert("engine".to_owned(), FINGERPRINT.into());
        all.insert("fingerprint".to_owned(), fingerprint(&self.plan).into());
        all.extend(target);
        all.insert("tables".to_owned(), names.into());
        all.insert("part".to_owned(), json!(part.map(|part| [part.index(), part.count()])));
        if let Some(selection) = &self.selection {
            all.insert("only".to_owned(), json!(selection.only()));
        }
        for stage in self.stages(Form::Sent) {
            let (name, value) = stage.inputs(&self.plan);
            if !value.is_null() {
                all.insert(name.to_owned(), value);
            }
        }
        let inputs = sha256(Value::Object(all).to_string().as_bytes());
        self.protection.commitment(&inputs).unwrap_or(inputs)
    }

    /// The fingerprint as it may be shown: where a key hides the seed, a keyed hash of it, because a seed can be found by trying.
    #[must_use]
    pub fn shown_fingerprint(&self) -> String {
        let plain = fingerprint(&self.plan);
        self.protection.commitment(&plain).unwrap_or(plain)
    }
}
