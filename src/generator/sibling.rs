//! Values that depend on the siblings before: rising instants, and chains of hashes.
//!
//! A fill always has complete families of siblings, so that each value can follow from the ones before it.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::types::TimestampMicrosecondType;
use arrow_array::{ArrayRef, PrimitiveArray, builder::StringBuilder};
use arrow_schema::DataType;
use schemars::JsonSchema;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::domain::Domain;
use super::operand::Text;
use super::time::{Fallback, Resolution, empty, instant_type, instants, no_step, steps_up};
use super::{Def, Fill, Generator, Missing, Operand, Origin, Params, Scope};
use crate::arrays::Texts;
use crate::error::Result;
use crate::profile::Expr;

/// The generators of this family.
pub(super) const DEFS: &[Def] = &[Def::of::<Rising>(), Def::of::<HashChain>()];

fn needs_siblings(scope: &dyn Scope) -> Result<()> {
    if scope.depth() > 0 {
        return Ok(());
    }
    Err(scope
        .error("", "needs siblings, and rows of a root table have none".to_owned())
        .hint("give the table a parent: `of = \"…\"` with `count`"))
}

/// Instants that rise strictly from sibling to sibling, at least `from` and before `to`, otherwise uniformly
/// distributed. If the span is too short for all siblings, they are evenly spaced and may repeat, but never fall. For
/// child tables.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Rising {
    /// The earliest instant, evaluated for the first sibling.
    from: Expr,
    /// The end, not included, evaluated for the first sibling. A family for which it is not after `from` is an error,
    /// unless there is a `fallback`.
    to: Expr,
    /// The value of all siblings where `to` is not after `from`: `none`, which is null, or `from`.
    #[serde(default)]
    fallback: Option<Fallback>,
    /// The least time between two siblings in seconds, 0 to 1e9. With 0, the default, it is one step of the resolution.
    #[serde(default)]
    min_gap: f64,
    /// `minute`, `second`, `millisecond` or `microsecond`; `second` by default.
    #[serde(default)]
    resolution: Resolution,
}

impl Params for Rising {
    const NAME: &'static str = "rising";
    const ORIGIN: Origin = Origin::Synthetic;
    const EXAMPLE: &'static str = "from = \"DATE '2024-01-01'\"\nto = \"DATE '2025-01-01'\"";
    const DOMAINS: &'static [Domain] = &[Domain::number("min_gap", 0.0, 1e9)];

    fn plan(self, scope: &mut dyn Scope) -> Result<Box<dyn Generator>> {
        needs_siblings(scope)?;
        let from: Operand<TimestampMicrosecondType> = Operand::plan(scope, "from", &self.from)?;
        let to: Operand<TimestampMicrosecondType> = Operand::plan(scope, "to", &self.to)?;
        if let (Some(first), Some(end), None) = (from.constant(), to.constant(), self.fallback)
            && end <= first
        {
            return Err(scope.error("to", no_step(first, end)));
        }
        let step = self.resolution.micros();
        let gap = steps_up(libm::rint(self.min_gap * 1e6) as i64, step).max(1);
        Ok(Box::new(Ladder { from, to, fallback: self.fallback, step, gap }))
    }
}

struct Ladder {
    from: Operand<TimestampMicrosecondType>,
    to: Operand<TimestampMicrosecondType>,
    fallback: Option<Fallback>,
    step: i64,
    /// The least number of steps between siblings.
    gap: i64,
}

impl Ladder {
    /// Appends the steps of one family, from `first` to before `end`.
    fn climb(&self, fill: &Fill<'_>, family: Range<usize>, first: i64, end: i64, to: &mut Vec<Option<i64>>) {
        let count = family.len() as i64;
        // The part of the span that remains once every gap has its least length.
        let room = (end - first - 1).saturating_sub((count - 1).saturating_mul(self.gap));
        if room < 0 {
            let even = |place: i64| i128::from(place) * i128::from(end - first) / i128::from(count);
            to.extend((0..count).map(|place| (first + even(place) as i64).checked_mul(self.step)));
            return;
        }
        // Running sums of exponential gaps, divided by their total, are sorted uniform numbers.
        let gaps = || family.clone().map(|i| fill.cell(i).exponential());
        let mut head = fill.cell(family.start);
        head.next();
        let total = gaps().sum::<f64>() + head.exponential();
        let mut sum = 0.0;
        for (place, gap) in (0..count).zip(gaps()) {
            sum += gap;
            let share = libm::floor(sum / total * (room + 1) as f64) as i64;
            to.push((first + share.min(room) + place * self.gap).checked_mul(self.step));
        }
    }
}

