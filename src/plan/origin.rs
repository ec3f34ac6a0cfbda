//! The origin of a column's values, and the columns whose values it hands on: what classifications are checked against.

use std::collections::BTreeMap;

use arrow_array::cast::AsArray;
use arrow_schema::DataType;

use super::{Column, Input, Listed, Mark, Op, Plan, Step};
pub use crate::generator::Origin;
use crate::kinds::{self, Kind};
use crate::notes::{Key, Noted};
use crate::sql::{Carries, Expr, Node};

/// The form in which a column hands on the values of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Form {
    /// The value, or a part of it.
    Open,
    /// An unkeyed hash of the value.
    Hashed,
    /// A hash of the cell as it is written.
    Linked,
}

/// Collects the inputs whose values an expression hands on, as its functions state: not those of conditions, nor of sums.
fn carried(expr: &Expr, form: Form, found: &mut Vec<(usize, Form)>) {
    match &expr.node {
        Node::Input(index) => found.push((*index, form)),
        Node::Literal(_) => {}
        Node::Cast(arg) => carried(arg, form, found),
        Node::Case(conditions, values) => {
            for (n, value) in values.iter().enumerate() {
                let known = conditions.get(n).and_then(Expr::constant);
                let known = known.and_then(|array| array.as_boolean_opt().map(|truth| truth.iter().next().flatten()));
                if let Some(None | Some(false)) = known {
                    continue;
                }
                carried(value, form, found);
                if known == Some(Some(true)) {
                    break;
                }
            }
        }
        Node::Call(function, args) => {
            let form = if function.carries == Carries::Hashed { Form::Hashed } else { form };
            let handed_on = args.iter().enumerate().filter(|(place, _)| function.carries.argument(*place));
            handed_on.for_each(|(_, arg)| carried(arg, form, found));
        }
    }
}

/// The classification of a column: the profile's words, completed by those of the kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// The kind; `None` where the profile names a class alone.
    pub kind: Option<&'static Kind>,
    /// The class.
    pub class: String,
    /// The Safe Harbor letter, or `-`.
    pub hipaa: String,
    /// `direct`, `quasi` or `none`.
    pub identifies: &'static str,
    /// The handling under `--protect profile`; `None` where the profile does not say it of a personal class.
    pub handling: Option<String>,
    /// The domain that the profile names.
    pub domain: Option<String>,
}

impl Mark {
    /// The classification that a mark gives; `None` where it names neither a kind nor a class.
    ///
    /// The handling is the mark's own, else its kind's. Without either it is clear where the class is not personal; for
    /// a personal class nobody has said it. So it is for a kind that is not personal, of which the mark says that it is.
    #[must_use]
    pub fn known(&self) -> Option<Known> {
        let named = self.names.as_deref();
        let kind = named.and_then(kinds::find);
        let plain = named.filter(|name| kinds::class(name).is_some());
        let class =
            self.class.clone().or_else(|| kind.map(|kind| kind.class.clone())).or_else(|| plain.map(str::to_owned))?;
        let open = !kinds::personal(&class);
        let of_kind = kind.filter(|kind| open || kinds::personal(&kind.class)).map(|kind| kind.handling.clone());
        let of_class = || open.then(|| kinds::CLEAR.to_owned());
        Some(Known {
            kind,
            hipaa: self.hipaa.clone().or_else(|| kind.map(|kind| kind.hipaa.clone())).unwrap_or_else(|| "-".to_owned()),
            identifies: kind.map_or("none", |kind| kind.identifies.as_str()),
            handling: self.handling.clone().or(of_kind).or_else(of_class),
            domain: self.domain.clone(),
            class,
        })
    }
}

impl Plan {
    /// The classification of a column of a table; `None` where the profile gives none.
    #[must_use]
    pub fn known(&self, table: usize, column: &str) -> Option<Known> {
        self.tables[table].marks.get(column)?.first()?.known()
    }

