//! Planning a generator whose parameters are held to their domains.

use std::sync::Arc;

use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{Array, ArrayRef, PrimitiveArray};
use arrow_schema::DataType;

use super::{Domain, Given, Guard, Rule};
use crate::error::{Error, Result};
use crate::generator::data::Data;
use crate::generator::{Fill, Generator, Scope, Slot, Want};
use crate::profile::{Expr, Value};

/// Plans a generator, holding its parameters to their domains: numbers in the arguments before anything else, constant
/// expressions as they are planned, all others in every row.
///
/// # Errors
/// What the generator's own plan refuses, and constants that are not in their domains.
pub(in crate::generator) fn plan(
    domains: &'static [Domain],
    args: &toml::Table,
    scope: &mut dyn Scope,
    make: impl FnOnce(&mut dyn Scope) -> Result<Box<dyn Generator>>,
) -> Result<Box<dyn Generator>> {
    // A parameter counted in its last digit is not yet so in the arguments.
    let plain: Vec<Domain> = domains.iter().filter(|domain| domain.scale.is_none()).copied().collect();
    guards(&plain, args, &literals(args), scope)?;
    let mut checked = Checked { scope, domains, args, given: Vec::new(), null: false };
    let generator = make(&mut checked)?;
    let (given, null) = (checked.given, checked.null);
    let guards = guards(domains, args, &given, scope)?;
    Ok(if guards.is_empty() && !null { generator } else { Box::new(Guarded { generator, guards, null }) })
}

/// The numbers among the arguments, also those that are not expressions.
fn literals(args: &toml::Table) -> Vec<Given> {
    let mut all: Vec<(String, &toml::Value)> = Vec::new();
    for (name, value) in args {
        match value {
            toml::Value::Table(inner) => all.extend(inner.iter().map(|(key, v)| (format!("{name}.{key}"), v))),
            value => all.push((name.clone(), value)),
        }
    }
    let given = all.into_iter().filter_map(|(field, value)| {
        let slot = Slot::Const(match value {
            toml::Value::Integer(n) => Arc::new(PrimitiveArray::<Int64Type>::from(vec![*n])),
            toml::Value::Float(x) => Arc::new(PrimitiveArray::<Float64Type>::from(vec![*x])),
            _ => return None,
        });
        Some(Given { field, slot, written: value.to_string() })
    });
    given.collect()
}

/// The guards of parameters that are not constant; constants are checked here.
fn guards(domains: &[Domain], args: &toml::Table, given: &[Given], scope: &dyn Scope) -> Result<Vec<Guard>> {
    let mut guards = Vec::new();
    for domain in domains {
        let scale = domain.scale.and_then(|field| args.get(field)?.as_integer()).unwrap_or(0) as u8;
        let Rule::UpTo { other, defaults } = domain.rule else {
            for own in given.iter().filter(|given| domain.covers(&given.field)) {
                guards.extend(guard(*domain, own.clone(), None, &own.field, scale, scope)?);
            }
            continue;
        };
        let known = |field: &str| given.iter().find(|given| given.field == field).cloned();
        let usual = |field: &str, value: Option<f64>| {
            value.filter(|_| !args.contains_key(field)).map(|value| default(field, value))
        };
        let (low, high) = (known(domain.field), known(other));
        // An error is at the parameter that was given, the upper one of two.
        let at = if high.is_some() { other } else { domain.field };
        if low.is_none() && high.is_none() {
            continue;
        }
        let low = low.or_else(|| usual(domain.field, defaults.0));
        let high = high.or_else(|| usual(other, defaults.1));
        if let Some((low, high)) = low.zip(high) {
            let (low, high) = alike(low, high);
            guards.extend(guard(*domain, low, Some(high), at, scale, scope)?);
        }
    }
    Ok(guards)
}

/// A guard; only a mistake is looked up in the profile, for its numbers as they are written there.
fn guard(
    domain: Domain,
    own: Given,
    other: Option<Given>,
    at: &str,
    scale: u8,
    scope: &dyn Scope,
) -> Result<Option<Guard>> {
    let path = scope.error(at, String::new()).path().to_owned();
    Guard::plan(domain, own.clone(), other.clone(), path.clone(), scale).or_else(|_| {
        let as_written = |given: Given| {
            let written = scope.written(&given.field).unwrap_or_else(|| given.written.clone());
            Given { written, ..given }
        };
        Guard::plan(domain, as_written(own), other.map(as_written), path, scale)
    })
}

