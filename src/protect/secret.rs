//! Keys that are wiped when they are dropped and never shown.

use std::fmt;

use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::{Zeroize, Zeroizing};

use crate::digest::hex;

/// 32 secret bytes: a data key, or what is derived from one. `Debug` shows `***`, and there is no `Display`.
#[derive(Clone)]
pub struct Secret(Box<[u8; 32]>);

impl Secret {
    /// Takes the bytes over and wipes the place where they were.
    #[must_use]
    pub fn take(bytes: &mut [u8; 32]) -> Self {
        let secret = Self(Box::new(*bytes));
        bytes.zeroize();
        secret
    }

    /// The bytes, for a cipher.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// HKDF-SHA256 of this key with an empty salt: `N` bytes for a purpose that `info` names.
    #[must_use]
    pub fn derive<const N: usize>(&self, info: &str) -> Zeroizing<[u8; N]> {
        let mut out = Zeroizing::new([0; N]);
        // At most 255 times 32 bytes can be had; nobody asks for more than 32.
        let fits = Hkdf::<Sha256>::new(None, self.0.as_slice()).expand(info.as_bytes(), out.as_mut_slice());
        debug_assert!(fits.is_ok());
        out
    }

    /// A key for a purpose.
    #[must_use]
    pub fn subkey(&self, info: &str) -> Secret {
        Secret::take(&mut self.derive::<32>(info))
    }

    /// The key check value: eight public bytes in hex that name a key without telling it.
    #[must_use]
    pub fn check_value(&self) -> String {
        hex(self.derive::<8>("fe1/kcv").as_slice())
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_key_is_shown() {
        let mut bytes = [0x5a; 32];
        let secret = Secret::take(&mut bytes);
        assert_eq!(bytes, [0; 32], "the bytes it came from are wiped");
        assert_eq!(format!("{secret:?}"), "***");
        assert_eq!(secret.expose(), &[0x5a; 32]);
    }
}
