//! Identifiers of the United States: persons, employers, banks, telephones.

use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_schema::DataType;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Identifier, Numbers, Shape, check, digit, plan, push_padded};
use crate::error::Result;
use crate::generator::domain::Domain;
use crate::generator::{Def, Fill, Generator, Origin, Params, Scope, Text};
use crate::profile::Expr;

/// The generators of this family.
pub(super) const DEFS: &[Def] = &[Def::of::<Ssn>(), Def::of::<Ein>(), Def::of::<Aba>(), Def::of::<Phone>()];

/// A US Social Security number from `900-01-0001` to `999-49-9999`: areas that are never assigned, without the groups
/// of ITINs.
///
/// Some validators refuse every number from 900 on; `shape = true` uses assigned areas instead.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Ssn {
    /// Writes dashes, as in `901-02-0003`; true by default, false writes `901020003`.
    #[serde(default)]
    dashes: Option<bool>,
    /// Uses areas that are assigned: such a number may belong to someone.
    #[serde(default)]
    shape: Shape,
    /// Gives each row of a root table a different value.
    #[serde(default)]
    unique: bool,
}

impl Params for Ssn {
    const NAME: &'static str = "ssn";
    const ORIGIN: Origin = Origin::Reserved;
    const EXAMPLE: &'static str = "";

    fn plan(self, scope: &mut dyn Scope) -> Result<Box<dyn Generator>> {
        let unique = self.unique;
        plan(scope, self, unique)
    }
}

// source: ssa.gov/employer/randomizationfaqs.html excludes areas 000, 666 and 900-999, group 00 and serial 0000;
// IRS publication 4757 gives the groups from 50 on of 9xx to ITIN and ATIN.
impl Identifier for Ssn {
    fn capacity(&self) -> u64 {
        if self.shape.0 { 898 * 99 * 9_999 } else { 100 * 49 * 9_999 }
    }

    fn write(&self, mut index: u64, out: &mut String) {
        let serial = digit(&mut index, 9_999) + 1;
        let (area, group) = if self.shape.0 {
            let group = digit(&mut index, 99) + 1;
            (if index < 665 { index + 1 } else { index + 2 }, group)
        } else {
            let group = digit(&mut index, 49) + 1;
            (900 + index, group)
        };
        let dash = if self.dashes == Some(false) { "" } else { "-" };
        push_padded(out, area, 3);
        out.push_str(dash);
        push_padded(out, group, 2);
        out.push_str(dash);
        push_padded(out, serial, 4);
    }
}

/// A US employer identification number with a prefix that was not assigned at the time of the IRS's list: `07-1234567`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Ein {
    /// Uses prefixes that are assigned: such a number may belong to someone.
    #[serde(default)]
    shape: Shape,
    /// Gives each row of a root table a different value.
    #[serde(default)]
    unique: bool,
}

// source: IRS, "How EINs are assigned and valid EIN prefixes": the prefixes that are missing there.
const NO_EIN: [u64; 17] = [0, 7, 8, 9, 17, 18, 19, 28, 29, 49, 69, 70, 78, 79, 89, 96, 97];

impl Params for Ein {
    const NAME: &'static str = "ein";
    const ORIGIN: Origin = Origin::Reserved;
    const EXAMPLE: &'static str = "";

    fn plan(self, scope: &mut dyn Scope) -> Result<Box<dyn Generator>> {
        let unique = self.unique;
        plan(scope, self, unique)
    }
}

impl Identifier for Ein {
    fn capacity(&self) -> u64 {
        let prefixes = NO_EIN.len() as u64;
        (if self.shape.0 { 100 - prefixes } else { prefixes }) * 10_000_000
    }

    fn write(&self, mut index: u64, out: &mut String) {
        let serial = digit(&mut index, 10_000_000);
        let prefix = if self.shape.0 {
            NO_EIN.iter().fold(index, |prefix, missing| if prefix >= *missing { prefix + 1 } else { prefix })
        } else {
            NO_EIN[index as usize % NO_EIN.len()]
        };
        push_padded(out, prefix, 2);
        out.push('-');
        push_padded(out, serial, 7);
    }
}

