//! Damage to a text: what happens to it on bad roads, in bad programs, under tired hands.

use crate::profile::DamageKind;
use crate::rng::Cell;

/// The length that no field of a message or table allows, in characters.
const TOO_LONG: usize = 300;

/// The text after damage; `None` where this kind cannot change it. Draws where the damage is from `cell`.
pub(super) fn damaged(text: &str, how: DamageKind, cell: &mut Cell) -> Option<String> {
    let chars: Vec<char> = text.chars().collect();
    let middle = |insert: &str| {
        let (before, behind) = chars.split_at(chars.len() / 2);
        (!chars.is_empty()).then(|| before.iter().collect::<String>() + insert + &behind.iter().collect::<String>())
    };
    let new = match how {
        DamageKind::CheckDigit => {
            let at = one_of(&chars, |_, c| c.is_ascii_digit(), cell)?;
            let digit = chars[at].to_digit(10)?;
            let other = (digit + 1 + cell.below(9) as u32) % 10;
            replaced(&chars, at, char::from_digit(other, 10)?)
        }
        DamageKind::Typo => {
            let at = one_of(&chars, |_, c| c.is_ascii_alphabetic(), cell)?;
            let first = if chars[at].is_ascii_uppercase() { b'A' } else { b'a' };
            let letter = chars[at] as u8 - first;
            let other = (letter + 1 + cell.below(25) as u8) % 26;
            replaced(&chars, at, char::from(first + other))
        }
        DamageKind::Transpose => {
            let differs = |at: usize, c: char| chars.get(at + 1).is_some_and(|next| *next != c);
            let at = one_of(&chars, differs, cell)?;
            let mut new = chars.clone();
            new.swap(at, at + 1);
            new.into_iter().collect()
        }
        DamageKind::Truncate => chars[..chars.len() / 2].iter().collect(),
        DamageKind::TooLong => (!chars.is_empty()).then(|| text.repeat(TOO_LONG / chars.len() + 1))?,
        DamageKind::Empty => String::new(),
        DamageKind::Spaces => format!("  {text} "),
        DamageKind::Case => {
            let turn = |c: &char| if c.is_lowercase() { c.to_uppercase().next() } else { c.to_lowercase().next() };
            chars.iter().filter_map(turn).collect()
        }
        DamageKind::Accents => chars.iter().map(|c| accented(*c)).collect(),
        DamageKind::Mojibake => text.bytes().map(char::from).collect(),
        DamageKind::Nul => middle("\0")?,
        DamageKind::Bidi => middle("\u{202E}")?,
        DamageKind::Newline => middle("\r\n")?,
        DamageKind::Bom => format!("\u{FEFF}{text}"),
        DamageKind::Homoglyph => {
            let at = one_of(&chars, |_, c| look_alike(c).is_some(), cell)?;
            replaced(&chars, at, look_alike(chars[at])?)
        }
        DamageKind::Delimiter => middle("|^~*&<,\"")?,
    };
    (new != text).then_some(new)
}

/// One of the places whose character is right for it.
fn one_of(chars: &[char], right: impl Fn(usize, char) -> bool, cell: &mut Cell) -> Option<usize> {
    let places: Vec<usize> = (0..chars.len()).filter(|at| right(*at, chars[*at])).collect();
    (!places.is_empty()).then(|| places[cell.below(places.len() as u64) as usize])
}

fn replaced(chars: &[char], at: usize, new: char) -> String {
    chars.iter().enumerate().map(|(n, c)| if n == at { new } else { *c }).collect()
}

fn accented(c: char) -> char {
    match c {
        'a' => 'á',
        'e' => 'é',
        'i' => 'í',
        'o' => 'ö',
        'u' => 'ü',
        'A' => 'Å',
        'E' => 'É',
        'O' => 'Ø',
        'U' => 'Ü',
        'n' => 'ñ',
        'c' => 'ç',
        other => other,
    }
}

/// The Cyrillic letter that looks like a Latin one.
fn look_alike(c: char) -> Option<char> {
    Some(match c {
        'a' => 'а',
        'c' => 'с',
        'e' => 'е',
        'o' => 'о',
        'p' => 'р',
        'x' => 'х',
        'y' => 'у',
        'A' => 'А',
        'B' => 'В',
        'C' => 'С',
        'E' => 'Е',
        'H' => 'Н',
        'K' => 'К',
        'M' => 'М',
        'O' => 'О',
        'P' => 'Р',
        'T' => 'Т',
        'X' => 'Х',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [DamageKind; 16] = [
        DamageKind::CheckDigit,
        DamageKind::Typo,
        DamageKind::Transpose,
        DamageKind::Truncate,
        DamageKind::TooLong,
        DamageKind::Empty,
        DamageKind::Spaces,
        DamageKind::Case,
        DamageKind::Accents,
        DamageKind::Mojibake,
        DamageKind::Nul,
        DamageKind::Bidi,
        DamageKind::Newline,
        DamageKind::Bom,
        DamageKind::Homoglyph,
        DamageKind::Delimiter,
    ];

    #[test]
    fn damage_is_never_nothing() {
        for text in ["", "a", "7", "é", "Åsa Ng 4111", "   ", "ааа", "DE89370400440532013000", "\u{1F600}"] {
            for (n, how) in ALL.into_iter().enumerate() {
                let once = damaged(text, how, &mut Cell::new(7, n as u64));
                assert_ne!(once.as_deref(), Some(text), "{how:?} of {text:?}");
                assert_eq!(once, damaged(text, how, &mut Cell::new(7, n as u64)), "{how:?} is drawn");
            }
        }
    }

    #[test]
    fn each_kind_does_what_it_says() {
        let mut cell = Cell::new(1, 2);
        let mut of = |text, how| damaged(text, how, &mut cell);
        let digits = of("4111", DamageKind::CheckDigit).expect("digits");
        assert_eq!(digits.chars().zip("4111".chars()).filter(|(one, other)| one != other).count(), 1);
        assert_eq!(of("ab", DamageKind::Transpose).as_deref(), Some("ba"));
        assert_eq!(of("aa", DamageKind::Transpose), None);
        assert_eq!(of("é", DamageKind::Mojibake).as_deref(), Some("Ã©"));
        assert_eq!(of("Ng", DamageKind::Mojibake), None, "ASCII is the same in Latin-1");
        assert!(of("Ng", DamageKind::TooLong).is_some_and(|text| text.chars().count() > TOO_LONG));
        assert_eq!(of("abcd", DamageKind::Truncate).as_deref(), Some("ab"));
    }
}
