//! Classes of values by where they come from.

/// The origin of a column's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// The same text for every row.
    Constant,
    /// Drawn, and in no way like a person's.
    Synthetic,
    /// A list of the profile, such as names or places.
    Dictionary,
    /// Computed from other columns.
    Derived,
    /// An identifier from a range that no one can have.
    Reserved,
    /// An identifier from a range that is in use: it may be someone's.
    Live,
}

impl Origin {
    /// The word in catalogues.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Origin::Constant => "constant",
            Origin::Synthetic => "synthetic",
            Origin::Dictionary => "dictionary",
            Origin::Derived => "derived",
            Origin::Reserved => "reserved-range",
            Origin::Live => "live-shaped",
        }
    }
}
