//! Dependence on siblings: the columns that can only be computed for complete families.

use super::{Column, Op, Place, Plan, Step, Table};

impl Plan {
    /// Marks the columns that depend on siblings, by themselves or through other columns of the same row.
    pub(super) fn find_sibling_dependence(&mut self) {
        for table in &mut self.tables {
            loop {
                let found: Vec<usize> = (0..table.columns.len())
                    .filter(|column| {
                        !table.columns[*column].needs_siblings && depends_on_siblings(table, &table.columns[*column])
                    })
                    .collect();
                if found.is_empty() {
                    break;
                }
                found.iter().for_each(|column| table.columns[*column].needs_siblings = true);
            }
        }
    }
}

fn depends_on_siblings(table: &Table, column: &Column) -> bool {
    let own = match &column.op {
        Op::Window(_) | Op::Siblings | Op::Walk(_) => true,
        Op::Generator(generator) => generator.siblings(),
        Op::Pick(pick) => pick.siblings(),
        Op::Among(among) => among.within.is_none(),
        _ => false,
    };
    own || column.inputs.iter().any(|input| match input.steps.first() {
        None => table.columns[input.column].needs_siblings,
        Some(Step::Ref(reference)) => table.refs[*reference]
            .as_ref()
            .is_some_and(|reference| reference.place == Place::Sibling || table.columns[reference.pick].needs_siblings),
        Some(Step::Parent | Step::Fact(_)) => false,
    })
}
