//! AES key wrap (RFC 3394, SP 800-38F KW) of a data key: deterministic, and supported by HSMs, the JCA (`AESWrap`) and Python.

use aes::Aes256;
use aes::cipher::{Array, BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use zeroize::Zeroize;

use super::secret::Secret;

/// The size of a wrapped key in bytes.
pub const WRAPPED: usize = 40;
/// The integrity check of RFC 3394, section 2.2.3.1.
const INITIAL: [u8; 8] = [0xa6; 8];
/// The number of rounds over the key's four blocks of 8 bytes.
const ROUNDS: u64 = 6;

/// Wraps a key with a key-encryption key.
#[must_use]
pub fn wrap(kek: &Secret, key: &Secret) -> [u8; WRAPPED] {
    let cipher = Aes256::new(kek.expose().into());
    let mut out = [0; WRAPPED];
    out[..8].copy_from_slice(&INITIAL);
    out[8..].copy_from_slice(key.expose());
    for round in 0..ROUNDS {
        for block in 1..=4 {
            let mut pair: Array<u8, _> = [0; 16].into();
            pair[..8].copy_from_slice(&out[..8]);
            pair[8..].copy_from_slice(&out[block * 8..block * 8 + 8]);
            cipher.encrypt_block(&mut pair);
            let step = (4 * round + block as u64).to_be_bytes();
            for n in 0..8 {
                out[n] = pair[n] ^ step[n];
            }
            out[block * 8..block * 8 + 8].copy_from_slice(&pair[8..]);
            pair.as_mut_slice().zeroize();
        }
    }
    out
}

/// Unwraps a key; `None` if `kek` is not the key that wrapped it, or the bytes were changed or cut.
#[must_use]
pub fn unwrap(kek: &Secret, wrapped: &[u8]) -> Option<Secret> {
    let mut own: [u8; WRAPPED] = wrapped.try_into().ok()?;
    let cipher = Aes256::new(kek.expose().into());
    for round in (0..ROUNDS).rev() {
        for block in (1..=4).rev() {
            let mut pair: Array<u8, _> = [0; 16].into();
            let step = (4 * round + block as u64).to_be_bytes();
            for n in 0..8 {
                pair[n] = own[n] ^ step[n];
            }
            pair[8..].copy_from_slice(&own[block * 8..block * 8 + 8]);
            cipher.decrypt_block(&mut pair);
            own[..8].copy_from_slice(&pair[..8]);
            own[block * 8..block * 8 + 8].copy_from_slice(&pair[8..]);
            pair.as_mut_slice().zeroize();
        }
    }
    let good = own[..8].iter().zip(INITIAL).fold(0, |wrong, (a, b)| wrong | (a ^ b)) == 0;
    let mut key = [0; 32];
    key.copy_from_slice(&own[8..]);
    own.zeroize();
    let secret = Secret::take(&mut key);
    good.then_some(secret)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::hex;

    /// Section 4.6 of RFC 3394 and the vector of `tests/fe1-vectors.json`.
    #[test]
    fn the_vectors_of_the_standard() {
        let kek = Secret::take(&mut std::array::from_fn(|n| n as u8));
        let mut data = [0; 32];
        for (n, byte) in data.iter_mut().enumerate() {
            *byte = if n < 16 { (n * 17) as u8 } else { (n - 16) as u8 };
        }
        let wrapped = wrap(&kek, &Secret::take(&mut data.clone()));
        assert_eq!(hex(&wrapped), "28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21");
        assert_eq!(unwrap(&kek, &wrapped).expect("unwraps").expose(), &data);
        let kek = Secret::take(&mut [0xa5; 32]);
        let key = Secret::take(&mut std::array::from_fn(|n| n as u8));
        assert_eq!(
            hex(&wrap(&kek, &key)),
            "9477653c030819d256e2440feff87c917b279193ae3838bc438678675bc06a6fab9f3daf32fd0ebc"
        );
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_refused() {
        let (kek, key) = (Secret::take(&mut [1; 32]), Secret::take(&mut [2; 32]));
        let wrapped = wrap(&kek, &key);
        for bit in 0..WRAPPED * 8 {
            let mut bad = wrapped;
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(unwrap(&kek, &bad).is_none(), "bit {bit}");
        }
        assert!((0..WRAPPED).all(|length| unwrap(&kek, &wrapped[..length]).is_none()));
        assert!(unwrap(&key, &wrapped).is_none());
    }
}