/// An ABA routing number with a valid check digit and a prefix of no Federal Reserve district: `999999992`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Aba {
    /// Uses prefixes of Federal Reserve districts, 01 to 12: such a number may belong to a bank.
    #[serde(default)]
    shape: Shape,
    /// Gives each row of a root table a different value.
    #[serde(default)]
    unique: bool,
}

// source: ABA routing number policy: the first two digits are 00-12, 21-32, 61-72 or 80.
const NO_ABA: [(u64, u64); 4] = [(13, 20), (33, 60), (73, 79), (81, 99)];
const DISTRICTS: [(u64, u64); 1] = [(1, 12)];

/// Counts the numbers in some ranges.
fn width(ranges: &[(u64, u64)]) -> u64 {
    ranges.iter().map(|(low, high)| high - low + 1).sum()
}

/// Gives number `index`, from 0, of some ranges.
fn within(ranges: &[(u64, u64)], mut index: u64) -> u64 {
    for (low, high) in ranges {
        if index <= high - low {
            return low + index;
        }
        index -= high - low + 1;
    }
    ranges.first().map_or(0, |(low, _)| *low)
}

impl Aba {
    fn prefixes(&self) -> &'static [(u64, u64)] {
        if self.shape.0 { &DISTRICTS } else { &NO_ABA }
    }
}

impl Params for Aba {
    const NAME: &'static str = "aba";
    const ORIGIN: Origin = Origin::Reserved;
    const EXAMPLE: &'static str = "";

    fn plan(self, scope: &mut dyn Scope) -> Result<Box<dyn Generator>> {
        let unique = self.unique;
        plan(scope, self, unique)
    }
}

impl Identifier for Aba {
    fn capacity(&self) -> u64 {
        width(self.prefixes()) * 1_000_000
    }

    fn write(&self, mut index: u64, out: &mut String) {
        let serial = digit(&mut index, 1_000_000);
        push_padded(out, within(self.prefixes(), index) * 1_000_000 + serial, 8);
        let check = check::aba_digit(out.bytes().map(|b| b - b'0'));
        out.push(char::from(b'0' + check));
    }
}

/// A US telephone number of the exchange 555 and the lines 0100 to 0199, which are reserved for fiction:
/// `217-555-0123`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Phone {
    /// The area code, three digits of which the first is 2 to 9: a text expression such as `place.area_code`; by
    /// default one of 195 at random.
    #[serde(default)]
    area: Option<Expr>,
    /// `national`, the default, writes `217-555-0123`; `e164` writes `+12175550123`, which spreadsheets read as a
    /// formula.
    #[serde(default)]
    format: Format,
    /// Uses any exchange except 555: such a number may belong to someone.
    #[serde(default)]
    shape: Shape,
    /// `first` (lines 0100 to 0149) or `second` (0150 to 0199) for two kinds of subscribers that have no number in common; by
    /// default `both`. Numbers that may belong to someone are not divided.
    #[serde(default)]
    half: Half,
    /// Gives each row of a root table a different value; not with `area`.
    #[serde(default)]
    unique: bool,
}

/// The lines for fiction that are used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Half {
    #[default]
    Both,
    First,
    Second,
}

impl Half {
    /// The first line after 0100, and the number of lines.
    fn lines(self) -> (u64, u64) {
        match self {
            Self::Both => (0, 100),
            Self::First => (0, 50),
            Self::Second => (50, 50),
        }
    }
}

/// The format of a telephone number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Format {
    /// `217-555-0123`.
    #[default]
    National,
    /// `+12175550123`.
    E164,
}

