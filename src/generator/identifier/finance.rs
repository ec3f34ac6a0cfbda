//! Identifiers of payment cards, banks, companies and securities.

use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_schema::DataType;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{ALPHANUMERIC, Identifier, LETTERS, Numbers, Shape, check, digit, plan, push_padded, sign};
use crate::error::Result;
use crate::generator::domain::Domain;
use crate::generator::{Def, Fill, Generator, Origin, Params, Scope, Text};
use crate::profile::Expr;
use crate::rng::Cell;

/// The generators of this family.
pub(super) const DEFS: &[Def] =
    &[Def::of::<Pan>(), Def::of::<Luhn>(), Def::of::<Lei>(), Def::of::<Bic>(), Def::of::<Cusip>(), Def::of::<Isin>()];

// source: ISO/IEC 7812-1: industry digit 9 is for national use, followed by a country code of ISO 3166; 999 is none.
const NO_ISSUER: &str = "9999990";

/// A payment card number with a valid Luhn digit and an unassigned issuer number: `9999990000000014`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Pan {
    /// The first digits, which identify the issuer; `9999990` by default. Any that do not start with `9999` need `shape
    /// = true`.
    #[serde(default)]
    bin: Option<String>,
    /// The card's brand, a text expression: with `shape = true` the number has an issuer number and a length of the brand,
    /// `amex` (34 or 37, 15 digits), `diners` (36, 14), `discover` (6011 or 65, 16), `jcb` (3528 to 3589, 16),
    /// `mastercard` (51 to 55, 16) or `visa` (4, 16). Without `shape` it changes the length alone.
    #[serde(default)]
    brand: Option<Expr>,
    /// The number of digits, 12 to 19; 16 by default.
    #[serde(default)]
    length: Option<u32>,
    /// Allows a `bin`, or takes one of the `brand`, that is in use: such a number may belong to someone.
    #[serde(default)]
    shape: Shape,
    /// Gives each row of a root table a different value; not with `brand`.
    #[serde(default)]
    unique: bool,
}

/// A brand of cards: its issuer numbers as ranges of equal width, and its length.
struct Brand {
    name: &'static str,
    issuers: &'static [(u64, u64)],
    digits: u32,
    length: u32,
}

const fn brand(name: &'static str, issuers: &'static [(u64, u64)], digits: u32, length: u32) -> Brand {
    Brand { name, issuers, digits, length }
}

// source: ISO/IEC 7812-1 registers them; ranges as payment brands publish them for terminals.
const BRANDS: &[Brand] = &[
    brand("amex", &[(34, 34), (37, 37)], 2, 15),
    brand("diners", &[(36, 36)], 2, 14),
    brand("discover", &[(6011, 6011), (6500, 6599)], 4, 16),
    brand("jcb", &[(3528, 3589)], 4, 16),
    brand("mastercard", &[(51, 55)], 2, 16),
    brand("visa", &[(4, 4)], 1, 16),
];

fn find(name: &str) -> Option<&'static Brand> {
    BRANDS.iter().find(|brand| brand.name == name)
}

impl Brand {
    /// How many issuer numbers it has.
    fn issuers(&self) -> u64 {
        self.issuers.iter().map(|(low, high)| high - low + 1).sum()
    }

    fn write(&self, live: bool, cell: &mut Cell, out: &mut String) {
        if live {
            let mut issuer = cell.below(self.issuers());
            for (low, high) in self.issuers {
                if issuer <= high - low {
                    push_padded(out, low + issuer, self.digits);
                    break;
                }
                issuer -= high - low + 1;
            }
        } else {
            out.push_str(NO_ISSUER);
        }
        let free = self.length - 1 - out.len() as u32;
        push_padded(out, cell.below(10_u64.pow(free)), free);
        let check = check::luhn_digit(out.bytes().map(|b| b - b'0'));
        out.push(char::from(b'0' + check));
    }
}

/// Numbers of the brands that an expression names.
struct Branded {
    brand: Text,
    live: bool,
}

impl Generator for Branded {
    fn data_type(&self) -> DataType {
        DataType::Utf8
    }

    fn fill(&self, fill: &Fill<'_>) -> Result<ArrayRef> {
        let brands = self.brand.view(fill);
        Ok(Arc::new(fill.text(|i, mut cell, out| {
            find(brands.at(i)?)?.write(self.live, &mut cell, out);
            Some(())
        })))
    }
}

