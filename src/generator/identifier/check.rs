//! Check digits: functions that compute them, and functions that validate an identifier. The reference vectors are in
//! the tests.

/// Computes the Luhn check digit (ISO/IEC 7812-1, annex B) of digits given as values 0 to 9.
#[must_use]
pub fn luhn_digit(digits: impl DoubleEndedIterator<Item = u8>) -> u8 {
    let sum: u32 = digits.rev().enumerate().map(|(i, d)| luhn_weight(i + 1, d)).sum();
    ((10 - sum % 10) % 10) as u8
}

/// Gives the contribution of a digit to the Luhn sum. `place` counts from the right, from 0 for the check digit.
fn luhn_weight(place: usize, digit: u8) -> u32 {
    let doubled = u32::from(digit) << (place % 2);
    if doubled > 9 { doubled - 9 } else { doubled }
}

/// Gives the values of ASCII digits; any other byte has a value above 9.
fn values(text: &str) -> impl DoubleEndedIterator<Item = u8> + Clone {
    text.bytes().map(|b| b.wrapping_sub(b'0'))
}

fn all_digits(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|b| b.is_ascii_digit())
}

/// Tells whether a number of at least two digits ends in its Luhn digit.
///
/// ```
/// use placebo::generator::identifier::check;
/// assert!(check::luhn("4111111111111111") && !check::luhn("4111111111111112"));
/// ```
#[must_use]
pub fn luhn(text: &str) -> bool {
    text.len() >= 2
        && text.bytes().all(|b| b.is_ascii_digit())
        && values(text).rev().enumerate().map(|(i, d)| luhn_weight(i, d)).sum::<u32>() % 10 == 0
}

/// The prefix that is included in the Luhn sum of a US National Provider Identifier (ISO 7812: 80 health, 840 United
/// States).
pub const NPI_PREFIX: &str = "80840";

/// Tells whether a text has the form of a US National Provider Identifier: 10 digits, with the Luhn digit of `80840`
/// and the first nine.
#[must_use]
pub fn npi(text: &str) -> bool {
    all_digits(text, 10) && luhn(&format!("{NPI_PREFIX}{text}"))
}

/// Computes the check digit of an ABA routing number from its first eight digits, with the weights 3, 7, 1.
#[must_use]
pub fn aba_digit(digits: impl Iterator<Item = u8>) -> u8 {
    let sum: u32 = digits.zip([3, 7, 1].into_iter().cycle()).map(|(d, weight)| u32::from(d) * weight).sum();
    ((10 - sum % 10) % 10) as u8
}

/// Tells whether a text has the form of an ABA routing number: nine digits, the last one a check digit.
#[must_use]
pub fn aba(text: &str) -> bool {
    all_digits(text, 9) && values(text).nth(8) == Some(aba_digit(values(&text[..8])))
}

/// Computes the check digit of a DEA registration number from its first six digits.
#[must_use]
pub fn dea_digit(digits: impl Iterator<Item = u8>) -> u8 {
    (digits.take(6).zip([1, 2].into_iter().cycle()).map(|(d, weight)| u32::from(d) * weight).sum::<u32>() % 10) as u8
}

/// Tells whether a text has the form of a DEA registration number: a letter, a letter or 9, seven digits of which the
/// last is a check digit.
#[must_use]
pub fn dea(text: &str) -> bool {
    let bytes = text.as_bytes();
    text.len() == 9
        && bytes[0].is_ascii_uppercase()
        && (bytes[1].is_ascii_uppercase() || bytes[1] == b'9')
        && text
            .get(2..)
            .is_some_and(|digits| all_digits(digits, 7) && values(digits).nth(6) == Some(dea_digit(values(digits))))
}

/// Computes the remainder by 97 of a text of digits and of letters A to Z, which count as 10 to 35 (ISO/IEC 7064, MOD
/// 97-10). `None` if the text has another sign.
#[must_use]
pub fn mod97(text: &str) -> Option<u32> {
    text.bytes().try_fold(0, |rest, byte| match byte {
        b'0'..=b'9' => Some((rest * 10 + u32::from(byte - b'0')) % 97),
        b'A'..=b'Z' => Some((rest * 100 + u32::from(byte - b'A') + 10) % 97),
        _ => None,
    })
}

