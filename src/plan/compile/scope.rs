//! The planning scope of a generator: its expressions become constants or intermediate columns.

use std::sync::Arc;

use arrow_schema::DataType;

use super::Compiler;
use crate::error::{Error, Result};
use crate::generator::data::Data;
use crate::generator::{Scope, Slot, Want};
use crate::plan::{Input, Op};
use crate::profile::{Expr, Value};
use crate::sql::{self, types};

/// The scope of one generator call.
pub(super) struct CallScope<'c, 'a> {
    pub(super) compiler: &'c mut Compiler<'a>,
    pub(super) table: usize,
    /// The column's name: with the field's name it keys nested randomness.
    pub(super) column: String,
    /// The path of the call in the profile.
    pub(super) path: String,
    pub(super) inputs: Vec<Input>,
    /// Where the column has a value; nested generators have none elsewhere.
    pub(super) when: Option<&'c Expr>,
}

/// The type that a parameter is cast to, `None` for its canonical text.
fn wanted(want: Want) -> DataType {
    match want {
        Want::Integer => DataType::Int64,
        Want::Number => DataType::Float64,
        Want::Text | Want::AsText => DataType::Utf8,
        Want::Date => DataType::Date32,
        Want::Timestamp => types::timestamp(),
        Want::Boolean => DataType::Boolean,
    }
}

impl CallScope<'_, '_> {
    fn slot(&mut self, name: &str, expr: sql::Expr, inputs: Vec<Input>, want: Want) -> Result<Slot> {
        let to = wanted(want);
        let integral = want == Want::Integer && matches!(expr.ty, DataType::Decimal128(_, 0));
        if want != Want::AsText && !integral && !types::widens(&expr.ty, &to) {
            return Err(Error::profile(
                "",
                format!("type mismatch: {} is meant, this is {}", types::name(&to), types::name(&expr.ty)),
            ));
        }
        let expr = if types::logical(&expr.ty) == &to { expr } else { expr.cast_to(&to) };
        if let Some(constant) = expr.constant() {
            return Ok(Slot::Const(Arc::clone(constant)));
        }
        let input = match expr.node {
            sql::Node::Input(index) => inputs[index].clone(),
            _ => {
                let column = self.compiler.computed(self.table, name, Op::Expr(expr), inputs)?;
                Input { steps: Vec::new(), column }
            }
        };
        self.inputs.push(input);
        Ok(Slot::Input(self.inputs.len() - 1))
    }

    fn field_path(&self, field: &str) -> String {
        if field.is_empty() { self.path.clone() } else { format!("{}.{field}", self.path) }
    }
}

impl Scope for CallScope<'_, '_> {
    fn operand(&mut self, field: &str, expr: &Expr, want: Want) -> Result<Slot> {
        let path = self.field_path(field);
        let name = format!("{}#{field}#{}", self.column, expr.0);
        let lowered = self.compiler.expression(self.table, &expr.0);
        lowered.and_then(|(expr, inputs)| self.slot(&name, expr, inputs, want)).map_err(|error| error.within(&path))
    }

    fn value(&mut self, field: &str, value: &Value, want: Want) -> Result<Slot> {
        let call = match value {
            Value::Expr(expr) => return self.operand(field, expr, want),
            Value::Gen(call) => call,
        };
        let (path, name) = (self.field_path(field), format!("{}#{field}", self.column));
        let column = self.compiler.generated(self.table, &name, call, &format!("{path}.{}", call.name), self.when)?;
        let (ty, nullable) = self.compiler.type_of(self.table, column);
        let input = Input { steps: Vec::new(), column };
        self.slot(&format!("{name}#cast"), sql::Expr::input(0, ty, nullable), vec![input], want)
            .map_err(|error| error.within(&path))
    }

    fn data(&mut self, field: &str, file: &str) -> Result<Arc<Data>> {
        let path = self.field_path(field);
        self.compiler.data_file(self.table, file).map_err(|error| error.within(&path))
    }

    fn root_rows(&self) -> Option<u64> {
        self.compiler.root_rows(self.table)
    }

    fn depth(&self) -> usize {
        self.compiler.depth(self.table)
    }

    fn key(&self) -> u64 {
        self.compiler.key(self.table, &self.column)
    }

    fn literals(&mut self, field: &str, by: &Expr, keys: &[&str]) -> Result<Vec<String>> {
        let path = self.field_path(field);
        self.compiler.key_literals(self.table, by, keys, [&path, &path])
    }

    fn written(&self, field: &str) -> Option<String> {
        self.compiler.loaded.written(&self.field_path(field))
    }

    fn error(&self, field: &str, message: String) -> Error {
        Error::profile(self.field_path(field), message)
    }
}
