//! The shape of a row that was found: an object with the rows that belong to it, or a line of CSV.

use std::collections::BTreeSet;

use arrow_array::RecordBatch;
use arrow_schema::{Field, Schema};

use super::case::camel;
use super::form::Row;
use super::search::Hits;
use super::values::{Needed, Values, lines, schema};
use super::with::Wanted;
use crate::dataset::DataSet;
use crate::error::{Error, Result};
use crate::format::write::nest::{Member, Object};
use crate::plan::{Chunk, Reached, Relation};

/// Rows that are shaped at a time.
const AT_A_TIME: usize = 64;

/// The form of names and values.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Shape {
    /// Names as `birthDate`, not `birth_date`.
    pub camel: bool,
    /// Decimals as numbers, not as texts.
    pub numbers: bool,
}

/// Makes the text of rows that were found.
pub struct Shaper<'a> {
    set: &'a DataSet,
    table: usize,
    wanted: &'a [Wanted],
    shape: Shape,
    /// `true` if the number of a row's pool is a member of it.
    pooled: bool,
    /// `true` if lines of CSV are wanted, too.
    flat: bool,
}

/// The rows that come with the rows of a chunk, by the names of their relations.
struct Layer<'w> {
    wanted: &'w Wanted,
    /// For each row above, the places of its rows.
    places: Vec<Vec<u32>>,
    paths: Vec<u128>,
    below: Vec<Layer<'w>>,
}

impl<'a> Shaper<'a> {
    /// A shaper for rows of a table of a data set, with the rows wanted beside each.
    ///
    /// # Errors
    ///
    /// If two columns have one name in camel case; or for lines of CSV, if a row has many rows of a name.
    pub fn new(
        set: &'a DataSet,
        table: usize,
        wanted: &'a [Wanted],
        shape: Shape,
        (pooled, flat): (bool, bool),
    ) -> Result<Self> {
        let shaper = Self { set, table, wanted, shape, pooled, flat };
        shaper.names_differ(table, wanted)?;
        if flat {
            let names = shaper.columns()?;
            let mut seen = BTreeSet::new();
            if let Some(name) = names.iter().find(|name| !seen.insert(*name)) {
                return Err(Error::usage(format!("two columns would have the name `{name}`"))
                    .hint("leave one of the rows out of --with"));
            }
        }
        Ok(shaper)
    }

    /// Refuses columns whose names are one in camel case.
    fn names_differ(&self, table: usize, wanted: &[Wanted]) -> Result<()> {
        let known = &self.set.plan().tables[table];
        let fields = schema(&known.schema, self.shape);
        let mut seen = BTreeSet::new();
        if let Some(field) = fields.fields().iter().find(|field| !seen.insert(field.name().as_str())) {
            return Err(Error::usage(format!("two columns of `{}` are `{}` in camel case", known.name, field.name())));
        }
        wanted.iter().try_for_each(|wanted| self.names_differ(wanted.relation.table(), &wanted.below))
    }

    fn name(&self, name: &str) -> String {
        if self.shape.camel { camel(name) } else { name.to_owned() }
    }

    /// The name of the table as a member.
    #[must_use]
    pub fn table_name(&self) -> String {
        self.name(&self.set.plan().tables[self.table].name)
    }

    /// The columns of a line of CSV: those of the row, then those of rows beside it, each behind the name of its relation.
    ///
    /// # Errors
    ///
    /// If a row has many rows of a name.
    pub fn columns(&self) -> Result<Vec<String>> {
        let mut all = Vec::new();
        self.add_columns(self.table, self.wanted, "", &mut all)?;
        Ok(all)
    }

    fn add_columns(&self, table: usize, wanted: &[Wanted], before: &str, all: &mut Vec<String>) -> Result<()> {
        let fields = schema(&self.set.plan().tables[table].schema, self.shape);
        all.extend(fields.fields().iter().map(|field| format!("{before}{}", field.name())));
        for wanted in wanted {
            if let Relation::Many(_) = wanted.relation {
                return Err(Error::usage(format!("a line of CSV has no place for many rows of `{}`", wanted.name))
                    .hint("leave it out of --with, or choose a format of JSON"));
            }
            let name = format!("{before}{}_", self.name(&wanted.name));
            self.add_columns(wanted.relation.table(), &wanted.below, &name, all)?;
        }
        Ok(())
    }

    /// Shapes the rows of each pool.
    ///
    /// # Errors
    ///
    /// If a value cannot be computed, or the texts would need more than a quarter of the memory.
    pub fn rows(&self, hits: &Hits) -> Result<Vec<Vec<Row>>> {
        let (mut pools, mut bytes) = (Vec::with_capacity(hits.pools.len()), 0);
        let most = self.set.plan().limits.memory.bytes / 4;
        for (number, pool) in hits.pools.iter().enumerate() {
            let mut rows = Vec::with_capacity(pool.len());
            for paths in pool.chunks(AT_A_TIME) {
                let more = self.some(paths, number)?;
                bytes += more.iter().map(|row: &Row| (row.json.len() + row.flat.len()) as u64).sum::<u64>();
                if bytes > most {
                    return Err(Error::usage(format!("the rows have more than {most} bytes, a quarter of the memory"))
                        .hint("a smaller --limit, fewer rows by --with, or a larger --max-memory"));
                }
                rows.extend(more);
            }
            pools.push(rows);
        }
        Ok(pools)
    }