impl Generator for Ladder {
    fn siblings(&self) -> bool {
        true
    }

    fn data_type(&self) -> DataType {
        instant_type()
    }

    fn nullable(&self) -> bool {
        self.fallback == Some(Fallback::None)
    }

    fn fill(&self, fill: &Fill<'_>) -> Result<ArrayRef> {
        let (from, to) = (self.from.view(fill), self.to.view(fill));
        let mut column: Vec<Option<i64>> = Vec::with_capacity(fill.len());
        for family in fill.rows.families().filter(|family| !family.is_empty()) {
            let Some((from, to)) = from.at(family.start).zip(to.at(family.start)) else {
                column.extend(family.map(|_| None));
                continue;
            };
            let (first, end) = (steps_up(from, self.step), steps_up(to, self.step));
            if first < end {
                self.climb(fill, family, first, end, &mut column);
                continue;
            }
            match Fallback::value(self.fallback, first.checked_mul(self.step)) {
                Ok(value) => column.extend(family.map(|_| value.flatten())),
                Err(Missing) => match family.clone().find(|i| fill.wants(*i)) {
                    Some(row) => return Err(empty(no_step(from, to)).in_row(row)),
                    None => column.extend(family.map(|_| None)),
                },
            }
        }
        Ok(instants(column.into_iter().collect::<PrimitiveArray<TimestampMicrosecondType>>()))
    }
}

/// A chain of hashes along the siblings, as in tamper-evident logs. In SQL, each value is `sha256(concat_ws('|',
/// previous, coalesce(a, ''), coalesce(b, ''), …))` in lower-case hexadecimal, where `previous` is the value of the
/// sibling before, or 64 zeros for the first, and the values of `over` are cast to text. Where columns of `over` are
/// protected, the chain runs over their cells as they are written, so that everybody can verify it. For child tables.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct HashChain {
    /// The columns or expressions to hash, in this order.
    over: Vec<Expr>,
}

impl Params for HashChain {
    const NAME: &'static str = "hash_chain";
    const ORIGIN: Origin = Origin::Synthetic;
    const EXAMPLE: &'static str = "over = [\"1\", \"'opened'\"]";

    fn plan(self, scope: &mut dyn Scope) -> Result<Box<dyn Generator>> {
        needs_siblings(scope)?;
        if self.over.is_empty() {
            return Err(scope.error("over", "needs at least one column or expression to hash".to_owned()));
        }
        let over = self.over.iter().map(|expr| Text::plan_any(scope, "over", expr)).collect::<Result<_>>()?;
        Ok(Box::new(Chain { over }))
    }
}

struct Chain {
    over: Vec<Text>,
}

impl Generator for Chain {
    fn siblings(&self) -> bool {
        true
    }

    fn data_type(&self) -> DataType {
        DataType::Utf8
    }

    fn chained(&self) -> Option<Vec<usize>> {
        Some(self.over.iter().filter_map(Text::input).collect())
    }

    fn fill(&self, fill: &Fill<'_>) -> Result<ArrayRef> {
        let over: Vec<Texts<'_>> = self.over.iter().map(|text| text.view(fill)).collect();
        let mut column = StringBuilder::with_capacity(fill.len(), fill.len() * 64);
        let mut link = [b'0'; 64];
        for family in fill.rows.families() {
            link.fill(b'0');
            for i in family {
                link_on(&mut link, over.iter().map(|text| text.at(i).unwrap_or("")));
                column.append_value(std::str::from_utf8(&link).unwrap_or_default());
            }
        }
        Ok(Arc::new(column.finish()))
    }
}

/// Replaces the hash of the entry before by that of the next one, whose texts are given in order: 64 zeros stand before the first entry.
pub(crate) fn link_on<'a>(link: &mut [u8; 64], texts: impl Iterator<Item = &'a str>) {
    let mut hash = Sha256::new_with_prefix(*link);
    for text in texts {
        hash.update(b"|");
        hash.update(text);
    }
    for (pair, byte) in link.chunks_exact_mut(2).zip(hash.finalize()) {
        pair[0] = HEX[usize::from(byte >> 4)];
        pair[1] = HEX[usize::from(byte & 15)];
    }
}

