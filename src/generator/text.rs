//! Text: patterns, templates over other columns, and filler words, sentences and paragraphs.

mod pattern;
mod template;
mod words;

use super::Def;

/// The longest text of a generated cell, in bytes, for patterns and filler.
const MAX_CELL: usize = 4_096;

/// The generators of this family.
pub(super) const DEFS: &[Def] = &[
    Def::of::<pattern::Pattern>(),
    Def::of::<template::Template>(),
    Def::of::<template::Code>(),
    Def::of::<words::Words>(),
    Def::of::<words::Sentence>(),
    Def::of::<words::Paragraph>(),
];
