//! Identifiers of US health care: providers, prescribers, beneficiaries, records, drugs.

use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_schema::DataType;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Identifier, LETTERS, Numbers, Shape, check, digit, plan, push_padded, sign};
use crate::error::Result;
use crate::generator::domain::Domain;
use crate::generator::{Def, Fill, Generator, Origin, Params, Scope, Text};
use crate::profile::Expr;

/// The generators of this family.
pub(super) const DEFS: &[Def] =
    &[Def::of::<Npi>(), Def::of::<Dea>(), Def::of::<Mbi>(), Def::of::<Mrn>(), Def::of::<Ndc>()];

/// A US National Provider Identifier with a valid Luhn digit and a first digit, 3 to 9, that is never issued:
/// `9999999995`. Systems that accept only a first digit of 1 or 2 need `shape = true`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Npi {
    /// Starts with 1, as identifiers in use do: such a number may belong to someone.
    #[serde(default)]
    shape: Shape,
    /// Gives each row of a root table a different value.
    #[serde(default)]
    unique: bool,
}

impl Params for Npi {
    const NAME: &'static str = "npi";
    const ORIGIN: Origin = Origin::Reserved;
    const EXAMPLE: &'static str = "";

    fn plan(self, scope: &mut dyn Scope) -> Result<Box<dyn Generator>> {
        let unique = self.unique;
        plan(scope, self, unique)
    }
}

// source: CMS, NPI final rule (69 FR 3434): issued with a first digit of 1 or 2.
impl Identifier for Npi {
    fn capacity(&self) -> u64 {
        if self.shape.0 { 100_000_000 } else { 700_000_000 }
    }

    fn write(&self, index: u64, out: &mut String) {
        push_padded(out, index + if self.shape.0 { 100_000_000 } else { 300_000_000 }, 9);
        let digits = check::NPI_PREFIX.bytes().chain(out.bytes()).map(|b| b - b'0');
        let check = check::luhn_digit(digits);
        out.push(char::from(b'0' + check));
    }
}

/// A DEA registration number with a valid check digit and the registrant letter Z, which is not in use: `ZT1234563`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Dea {
    /// The registrant's last name: its first letter becomes the second sign, or 9 if it has none, as for a business. By
    /// default a random letter. In a row where it is null, so is the value.
    #[serde(default)]
    name: Option<Expr>,
    /// Uses the registrant letters A, B, F, G and M: such a number may belong to someone.
    #[serde(default)]
    shape: Shape,
    /// Gives each row of a root table a different value.
    #[serde(default)]
    unique: bool,
}

impl Params for Dea {
    const NAME: &'static str = "dea";
    const ORIGIN: Origin = Origin::Reserved;
    const EXAMPLE: &'static str = "name = \"'Tester'\"";

    fn plan(self, scope: &mut dyn Scope) -> Result<Box<dyn Generator>> {
        let name = self.name.as_ref().map(|name| Text::plan(scope, "name", name)).transpose()?;
        let letters: &[u8] = if self.shape.0 { b"ABFGM" } else { b"Z" };
        let seconds = if name.is_some() { 1 } else { LETTERS.len() as u64 };
        let numbers = Numbers::plan(scope, letters.len() as u64 * seconds * 1_000_000, self.unique)?;
        Ok(Box::new(Deas { name, letters, numbers }))
    }
}

struct Deas {
    name: Option<Text>,
    letters: &'static [u8],
    numbers: Numbers,
}

impl Generator for Deas {
    fn data_type(&self) -> DataType {
        DataType::Utf8
    }

    fn unique(&self) -> bool {
        self.numbers.unique()
    }

    fn fill(&self, fill: &Fill<'_>) -> Result<ArrayRef> {
        let name = self.name.as_ref().map(|name| name.view(fill));
        Ok(Arc::new(fill.text(|i, mut cell, out| {
            let mut index = self.numbers.draw(fill, i, &mut cell);
            let serial = digit(&mut index, 1_000_000);
            out.push(sign(&mut index, self.letters));
            out.push(match &name {
                Some(name) => {
                    let letter = name.at(i)?.chars().find(char::is_ascii_alphabetic);
                    letter.map_or('9', |letter| letter.to_ascii_uppercase())
                }
                None => sign(&mut index, LETTERS),
            });
            push_padded(out, serial, 6);
            let check = check::dea_digit(out.bytes().skip(2).map(|b| b - b'0'));
            out.push(char::from(b'0' + check));
            Some(())
        })))
    }
}