/// Tells whether a text has the form of an IBAN: two letters, two check digits, 11 to 30 letters and digits (ISO
/// 13616).
#[must_use]
pub fn iban(text: &str) -> bool {
    let bytes = text.as_bytes();
    (15..=34).contains(&text.len())
        && text.is_ascii()
        && bytes[..2].iter().all(u8::is_ascii_uppercase)
        && bytes[2..4].iter().all(u8::is_ascii_digit)
        && mod97(&[&text[4..], &text[..4]].concat()) == Some(1)
}

/// Tells whether a text has the form of a Legal Entity Identifier: 18 letters and digits, two check digits (ISO 17442).
#[must_use]
pub fn lei(text: &str) -> bool {
    text.len() == 20 && text.bytes().skip(18).all(|b| b.is_ascii_digit()) && mod97(text) == Some(1)
}

/// Gives the value of a sign of a vehicle identification number (49 CFR 565.15). `None` for I, O, Q and signs that are
/// not allowed.
fn vin_value(byte: u8) -> Option<u32> {
    Some(match byte {
        b'0'..=b'9' => u32::from(byte - b'0'),
        b'A'..=b'H' => u32::from(byte - b'A') + 1,
        b'J'..=b'N' => u32::from(byte - b'J') + 1,
        b'P' => 7,
        b'R' => 9,
        b'S'..=b'Z' => u32::from(byte - b'S') + 2,
        _ => return None,
    })
}

/// Computes the check sign of a vehicle identification number of 17 signs; its ninth sign, the check sign's own place,
/// is ignored. `None` if another sign is not allowed.
#[must_use]
pub fn vin_digit(text: &str) -> Option<char> {
    const WEIGHTS: [u32; 17] = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2];
    if text.len() != 17 {
        return None;
    }
    let sum = text.bytes().zip(WEIGHTS).try_fold(0, |sum, (byte, weight)| Some(sum + vin_value(byte)? * weight))?;
    Some(if sum % 11 == 10 { 'X' } else { char::from(b'0' + (sum % 11) as u8) })
}

/// Tells whether a text has the form of a vehicle identification number with the correct check sign.
#[must_use]
pub fn vin(text: &str) -> bool {
    vin_digit(text).is_some() && text.chars().nth(8) == vin_digit(text)
}

/// The letters of Medicare Beneficiary Identifiers: all but S, L, O, I, B, Z.
pub const MBI_LETTERS: &[u8] = b"ACDEFGHJKMNPQRTUVWXY";

fn mbi_with(text: &str, second: impl Fn(u8) -> bool) -> bool {
    let letter = |b: u8| MBI_LETTERS.contains(&b);
    let either = |b: u8| b.is_ascii_digit() || letter(b);
    text.len() == 11
        && text.bytes().enumerate().all(|(i, b)| match i {
            0 => (b'1'..=b'9').contains(&b),
            1 => second(b),
            4 | 7 | 8 => letter(b),
            2 | 5 => either(b),
            _ => b.is_ascii_digit(),
        })
}

/// Tells whether a text has the form of a Medicare Beneficiary Identifier as CMS issues them.
#[must_use]
pub fn mbi(text: &str) -> bool {
    mbi_with(text, |b| MBI_LETTERS.contains(&b))
}

/// Tells whether a text is a synthetic Medicare Beneficiary Identifier: its second sign is `S`, which CMS never issues.
#[must_use]
pub fn mbi_synthetic(text: &str) -> bool {
    mbi_with(text, |b| b == b'S')
}

/// Computes the check digit of a CUSIP from its first eight signs. `None` if a sign is not allowed.
#[must_use]
pub fn cusip_digit(places: &str) -> Option<u8> {
    let sum = places.bytes().take(8).enumerate().try_fold(0, |sum, (i, byte)| {
        let value = char::from(byte).to_digit(36)? << (i % 2);
        Some(sum + value / 10 + value % 10)
    })?;
    Some(((10 - sum % 10) % 10) as u8)
}

