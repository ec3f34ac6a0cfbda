//! Questions about a data set, by table: those of the profile, and those that every table has.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_schema::{DataType, Field, Schema};

use super::cell::Cell;
use super::key::{Answer, AnswerKey, Held, LeftOut, Merge};
use super::tally::Tally;
use crate::error::Result;
use crate::notes::Noted;
use crate::plan::{BALANCE, Chunk, Fold, Measure, Plan};
use crate::protect::Protection;
use crate::stage::Output;

/// A question about the rows of a table: places are those of the batches that [`Questions::batch`] makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The name of the answer.
    pub answer: String,
    /// The names of what makes the groups.
    pub dimension: Vec<String>,
    /// The measure in words.
    pub measure: String,
    /// The condition on rows.
    condition: Option<String>,
    pub(super) by: Vec<usize>,
    pub(super) filter: Option<usize>,
    pub(super) argument: Option<usize>,
    pub(super) fold: Fold,
    /// The type of its values.
    ty: DataType,
}

/// The questions of one table.
#[derive(Debug, Clone, Default)]
struct OfTable {
    name: String,
    /// The columns of the key.
    key: Vec<String>,
    /// The columns of the plan that are not written, in the order of the batch.
    hidden: Vec<usize>,
    questions: Vec<Question>,
}

/// The questions of a data set.
#[derive(Debug, Clone, Default)]
pub struct Questions {
    profile: String,
    part: Option<crate::part::Part>,
    tables: BTreeMap<usize, OfTable>,
    left_out: Vec<LeftOut>,
    /// Tables of trees with faults: their balances are over rows that may be sent twice or not at all. `true` if some are.
    faulty: BTreeMap<usize, bool>,
}

impl Questions {
    /// The questions about some outputs of a plan. What reads a protected column is left out, and what needs rows of a table that is
    /// not among the outputs.
    #[must_use]
    pub fn new(plan: &Plan, part: Option<crate::part::Part>, outputs: &[Output], protection: &Protection) -> Self {
        let mut all = Self { profile: plan.name.clone(), part, ..Self::default() };
        for output in outputs.iter().filter(|output| output.sources.is_empty()) {
            let asker = Asker { plan, outputs, protection, table: output.table };
            let own = asker.questions(output, &mut all.left_out);
            all.tables.insert(output.table, own);
        }
        all
    }

    /// The same questions, where rows of some tables' trees are wrong on purpose: what adds up other rows is not known of what is held,
    /// nor of what is sent where `true` says that rows are sent twice, or not at all.
    #[must_use]
    pub fn with_faults(mut self, faulty: BTreeMap<usize, bool>) -> Self {
        self.faulty = faulty;
        self
    }

    /// The same questions, of another part.
    #[must_use]
    pub fn of_part(mut self, part: Option<crate::part::Part>) -> Self {
        self.part = part;
        self
    }

    /// The questions of a table.
    #[must_use]
    pub fn of(&self, table: usize) -> &[Question] {
        self.tables.get(&table).map_or(&[], |table| &table.questions)
    }

    /// The columns of the plan that are not written and that questions about a table need.
    #[must_use]
    pub fn hidden(&self, table: usize) -> &[usize] {
        self.tables.get(&table).map_or(&[], |own| &own.hidden)
    }

    /// The rows of a table of a chunk as a tally takes them: the written columns before protection, then those that questions need.
    ///
    /// # Errors
    ///
    /// If a value cannot be computed.
    pub fn batch(&self, chunk: &mut Chunk<'_>, table: usize, written: &RecordBatch) -> Result<RecordBatch> {
        let written = self.as_codes(chunk, table, written)?;
        match self.hidden(table) {
            [] => Ok(written),
            hidden => with_hidden(&written, &chunk.columns_of(table, hidden)?),
        }
    }