/// A Medicare Beneficiary Identifier whose second sign is S, which is never issued: `1S00A00AA00`. A strict validator
/// refuses it by design; `shape = true` uses an issued letter.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Mbi {
    /// Uses letters that are issued: such an identifier may belong to someone.
    #[serde(default)]
    shape: Shape,
    /// Gives each row of a root table a different value.
    #[serde(default)]
    unique: bool,
}

impl Params for Mbi {
    const NAME: &'static str = "mbi";
    const ORIGIN: Origin = Origin::Reserved;
    const EXAMPLE: &'static str = "";

    fn plan(self, scope: &mut dyn Scope) -> Result<Box<dyn Generator>> {
        let unique = self.unique;
        plan(scope, self, unique)
    }
}

// source: CMS, "Understanding the Medicare Beneficiary Identifier (MBI) format"; the S range is the one of CMS's and
// Synthea's synthetic beneficiaries.
impl Identifier for Mbi {
    fn capacity(&self) -> u64 {
        let letters = check::MBI_LETTERS.len() as u64;
        let second = if self.shape.0 { letters } else { 1 };
        let either = 10 + letters;
        9 * second * either * 10 * letters * either * 10 * letters * letters * 100
    }

    fn write(&self, mut index: u64, out: &mut String) {
        const DIGITS: &[u8] = b"0123456789";
        const EITHER: &[u8] = b"0123456789ACDEFGHJKMNPQRTUVWXY";
        const LETTERS: &[u8] = check::MBI_LETTERS;
        let second = if self.shape.0 { LETTERS } else { b"S" };
        let places = [b"123456789", second, EITHER, DIGITS, LETTERS, EITHER, DIGITS, LETTERS, LETTERS, DIGITS, DIGITS];
        for alphabet in places {
            out.push(sign(&mut index, alphabet));
        }
    }
}

/// A medical record number of a prefix and digits: `SYN00000042`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Mrn {
    /// The prefix, up to 16 letters, digits or `-`; `SYN` by default.
    #[serde(default)]
    prefix: Option<String>,
    /// The number of digits after the prefix, 1 to 18; 8 by default.
    #[serde(default)]
    digits: Option<u32>,
    /// Gives each row of a root table a different value.
    #[serde(default)]
    unique: bool,
}

struct Mrns {
    prefix: String,
    digits: u32,
}

impl Params for Mrn {
    const NAME: &'static str = "mrn";
    const ORIGIN: Origin = Origin::Reserved;
    const EXAMPLE: &'static str = "digits = 8";
    const DOMAINS: &'static [Domain] = &[Domain::number("digits", 1.0, 18.0)];

    fn plan(self, scope: &mut dyn Scope) -> Result<Box<dyn Generator>> {
        let prefix = self.prefix.unwrap_or_else(|| "SYN".to_owned());
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
        if prefix.len() > 16 || prefix.starts_with('-') || !prefix.bytes().all(plain) {
            let message = format!("expected up to 16 letters, digits or `-`, found `{prefix}`");
            return Err(scope.error("prefix", message));
        }
        plan(scope, Mrns { prefix, digits: self.digits.unwrap_or(8) }, self.unique)
    }
}

impl Identifier for Mrns {
    fn capacity(&self) -> u64 {
        10_u64.pow(self.digits)
    }

    fn write(&self, index: u64, out: &mut String) {
        out.push_str(&self.prefix);
        push_padded(out, index, self.digits);
    }
}

/// A National Drug Code of 11 digits with the unassigned labeler 99999: `99999-0001-01`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Ndc {
    /// Writes dashes, as in `99999-0001-01`; true by default, false writes `99999000101`.
    #[serde(default)]
    dashes: Option<bool>,
    /// Gives each row of a root table a different value.
    #[serde(default)]
    unique: bool,
}

impl Params for Ndc {
    const NAME: &'static str = "ndc";
    const ORIGIN: Origin = Origin::Reserved;
    const EXAMPLE: &'static str = "";

    fn plan(self, scope: &mut dyn Scope) -> Result<Box<dyn Generator>> {
        let unique = self.unique;
        plan(scope, self, unique)
    }
}

// source: 21 CFR 207.33 for the form; that the FDA has not given the labeler 99999 to anyone is an assumption.
impl Identifier for Ndc {
    fn capacity(&self) -> u64 {
        9_999 * 99
    }