/// Tells whether a text has the form of a CUSIP with the correct check digit.
#[must_use]
pub fn cusip(text: &str) -> bool {
    let form = text.len() == 9 && text.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase());
    form && cusip_digit(text) == values(text).nth(8)
}

/// Computes the check digit of an ISIN from its first eleven signs: Luhn, with letters as two digits (ISO 6166). `None`
/// if a sign is not allowed.
#[must_use]
pub fn isin_digit(places: &str) -> Option<u8> {
    let (mut sum, mut place) = (0, 1);
    for byte in places.bytes().take(11).collect::<Vec<_>>().into_iter().rev() {
        let value = char::from(byte).to_digit(36)? as u8;
        sum += luhn_weight(place, value % 10);
        place += 1;
        if value > 9 {
            sum += luhn_weight(place, value / 10);
            place += 1;
        }
    }
    Some(((10 - sum % 10) % 10) as u8)
}

/// Tells whether a text has the form of an ISIN with the correct check digit.
#[must_use]
pub fn isin(text: &str) -> bool {
    let form = text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase());
    form && text.bytes().take(2).all(|b| b.is_ascii_uppercase()) && isin_digit(text) == values(text).nth(11)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reference_vectors_hold() {
        for pan in [
            "4111111111111111",
            "5555555555554444",
            "378282246310005",
            "6011111111111117",
            "30569309025904",
            "3530111333300000",
            "4242424242424242",
            "9999990000000014",
        ] {
            assert!(luhn(pan), "{pan}");
        }
        assert!(npi("1234567893") && npi("9999999995") && npi("3000000000") && !npi("1234567890"));
        assert!(aba("021000021") && aba("999999992") && aba("999999989") && !aba("021000022"));
        assert!(dea("AB1234563") && dea("ZT1234563") && !dea("AB1234564"));
        assert!(lei("529900T8BM49AURSDO55") && lei("ZZZZ00TESTORG0000144") && !lei("529900T8BM49AURSDO56"));
        assert!(vin("1M8GDM9AXKP042788") && vin("11111111111111111") && !vin("1M8GDM9A0KP042788"));
        assert!(mbi("1EG4TE5MK73") && !mbi("1S00A00AA00"));
        assert!(mbi_synthetic("1S00A00AA00") && mbi_synthetic("9SY9YY9YY99") && !mbi_synthetic("1EG4TE5MK73"));
        assert!(iban("DE93999999990000000001") && iban("GB82WEST12345698765432") && !iban("GB83WEST12345698765432"));
        // Apple: CUSIP 037833100, ISIN US0378331005; the range that users may define themselves.
        assert!(cusip("037833100") && cusip("990000002") && !cusip("037833101"));
        assert!(isin("US0378331005") && isin("AU0000XVGZA3") && !isin("US0378331006"));
    }

    #[test]
    fn every_single_wrong_digit_is_found() {
        type Check = fn(&str) -> bool;
        let cases: [(&str, Check); 5] = [
            ("4111111111111111", luhn),
            ("1234567893", npi),
            ("021000021", aba),
            ("DE93999999990000000001", iban),
            ("990000002", cusip),
        ];
        for (good, check) in cases {
            for (i, old) in good.char_indices().filter(|(_, c)| c.is_ascii_digit()) {
                for new in ('0'..='9').filter(|new| *new != old) {
                    let bad: String = good.char_indices().map(|(k, c)| if k == i { new } else { c }).collect();
                    assert!(!check(&bad), "{bad}");
                }
            }
        }
    }

    #[test]
    fn no_text_panics() {
        for text in ["", "0", "é", "ééééééééé", "ÄÖÜÄÖÜÄÖÜÄÖÜÄÖ", "12345678é", "Z9é234563", "--------------------"]
        {
            let checks = [luhn, npi, aba, dea, iban, lei, vin, mbi, mbi_synthetic, cusip, isin];
            assert!(checks.iter().all(|check| !check(text)), "{text}");
        }
    }
}