impl Params for Pan {
    const NAME: &'static str = "pan";
    const ORIGIN: Origin = Origin::Reserved;
    const EXAMPLE: &'static str = "length = 16";
    const DOMAINS: &'static [Domain] = &[
        Domain::number("length", 12.0, 19.0),
        Domain::text(
            "brand",
            |name| find(name).is_some(),
            "`amex`, `diners`, `discover`, `jcb`, `mastercard` or `visa`",
        ),
    ];

    fn plan(self, scope: &mut dyn Scope) -> Result<Box<dyn Generator>> {
        if let Some(brand) = &self.brand {
            for (field, given) in
                [("bin", self.bin.is_some()), ("length", self.length.is_some()), ("unique", self.unique)]
            {
                if given {
                    return Err(scope.error(field, format!("`{field}` does not go with `brand`")));
                }
            }
            return Ok(Box::new(Branded { brand: Text::plan(scope, "brand", brand)?, live: self.shape.0 }));
        }
        let length = self.length.unwrap_or(16);
        match (&self.bin, self.shape.0) {
            (None, true) => Err(scope.error("shape", "`shape` needs a `brand` or a `bin`".to_owned())),
            (Some(bin), false) if !bin.starts_with("9999") => Err(scope
                .error("bin", format!("numbers that start with `{bin}` may belong to someone"))
                .hint("start with `9999`, or allow them with `shape = true`")),
            _ => {
                let prefix = self.bin.unwrap_or_else(|| NO_ISSUER.to_owned());
                plan(scope, luhn(scope, "bin", prefix, length)?, self.unique)
            }
        }
    }
}

/// Digits that end in their Luhn digit, such as a member, loyalty card or device number.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Luhn {
    /// The first digits; none by default.
    #[serde(default)]
    prefix: Option<String>,
    /// The number of digits, 2 to 20, the check digit included.
    length: u32,
    /// Gives each row of a root table a different value.
    #[serde(default)]
    unique: bool,
}

impl Params for Luhn {
    const NAME: &'static str = "luhn";
    const ORIGIN: Origin = Origin::Reserved;
    const EXAMPLE: &'static str = "prefix = \"99\"\nlength = 10";
    const DOMAINS: &'static [Domain] = &[Domain::number("length", 2.0, 20.0)];

    fn plan(self, scope: &mut dyn Scope) -> Result<Box<dyn Generator>> {
        let prefix = self.prefix.unwrap_or_default();
        plan(scope, luhn(scope, "prefix", prefix, self.length)?, self.unique)
    }
}

struct Luhns {
    prefix: String,
    /// The number of digits between prefix and check digit.
    free: u32,
}

fn luhn(scope: &dyn Scope, field: &str, prefix: String, length: u32) -> Result<Luhns> {
    let free = i64::from(length) - 1 - prefix.len() as i64;
    if !prefix.bytes().all(|b| b.is_ascii_digit()) || !(0..=19).contains(&free) {
        let message = format!("expected at most {} digits, found `{prefix}`", length - 1);
        return Err(scope.error(field, message));
    }
    Ok(Luhns { prefix, free: free as u32 })
}

impl Identifier for Luhns {
    fn capacity(&self) -> u64 {
        10_u64.pow(self.free)
    }

    fn write(&self, index: u64, out: &mut String) {
        out.push_str(&self.prefix);
        push_padded(out, index, self.free);
        let check = check::luhn_digit(out.bytes().map(|b| b - b'0'));
        out.push(char::from(b'0' + check));
    }
}

/// A Legal Entity Identifier with valid check digits and the unassigned issuer prefix ZZZZ: `ZZZZ00TESTORG0000144`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Lei {
    /// Takes the prefix 5493 of an issuer at work: such an identifier may belong to someone.
    #[serde(default)]
    shape: Shape,
    /// Gives each row of a root table a different value.
    #[serde(default)]
    unique: bool,
}

impl Params for Lei {
    const NAME: &'static str = "lei";
    const ORIGIN: Origin = Origin::Reserved;
    const EXAMPLE: &'static str = "";

    fn plan(self, scope: &mut dyn Scope) -> Result<Box<dyn Generator>> {
        let unique = self.unique;
        plan(scope, self, unique)
    }
}

// source: ISO 17442 for the form; that no issuer has the prefix ZZZZ is an assumption. GLEIF, list of LEI issuers: 5493.
impl Identifier for Lei {
    fn capacity(&self) -> u64 {
        36_u64.pow(12)
    }

    fn write(&self, mut index: u64, out: &mut String) {
        out.push_str(if self.shape.0 { "549300" } else { "ZZZZ00" });
        (0..12).for_each(|_| out.push(sign(&mut index, ALPHANUMERIC)));
        out.push_str("00");
        let check = 98 - check::mod97(out).unwrap_or(0);
        out.truncate(18);
        push_padded(out, u64::from(check), 2);
    }
}

/// A BIC of the test network, whose eighth sign is 0: `ZQKADEF0XXX`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Bic {
    /// The country as two capital letters: a text expression, `'DE'` by default.
    #[serde(default)]
    country: Option<Expr>,
    /// Takes a place of the live network: such a code may belong to a bank.
    #[serde(default)]
    shape: Shape,
    /// Gives each row of a root table a different value.
    #[serde(default)]
    unique: bool,
}

