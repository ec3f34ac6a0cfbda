//! Cells that are made together: what [`Cipher::seal`] makes, several times as fast.

use super::{Cipher, HEAD, NONCE, VERSION, gcm, mac};
use crate::format::write::texts::Cells;

/// So many cells, or blocks of them, make a batch: what is worked on stays in the nearest caches.
const CELLS: usize = 256;
const BLOCKS: usize = 4_096;

/// Values of one scope on their way into cells.
pub struct Batch<'a> {
    cipher: &'a Cipher,
    gcm: gcm::Messages<'a>,
    mac: mac::Messages<'a>,
    nonces: Vec<[u8; NONCE]>,
}

impl Cipher {
    /// An empty batch; none for keys that only open.
    #[must_use]
    pub fn batch(&self) -> Option<Batch<'_>> {
        let maker = self.maker.as_ref()?;
        let (gcm, mac) = (gcm::Messages::new(&maker.gcm, &self.aad), mac::Messages::new(&maker.mac));
        Some(Batch { cipher: self, gcm, mac, nonces: Vec::new() })
    }
}

impl Batch<'_> {
    /// Tells whether it is time to seal.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.gcm.count() >= CELLS || self.gcm.blocks() >= BLOCKS
    }

    /// Adds a value of a row; `random` overrides the nonce, and does so for all values of a batch or for none.
    pub fn push(&mut self, row: &[u8], plain: &[u8], random: Option<[u8; NONCE]>) {
        let row = if self.cipher.scope.row_bound { row } else { &[] };
        self.gcm.push(row, plain);
        match random {
            Some(nonce) => self.nonces.push(nonce),
            None => {
                let aad = &self.cipher.aad;
                self.mac.push(&[&((aad.len() + row.len()) as u64).to_be_bytes(), aad, row, plain]);
            }
        }
    }

    /// Moves the cells of all values to `cells`.
    pub fn seal(&mut self, cells: &mut Cells) {
        let Self { cipher, gcm, mac, nonces } = self;
        mac.take(nonces);
        gcm.seal(nonces);
        let mut head = [VERSION; HEAD];
        head[1..5].copy_from_slice(&cipher.kid);
        for ((cell, tag), nonce) in gcm.sealed().zip(&*nonces) {
            head[5..].copy_from_slice(nonce);
            cells.push(&head, cell, tag);
        }
        gcm.clear();
        nonces.clear();
    }
}
