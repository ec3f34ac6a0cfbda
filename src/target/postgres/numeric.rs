//! The binary form of `numeric`: groups of four decimal digits.
//!
//! Of `src/backend/utils/adt/numeric.c`, `numeric_send`: the number of groups, the weight of the first (a power of 10,000), the sign,
//! the digits behind the point that are shown, and the groups, each as two bytes.

const GROUP: u128 = 10_000;
const NEGATIVE: u16 = 0x4000;

/// Appends a decimal of some places behind the point, with its length in bytes before it.
pub(super) fn write(value: i128, places: u8, out: &mut Vec<u8>) {
    let padding = (4 - places % 4) % 4;
    let behind = places.div_ceil(4);
    // 38 digits and the padding fit: the last group is split off before it is padded.
    let magnitude = value.unsigned_abs();
    let cut = 10_u128.pow(u32::from((4 - padding) % 4));
    let (mut rest, last) = if padding == 0 { (magnitude, None) } else { (magnitude / cut, Some(magnitude % cut)) };
    let mut groups = [0_u16; 12];
    let mut count = 0;
    if let Some(last) = last {
        groups[0] = (last * 10_u128.pow(u32::from(padding))) as u16;
        count = 1;
    }
    while rest > 0 {
        groups[count] = (rest % GROUP) as u16;
        rest /= GROUP;
        count += 1;
    }
    let groups = &groups[..count];
    // Zeros at the end are left out, and zeros at the start are not among the groups, but for small fractions.
    let trailing = groups.iter().take_while(|group| **group == 0).count();
    let leading = groups.iter().rev().take_while(|group| **group == 0).count();
    let weight = count as i16 - 1 - i16::from(behind);
    let groups = groups.get(trailing..count - leading.min(count)).unwrap_or_default();
    let weight = if groups.is_empty() { 0 } else { weight - leading as i16 };
    let sign = if value < 0 { NEGATIVE } else { 0 };
    out.extend_from_slice(&(8 + 2 * groups.len() as i32).to_be_bytes());
    out.extend_from_slice(&(groups.len() as i16).to_be_bytes());
    out.extend_from_slice(&weight.to_be_bytes());
    out.extend_from_slice(&sign.to_be_bytes());
    out.extend_from_slice(&u16::from(places).to_be_bytes());
    for group in groups.iter().rev() {
        out.extend_from_slice(&group.to_be_bytes());
    }
}

/// The value of a decimal with so many places behind the point, without the point; `None` where it has more, is no number, or is too
/// large.
pub(super) fn read(bytes: &[u8], places: u8) -> Option<i128> {
    let word = |at: usize| Some(u16::from_be_bytes(bytes.get(2 * at..2 * at + 2)?.try_into().ok()?));
    let (count, weight, sign) = (usize::from(word(0)?), i32::from(word(1)? as i16), word(2)?);
    if sign != 0 && sign != NEGATIVE || bytes.len() != 8 + 2 * count {
        return None;
    }
    let mut value = 0_i128;
    for at in 0..count {
        let group = i128::from(word(4 + at)?);
        // The power of ten that the last digit of the group stands for, with the places.
        let power = 4 * (weight - at as i32) + i32::from(places);
        let part = match u32::try_from(power) {
            Ok(power) => group.checked_mul(10_i128.checked_pow(power)?)?,
            Err(_) => {
                let cut = 10_i128.checked_pow(power.unsigned_abs())?;
                (group % cut == 0).then_some(group / cut)?
            }
        };
        value = value.checked_add(part)?;
    }
    Some(if sign == NEGATIVE { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(value: i128, places: u8) -> Vec<u8> {
        let mut out = Vec::new();
        write(value, places, &mut out);
        assert_eq!(out[..4], (out.len() as i32 - 4).to_be_bytes());
        out.split_off(4)
    }

    #[test]
    fn known_numbers_have_the_bytes_of_the_server() {
        // As `SELECT numeric_send(x)` shows them.
        assert_eq!(bytes(0, 2), [0, 0, 0, 0, 0, 0, 0, 2]);
        assert_eq!(bytes(1_234_567, 2), [0, 3, 0, 1, 0, 0, 0, 2, 0, 1, 0x09, 0x29, 0x1a, 0x2c]);
        assert_eq!(bytes(-1, 4), [0, 1, 0xff, 0xff, 0x40, 0, 0, 4, 0, 1]);
        assert_eq!(bytes(10_000, 0), [0, 1, 0, 1, 0, 0, 0, 0, 0, 1]);
    }

    #[test]
    fn numbers_lead_back() {
        let mut draw = 5_u64;
        for places in 0..=37_u8 {
            for _ in 0..300 {
                draw = crate::rng::mix(draw);
                let wide = i128::from(draw) * i128::from(crate::rng::mix(draw)) * if draw & 1 == 0 { 1 } else { -1 };
                let value = (wide >> (draw % 127)) % 10_i128.pow(38);
                assert_eq!(read(&bytes(value, places), places), Some(value), "{value} of {places}");
            }
        }
        for value in [10_i128.pow(38) - 1, 1 - 10_i128.pow(38), 1, 0] {
            assert_eq!(read(&bytes(value, 38), 38), Some(value));
        }
        assert_eq!(read(&bytes(15, 1), 0), None, "1.5 is no integer");
        assert_eq!(read(&[0, 0, 0, 0, 0xc0, 0, 0, 0], 2), None, "not a number");
    }
}
