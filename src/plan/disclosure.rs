//! Disclosure: the columns that values come from in the end, so that a fact is found wherever it is handed on.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::origin::Form;
use super::{Op, Plan};

/// A table and a column of it.
type At = (usize, usize);

/// The facts that the columns of a plan tell, each looked up once.
///
/// A fact is a column that makes values: a generator, a column of a data file, or an expression that hands on no other
/// column. Numbers of rows and constants are none.
pub struct Disclosure<'p> {
    plan: &'p Plan,
    open: BTreeMap<At, Rc<BTreeSet<At>>>,
    hashed: BTreeMap<At, Rc<BTreeSet<At>>>,
}

impl<'p> Disclosure<'p> {
    /// Nothing is looked up yet.
    #[must_use]
    pub fn new(plan: &'p Plan) -> Self {
        Self { plan, open: BTreeMap::new(), hashed: BTreeMap::new() }
    }

    /// The facts that a column tells, whole or in part.
    pub fn open(&mut self, at: At) -> Rc<BTreeSet<At>> {
        if let Some(known) = self.open.get(&at) {
            return Rc::clone(known);
        }
        let column = &self.plan.tables[at.0].columns[at.1];
        let mut found = BTreeSet::new();
        for (from, form) in self.plan.handed(at.0, at.1) {
            if form == Form::Open {
                found.extend(self.open(from).iter().copied());
            }
        }
        let makes = match &column.op {
            Op::Row | Op::Ordinal | Op::Siblings | Op::HandOrdinal(_) | Op::Pick(_) | Op::Match(_) | Op::Among(_) => {
                false
            }
            Op::Generator(_) => true,
            Op::Expr(expr) => found.is_empty() && expr.constant().is_none(),
            _ => found.is_empty(),
        };
        if makes {
            found.insert(at);
        }
        let found = Rc::new(found);
        self.open.insert(at, Rc::clone(&found));
        found
    }

    /// The facts of which a column tells an unkeyed hash.
    pub fn hashed(&mut self, at: At) -> Rc<BTreeSet<At>> {
        if let Some(known) = self.hashed.get(&at) {
            return Rc::clone(known);
        }
        let mut found = BTreeSet::new();
        for (from, form) in self.plan.handed(at.0, at.1) {
            if form == Form::Hashed {
                found.extend(self.open(from).iter().copied());
            }
            if form != Form::Linked {
                found.extend(self.hashed(from).iter().copied());
            }
        }
        let found = Rc::new(found);
        self.hashed.insert(at, Rc::clone(&found));
        found
    }
}