    /// The written columns of a table, of which those that make groups are codes of few texts where the plan computed them so: codes are
    /// counted without a look at the texts.
    fn as_codes(&self, chunk: &mut Chunk<'_>, table: usize, written: &RecordBatch) -> Result<RecordBatch> {
        let asked = self.of(table).iter().flat_map(|question| question.by.iter().copied());
        let grouping: BTreeSet<usize> = asked.filter(|place| *place < written.num_columns()).collect();
        let texts = |place: &usize| *written.column(*place).data_type() == DataType::Utf8;
        let plan = chunk.plan();
        let columns = (0..).zip(&plan.tables[table].columns).filter(|(_, column)| column.visible);
        let columns: Vec<usize> = columns.map(|(at, _): (usize, _)| at).collect();
        let (mut fields, mut arrays) = (written.schema_ref().fields().to_vec(), written.columns().to_vec());
        for place in grouping.into_iter().filter(texts) {
            let Some(computed) = chunk.columns_of(table, &columns[place..=place])?.pop() else { continue };
            if matches!(computed.data_type(), DataType::Dictionary(..)) && computed.len() == written.num_rows() {
                let field = fields[place].as_ref().clone();
                fields[place] = Arc::new(field.with_data_type(computed.data_type().clone()).with_nullable(true));
                arrays[place] = computed;
            }
        }
        let rows = RecordBatchOptions::new().with_row_count(Some(written.num_rows()));
        Ok(RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), arrays, &rows)?)
    }

    /// The answer key of a tally.
    #[must_use]
    pub fn key(&self, tally: &Tally) -> AnswerKey {
        let mut key = AnswerKey::new(&self.profile, self.part);
        key.left_out.clone_from(&self.left_out);
        for (table, own) in &self.tables {
            key.tables.push(Held::new(&own.name, own.key.clone(), &tally.held(*table)));
            for (at, question) in own.questions.iter().enumerate() {
                let none = BTreeMap::from([(Vec::new(), Default::default())]);
                let values = tally.values(*table).get(at).unwrap_or(if question.by.is_empty() {
                    &none
                } else {
                    const { &BTreeMap::new() }
                });
                for (group, cells) in values {
                    let [clean, mut sent, mut accepted] = [0, 1, 2].map(|view| question.text(&cells[view]));
                    if let Some(counts) = self.faulty.get(table).filter(|_| question.answer.starts_with(BALANCE)) {
                        accepted = None;
                        sent = sent.filter(|_| !counts);
                    }
                    key.answers.push(Answer {
                        answer: question.answer.clone(),
                        table: own.name.clone(),
                        dimension: question.dimension.clone(),
                        value: group.clone(),
                        measure: question.measure.clone(),
                        filter: question.condition.clone(),
                        merge: question.merge(),
                        clean,
                        sent,
                        accepted,
                    });
                }
            }
        }
        key.sort();
        key
    }
}

impl Question {
    fn merge(&self) -> Merge {
        let number = matches!(self.ty, DataType::Int64 | DataType::Decimal128(..));
        match (self.fold, number) {
            (Fold::Least, true) => Merge::LeastNumber,
            (Fold::Greatest, true) => Merge::GreatestNumber,
            (Fold::Least, false) => Merge::Least,
            (Fold::Greatest, false) => Merge::Greatest,
            _ => Merge::Add,
        }
    }

    /// A question over columns by their places.
    pub(super) fn over(answer: &Answer, by: Vec<usize>, argument: Option<usize>, fold: Fold, ty: DataType) -> Self {
        let (dimension, measure, condition) = (answer.dimension.clone(), answer.measure.clone(), None);
        Self { answer: answer.answer.clone(), dimension, measure, condition, by, filter: None, argument, fold, ty }
    }

    pub(super) fn text(&self, cell: &Cell) -> Option<String> {
        match (cell, self.fold) {
            (Cell::None, Fold::Least | Fold::Greatest) => None,
            (Cell::None, _) => Cell::count(0).text(&self.ty),
            _ => cell.text(&self.ty),
        }
    }
}

/// The questions of one table while they are collected.
struct Asker<'p> {
    plan: &'p Plan,
    outputs: &'p [Output],
    protection: &'p Protection,
    table: usize,
}

