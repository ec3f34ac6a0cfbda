//! International bank account numbers of unassigned bank codes, with valid international and national check digits.

use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_schema::DataType;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Numbers, check, digit, push_padded};
use crate::error::Result;
use crate::generator::domain::Domain;
use crate::generator::{Def, Fill, Generator, Origin, Params, Scope, Text};
use crate::profile::Expr;

/// The generators of this family.
pub(super) const DEFS: &[Def] = &[Def::of::<Iban>()];

/// A country: its bank code here, the number of digits of the account, and the function that adds national check
/// digits.
struct Country {
    code: &'static str,
    bank: &'static str,
    account: u32,
    complete: fn(&mut String),
}

const fn country(code: &'static str, bank: &'static str, account: u32, complete: fn(&mut String)) -> Country {
    Country { code, bank, account, complete }
}

fn plain(_: &mut String) {}

// source: structures from the SWIFT IBAN registry; bank codes that are absent from the national registers, as listed by
// schwifty 2026.10.1. Each row stands with its reference number in the tests, validated there by schwifty and stdnum.
const COUNTRIES: &[Country] = &[
    country("AE", "999", 16, plain),
    country("AT", "99999", 11, plain),
    country("BE", "999", 7, belgium),
    country("CH", "99999", 12, plain),
    country("CY", "99999999", 16, plain),
    country("DE", "99999999", 10, plain),
    country("ES", "99999999", 10, spain),
    country("FR", "9999999999", 11, france),
    country("GB", "ZZZZ999999", 8, plain),
    country("IE", "ZZZZ999999", 8, plain),
    country("IT", "9999999999", 12, italy),
    country("LT", "99999", 11, plain),
    country("LU", "555", 13, plain),
    country("LV", "ZZZZ", 13, plain),
    country("NL", "TEST", 10, plain),
    country("PL", "00000996", 16, plain),
    country("PT", "99999999", 11, portugal),
    country("RO", "ZZZZ", 16, plain),
    country("SA", "99", 18, plain),
    country("TR", "999990", 16, plain),
];

/// The length of the country and check digits before the national number.
const NATIONAL: usize = 4;

/// Lists the digits of the national number.
fn digits(number: &str) -> impl Iterator<Item = u64> + '_ {
    number.bytes().skip(NATIONAL).map(|b| u64::from(b.wrapping_sub(b'0')))
}

/// Computes the remainder of the national number by a modulus.
fn rest(number: &str, modulus: u64) -> u64 {
    digits(number).fold(0, |rest, digit| (rest * 10 + digit) % modulus)
}

/// Appends the remainder by 97, or 97 if it is 0.
fn belgium(number: &mut String) {
    let check = rest(number, 97);
    push_padded(number, if check == 0 { 97 } else { check }, 2);
}

/// Inserts two check digits between bank and account, one for each, with weights 2^k mod 11.
fn spain(number: &mut String) {
    const WEIGHTS: [u64; 10] = [1, 2, 4, 8, 5, 10, 9, 7, 3, 6];
    let control = |sum: u64| match 11 - sum % 11 {
        11 => 0,
        10 => 1,
        digit => digit,
    };
    let sum = |digits: &mut dyn Iterator<Item = u64>, weights: &[u64]| {
        control(digits.zip(weights).map(|(digit, weight)| digit * weight).sum())
    };
    let bank = sum(&mut digits(number).take(8), &WEIGHTS[2..]);
    let account = sum(&mut digits(number).skip(8), &WEIGHTS);
    let checks = [bank, account].map(|digit| char::from(b'0' + digit as u8));
    checks.into_iter().zip(NATIONAL + 8..).for_each(|(check, at)| number.insert(at, check));
}

/// Appends the key 97 − (89 bank + 15 branch + 3 account) mod 97.
fn france(number: &mut String) {
    let part = |from: usize, length: usize| digits(number).skip(from).take(length).fold(0, |sum, d| sum * 10 + d);
    let key = 97 - (89 * part(0, 5) + 15 * part(5, 5) + 3 * part(10, 11)) % 97;
    push_padded(number, key, 2);
}

/// Prepends a letter: the sum mod 26 of the odd places by a table and the even places as they are.
fn italy(number: &mut String) {
    const ODD: [u64; 10] = [1, 0, 5, 7, 9, 13, 15, 17, 19, 21];
    let value = |(place, digit): (usize, u64)| if place % 2 == 0 { ODD[digit as usize % 10] } else { digit };
    let sum: u64 = digits(number).enumerate().map(value).sum();
    number.insert(NATIONAL, char::from(b'A' + (sum % 26) as u8));
}

