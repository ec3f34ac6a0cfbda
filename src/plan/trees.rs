//! Trees: a root table with all tables below it, the unit that is cut into chunks.

use super::Plan;

/// A root table and the tables below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tree {
    /// The root table.
    pub root: usize,
    /// The root table and those below it, in the plan's order.
    pub tables: Vec<usize>,
}

impl Plan {
    /// Every tree, in the order of their root tables.
    #[must_use]
    pub fn trees(&self) -> Vec<Tree> {
        let roots = (0..self.tables.len()).filter(|table| self.tables[*table].parent.is_none());
        roots.map(|root| self.tree(root)).collect()
    }

    /// The trees of some tables, each with those tables alone, in the order given.
    #[must_use]
    pub fn trees_of(&self, tables: &[usize]) -> Vec<Tree> {
        let own = |tree: Tree| Tree {
            root: tree.root,
            tables: tables.iter().copied().filter(|table| tree.tables.contains(table)).collect(),
        };
        self.trees().into_iter().map(own).filter(|tree| !tree.tables.is_empty()).collect()
    }

    /// The tree of a root table.
    #[must_use]
    pub fn tree(&self, root: usize) -> Tree {
        Tree { root, tables: (0..self.tables.len()).filter(|table| self.root_of(*table) == root).collect() }
    }
}
