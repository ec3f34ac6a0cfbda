use super::Def;
pub const DEFS: &[Def] = &[];