/// Appends 98 less the remainder by 97 of the number times 100.
fn portugal(number: &mut String) {
    let check = 98 - rest(number, 97) * 100 % 97;
    push_padded(number, check, 2);
}

impl Country {
    fn capacity(&self) -> u64 {
        10_u64.pow(self.account)
    }

    fn write(&self, account: u64, out: &mut String) {
        out.push_str(self.code);
        out.push_str("00");
        out.push_str(self.bank);
        push_padded(out, account, self.account);
        (self.complete)(out);
        let (head, national) = out.split_at(NATIONAL);
        // Letters count as two digits; the country and `00` as check digits go last.
        let rest = [national, head].iter().try_fold(0, |rest, part| append(rest, part)).unwrap_or(0);
        let mut check = 98 - rest;
        let mut digits = [b'0'; 2];
        for place in digits.iter_mut().rev() {
            *place = b'0' + digit(&mut check, 10) as u8;
        }
        out.replace_range(2..NATIONAL, std::str::from_utf8(&digits).unwrap_or("00"));
    }
}

/// Computes the remainder by 97 of a number with further signs appended. `None` if one is neither a digit nor a capital
/// letter.
fn append(rest: u64, part: &str) -> Option<u64> {
    let tail = check::mod97(part)?;
    let shift = part.bytes().fold(1, |shift, b| shift * if b.is_ascii_digit() { 10 } else { 100 } % 97);
    Some((rest * shift + u64::from(tail)) % 97)
}

/// An IBAN of an unassigned bank code, with valid international and national check digits: `DE93999999990000000001`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Iban {
    /// The country as two letters, a text expression: AE, AT, BE, CH, CY, DE, ES, FR, GB, IE, IT, LT, LU, LV, NL, PL, PT,
    /// RO, SA or TR. `'DE'` by default.
    #[serde(default)]
    country: Option<Expr>,
    /// Gives each row of a root table a different value; needs a constant country.
    #[serde(default)]
    unique: bool,
}

fn find(code: &str) -> Option<&'static Country> {
    COUNTRIES.iter().find(|country| country.code == code)
}

impl Params for Iban {
    const NAME: &'static str = "iban";
    const ORIGIN: Origin = Origin::Reserved;
    const EXAMPLE: &'static str = "country = \"'DE'\"";
    const DOMAINS: &'static [Domain] =
        &[Domain::text("country", |code| find(code).is_some(), "one of the listed countries, such as `DE`")];

    fn plan(self, scope: &mut dyn Scope) -> Result<Box<dyn Generator>> {
        let country = Text::plan(scope, "country", &self.country.unwrap_or_else(|| Expr("'DE'".to_owned())))?;
        let Some(code) = country.constant() else {
            if self.unique {
                return Err(scope.error("unique", "`unique` needs a constant country".to_owned()));
            }
            return Ok(Box::new(Ibans { country: Err(country), numbers: None }));
        };
        if let Some(country) = find(&code) {
            let numbers = Numbers::plan(scope, country.capacity(), self.unique)?;
            return Ok(Box::new(Ibans { country: Ok(country), numbers: Some(numbers) }));
        }
        let codes: Vec<&str> = COUNTRIES.iter().map(|country| country.code).collect();
        Err(scope
            .error("country", format!("unknown country `{code}`"))
            .hint(format!("known countries: {}", codes.join(", "))))
    }
}

struct Ibans {
    country: Result<&'static Country, Text>,
    numbers: Option<Numbers>,
}

impl Generator for Ibans {
    fn data_type(&self) -> DataType {
        DataType::Utf8
    }

    fn unique(&self) -> bool {
        self.numbers.as_ref().is_some_and(Numbers::unique)
    }

