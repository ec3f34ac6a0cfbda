use super::Def;
pub fn families() -> Vec<(&'static str, &'static [Def])> {
    vec![]
}
