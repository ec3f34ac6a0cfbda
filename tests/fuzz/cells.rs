//! Encrypted cells, damaged in every way that one can think of: nothing panics, and no cell ever opens to another value than
//! the one that was sealed in exactly that cell, under that key, in that row.

use placebo::protect::fe1::{Broken, Cipher, NULL, Scope, pad, read_text, row_text, unpad, write_text};
use placebo::protect::secret::Secret;

use crate::mutate::Dice;

/// A cell that was sealed.
struct Sealed {
    by: usize,
    row: Vec<u8>,
    plain: Vec<u8>,
    cell: Vec<u8>,
    synthetic: bool,
}

/// Keys of two, scopes of every form, two data sets; all of which could be mistaken for each other.
pub(crate) fn ciphers() -> Vec<Cipher> {
    let mut all = Vec::new();
    for key in [1, 2] {
        for data_set in ["a", "a/t"] {
            for scope in [Scope::column("t", "c"), Scope::column("t", "d"), Scope::domain("t"), Scope::domain("t/c")] {
                all.push(Cipher::new(&Secret::take(&mut [key; 32]), data_set, scope));
            }
        }
    }
    all
}

fn bytes(dice: &mut Dice, most: usize) -> Vec<u8> {
    let length = dice.below(most + 1);
    (0..length).map(|_| dice.below(256) as u8).collect()
}

fn sealed(dice: &mut Dice, ciphers: &[Cipher]) -> Sealed {
    let by = dice.below(ciphers.len());
    let row = row_text([["1", "2", "1,2", ""][dice.below(4)]]);
    let mut plain = match dice.below(4) {
        0 => NULL.to_vec(),
        1 => "Zoë Ångström".into(),
        _ => bytes(dice, 70),
    };
    if dice.below(2) == 0 {
        let (bare, block) = (plain.clone(), [16, 32, 64][dice.below(3)]);
        pad(&mut plain, block);
        assert!(plain.len() % block == 0 && unpad(&plain) == Some(bare.as_slice()), "{plain:?}");
    }
    let random = (dice.below(3) == 0).then(|| std::array::from_fn(|_| dice.below(256) as u8));
    let mut cell = Vec::new();
    assert!(ciphers[by].seal(&row, &plain, random, &mut Vec::new(), &mut cell));
    Sealed { by, row, plain, cell, synthetic: random.is_none() }
}

/// The bytes of a cell, damaged; now and then not at all.
fn damaged(dice: &mut Dice, one: &[u8], other: &[u8]) -> Vec<u8> {
    let mut cell = one.to_vec();
    let at = dice.below(cell.len());
    match dice.below(13) {
        0 | 1 => (0..=dice.below(4)).for_each(|_| cell[dice.below(one.len())] ^= 1 << dice.below(8)),
        2 => cell.truncate(at),
        3 => drop(cell.drain(..at)),
        4 => cell.extend(bytes(dice, 40)),
        5 => cell = [bytes(dice, 5), cell].concat(),
        6 => cell = [&one[..at], &other[dice.below(other.len())..]].concat(),
        // Version, key id, nonce, value or tag of another cell.
        7 => {
            let tags = (one.len() - 16, other.len() - 16);
            let (own, its) = [
                (0..1, 0..1),
                (1..5, 1..5),
                (5..17, 5..17),
                (17..tags.0, 17..tags.1),
                (tags.0..one.len(), tags.1..other.len()),
            ][dice.below(5)]
            .clone();
            cell.splice(own, other[its].iter().copied());
        }
        8 => cell.insert(at, dice.below(256) as u8),
        9 => drop(cell.remove(at)),
        10 => cell = [&one[..17.min(at)], &bytes(dice, 80)].concat(),
        11 => cell = bytes(dice, 120),
        _ => {}
    }
    cell
}

/// The text of a cell, damaged; now and then not at all.
fn garbled(dice: &mut Dice, cell: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    write_text(cell, &mut text);
    let at = dice.below(text.len());
    match dice.below(10) {
        0 => text[at] = dice.below(256) as u8,
        1 => text[at] = b"+/=-_ \n\t\0A"[dice.below(10)],
        2 => text.insert(at, b"=\n\r A-\xff"[dice.below(7)]),
        3 => text.extend_from_slice([&b"="[..], b"==", b"\n", b"A", b" "][dice.below(5)]),
        4 => text.truncate(at),
        // Bits of the last letter that no byte has.
        5 => *text.last_mut().expect("a prefix") ^= 1 << dice.below(3),
        6 => text = [&b"fe2."[..], b"FE1.", b"fe1", b""][dice.below(4)].iter().chain(&text[4..]).copied().collect(),
        7 => text[at].make_ascii_uppercase(),
        _ => {}
    }
    text
}

/// Holds some mutants against what was sealed, and says how many opened.
pub(crate) fn case(dice: &mut Dice, ciphers: &[Cipher]) -> u64 {
    let pool: Vec<Sealed> = (0..16).map(|_| sealed(dice, ciphers)).collect();
    let mut opened = 0;
    for _ in 0..256 {
        let (one, other) = (&pool[dice.below(pool.len())], &pool[dice.below(pool.len())]);
        let mut cell = damaged(dice, &one.cell, &other.cell);
        if dice.below(2) == 0 {
            let text = garbled(dice, &cell);
            let mut again = Vec::new();
            match read_text(&text) {
                Ok(read) => cell = read,
                Err(broken) => {
                    assert_eq!(broken, Broken::Form, "{text:?}");
                    continue;
                }
            }
            write_text(&cell, &mut again);
            assert_eq!(again, text, "two texts of one cell");
        }
        let (by, row) = match dice.below(4) {
            0 => (other.by, &one.row),
            1 => (one.by, &other.row),
            _ => (one.by, &one.row),
        };
        let strict = dice.below(2) == 0;
        let bound = ciphers[by].scope().row_bound();
        let known = pool.iter().find(|known| known.cell == cell && known.by == by && (!bound || known.row == *row));
        match (ciphers[by].open(row, &cell, strict), known) {
            (Ok(plain), Some(known)) => {
                assert!(*plain == known.plain && (known.synthetic || !strict), "{cell:?} opens to {plain:?}");
                opened += 1;
            }
            (Ok(plain), None) => panic!("{cell:?}, which nobody sealed, opens to {plain:?}"),
            (Err(broken), Some(known)) => {
                assert!(broken == Broken::Nonce && strict && !known.synthetic, "{cell:?}: {broken:?}");
            }
            (Err(broken), None) => assert_ne!(broken, Broken::Nonce, "{cell:?}"),
        }
        if let Some(bare) = unpad(&cell) {
            let rest = &cell[bare.len()..];
            assert!(rest[0] == 0x80 && rest[1..].iter().all(|byte| *byte == 0), "{cell:?}");
        }
    }
    opened
}
