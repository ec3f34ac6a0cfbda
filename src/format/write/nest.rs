//! Rows as JSON objects with other rows inside of them.

use crate::error::{Error, Result};

/// A row as an object: its own text, and the members that follow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Object {
    text: String,
    members: Vec<(String, Member)>,
}

/// A member with other rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Member {
    /// One row, or none: `null`.
    One(Option<Object>),
    /// A list of rows.
    Many(Vec<Object>),
    /// Any value, as JSON.
    Value(String),
}

impl Object {
    /// A row from its line of text, such as `{"id":1}`.
    ///
    /// # Errors
    ///
    /// If the text is not that of an object.
    pub fn of_line(line: &str) -> Result<Self> {
        let text = line.trim_end().strip_suffix('}').filter(|text| text.starts_with('{'));
        let text = text.ok_or_else(|| Error::internal("a row without text"))?;
        Ok(Self { text: text.to_owned(), members: Vec::new() })
    }

    /// Adds a member behind the others. A name that is taken gets `_rows` behind it.
    pub fn add(&mut self, name: &str, taken: impl Fn(&str) -> bool, member: Member) {
        let mut name = name.to_owned();
        while taken(&name) || self.members.iter().any(|(other, _)| *other == name) {
            name += "_rows";
        }
        self.members.push((name, member));
    }

    /// The object as JSON without blanks.
    #[must_use]
    pub fn json(&self) -> String {
        let mut out = String::new();
        self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) {
        out.push_str(if self.text.is_empty() { "{" } else { &self.text });
        for (at, (name, member)) in self.members.iter().enumerate() {
            if at > 0 || self.text.len() > 1 {
                out.push(',');
            }
            out.push_str(&serde_json::Value::from(name.as_str()).to_string());
            out.push(':');
            match member {
                Member::One(None) => out.push_str("null"),
                Member::One(Some(row)) => row.write(out),
                Member::Value(text) => out.push_str(text),
                Member::Many(rows) => {
                    out.push('[');
                    for (at, row) in rows.iter().enumerate() {
                        out.push_str(if at > 0 { "," } else { "" });
                        row.write(out);
                    }
                    out.push(']');
                }
            }
        }
        out.push('}');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_inside_of_rows_under_names_that_are_free() {
        let row = |line: &str| Object::of_line(line).expect("an object");
        let mut owner = row("{\"id\":1,\"pet\":2}\n");
        owner.add("pet", |name| name == "pet", Member::Many(vec![row("{}"), row("{\"n\":1}")]));
        owner.add("shop", |_| false, Member::One(None));
        assert_eq!(owner.json(), r#"{"id":1,"pet":2,"pet_rows":[{},{"n":1}],"shop":null}"#);
        let mut all = Object::default();
        all.add("owner", |_| false, Member::One(Some(row("{}"))));
        assert_eq!(all.json(), r#"{"owner":{}}"#);
        assert!(Object::of_line("[1]").is_err());
    }
}
