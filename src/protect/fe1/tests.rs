use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::Value as Json;

use super::*;
use crate::digest::hex;
use crate::format::write::texts::Cells;

/// Made by an independent implementation in Python (`cryptography`), not by this one.
fn vectors() -> Json {
    serde_json::from_str(include_str!("../../../tests/fe1-vectors.json")).expect("JSON")
}

fn bytes(text: &str) -> Vec<u8> {
    (0..text.len() / 2).map(|n| u8::from_str_radix(&text[2 * n..2 * n + 2], 16).expect("hex")).collect()
}

fn key(text: &str) -> Secret {
    Secret::take(&mut bytes(text).try_into().expect("32 bytes"))
}

#[test]
fn the_vectors_of_an_independent_implementation() {
    let vectors = vectors();
    let dek = key(vectors["dek"].as_str().expect("a key"));
    let cases = vectors["vectors"].as_array().expect("a list");
    assert_eq!(cases.len(), 8);
    for case in cases {
        let text = |name: &str| case[name].as_str().expect(name).to_owned();
        let scope = match case["domain"].as_str() {
            Some(domain) => Scope::domain(domain),
            None => Scope::column(&text("table"), &text("column")),
        };
        assert_eq!(scope.text(), text("scope"));
        assert_eq!(hex(Cipher::column_key(&dek, &scope).expose()), text("k_enc"));
        assert_eq!(hex(dek.subkey(&format!("fe1/syn/{}", scope.text())).expose()), text("k_syn"));
        let cipher = Cipher::new(&dek, &text("dataset"), scope);
        assert_eq!(hex(&cipher.kid()), text("kid"));
        let row = row_text(case["row"].as_array().expect("a list").iter().filter_map(Json::as_str));
        let (mut aad, mut cell, mut shown) = (Vec::new(), Vec::new(), Vec::new());
        let plain = bytes(&text("plaintext_hex"));
        assert!(cipher.seal(&row, &plain, None, &mut aad, &mut cell));
        assert_eq!(String::from_utf8_lossy(&aad), text("aad"));
        assert_eq!(hex(&cell[5..17]), text("nonce"));
        assert_eq!(hex(&cell), text("blob"));
        write_text(&cell, &mut shown);
        assert_eq!(String::from_utf8_lossy(&shown), text("text"));
        assert_eq!(read_text(&shown), Ok(cell.clone()));
        let (made, texts) = together(&cipher, &[(row.as_slice(), plain.as_slice(), None); 3]);
        assert_eq!((made, texts), (vec![cell.clone(); 3], vec![shown; 3]));
        assert_eq!(*cipher.open(&row, &cell, true).expect("opens"), plain);
        let alone = Cipher::opening(&key(&text("k_enc")), cipher.kid(), &text("dataset"), cipher.scope().clone());
        assert_eq!(*alone.open(&row, &cell, false).expect("opens"), plain);
        assert!(!alone.seal(&row, &plain, None, &mut aad, &mut cell), "a column's key makes no cells");
    }
}

/// A row, a plaintext and perhaps a nonce.
type Value<'a> = (&'a [u8], &'a [u8], Option<[u8; NONCE]>);