impl Params for Bic {
    const NAME: &'static str = "bic";
    const ORIGIN: Origin = Origin::Reserved;
    const EXAMPLE: &'static str = "country = \"'DE'\"";
    const DOMAINS: &'static [Domain] = &[Domain::text("country", is_country, "two capital letters, such as `DE`")];

    fn plan(self, scope: &mut dyn Scope) -> Result<Box<dyn Generator>> {
        let country = Text::plan(scope, "country", &self.country.unwrap_or_else(|| Expr("'DE'".to_owned())))?;
        let numbers = Numbers::plan(scope, 26_u64.pow(4), self.unique)?;
        Ok(Box::new(Bics { country, live: self.shape.0, numbers }))
    }
}

fn is_country(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|b| b.is_ascii_uppercase())
}

struct Bics {
    country: Text,
    live: bool,
    numbers: Numbers,
}

// source: ISO 9362: a 0 in the eighth place marks a test BIC, a 1 a passive participant; letters are live.
impl Generator for Bics {
    fn data_type(&self) -> DataType {
        DataType::Utf8
    }

    fn unique(&self) -> bool {
        self.numbers.unique()
    }

    fn fill(&self, fill: &Fill<'_>) -> Result<ArrayRef> {
        let country = self.country.view(fill);
        Ok(Arc::new(fill.text(|i, mut cell, out| {
            let mut index = self.numbers.draw(fill, i, &mut cell);
            out.push('Z');
            (0..3).for_each(|_| out.push(sign(&mut index, LETTERS)));
            out.push_str(country.at(i).filter(|country| is_country(country))?);
            out.push(sign(&mut index, LETTERS));
            out.push_str(if self.live { "FXXX" } else { "0XXX" });
            Some(())
        })))
    }
}

/// A CUSIP of the issuer numbers 990000 to 999999, which are reserved for internal use: `990000002`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Cusip {
    /// Gives each row of a root table a different value.
    #[serde(default)]
    unique: bool,
}

impl Params for Cusip {
    const NAME: &'static str = "cusip";
    const ORIGIN: Origin = Origin::Reserved;
    const EXAMPLE: &'static str = "";

    fn plan(self, scope: &mut dyn Scope) -> Result<Box<dyn Generator>> {
        let unique = self.unique;
        plan(scope, self, unique)
    }
}

// source: CUSIP Global Services: issuer numbers 990 to 999 are reserved for the user.
impl Identifier for Cusip {
    fn capacity(&self) -> u64 {
        1_000_000
    }

    fn write(&self, mut index: u64, out: &mut String) {
        let start = out.len();
        let issue = digit(&mut index, 100);
        push_padded(out, 990_000 + index, 6);
        push_padded(out, issue, 2);
        let check = check::cusip_digit(&out[start..]).unwrap_or(0);
        out.push(char::from(b'0' + check));
    }
}

/// An ISIN of a CUSIP of the issuer numbers 990000 to 999999, which are reserved for internal use: `US9900000020`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Isin {
    /// Gives each row of a root table a different value.
    #[serde(default)]
    unique: bool,
}

impl Params for Isin {
    const NAME: &'static str = "isin";
    const ORIGIN: Origin = Origin::Reserved;
    const EXAMPLE: &'static str = "";

    fn plan(self, scope: &mut dyn Scope) -> Result<Box<dyn Generator>> {
        let unique = self.unique;
        plan(scope, self, unique)
    }
}

impl Identifier for Isin {
    fn capacity(&self) -> u64 {
        1_000_000
    }