    fn fill(&self, fill: &Fill<'_>) -> Result<ArrayRef> {
        let codes = self.country.as_ref().err().map(|text| text.view(fill));
        Ok(Arc::new(fill.text(|i, mut cell, out| {
            let country = match (&self.country, &codes) {
                (Ok(country), _) => *country,
                (Err(_), codes) => find(codes.as_ref()?.at(i)?)?,
            };
            let account = match &self.numbers {
                Some(numbers) => numbers.draw(fill, i, &mut cell),
                None => cell.below(country.capacity()),
            };
            country.write(account, out);
            Some(())
        })))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{refused, validate};
    use super::*;
    use crate::generator::testing::Bed;

    #[test]
    fn reference_numbers_are_made() {
        // Validated by schwifty 2026.10.1 (`validate_bban=True`) and by stdnum.
        let known = [
            (1, "AE879990000000000000001"),
            (1, "AT049999900000000001"),
            (1, "BE49999000000171"),
            (1, "CH4299999000000000001"),
            (1, "CY92999999990000000000000001"),
            (1, "DE93999999990000000001"),
            (2, "DE66999999990000000002"),
            (1, "ES9899999999550000000001"),
            (1, "FR7699999999990000000000153"),
            (1, "GB09ZZZZ99999900000001"),
            (1, "IE79ZZZZ99999900000001"),
            (1, "IT56B9999999999000000000001"),
            (1, "LT029999900000000001"),
            (1, "LU575550000000000001"),
            (1, "LV45ZZZZ0000000000001"),
            (1, "NL69TEST0000000001"),
            (1, "PL06000009960000000000000001"),
            (1, "PT50999999990000000000159"),
            (1, "RO64ZZZZ0000000000000001"),
            (1, "SA2799000000000000000001"),
            (1, "TR809999900000000000000001"),
        ];
        for (account, iban) in known {
            let mut out = String::new();
            find(&iban[..2]).expect("a country").write(account, &mut out);
            assert_eq!(out, iban);
        }
        assert!(COUNTRIES.iter().all(|country| known.iter().any(|(_, iban)| iban.starts_with(country.code))));
    }

    /// The remainder by 97 of the rearranged number, letters expanded to decimal text first.
    fn mod97(text: &str) -> bool {
        let rearranged = format!("{}{}", &text[4..], &text[..4]);
        let decimal: String = rearranged.chars().map(|c| c.to_digit(36).expect("a sign").to_string()).collect();
        decimal.bytes().fold(0_u32, |rest, b| (rest * 10 + u32::from(b - b'0')) % 97) == 1
    }

    #[test]
    fn every_country_validates() {
        for country in COUNTRIES {
            let mut out = String::new();
            country.write(1, &mut out);
            let (length, head) = (out.len(), country.bank);
            let toml = format!("country = \"'{}'\"", country.code);
            validate("iban", &toml, 2_000, |text| text.len() == length && text.contains(head) && mod97(text));
        }
    }

    #[test]
    fn national_check_digits_hold() {
        for row in 0..5_000 {
            let account = crate::rng::mix(row);
            let make = |code: &str| {
                let mut out = String::new();
                let country = find(code).expect("a country");
                country.write(account % country.capacity(), &mut out);
                out
            };
            let number = |text: &str| text.parse::<u128>().expect("digits");
            // France and Portugal: the whole national number is a multiple of 97, or leaves 1.
            assert_eq!(
                (89 * number(&make("FR")[4..9])
                    + 15 * number(&make("FR")[9..14])
                    + 3 * number(&make("FR")[14..25])
                    + number(&make("FR")[25..]))
                    % 97,
                0
            );
            assert_eq!(number(&make("PT")[4..]) % 97, 1);
            let belgium = make("BE");
            assert_eq!((number(&belgium[4..14]) + 97 - number(&belgium[14..])) % 97, 0);
            // Spain: the weighted sum with the check digit is a multiple of 11, where 10 is written 1.
            let spain = make("ES");
            let sum: u32 =
                spain[14..].bytes().zip([1, 2, 4, 8, 5, 10, 9, 7, 3, 6]).map(|(b, w)| u32::from(b - b'0') * w).sum();
            let check = u32::from(spain.as_bytes()[13] - b'0');
            assert!((sum + check).is_multiple_of(11) || (check == 1 && (sum + 10).is_multiple_of(11)), "{spain}");
        }
    }

    #[test]
    fn other_countries_are_refused() {
        refused("iban", "country = \"'XX'\"", "unknown country `XX`");
        refused("iban", "country = \"flag\"\nunique = true", "constant country");
        let error = Bed::root(5).fill("iban", "country = \"flag\"").expect_err("an error").to_string();
        assert!(error.contains("`country = flag` is `F`"), "{error}");
    }
}