    /// The table and column at the end of an input's path.
    fn target(&self, table: usize, input: &Input) -> Option<(usize, usize)> {
        let mut at = table;
        for step in &input.steps {
            at = self.step(at, *step)?;
        }
        Some((at, input.column))
    }

    /// The table behind a step from a table.
    fn step(&self, at: usize, step: Step) -> Option<usize> {
        match step {
            Step::Parent => self.tables[at].parent,
            Step::Ref(reference) => self.tables[at].refs[reference].as_ref().map(|reference| reference.table),
            Step::Fact(n) => match &self.tables[at].source {
                super::Source::Each(facts) => Some(facts.get(n)?.hand.table),
                _ => None,
            },
        }
    }

    /// The columns that decide an input: the one at the end of its path, and those that pick the rows on the way.
    pub(super) fn path(&self, table: usize, input: &Input) -> Vec<(usize, usize)> {
        let (mut at, mut found) = (table, Vec::new());
        for step in &input.steps {
            if let Step::Ref(reference) = step
                && let Some(reference) = &self.tables[at].refs[*reference]
            {
                found.push((at, reference.pick));
            }
            match self.step(at, *step) {
                Some(next) => at = next,
                None => return found,
            }
        }
        found.push((at, input.column));
        found
    }

    /// The columns whose values a column hands on, one step back.
    fn sources(&self, table: usize, column: usize) -> Vec<(usize, usize)> {
        let mut all: Vec<_> = self.handed(table, column).into_iter().map(|(at, _)| at).collect();
        all.dedup();
        all
    }

    /// The columns whose values a column hands on, one step back, and in which form.
    pub(super) fn handed(&self, table: usize, column: usize) -> Vec<((usize, usize), Form)> {
        let Column { op, inputs, .. } = &self.tables[table].columns[column];
        let here =
            |(index, form): (usize, Form)| Some((inputs.get(index).and_then(|input| self.target(table, input))?, form));
        let open = |at: (usize, usize)| (at, Form::Open);
        match op {
            Op::Expr(expr) => {
                let mut found = Vec::new();
                carried(expr, Form::Open, &mut found);
                found.sort_unstable();
                found.dedup();
                found.into_iter().filter_map(here).collect()
            }
            Op::Generator(generator) if generator.data_type() == DataType::Utf8 => {
                let chained = generator.chained().unwrap_or_default();
                let form = |index: usize| match chained.contains(&index) {
                    false => Form::Open,
                    true if self.written(table, &inputs[index]).is_some() => Form::Linked,
                    true => Form::Hashed,
                };
                (0..inputs.len()).filter_map(|index| here((index, form(index)))).collect()
            }
            Op::Aggregate(aggregate) if aggregate.function.carries() => {
                aggregate.argument.map(|argument| open((aggregate.hand.table, argument))).into_iter().collect()
            }
            Op::Listed(values) => values.iter().filter_map(Listed::column).map(open).collect(),
            Op::Template(template) => template.needs().map(open).collect(),
            Op::Window(window) if window.function.carries() => {
                window.arguments.iter().map(|argument| open((table, *argument))).collect()
            }
            _ => Vec::new(),
        }
    }

    /// The origin of a column's values: that of the columns which it hands on, where they agree.
    #[must_use]
    pub fn origin(&self, table: usize, column: usize) -> Origin {
        self.origin_within(table, column, &mut BTreeMap::new())
    }

    fn origin_within(&self, table: usize, column: usize, known: &mut BTreeMap<(usize, usize), Origin>) -> Origin {
        if let Some(origin) = known.get(&(table, column)) {
            return *origin;
        }
        let origin = self.origin_of(table, column, known);
        known.insert((table, column), origin);
        origin
    }