/// The binary cells and the text cells of values that are sealed together.
fn together(cipher: &Cipher, values: &[Value<'_>]) -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
    let (mut batch, mut cells) = (cipher.batch().expect("keys that seal"), Cells::default());
    values.iter().for_each(|(row, plain, random)| batch.push(row, plain, *random));
    batch.seal(&mut cells);
    (cells.bytes().map(<[u8]>::to_vec).collect(), cells.texts().map(<[u8]>::to_vec).collect())
}

proptest! {
    /// A batch makes what the crates make one by one: AES-GCM of `aes-gcm`, HMAC of `hmac`, base64 of `base64`.
    #[test]
    fn a_batch_makes_the_cells_of_its_values(
        secret in any::<[u8; 32]>(),
        aad in vec(any::<u8>(), 0..80),
        values in vec((vec(any::<u8>(), 0..300), vec(any::<u8>(), 0..300), any::<[u8; NONCE]>()), 0..12),
        bound in any::<bool>(),
        random in any::<bool>(),
    ) {
        let scope = if bound { Scope::column("t", "c") } else { Scope::domain("d") };
        let mut cipher = Cipher::new(&Secret::take(&mut secret.clone()), "s", scope);
        cipher.aad = aad;
        let values: Vec<_> =
            values.iter().map(|(row, plain, nonce)| (&row[..], &plain[..], random.then_some(*nonce))).collect();
        let (made, texts) = together(&cipher, &values);
        prop_assert_eq!(made.len(), values.len());
        for ((row, plain, nonce), (made, text)) in values.iter().zip(made.iter().zip(&texts)) {
            let (mut room, mut cell, mut shown) = (Vec::new(), Vec::new(), Vec::new());
            prop_assert!(cipher.seal(row, plain, *nonce, &mut room, &mut cell));
            write_text(&cell, &mut shown);
            prop_assert_eq!((made, text), (&cell, &shown));
        }
    }
}

#[test]
fn a_batch_that_was_sealed_begins_anew() {
    let cipher = Cipher::new(&Secret::take(&mut [7; 32]), "d", Scope::column("t", "c"));
    let (mut batch, mut cells) = (cipher.batch().expect("keys that seal"), Cells::default());
    for round in 0..3_usize {
        cells.clear();
        let plain = |n: usize| vec![b'x'; n * (round + 1)];
        let mut count = 0;
        while !batch.is_full() {
            batch.push(b"1", &plain(count), None);
            count += 1;
        }
        batch.seal(&mut cells);
        assert!((50..=256).contains(&count), "{count} cells");
        assert!((0..count).map(|n| sealed(&cipher, b"1", &plain(n))).eq(cells.bytes().map(<[u8]>::to_vec)));
        assert!(!batch.is_full());
    }
    let alone = Cipher::opening(&Secret::take(&mut [7; 32]), [0; 4], "d", Scope::column("t", "c"));
    assert!(alone.batch().is_none(), "a column's key makes no cells");
}

fn sealed(cipher: &Cipher, row: &[u8], plain: &[u8]) -> Vec<u8> {
    let (mut aad, mut cell) = (Vec::new(), Vec::new());
    assert!(cipher.seal(row, plain, None, &mut aad, &mut cell));
    cell
}

#[test]
fn a_cell_that_was_changed_cut_or_moved_is_refused() {
    let dek = Secret::take(&mut [7; 32]);
    let column = |set: &str, table: &str, column: &str| Cipher::new(&dek, set, Scope::column(table, column));
    let own = column("a", "t", "c");
    for plain in [&b""[..], b"x", b"900-12-3456", &[b'y'; 100]] {
        let cell = sealed(&own, b"1", plain);
        for bit in 0..cell.len() * 8 {
            let mut bad = cell.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(own.open(b"1", &bad, false).is_err(), "bit {bit} of {}", plain.len());
        }
        for length in 0..cell.len() {
            assert!(own.open(b"1", &cell[..length], false).is_err(), "cut at {length} of {}", plain.len());
        }
        assert_eq!(own.open(b"2", &cell, false), Err(Broken::Tampered), "another row");
        let others = [column("b", "t", "c"), column("a", "u", "c"), column("a", "t", "d")];
        assert!(others.iter().all(|other| other.open(b"1", &cell, false).is_err()), "another set, table or column");
        // The key id is not authenticated: with it forged, the tag speaks.
        for other in &others {
            let mut forged = cell.clone();
            forged[1..5].copy_from_slice(&other.kid());
            assert_eq!(other.open(b"1", &forged, false), Err(Broken::Tampered));
        }
    }
}

#[test]
fn names_cannot_run_into_each_other() {
    let dek = Secret::take(&mut [7; 32]);
    assert_ne!(Scope::column("a/b", "c"), Scope::column("a", "b/c"));
    assert_ne!(Scope::column("@a", "b").text(), Scope::domain("a/b").text());
    assert_ne!(row_text(["a,b", "c"]), row_text(["a", "b,c"]));
    let own = Cipher::new(&dek, "d", Scope::column("t", "c"));
    let cell = sealed(&own, &row_text(["a,b", "c"]), b"p");
    assert!(own.open(&row_text(["a", "b,c"]), &cell, false).is_err());
}

#[test]
fn padding_hides_lengths_and_comes_off() {
    for (length, want) in [(0, 16), (15, 16), (16, 32), (31, 32), (32, 48)] {
        let mut text = vec![b'a'; length];
        pad(&mut text, 16);
        assert_eq!(text.len(), want);
        assert_eq!(unpad(&text), Some(vec![b'a'; length].as_slice()));
    }
    assert_eq!(unpad(b""), None);
    assert_eq!(unpad(&[0; 16]), None);
    assert_eq!(unpad(b"abc"), None);
}

#[test]
fn a_random_nonce_opens_and_is_told_from_a_synthetic_one() {
    let cipher = Cipher::new(&Secret::take(&mut [7; 32]), "d", Scope::domain("x"));
    let (mut aad, mut cell) = (Vec::new(), Vec::new());
    assert!(cipher.seal(b"", b"text", Some([9; 12]), &mut aad, &mut cell));
    assert_eq!(*cipher.open(b"", &cell, false).expect("opens"), b"text");
    assert_eq!(cipher.open(b"", &cell, true), Err(Broken::Nonce));
}

/// Wycheproof's cases for AES-GCM with keys of 256 bits and nonces of 96 bits, through [`Cipher`]'s own cipher.
#[test]
fn wycheproof() {
    let set = wycheproof::aead::TestSet::load(wycheproof::aead::TestName::AesGcm).expect("loads");
    let mut looked_at = 0;
    for group in set.test_groups.iter().filter(|group| group.key_size == 256 && group.nonce_size == 96) {
        for case in &group.tests {
            looked_at += 1;
            let key = Secret::take(&mut case.key.as_slice().try_into().expect("32 bytes"));
            let mut cipher = Cipher::opening(&key, [0; 4], "", Scope::domain(""));
            cipher.maker = Some(Maker { gcm: gcm::Key::new(key.expose()), mac: mac::Key::new(key.expose()) });
            cipher.aad = case.aad.to_vec();
            let nonce: [u8; 12] = case.nonce.as_slice().try_into().expect("12 bytes");
            let cell = [&[VERSION, 0, 0, 0, 0], nonce.as_slice(), &case.ct, &case.tag].concat();
            let opened = cipher.open(b"", &cell, false).ok().map(|plain| plain.to_vec());
            let good = case.result == wycheproof::TestResult::Valid;
            assert_eq!(opened.is_some(), good, "case {}", case.tc_id);
            if good {
                assert_eq!(opened.as_deref(), Some(case.pt.as_slice()), "case {}", case.tc_id);
                let (mut aad, mut made) = (Vec::new(), Vec::new());
                assert!(cipher.seal(b"", &case.pt, Some(nonce), &mut aad, &mut made));
                assert_eq!(made, cell, "case {}", case.tc_id);
                assert_eq!(together(&cipher, &[(b"", &case.pt, Some(nonce))]).0, [cell], "case {}", case.tc_id);
            }
        }
    }
    assert_eq!(looked_at, 66);
}
