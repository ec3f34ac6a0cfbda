//! Domains: the values that a parameter may take. A generator declares them in its registry entry, as facts.
//!
//! Constants are held to them while a generator is planned (`scope.rs`), the values of the rows by a [`Guard`]
//! before a generator sees them. A null is in every domain: it gives a null. Rows in which the column has no value by
//! its `when` are not looked at.

mod guard;
mod scope;

use std::fmt;

use serde_json::{Value, json};

pub(crate) use guard::{Given, Guard};
pub(super) use scope::plan;

/// The values that one parameter may take, or how it compares with another one.
#[derive(Debug, Clone, Copy)]
pub struct Domain {
    /// The parameter's path within the call; a last part `*` stands for any name: `weights.*`.
    pub field: &'static str,
    /// The values.
    pub rule: Rule,
    /// The integer parameter that says how many decimals the values have, where they are counted in their last digit.
    pub scale: Option<&'static str>,
}

/// What a value is held to.
#[derive(Debug, Clone, Copy)]
pub enum Rule {
    /// A finite number from `low` to `high`.
    Number {
        /// The least number.
        low: f64,
        /// The greatest number.
        high: f64,
        /// Whether `low` and `high` themselves are left out.
        open: (bool, bool),
    },
    /// A number, date or instant not above another parameter's. The defaults count where a parameter is not given.
    UpTo {
        /// The other parameter.
        other: &'static str,
        /// This parameter's default and the other's.
        defaults: (Option<f64>, Option<f64>),
    },
    /// A text of a form.
    Text {
        /// Whether a text has the form.
        fits: fn(&str) -> bool,
        /// The form in words, such as ``two capital letters, as in `DE` ``.
        means: &'static str,
    },
}

impl Domain {
    const fn new(field: &'static str, rule: Rule) -> Self {
        Self { field, rule, scale: None }
    }

    /// Numbers from `low` to `high`, both included.
    #[must_use]
    pub const fn number(field: &'static str, low: f64, high: f64) -> Self {
        Self::new(field, Rule::Number { low, high, open: (false, false) })
    }

    /// Numbers above `low`, up to `high`.
    #[must_use]
    pub const fn above(field: &'static str, low: f64, high: f64) -> Self {
        Self::new(field, Rule::Number { low, high, open: (true, false) })
    }

    /// Numbers of at most 18 digits, `scale` of them behind the point.
    #[must_use]
    pub const fn decimal(field: &'static str, scale: &'static str) -> Self {
        let rule = Rule::Number { low: -1e18, high: 1e18, open: (true, true) };
        Self { field, rule, scale: Some(scale) }
    }

    /// Values that are not above another parameter's.
    #[must_use]
    pub const fn up_to(field: &'static str, other: &'static str) -> Self {
        Self::new(field, Rule::UpTo { other, defaults: (None, None) })
    }

    /// Values that are not above another parameter's, with the defaults of both.
    #[must_use]
    pub const fn up_to_or(field: &'static str, other: &'static str, defaults: (Option<f64>, Option<f64>)) -> Self {
        Self::new(field, Rule::UpTo { other, defaults })
    }

    /// Counts the values in their last digit; `scale` names the parameter that says how many decimals they have.
    #[must_use]
    pub const fn scaled_by(self, scale: &'static str) -> Self {
        Self { scale: Some(scale), ..self }
    }

    /// Texts of a form.
    #[must_use]
    pub const fn text(field: &'static str, fits: fn(&str) -> bool, means: &'static str) -> Self {
        Self::new(field, Rule::Text { fits, means })
    }

    /// Whether a path within the call is this domain's.
    #[must_use]
    pub fn covers(&self, field: &str) -> bool {
        match self.field.strip_suffix('*') {
            Some(head) => field.strip_prefix(head).is_some_and(|name| !name.is_empty()),
            None => self.field == field,
        }
    }

    /// Adds `minimum` and `maximum` to the parameter's property in a JSON Schema. Orders between parameters, and forms of
    /// texts that may be expressions, have no keyword there.
    pub fn describe(&self, schema: &mut Value) {
        let Rule::Number { low, high, open } = self.rule else { return };
        let (name, each) = self.field.split_once('.').map_or((self.field, false), |(name, _)| (name, true));
        let Some(mut property) = schema.pointer_mut(&format!("/properties/{name}")) else { return };
        if each {
            let Some(values) = property.get_mut("additionalProperties") else { return };
            if let Some(reference) = values.get("$ref").cloned() {
                *values = json!({ "allOf": [{ "$ref": reference }] });
            }
            property = values;
        }
        let Some(property) = property.as_object_mut() else { return };
        if self.scale.is_some() {
            return;
        }
        for (bound, open, plain, strict) in
            [(low, open.0, "minimum", "exclusiveMinimum"), (high, open.1, "maximum", "exclusiveMaximum")]
        {
            let bound = if bound.fract() == 0.0 && bound.abs() < 1e15 { json!(bound as i64) } else { json!(bound) };
            property.insert(if open { strict } else { plain }.to_owned(), bound);
        }
    }
}

/// The greatest number that parameters of floating-point distributions take: what is drawn stays finite.
pub(crate) const HUGE: f64 = 1e300;

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.rule {
            Rule::Number { .. } if self.scale.is_some() => f.write_str("a number of at most 18 digits"),
            Rule::Number { low, high, open } => range(f, low, high, open),
            Rule::UpTo { other, .. } => write!(f, "not above `{other}`"),
            Rule::Text { means, .. } => f.write_str(means),
        }
    }
}

/// A range in words.
fn range(f: &mut fmt::Formatter<'_>, low: f64, high: f64, (above, below): (bool, bool)) -> fmt::Result {
    let least = if above { "above" } else { "at least" };
    let most = if below { "below" } else { "at most" };
    match (low <= -HUGE, high >= HUGE) {
        (true, true) => f.write_str("a finite number"),
        (false, true) => write!(f, "{least} {}", number(low)),
        (true, false) => write!(f, "{most} {}", number(high)),
        _ if !above && !below => write!(f, "between {} and {}", number(low), number(high)),
        _ => write!(f, "{least} {} and {most} {}", number(low), number(high)),
    }
}

/// A number for a message: whole ones without a point, great ones with an exponent.
pub(super) fn number(x: f64) -> String {
    if x.fract() == 0.0 && x.abs() < 1e16 { format!("{x:.0}") } else { format!("{x:?}") }
}

#[cfg(test)]
mod tests;