    fn write(&self, mut index: u64, out: &mut String) {
        let dash = if self.dashes == Some(false) { "" } else { "-" };
        let package = digit(&mut index, 99) + 1;
        out.push_str("99999");
        out.push_str(dash);
        push_padded(out, index + 1, 4);
        out.push_str(dash);
        push_padded(out, package, 2);
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{names_capacity, refused, validate};
    use super::*;
    use crate::generator::testing::{Bed, shown};

    fn digits(text: &str) -> Vec<u32> {
        text.chars().map(|c| c.to_digit(10).expect("a digit")).collect()
    }

    #[test]
    fn npi() {
        // Luhn by a table, with the constant 24 that CMS gives for the prefix 80840.
        let luhn = |text: &str| {
            let doubled = [0, 2, 4, 6, 8, 1, 3, 5, 7, 9];
            let sum: u32 =
                digits(text).iter().enumerate().map(|(i, d)| if i % 2 == 0 { doubled[*d as usize] } else { *d }).sum();
            text.len() == 10 && (sum + 24).is_multiple_of(10)
        };
        validate("npi", "", 10_000, |text| luhn(text) && matches!(text.as_bytes()[0], b'3'..=b'9'));
        validate("npi", "shape = true", 10_000, |text| luhn(text) && text.starts_with('1'));
        names_capacity("npi", "", 700_000_000);
    }

    #[test]
    fn dea() {
        let valid = |text: &str| {
            let d = digits(&text[2..]);
            let sum = d[0] + d[2] + d[4] + 2 * (d[1] + d[3] + d[5]);
            d.len() == 7 && sum.to_string().ends_with(&d[6].to_string())
        };
        validate("dea", "", 10_000, |text| valid(text) && text.starts_with('Z'));
        validate("dea", "name = \"'ólafur'\"", 10_000, |text| valid(text) && text.starts_with("ZL"));
        validate("dea", "shape = true", 10_000, |text| valid(text) && text.starts_with(['A', 'B', 'F', 'G', 'M']));
        names_capacity("dea", "name = \"'x'\"", 1_000_000);
        let values = shown(&Bed::root(4).fill("dea", "name = \"flag\"").expect("a column"));
        assert!(values[0].starts_with("ZF") && values[3] == "∅", "{values:?}");
        assert!(shown(&Bed::root(1).fill("dea", "name = \"'3M'\"").expect("a column"))[0].starts_with("ZM"));
        assert!(shown(&Bed::root(1).fill("dea", "name = \"'42'\"").expect("a column"))[0].starts_with("Z9"));
    }

    #[test]
    fn mbi() {
        // The form as CMS words it: C A AN N A AN N A A N N, letters without S, L, O, I, B, Z.
        let form = |text: &str, second: &dyn Fn(char) -> bool| {
            let letter = |c: char| c.is_ascii_uppercase() && !"SLOIBZ".contains(c);
            text.len() == 11
                && text.chars().zip("CSXNAXNAANN".chars()).all(|(c, kind)| match kind {
                    'C' => c.is_ascii_digit() && c != '0',
                    'S' => second(c),
                    'X' => c.is_ascii_digit() || letter(c),
                    'A' => letter(c),
                    _ => c.is_ascii_digit(),
                })
        };
        validate("mbi", "", 10_000, |text| form(text, &|c| c == 'S'));
        validate("mbi", "shape = true", 10_000, |text| {
            form(text, &|c| c.is_ascii_uppercase() && !"SLOIBZ".contains(c))
        });
        let mbi = Mbi { shape: Shape(false), unique: false };
        assert_eq!(mbi.capacity(), 648_000_000_000);
        let (mut first, mut last) = (String::new(), String::new());
        mbi.write(0, &mut first);
        mbi.write(mbi.capacity() - 1, &mut last);
        assert_eq!((first.as_str(), last.as_str()), ("1S00A00AA00", "9SY9YY9YY99"));
    }

    #[test]
    fn mrn_and_ndc() {
        validate("mrn", "", 10_000, |text| {
            text.len() == 11 && text.starts_with("SYN") && digits(&text[3..]).len() == 8
        });
        validate("mrn", "prefix = \"TEST-\"\ndigits = 4", 10_000, |text| text.len() == 9 && text.starts_with("TEST-"));
        names_capacity("mrn", "digits = 3", 1_000);
        refused("mrn", "prefix = \"=1\"", "letters, digits");
        refused("mrn", "digits = 19", "between 1 and 18");
        validate("ndc", "", 10_000, |text| {
            let parts: Vec<&str> = text.split('-').collect();
            parts[0] == "99999" && parts[1].len() == 4 && parts[1] != "0000" && parts[2].len() == 2 && parts[2] != "00"
        });
        validate("ndc", "dashes = false", 10_000, |text| text.len() == 11 && text.starts_with("99999"));
        names_capacity("ndc", "", 9_999 * 99);
    }
}