    /// Shapes some rows of a pool.
    fn some(&self, paths: &[u128], pool: usize) -> Result<Vec<Row>> {
        let plan = self.set.plan();
        let bits = 24 * plan.depth(self.table);
        let numbers: BTreeSet<u64> = paths.iter().map(|path| (path >> bits) as u64).collect();
        let root = plan.root_of(self.table);
        let mut chunk = Chunk::new(plan, root, &numbers.into_iter().collect::<Vec<_>>());
        let start = chunk.reached(self.table)?;
        let layers = layers(&mut chunk, start, self.wanted)?;
        let all = chunk.paths(start);
        let mut needed = Needed::new();
        let mut places = Vec::with_capacity(paths.len());
        for path in paths {
            let place =
                all.iter().position(|other| other == path).ok_or_else(|| Error::internal("a row that is gone"))?;
            needed.entry(self.table).or_default().insert(*path);
            need(&layers, place, &mut needed);
            places.push(place);
        }
        for table in tables(self.wanted) {
            needed.entry(table).or_default();
        }
        let values = Values::new(self.set, &needed, self.shape)?;
        paths.iter().zip(places).map(|(path, place)| self.row(*path, place, pool, &layers, &values)).collect()
    }

    fn row(&self, path: u128, place: usize, pool: usize, layers: &[Layer<'_>], values: &Values) -> Result<Row> {
        let case = self.case(path);
        let mut object = Object::default();
        let text = |text: &str| Member::Value(serde_json::Value::from(text).to_string());
        object.add("_case", |_| false, text(&case));
        if self.pooled {
            object.add("_worker", |_| false, Member::Value(pool.to_string()));
        }
        let own = Object::of_line(values.line(self.table, path)?)?;
        object.add(&self.table_name(), |_| false, Member::One(Some(own)));
        self.add_members(&mut object, &|_| false, layers, place, values)?;
        let flat = if self.flat { self.flat(path, layers, place, values)? } else { String::new() };
        Ok(Row { case, json: object.json(), flat })
    }

    /// `patient/510`: the table and the numbers of the row.
    fn case(&self, path: u128) -> String {
        let plan = self.set.plan();
        format!("{}/{}", plan.tables[self.table].name, plan.numbers(self.table, path))
    }

    fn add_members(
        &self,
        object: &mut Object,
        taken: &dyn Fn(&str) -> bool,
        layers: &[Layer<'_>],
        row: usize,
        values: &Values,
    ) -> Result<()> {
        for layer in layers {
            let table = layer.wanted.relation.table();
            let fields = schema(&self.set.plan().tables[table].schema, self.shape);
            let mut rows = Vec::new();
            for place in &layer.places[row] {
                let place = *place as usize;
                let mut inner = Object::of_line(values.line(table, layer.paths[place])?)?;
                let taken = |name: &str| fields.field_with_name(name).is_ok();
                self.add_members(&mut inner, &taken, &layer.below, place, values)?;
                rows.push(inner);
            }
            let member = match layer.wanted.relation {
                Relation::Many(_) => Member::Many(rows),
                Relation::One(_) => Member::One(rows.pop()),
            };
            object.add(&self.name(&layer.wanted.name), taken, member);
        }
        Ok(())
    }

    fn flat(&self, path: u128, layers: &[Layer<'_>], row: usize, values: &Values) -> Result<String> {
        let missing = || Error::internal("a row that was not computed");
        let mut cells = values.cells(self.table, Some(path)).ok_or_else(missing)?;
        let mut open: Vec<(&Layer<'_>, Option<usize>)> = layers.iter().rev().map(|layer| (layer, Some(row))).collect();
        while let Some((layer, row)) = open.pop() {
            let place = row.and_then(|row| layer.places[row].first()).map(|place| *place as usize);
            let path = place.map(|place| layer.paths[place]);
            cells.extend(values.cells(layer.wanted.relation.table(), path).ok_or_else(missing)?);
            open.extend(layer.below.iter().rev().map(|layer| (layer, place)));
        }
        let fields = self.columns()?.into_iter().zip(&cells);
        let fields: Vec<Field> =
            fields.map(|(name, cells)| Field::new(name, cells.data_type().clone(), true)).collect();
        let batch = RecordBatch::try_new(Schema::new(fields).into(), cells)?;
        lines("csv", &batch)?.pop().ok_or_else(missing)
    }
}

/// Follows the wanted relations from the rows of a chunk.
fn layers<'w>(chunk: &mut Chunk<'_>, from: Reached, wanted: &'w [Wanted]) -> Result<Vec<Layer<'w>>> {
    let layer = |wanted: &'w Wanted| {
        let (reached, places) = chunk.follow(from, &wanted.relation)?;
        let below = layers(chunk, reached, &wanted.below)?;
        Ok(Layer { wanted, places, paths: chunk.paths(reached).to_vec(), below })
    };
    wanted.iter().map(layer).collect()
}

/// Adds the rows that come with a row.
fn need(layers: &[Layer<'_>], row: usize, needed: &mut Needed) {
    for layer in layers {
        for place in &layer.places[row] {
            let place = *place as usize;
            needed.entry(layer.wanted.relation.table()).or_default().insert(layer.paths[place]);
            need(&layer.below, place, needed);
        }
    }
}

/// The tables of wanted rows: one may have no row at all.
fn tables(wanted: &[Wanted]) -> Vec<usize> {
    wanted.iter().flat_map(|wanted| [wanted.relation.table()].into_iter().chain(tables(&wanted.below))).collect()
}
