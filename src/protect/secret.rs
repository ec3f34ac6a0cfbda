//! Secret keys: wiped when they are dropped, and never shown.

use std::fmt;

use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::{Zeroize, Zeroizing};

use crate::digest::hex;

/// A key of 32 bytes: a data key, or one that is derived from it. `Debug` shows `***`, and there is no `Display`.
#[derive(Clone)]
pub struct Secret(Box<[u8; 32]>);

impl Secret {
    /// Makes a key of the bytes and wipes the array that they came from.
    #[must_use]
    pub fn take(bytes: &mut [u8; 32]) -> Self {
        let secret = Self(Box::new(*bytes));
        bytes.zeroize();
        secret
    }

    /// The bytes of the key, for a cipher.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// Derives `N` bytes, at most 8,160, with HKDF-SHA256 and an empty salt; `info` names their purpose.
    #[must_use]
    pub fn derive<const N: usize>(&self, info: &str) -> Zeroizing<[u8; N]> {
        let mut out = Zeroizing::new([0; N]);
        // HKDF-SHA256 gives at most 255 × 32 bytes; no caller asks for more than 32.
        let fits = Hkdf::<Sha256>::new(None, self.0.as_slice()).expand(info.as_bytes(), out.as_mut_slice());
        debug_assert!(fits.is_ok());
        out
    }

    /// Derives a key for the purpose that `info` names.
    #[must_use]
    pub fn subkey(&self, info: &str) -> Secret {
        Secret::take(&mut self.derive::<32>(info))
    }

    /// The key check value: 16 hexadecimal digits that identify a key without giving it away.
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
