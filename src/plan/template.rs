//! Compiled templates: the columns, and the lists of rows, that messages are made of.

use arrow_schema::DataType;
use sqlparser::ast::BinaryOperator;

use super::{Hand, Step};
use crate::template::{Node, Syntax};

/// A compiled template. Frame 0 has the rows that messages are made for, frame `n` the rows of list `n - 1`.
pub(super) struct Template {
    pub(super) syntax: &'static Syntax,
    /// The pieces, with values and lists by number.
    pub(super) nodes: Vec<Node<(usize, usize), (usize, usize)>>,
    /// The number of counters.
    pub(super) counters: usize,
    pub(super) values: Vec<TemplateValue>,
    pub(super) lists: Vec<TemplateList>,
}

/// A value of a template.
pub(super) struct TemplateValue {
    /// The frame of the rows that have it.
    pub(super) frame: usize,
    pub(super) table: usize,
    pub(super) column: usize,
    /// The expression as it is written, for messages.
    pub(super) text: String,
}

/// The rows of a loop of a template.
pub(super) struct TemplateList {
    /// The frame of the rows around it.
    pub(super) base: usize,
    /// The steps from there to the row that has the hand.
    pub(super) steps: Vec<Step>,
    pub(super) hand: Hand,
    /// A condition on the rows, as a column of theirs.
    pub(super) filter: Option<usize>,
    /// Conditions that compare the rows with the row around the loop.
    pub(super) joins: Vec<TemplateJoin>,
    pub(super) order: Vec<(usize, bool)>,
    /// The most rows.
    pub(super) limit: Option<usize>,
}

/// A comparison of a loop's row with the row around the loop; a null compares with nothing.
pub(super) struct TemplateJoin {
    pub(super) column: usize,
    pub(super) outer_table: usize,
    pub(super) outer: usize,
    /// The type that both are compared in.
    pub(super) ty: DataType,
    pub(super) op: Comparison,
}

/// An operator that compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    Unequal,
    Less,
    AtMost,
    Greater,
    AtLeast,
}

impl Comparison {
    /// The comparison of an operator, and the one that it is with its sides changed; `None` for another operator.
    pub(super) fn of(op: &BinaryOperator) -> Option<(Self, Self)> {
        Some(match op {
            BinaryOperator::Eq => (Self::Equal, Self::Equal),
            BinaryOperator::NotEq => (Self::Unequal, Self::Unequal),
            BinaryOperator::Lt => (Self::Less, Self::Greater),
            BinaryOperator::LtEq => (Self::AtMost, Self::AtLeast),
            BinaryOperator::Gt => (Self::Greater, Self::Less),
            BinaryOperator::GtEq => (Self::AtLeast, Self::AtMost),
            _ => return None,
        })
    }

    pub(super) fn holds(self, order: std::cmp::Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::Unequal => order.is_ne(),
            Self::Less => order.is_lt(),
            Self::AtMost => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::AtLeast => order.is_ge(),
        }
    }
}

impl Template {
    /// The columns that messages are made of, those that choose or order rows included.
    pub(super) fn needs(&self) -> impl Iterator<Item = (usize, usize)> {
        let values = self.values.iter().map(|value| (value.table, value.column));
        let chosen = self.lists.iter().flat_map(|list| {
            let (table, own) = (list.hand.table, list.order.iter().map(|(column, _)| *column).chain(list.filter));
            let joins =
                list.joins.iter().flat_map(|join| [(list.hand.table, join.column), (join.outer_table, join.outer)]);
            own.map(move |column| (table, column)).chain(joins)
        });
        values.chain(chosen)
    }
}
