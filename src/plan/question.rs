//! Questions: expressions over the rows of a table that are no part of a profile, such as the condition of a search.

/// An expression that is computed for each row of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The place of the expression, for errors: a path in the profile such as `fixtures.minor.where`, or an option's name.
    pub path: String,
    /// The table.
    pub table: String,
    /// SQL over the names that the table's columns see.
    pub sql: String,
    /// `true` if the expression must be a condition.
    pub condition: bool,
}

/// A compiled question; [`Chunk::answers`](super::Chunk::answers) computes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// The table.
    pub table: usize,
    /// The column that has the answers; not written.
    pub(super) column: usize,
}
