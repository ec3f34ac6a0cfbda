//! Generated values in place of those that are there. A value is the one of a row whose number is a keyed hash of the old value, so
//! equal old values have equal new ones, in every file and run with the key.
//!
//! ```text
//! row = HMAC-SHA256(HKDF(key, "fe1/gen/@" q(domain)), old value)[..8] mod rows
//! ```

use arrow_array::{Array, ArrayRef, BooleanArray};
use arrow_schema::{DataType, Schema};
use arrow_select::nullif::nullif;
use hmac::{Hmac, KeyInit, Mac};
use indexmap::IndexMap;
use sha2::Sha256;

use super::table::Table;
use crate::digest::{hex, sha256};
use crate::error::{Error, Kind as ErrorKind, Result, did_you_mean};
use crate::notes::{Key, Noted};
use crate::plan::{Chunk, Limits, Options, Plan};
use crate::profile::load_text;
use crate::protect::fe1::Scope;
use crate::protect::given_domain;
use crate::protect::keyring::Keys;
use crate::protect::texts::Texts;

/// The rows among which a value is chosen: as many as the generator has values for.
const ROWS: [u64; 5] = [1 << 40, 1_000_000_000, 10_000_000, 100_000, 1_000];

/// The generated column that takes the place of another.
pub(super) struct Replacement {
    /// Its place among the columns that are read.
    pub(super) at: usize,
    /// The place of the column whose values choose the rows.
    by: usize,
    plan: Plan,
    rows: u64,
    mac: Hmac<Sha256>,
}

impl Replacement {
    /// Every replacement of a table; `tables` are all schemas, for domains.
    ///
    /// # Errors
    ///
    /// If no key is given, the generator does not exist or does not take its parameters, or the column is a key.
    pub(super) fn all(
        table: &Table<'_>,
        tables: &[(&str, &Schema)],
        keys: Option<&Keys>,
        as_of: Option<&str>,
    ) -> Result<Vec<Self>> {
        let mut all = Vec::new();
        for (at, column) in table.columns.iter().enumerate() {
            let Some((rule, r#gen)) = column.rule.and_then(|rule| Some((rule, rule.r#gen.as_ref()?))) else { continue };
            let field = table.schema.field(at);
            let path = format!("tables.{}.columns.{}", table.input.table, field.name());
            let made = || {
                let name = format!("{}.{}", table.input.table, field.name());
                let referred = |(_, schema): &(&str, &Schema)| {
                    schema.fields().iter().any(|other| other.note(Key::References) == Some(&name))
                };
                if field.is_primary_key() || tables.iter().any(referred) {
                    return Err(Error::profile(
                        "",
                        "it is a key, and generated values need not differ where the old ones do",
                    )
                    .hint("token, ff1 or encrypt:DOMAIN join rows"));
                }
                let keys = keys.ok_or_else(|| {
                    Error::new(ErrorKind::Key, "a key is needed to choose generated values, and none is given")
                        .hint("--keyring FILE or --key-source SOURCE; `placebo keys new` makes a keyring")
                })?;
                let names = || table.schema.fields().iter().map(|field| field.name().as_str());
                let by = match &rule.by {
                    None => at,
                    Some(by) => names().position(|name| name == by).ok_or_else(|| {
                        Error::profile("by", format!("no column `{by}` is read")).maybe_hint(did_you_mean(by, names()))
                    })?,
                };
                let domain = given_domain(tables, &table.input.table, table.schema.field(by));
                let identity = match (&rule.domain, &rule.by) {
                    (Some(domain), _) => domain.clone(),
                    (None, Some(_)) => field.name().clone(),
                    (None, None) => domain.clone(),
                };
                let (plan, rows) = compiled(r#gen, &identity, keys, as_of)?;
                let key = keys.active.subkey(&format!("fe1/gen/{}", Scope::domain(&domain).text()));
                let mac = Hmac::new_from_slice(key.expose()).map_err(|_| Error::internal("a key of 32 bytes"))?;
                Ok(Self { at, by, plan, rows, mac })
            };
            all.push(made().map_err(|error| error.below(&path))?);
        }
        Ok(all)
    }

    /// The type of the generated values.
    pub(super) fn data_type(&self) -> DataType {
        self.plan.tables[0].schema.field(0).data_type().clone()
    }

    /// The values in place of those of a batch, null where they are.
    pub(super) fn apply(&self, columns: &[ArrayRef]) -> Result<ArrayRef> {
        let texts = Texts::new(&columns[self.by])?;
        let numbers: Vec<u64> = (0..texts.len()).map(|row| self.number(texts.get(row).unwrap_or_default())).collect();
        let batch = Chunk::new(&self.plan, 0, &numbers).batch(0)?;
        let none = match columns[self.at].logical_nulls() {
            None => return Ok(ArrayRef::clone(batch.column(0))),
            Some(nulls) => BooleanArray::new(!nulls.inner(), None),
        };
        Ok(nullif(batch.column(0), &none)?)
    }

    /// The row that an old value chooses.
    fn number(&self, text: &str) -> u64 {
        let mut mac = self.mac.clone();
        mac.update(text.as_bytes());
        mac.finalize().into_bytes().iter().take(8).fold(0, |all, byte| all << 8 | u64::from(*byte)) % self.rows
    }
}

/// The plan of one generated column, and the number of its rows.
fn compiled(r#gen: &toml::Value, identity: &str, keys: &Keys, as_of: Option<&str>) -> Result<(Plan, u64)> {
    let as_of = as_of.ok_or_else(|| {
        Error::profile("", "generated values need a day on which they end").hint("as_of = 2026-06-30, above the tables")
    })?;
    let column = format!("r_{}", &sha256(identity.as_bytes())[..24]);
    let seed = hex(keys.active.subkey("fe1/gen").expose());
    let mut error = Error::internal("no number of rows");
    for rows in ROWS {
        let one = |key: &str, value: toml::Value| toml::Value::Table(toml::Table::from_iter([(key.to_owned(), value)]));
        let table = toml::Table::from_iter([
            ("rows".to_owned(), toml::Value::Integer(rows.cast_signed())),
            ("columns".to_owned(), one(&column, one("gen", r#gen.clone()))),
        ]);
        let profile = toml::Table::from_iter([
            ("name".to_owned(), toml::Value::String("replacement".to_owned())),
            ("tables".to_owned(), one("replacement", toml::Value::Table(table))),
        ]);
        let text = toml::to_string(&profile).map_err(|error| Error::profile("gen", error.to_string()))?;
        let limits = Limits { rows: u64::MAX, ..Limits::default() };
        let (rows_of, params) = (IndexMap::new(), IndexMap::new());
        let options =
            Options { seed: seed.clone(), rows: rows_of, scale: 1.0, params, as_of: Some(as_of.to_owned()), limits };
        let made = load_text("rules", text).and_then(|loaded| {
            let plan = Plan::compile(&loaded, &options)?;
            // A first value shows what compilation leaves to the rows.
            Chunk::new(&plan, 0, &[0]).batch(0)?;
            Ok(plan)
        });
        match made {
            Ok(plan) => return Ok((plan, rows)),
            Err(other) => error = other,
        }
    }
    let hint = error.hint_text().map(str::to_owned);
    Err(Error::profile("gen", error.message().replace(&column, "this column")).maybe_hint(hint))
}
