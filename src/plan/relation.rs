//! Relations: the names by which other rows belong to a row, such as its children and the rows that it refers to.

use super::{Base, Hand, Plan, Source, Step};

/// The way from the rows of a table to other rows.
#[derive(Debug, Clone, PartialEq)]
pub enum Relation {
    /// To many rows: the children, or the rows of another table that are dealt to the row.
    Many(Many),
    /// To one row, or none: a row that is referred to, the parent, or a fact.
    One(One),
}

/// The way to many rows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Many {
    pub(super) hand: Hand,
}

/// The way to one row.
#[derive(Debug, Clone, PartialEq)]
pub struct One {
    pub(super) steps: Vec<Step>,
    table: usize,
}

impl Relation {
    /// The table of the other rows.
    #[must_use]
    pub fn table(&self) -> usize {
        match self {
            Relation::Many(many) => many.hand.table,
            Relation::One(one) => one.table,
        }
    }
}

impl Plan {
    /// Lists the relations of a table by name, the nearest first: its children, its references (also by the name of their table, where one
    /// leads there), its ancestors, and the tables that are dealt to it by one reference.
    #[must_use]
    pub fn relations(&self, table: usize) -> Vec<(&str, Relation)> {
        let many = |base: Base| Relation::Many(Many { hand: base.into() });
        let children = (0..self.tables.len()).filter(|child| self.tables[*child].parent == Some(table));
        let mut all: Vec<(&str, Relation)> =
            children.map(|child| (self.tables[child].name.as_str(), many(Base::Children(child)))).collect();
        for (at, reference) in self.tables[table].refs.iter().enumerate() {
            let Some(reference) = reference else { continue };
            let one = One { steps: vec![Step::Ref(at)], table: reference.table };
            all.push((&reference.name, Relation::One(one)));
        }
        for reference in self.tables[table].refs.iter().flatten() {
            // The name of the table does too, where it says which reference.
            let alike = |(_, relation): &&(&str, Relation)| matches!(relation, Relation::One(one) if one.table == reference.table);
            if let [(_, one)] = all.iter().filter(alike).collect::<Vec<_>>().as_slice() {
                let one = one.clone();
                all.push((&self.tables[reference.table].name, one));
            }
        }
        if let Source::Each(facts) = &self.tables[table].source {
            for (part, facts) in facts.iter().enumerate() {
                let one = One { steps: vec![Step::Fact(part)], table: facts.hand.table };
                all.push((&self.tables[facts.hand.table].name, Relation::One(one)));
            }
        }
        let (mut steps, mut at) = (Vec::new(), table);
        while let Some(parent) = self.tables[at].parent {
            steps.push(Step::Parent);
            at = parent;
            all.push((&self.tables[at].name, Relation::One(One { steps: steps.clone(), table: at })));
        }
        for (other, dealt) in self.tables.iter().enumerate() {
            let to_this = |(_, reference): &(usize, &Option<super::Reference>)| {
                reference.as_ref().is_some_and(|reference| reference.deal.is_some() && reference.table == table)
            };
            let mut hands = dealt.refs.iter().enumerate().filter(to_this);
            if let (Some((reference, _)), None) = (hands.next(), hands.next()) {
                all.push((&dealt.name, many(Base::Dealt(other, reference))));
            }
        }
        let mut near: Vec<(&str, Relation)> = Vec::new();
        for (name, relation) in all {
            if !near.iter().any(|(known, _)| *known == name) {
                near.push((name, relation));
            }
        }
        near
    }
}