impl Asker<'_> {
    fn questions(&self, output: &Output, left_out: &mut Vec<LeftOut>) -> OfTable {
        let key =
            output.schema.fields().iter().filter(|field| field.is_primary_key()).map(|field| field.name().clone());
        let mut own = OfTable { name: output.name.clone(), key: key.collect(), ..OfTable::default() };
        own.questions.push(free("rows", "", "count(*)", None, Fold::Count));
        let known = &self.plan.tables[self.table];
        for (place, field) in known.schema.fields().iter().enumerate() {
            if output.schema.field(place).is_protected() {
                left_out.push(LeftOut::of(&output.name, field.name(), field.name()));
                continue;
            }
            let (name, at) = (field.name().as_str(), Some(place));
            if field.is_nullable() {
                own.questions.push(free("nulls", name, "nulls", at, Fold::Nulls));
            }
            if matches!(field.data_type(), DataType::Date32 | DataType::Timestamp(..)) {
                let typed = |question: Question| Question { ty: field.data_type().clone(), ..question };
                own.questions.push(typed(free("min", name, "min", at, Fold::Least)));
                own.questions.push(typed(free("max", name, "max", at, Fold::Greatest)));
            }
            if self.plan.has_few_values(self.table, self.visible(place)) {
                let counted = free("values", name, "count(*)", None, Fold::Count);
                own.questions.push(Question { by: vec![place], ..counted });
            }
        }
        for measure in &known.measures {
            match self.protected(measure) {
                Some(column) => left_out.push(LeftOut::of(&output.name, &measure.answer, &column)),
                None if self.has_tables(measure) => {
                    let question = self.question(measure, &mut own.hidden);
                    own.questions.push(question);
                }
                None => {}
            }
        }
        own
    }

    /// The place of a written column among all columns of the plan.
    fn visible(&self, place: usize) -> usize {
        let columns = &self.plan.tables[self.table].columns;
        (0..columns.len()).filter(|column| columns[*column].visible).nth(place).unwrap_or_default()
    }

    /// The protected column that a measure reads; `None` where all that it reads is in the files.
    fn protected(&self, measure: &Measure) -> Option<String> {
        if self.protection.is_none() {
            return None;
        }
        for column in measure.columns() {
            let reads = self.plan.reads(self.table, column);
            for (table, column) in reads.columns {
                let name = self.plan.column_name(table, column);
                let written = self.protection.schema(self.plan, table);
                if reads.messages || written.field_with_name(name).is_ok_and(Noted::is_protected) {
                    return Some(format!("{}.{name}", self.plan.tables[table].name));
                }
            }
        }
        None
    }

    /// Tells whether every table that a measure adds up is written.
    fn has_tables(&self, measure: &Measure) -> bool {
        let written = |table: &usize| self.outputs.iter().any(|output| output.table == *table);
        measure.columns().all(|column| self.plan.reads(self.table, column).tables.iter().all(written))
    }

    fn question(&self, measure: &Measure, hidden: &mut Vec<usize>) -> Question {
        let table = &self.plan.tables[self.table];
        let written = table.schema.fields().len();
        let mut place = |column: usize| {
            if table.columns[column].visible {
                return (0..column).filter(|column| table.columns[*column].visible).count();
            }
            let known = hidden.iter().position(|known| *known == column);
            written
                + known.unwrap_or_else(|| {
                    hidden.push(column);
                    hidden.len() - 1
                })
        };
        let ty = match (measure.fold, measure.argument) {
            (Fold::Sum | Fold::Least | Fold::Greatest, Some(column)) => table.columns[column].ty.clone(),
            _ => DataType::Int64,
        };
        Question {
            answer: measure.answer.clone(),
            dimension: measure.by.iter().map(|(text, _)| text.clone()).collect(),
            measure: measure.text.clone(),
            condition: measure.condition.clone(),
            by: measure.by.iter().map(|(_, column)| place(*column)).collect(),
            filter: measure.filter.map(&mut place),
            argument: measure.argument.map(&mut place),
            fold: measure.fold,
            ty,
        }
    }
}

/// Rows as a tally takes them: written columns, then those that are not written.
///
/// # Errors
///
/// If the columns have other numbers of rows.
pub fn with_hidden(written: &RecordBatch, hidden: &[ArrayRef]) -> Result<RecordBatch> {
    let field = |(n, array): (usize, &ArrayRef)| Arc::new(Field::new(format!("#{n}"), array.data_type().clone(), true));
    let fields = written.schema_ref().fields().iter().cloned().chain(hidden.iter().enumerate().map(field));
    let schema = Schema::new(fields.collect::<Vec<_>>());
    let columns = written.columns().iter().chain(hidden).cloned().collect();
    let rows = RecordBatchOptions::new().with_row_count(Some(written.num_rows()));
    Ok(RecordBatch::try_new_with_options(Arc::new(schema), columns, &rows)?)
}

/// A question that every table is asked; the measure is about a column, or about rows where there is none.
fn free(answer: &str, column: &str, measure: &str, argument: Option<usize>, fold: Fold) -> Question {
    Question {
        answer: answer.to_owned(),
        dimension: if answer == "values" { vec![column.to_owned()] } else { Vec::new() },
        measure: if argument.is_some() { format!("{measure}({column})") } else { measure.to_owned() },
        condition: None,
        by: Vec::new(),
        filter: None,
        argument,
        fold,
        ty: DataType::Int64,
    }
}