/// Two constants as one type: `max = 1.5` compares with `min = 2`.
fn alike(low: Given, high: Given) -> (Given, Given) {
    let (Slot::Const(a), Slot::Const(b)) = (&low.slot, &high.slot) else { return (low, high) };
    if a.data_type() == b.data_type() {
        return (low, high);
    }
    let float = |array: &ArrayRef| arrow_cast::cast(array, &DataType::Float64).unwrap_or_else(|_| Arc::clone(array));
    let (a, b) = (Slot::Const(float(a)), Slot::Const(float(b)));
    (Given { slot: a, ..low }, Given { slot: b, ..high })
}

/// A parameter that has its default.
fn default(field: &str, value: f64) -> Given {
    let slot = Slot::Const(Arc::new(PrimitiveArray::<Float64Type>::from(vec![value])));
    Given { field: field.to_owned(), slot, written: super::number(value) }
}

/// A scope that remembers the parameters that a generator asks for.
struct Checked<'a> {
    scope: &'a mut dyn Scope,
    domains: &'static [Domain],
    args: &'a toml::Table,
    given: Vec<Given>,
    /// Whether a text is null in every row.
    null: bool,
}

impl Checked<'_> {
    fn remember(&mut self, field: &str, slot: &Slot, text: &str) {
        let other = |domain: &Domain| matches!(domain.rule, Rule::UpTo { other, .. } if other == field);
        if self.domains.iter().any(|domain| domain.covers(field) || other(domain)) {
            // The generator may have wrapped the text that stands in the profile.
            let argument = field.split('.').fold(None, |value: Option<&toml::Value>, part| match value {
                None => self.args.get(part),
                Some(value) => value.get(part),
            });
            let written = match argument {
                Some(toml::Value::String(text)) => text.clone(),
                Some(value) => value.to_string(),
                None => text.to_owned(),
            };
            self.given.push(Given { field: field.to_owned(), slot: slot.clone(), written });
        }
    }
}

impl Scope for Checked<'_> {
    fn operand(&mut self, field: &str, expr: &Expr, want: Want) -> Result<Slot> {
        let slot = self.scope.operand(field, expr, want)?;
        // A null text may be meant, as in a template; any other parameter that is always null is a slip.
        let text = matches!(want, Want::Text | Want::AsText);
        if matches!(&slot, Slot::Const(array) if array.is_null(0)) {
            if !text {
                return Err(self.scope.error(field, format!("`{field} = {}` is null in every row", expr.0)));
            }
            self.null = true;
        }
        self.remember(field, &slot, &expr.0);
        Ok(slot)
    }

    fn value(&mut self, field: &str, value: &Value, want: Want) -> Result<Slot> {
        let slot = self.scope.value(field, value, want)?;
        if let Value::Expr(expr) = value {
            if matches!(&slot, Slot::Const(array) if array.is_null(0)) {
                return Err(self.scope.error(field, format!("`{field} = {}` is null in every row", expr.0)));
            }
            self.remember(field, &slot, &expr.0);
        }
        Ok(slot)
    }

    fn data(&mut self, field: &str, file: &str) -> Result<Arc<Data>> {
        self.scope.data(field, file)
    }

    fn root_rows(&self) -> Option<u64> {
        self.scope.root_rows()
    }

    fn depth(&self) -> usize {
        self.scope.depth()
    }

    fn key(&self) -> u64 {
        self.scope.key()
    }

    fn literals(&mut self, field: &str, by: &Expr, keys: &[&str]) -> Result<Vec<String>> {
        self.scope.literals(field, by, keys)
    }

    fn written(&self, field: &str) -> Option<String> {
        self.scope.written(field)
    }

    fn error(&self, field: &str, message: String) -> Error {
        self.scope.error(field, message)
    }
}

/// A generator behind the guards of its parameters.
struct Guarded {
    generator: Box<dyn Generator>,
    guards: Vec<Guard>,
    /// Whether a parameter is null in every row.
    null: bool,
}

impl Generator for Guarded {
    fn data_type(&self) -> DataType {
        self.generator.data_type()
    }

    fn nullable(&self) -> bool {
        self.null || self.generator.nullable()
    }

    fn siblings(&self) -> bool {
        self.generator.siblings()
    }

    fn strata(&self) -> Option<&[(String, std::ops::Range<u64>)]> {
        self.generator.strata()
    }

    fn domain(&self) -> Option<Vec<String>> {
        self.generator.domain()
    }

    fn values(&self) -> Option<u64> {
        self.generator.values()
    }

    fn unique(&self) -> bool {
        self.generator.unique()
    }

    fn fill(&self, fill: &Fill<'_>) -> Result<ArrayRef> {
        self.guards.iter().try_for_each(|guard| guard.check(fill))?;
        self.generator.fill(fill)
    }
}