    fn write(&self, index: u64, out: &mut String) {
        out.push_str("US");
        Cusip { unique: false }.write(index, out);
        let check = check::isin_digit(out).unwrap_or(0);
        out.push(char::from(b'0' + check));
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{names_capacity, refused, validate};
    use crate::generator::testing::{Bed, shown};

    /// Luhn by pairs from the right: the doubled digit's own digits are added.
    fn luhn(text: &str) -> bool {
        let digits: Vec<u32> = text.chars().rev().map(|c| c.to_digit(10).expect("a digit")).collect();
        let pair = |pair: &[u32]| pair[0] + pair.get(1).map_or(0, |d| 2 * d / 10 + 2 * d % 10);
        digits.chunks(2).map(pair).sum::<u32>().is_multiple_of(10)
    }

    /// The remainder by 97 of the whole number, letters expanded to decimal text first.
    fn mod97(text: &str) -> u128 {
        let decimal: String = text.chars().map(|c| c.to_digit(36).expect("a sign").to_string()).collect();
        decimal.as_bytes().chunks(9).fold(0, |rest, chunk| {
            let part: u128 = std::str::from_utf8(chunk).expect("ASCII").parse().expect("digits");
            (rest * 10_u128.pow(chunk.len() as u32) + part) % 97
        })
    }

    #[test]
    fn pan() {
        validate("pan", "", 10_000, |text| text.len() == 16 && text.starts_with("9999990") && luhn(text));
        let amex = "bin = \"378282\"\nlength = 15\nshape = true";
        validate("pan", amex, 10_000, |text| text.len() == 15 && text.starts_with("378282") && luhn(text));
        names_capacity("pan", "length = 12", 10_000);
        refused("pan", "bin = \"411111\"", "may belong to someone");
        refused("pan", "shape = true", "needs a `brand` or a `bin`");
        refused("pan", "brand = \"'maestro'\"", "it must be `amex`");
        refused("pan", "brand = \"'visa'\"\nlength = 13", "does not go with `brand`");
        refused("pan", "bin = \"9999x\"", "digits");
        refused("pan", "length = 20", "between 12 and 19");
        validate("luhn", "length = 9", 10_000, |text| text.len() == 9 && luhn(text));
        validate("luhn", "length = 20", 10_000, |text| text.len() == 20 && luhn(text));
        refused("luhn", "length = 3\nprefix = \"1234\"", "at most 2 digits");
    }

    #[test]
    fn lei_and_bic() {
        validate("lei", "", 10_000, |text| text.len() == 20 && text.starts_with("ZZZZ00") && mod97(text) == 1);
        validate("bic", "", 10_000, |text| text.len() == 11 && text[4..6] == *"DE" && text[7..] == *"0XXX");
        names_capacity("bic", "", 456_976);
        refused("bic", "country = \"'de'\"", "two capital letters");
        let error = Bed::root(5).fill("bic", "country = \"flag\"").expect_err("an error").to_string();
        assert!(error.contains("`country = flag` is `F`"), "{error}");
    }

    #[test]
    fn cards_have_issuer_and_length_of_their_brand() {
        // Written from the brands' descriptions, not from the table above.
        let valid = |brand: &str, text: &str| {
            let four: u32 = text[..4].parse().expect("digits");
            match brand {
                "amex" => text.len() == 15 && matches!(four / 100, 34 | 37),
                "diners" => text.len() == 14 && four / 100 == 36,
                "discover" => text.len() == 16 && (four == 6011 || four / 100 == 65),
                "jcb" => text.len() == 16 && (3528..=3589).contains(&four),
                "mastercard" => text.len() == 16 && (51..=55).contains(&(four / 100)),
                _ => text.len() == 16 && text.starts_with('4'),
            }
        };
        for brand in ["amex", "diners", "discover", "jcb", "mastercard", "visa"] {
            let live = shown(
                &Bed::root(2_000).fill("pan", &format!("brand = \"'{brand}'\"\nshape = true")).expect("a column"),
            );
            assert!(live.iter().all(|text| valid(brand, text) && luhn(text)), "{brand}: {}", live[0]);
            let safe = shown(&Bed::root(2_000).fill("pan", &format!("brand = \"'{brand}'\"")).expect("a column"));
            assert!(safe.iter().all(|text| text.starts_with("9999990") && luhn(text)), "{brand}: {}", safe[0]);
            assert!(safe.iter().all(|text| text.len() == live[0].len()), "{brand}");
        }
    }

    #[test]
    fn live_legal_entities_and_banks_have_live_places() {
        validate("lei", "shape = true", 10_000, |text| text.starts_with("549300") && mod97(text) == 1);
        let live = |text: &str| text.len() == 11 && text.as_bytes()[7].is_ascii_uppercase() && text.ends_with("XXX");
        validate("bic", "shape = true", 10_000, live);
    }

    #[test]
    fn cusip_and_isin() {
        // By the sum over all places, the check digit included.
        let cusip = |text: &str| {
            let sum: u32 = text
                .chars()
                .enumerate()
                .map(|(i, c)| {
                    let value = c.to_digit(36).expect("a sign") * if i % 2 == 1 { 2 } else { 1 };
                    value.to_string().chars().map(|c| c.to_digit(10).expect("a digit")).sum::<u32>()
                })
                .sum();
            text.len() == 9 && text.starts_with("99") && sum.is_multiple_of(10)
        };
        validate("cusip", "", 10_000, cusip);
        validate("isin", "", 10_000, |text| {
            let digits: String = text.chars().map(|c| c.to_digit(36).expect("a sign").to_string()).collect();
            text.len() == 12 && text.starts_with("US") && cusip(&text[2..11]) && luhn(&digits)
        });
        names_capacity("isin", "", 1_000_000);
    }
}