const HEX: &[u8; 16] = b"0123456789abcdef";

#[cfg(test)]
mod tests {
    use arrow_array::Array;
    use arrow_array::cast::AsArray;

    use super::*;
    use crate::generator::testing::{Bed, child_plan_error, plan_error, shown};

    fn rise(bed: &Bed, toml: &str) -> PrimitiveArray<TimestampMicrosecondType> {
        bed.fill("rising", toml).expect("a column").as_primitive::<TimestampMicrosecondType>().clone()
    }

    #[test]
    fn instants_rise_strictly_within_their_span() {
        let bed = Bed::child(3_000);
        let times = rise(&bed, "from = \"t\"\nto = \"DATE '2024-06-01'\"\nmin_gap = 90");
        let from = bed.input("t");
        let from = from.as_primitive::<TimestampMicrosecondType>();
        for family in bed.families() {
            let values: Vec<Option<i64>> = family.clone().map(|i| times.is_valid(i).then(|| times.value(i))).collect();
            let Some(first) = family.clone().next() else { continue };
            assert!(values.iter().all(|v| v.is_some() == from.is_valid(first)));
            let values: Vec<i64> = values.into_iter().flatten().collect();
            assert!(values.windows(2).all(|pair| pair[1] - pair[0] >= 90_000_000));
            assert!(values.iter().all(|v| *v >= from.value(first) && *v < 1_717_200_000_000_000));
        }
    }

    #[test]
    fn a_narrow_span_is_shared_evenly() {
        let bed = Bed::child(60);
        let narrow = bed
            .fill("rising", "from = \"DATE '2024-01-01'\"\nto = \"DATE '2024-01-02'\"\nmin_gap = 40_000")
            .expect("a column");
        let times = narrow.as_primitive::<TimestampMicrosecondType>();
        for family in bed.families() {
            assert!(times.values()[family].windows(2).all(|pair| pair[0] < pair[1]));
        }
    }

    #[test]
    fn the_first_of_two_lies_a_third_into_the_span() {
        let bed = Bed::child(12_000);
        let times =
            rise(&bed, "from = \"DATE '1970-01-01'\"\nto = \"DATE '1970-01-02'\"\nresolution = \"microsecond\"");
        let pairs: Vec<Range<usize>> = bed.families().into_iter().filter(|family| family.len() == 2).collect();
        let mean = pairs.iter().map(|pair| times.value(pair.start) as f64).sum::<f64>() / pairs.len() as f64;
        assert!((mean / 86_400e6 - 1.0 / 3.0).abs() < 0.02, "{mean}");
    }

    #[test]
    fn a_chain_can_be_recomputed() {
        let bed = Bed::child(30);
        let chain = shown(&bed.fill("hash_chain", "over = [\"row\", \"flag\"]").expect("a column"));
        let (rows, flags) = (shown(&bed.input("row")), shown(&bed.input("flag")));
        for family in bed.families() {
            let mut link = "0".repeat(64);
            for i in family {
                let text = format!("{link}|{}|{}", rows[i], flags[i].replace('∅', ""));
                link = Sha256::digest(text).iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
                assert_eq!(chain[i], link);
            }
        }
    }

    #[test]
    fn mistakes_are_found_while_planning() {
        assert!(
            plan_error("rising", "from = \"DATE '2024-01-01'\"\nto = \"DATE '2024-01-02'\"").contains("needs siblings")
        );
        assert!(plan_error("hash_chain", "over = [\"1\"]").contains("needs siblings"));
        assert!(child_plan_error("hash_chain", "over = []").contains("to hash"));
        assert!(
            child_plan_error("rising", "from = \"DATE '2024-01-02'\"\nto = \"DATE '2024-01-01'\"")
                .contains("not after")
        );
        assert!(
            child_plan_error("rising", "from = \"DATE '2024-01-01'\"\nto = \"DATE '2024-01-02'\"\nmin_gap = -1")
                .contains("min_gap")
        );
    }
}