// source: North American Numbering Plan Administrator, geographic area codes of the United States; a choice of them.
const AREAS: [u16; 195] = [
    201, 202, 203, 205, 206, 207, 208, 209, 210, 212, 213, 214, 215, 216, 217, 219, 220, 223, 224, 225, 227, 228, 229,
    231, 234, 239, 248, 251, 252, 253, 256, 260, 262, 269, 270, 272, 279, 281, 283, 302, 303, 304, 305, 307, 309, 310,
    312, 313, 314, 315, 316, 317, 318, 319, 321, 326, 331, 334, 336, 337, 339, 341, 347, 351, 352, 360, 361, 380, 385,
    401, 402, 404, 405, 406, 408, 410, 412, 413, 414, 415, 423, 442, 448, 458, 464, 470, 472, 478, 479, 480, 484, 501,
    502, 503, 504, 505, 508, 509, 512, 513, 515, 517, 518, 520, 539, 540, 559, 561, 562, 563, 571, 574, 575, 582, 585,
    586, 601, 602, 603, 605, 606, 608, 609, 612, 615, 616, 617, 618, 619, 623, 626, 646, 650, 651, 656, 657, 661, 662,
    682, 701, 702, 704, 706, 707, 712, 714, 716, 719, 727, 732, 734, 747, 754, 757, 763, 773, 779, 785, 802, 803, 804,
    805, 806, 808, 810, 812, 816, 828, 831, 840, 843, 856, 859, 860, 862, 864, 865, 870, 901, 904, 907, 908, 909, 912,
    915, 917, 919, 920, 925, 929, 941, 949, 951, 952, 989,
];

impl Params for Phone {
    const NAME: &'static str = "phone";
    const ORIGIN: Origin = Origin::Reserved;
    const EXAMPLE: &'static str = "area = \"'217'\"";
    const DOMAINS: &'static [Domain] =
        &[Domain::text("area", is_area, "three digits, the first of them 2 to 9, such as `217`")];

    fn plan(self, scope: &mut dyn Scope) -> Result<Box<dyn Generator>> {
        let area = self.area.as_ref().map(|expr| Text::plan(scope, "area", expr)).transpose()?;
        if area.is_some() && self.unique {
            return Err(scope
                .error(
                    "unique",
                    "an area has only 100 numbers for fiction, so `unique` is not possible with `area`".to_owned(),
                )
                .hint("leave out `area`, or allow repetition"));
        }
        // Without an area, the high part of the number is the index of one in the list.
        let areas = if area.is_some() { 1 } else { AREAS.len() as u64 };
        let numbers = Numbers::plan(scope, areas * lines(self.shape.0, self.half), self.unique)?;
        Ok(Box::new(Phones { area, e164: self.format == Format::E164, shape: self.shape.0, half: self.half, numbers }))
    }
}

fn is_area(text: &str) -> bool {
    matches!(text.as_bytes(), [b'2'..=b'9', b'0'..=b'9', b'0'..=b'9'])
}

/// Counts the numbers of an area: those for fiction, or 10,000 in each exchange except 555 and N11.
fn lines(shape: bool, half: Half) -> u64 {
    if shape { 791 * 10_000 } else { half.lines().1 }
}

struct Phones {
    area: Option<Text>,
    e164: bool,
    shape: bool,
    half: Half,
    numbers: Numbers,
}

impl Generator for Phones {
    fn data_type(&self) -> DataType {
        DataType::Utf8
    }

    fn unique(&self) -> bool {
        self.numbers.unique()
    }

    fn fill(&self, fill: &Fill<'_>) -> Result<ArrayRef> {
        let area = self.area.as_ref().map(|area| area.view(fill));
        let dash = if self.e164 { "" } else { "-" };
        Ok(Arc::new(fill.text(|i, mut cell, out| {
            let mut index = self.numbers.draw(fill, i, &mut cell);
            let (first, lines) = self.half.lines();
            let line = digit(&mut index, if self.shape { 10_000 } else { lines });
            let exchange = if self.shape { exchange(digit(&mut index, 791)) } else { 555 };
            if self.e164 {
                out.push_str("+1");
            }
            match &area {
                Some(area) => out.push_str(area.at(i).filter(|area| is_area(area))?),
                None => push_padded(out, u64::from(AREAS[index as usize]), 3),
            }
            out.push_str(dash);
            push_padded(out, exchange, 3);
            out.push_str(dash);
            push_padded(out, if self.shape { line } else { 100 + first + line }, 4);
            Some(())
        })))
    }
}