    fn origin_of(&self, table: usize, column: usize, known: &mut BTreeMap<(usize, usize), Origin>) -> Origin {
        let it = &self.tables[table].columns[column];
        match &it.op {
            Op::Generator(_) => it.made,
            Op::Project(_) => Origin::Dictionary,
            Op::Expr(_) | Op::Aggregate(_) | Op::Window(_) | Op::Listed(_) | Op::Template(_) => {
                let sources = self.sources(table, column);
                let origins = sources.iter().map(|(table, column)| self.origin_within(*table, *column, known));
                let origins: Vec<Origin> = origins.filter(|origin| *origin != Origin::Constant).collect();
                match (origins.iter().max(), origins.iter().min()) {
                    (Some(Origin::Live), _) => Origin::Live,
                    (Some(most), Some(least)) if most == least => *most,
                    (Some(_), _) => Origin::Derived,
                    (None, _) if it.inputs.is_empty() && matches!(it.op, Op::Expr(_)) => Origin::Constant,
                    (None, _) => Origin::Derived,
                }
            }
            _ => Origin::Synthetic,
        }
    }

    /// The columns classified as personal whose values a column hands on, over any number of steps. The search ends at
    /// columns that are classified: they have decided for those behind them.
    #[must_use]
    pub fn carries(&self, table: usize, column: usize) -> Vec<(usize, usize)> {
        let mut found = Vec::new();
        self.visit_sources((table, column), |at, index| {
            let known = self.known(at, &self.tables[at].columns[index].name);
            if known.as_ref().is_some_and(|known| kinds::personal(&known.class)) {
                found.push((at, index));
            }
            known.is_none()
        });
        found
    }

    /// The written columns classified as not personal whose values a column hands on, over any number of steps.
    #[must_use]
    pub fn impersonal_sources(&self, table: usize, column: usize) -> Vec<(usize, usize)> {
        let mut found = Vec::new();
        self.visit_sources((table, column), |at, index| {
            let source = &self.tables[at].columns[index];
            let known = self.known(at, &source.name).filter(|known| source.visible && !kinds::personal(&known.class));
            if known.is_some() {
                found.push((at, index));
            }
            known.is_none()
        });
        found
    }

    /// Visits the columns whose values a column hands on, once each. `further` tells whether to go on behind one.
    fn visit_sources(&self, start: (usize, usize), mut further: impl FnMut(usize, usize) -> bool) {
        let (mut seen, mut waiting) = (vec![start], vec![start]);
        while let Some((at, index)) = waiting.pop() {
            if (at, index) != start && !further(at, index) {
                continue;
            }
            for next in self.sources(at, index) {
                if !seen.contains(&next) {
                    seen.push(next);
                    waiting.push(next);
                }
            }
        }
    }

    /// Notes classes, kinds and origins in the schemas, for writers, catalogues and protection.
    pub(super) fn note_classes(&mut self) {
        for table in 0..self.tables.len() {
            let schema = std::sync::Arc::clone(&self.tables[table].schema);
            let fields = schema.fields().iter().map(|field| {
                let Some(known) = self.known(table, field.name()) else { return std::sync::Arc::clone(field) };
                let column = self.tables[table].columns.iter().position(|column| column.name == *field.name());
                let origin = column.map_or(Origin::Synthetic, |column| self.origin(table, column));
                let notes = [
                    (Key::Pii, known.kind.map(|kind| kind.name.as_str())),
                    (Key::Class, Some(known.class.as_str())),
                    (Key::Origin, Some(origin.name())),
                    (Key::Handling, known.handling.as_deref()),
                    (Key::Hipaa, Some(known.hipaa.as_str()).filter(|letter| *letter != "-")),
                    (Key::Identifies, Some(known.identifies).filter(|word| *word != "none")),
                    (Key::Domain, known.domain.as_deref()),
                ];
                let notes = notes.into_iter().filter_map(|(key, text)| Some((key, text?)));
                std::sync::Arc::new(notes.fold(field.as_ref().clone(), |field, (key, text)| field.with_note(key, text)))
            });
            let schema = arrow_schema::Schema::new_with_metadata(fields.collect::<Vec<_>>(), schema.metadata().clone());
            self.tables[table].schema = std::sync::Arc::new(schema);
        }
    }
}