/// Gives number `index`, from 0, of the exchanges 200 to 999 without N11 and 555.
fn exchange(index: u64) -> u64 {
    [211, 311, 411, 511, 555, 611, 711, 811, 911].iter().fold(200 + index, |e, gap| if e >= *gap { e + 1 } else { e })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{names_capacity, refused, validate};
    use super::*;
    use crate::generator::testing::{Bed, shown};

    fn parts(text: &str) -> Vec<u32> {
        text.split('-').map(|part| part.parse().expect("digits")).collect()
    }

    #[test]
    fn ssn() {
        validate("ssn", "", 10_000, |text| {
            let p = parts(text);
            text.len() == 11 && (900..=999).contains(&p[0]) && (1..=49).contains(&p[1]) && (1..=9_999).contains(&p[2])
        });
        validate("ssn", "shape = true", 10_000, |text| {
            let p = parts(text);
            text.len() == 11 && (1..=899).contains(&p[0]) && p[0] != 666 && p[1] > 0 && p[2] > 0
        });
        validate("ssn", "dashes = false", 10_000, |text| text.len() == 9 && text.starts_with('9'));
        names_capacity("ssn", "", 48_995_100);
        let ends = |ssn: &Ssn| {
            let (mut first, mut last) = (String::new(), String::new());
            ssn.write(0, &mut first);
            ssn.write(ssn.capacity() - 1, &mut last);
            (first, last)
        };
        let safe = ends(&Ssn { dashes: None, shape: Shape(false), unique: false });
        assert_eq!(safe, ("900-01-0001".to_owned(), "999-49-9999".to_owned()));
        let live = ends(&Ssn { dashes: None, shape: Shape(true), unique: false });
        assert_eq!(live, ("001-01-0001".to_owned(), "899-99-9999".to_owned()));
    }

    #[test]
    fn ein() {
        let unassigned = |text: &str| {
            "00 07 08 09 17 18 19 28 29 49 69 70 78 79 89 96 97".split(' ').any(|prefix| text.starts_with(prefix))
        };
        let form = |text: &str| text.len() == 10 && text.as_bytes()[2] == b'-';
        validate("ein", "", 10_000, |text| form(text) && unassigned(text));
        validate("ein", "shape = true", 10_000, |text| form(text) && !unassigned(text));
        names_capacity("ein", "", 170_000_000);
    }

    #[test]
    fn aba() {
        // Validated by the sum as the standard states it: 3(d1+d4+d7) + 7(d2+d5+d8) + (d3+d6+d9) ≡ 0 (mod 10).
        let sum = |text: &str| {
            let d: Vec<u32> = text.chars().map(|c| c.to_digit(10).expect("a digit")).collect();
            d.len() == 9
                && (3 * (d[0] + d[3] + d[6]) + 7 * (d[1] + d[4] + d[7]) + d[2] + d[5] + d[8]).is_multiple_of(10)
        };
        let prefix = |text: &str| text[..2].parse::<u32>().expect("digits");
        let live = |p: u32| p <= 12 || (21..=32).contains(&p) || (61..=72).contains(&p) || p == 80;
        validate("aba", "", 10_000, |text| sum(text) && !live(prefix(text)));
        validate("aba", "shape = true", 10_000, |text| sum(text) && live(prefix(text)));
        names_capacity("aba", "", 62_000_000);
    }

    #[test]
    fn phone() {
        let area = |text: &str| matches!(text.as_bytes()[0], b'2'..=b'9');
        validate("phone", "", 10_000, |text| {
            let p = parts(text);
            text.len() == 12 && area(text) && p[1] == 555 && (100..=199).contains(&p[2])
        });
        validate("phone", "shape = true", 10_000, |text| {
            let p = parts(text);
            area(text) && (200..=999).contains(&p[1]) && p[1] != 555 && p[1] % 100 != 11
        });
        names_capacity("phone", "", 19_500);
        assert!(AREAS.windows(2).all(|pair| pair[0] < pair[1]) && AREAS.iter().all(|a| is_area(&a.to_string())));
        assert_eq!((exchange(0), exchange(790)), (200, 999));
        let bed = Bed::root(50);
        for text in shown(&bed.fill("phone", "area = \"'217'\"\nformat = \"e164\"").expect("a column")) {
            assert!(text.len() == 12 && text.starts_with("+121755501"), "{text}");
        }
        let error = bed.fill("phone", "area = \"flag\"").expect_err("an error").to_string();
        assert!(error.contains("`area = flag` is `F`"), "{error}");
        refused("phone", "area = \"'21'\"", "three digits");
        refused("phone", "area = \"'217'\"\nunique = true", "100 numbers");
    }
}
