//! The search: a secret in every form in which bytes come out of a program.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use regex::bytes::Regex;

/// What is looked for, and how much was looked through.
pub(super) struct Search {
    forms: Vec<(&'static str, Vec<u8>)>,
    all: Regex,
    pub(super) searches: AtomicU64,
    pub(super) bytes: AtomicU64,
}

impl Search {
    pub(super) fn new(secrets: &[(&'static str, Vec<u8>)]) -> Self {
        let forms: Vec<(&'static str, Vec<u8>)> =
            secrets.iter().flat_map(|(name, bytes)| forms(bytes).into_iter().map(|form| (*name, form))).collect();
        let literals = forms.iter().map(|(_, form)| {
            form.iter().fold(String::new(), |mut text, byte| {
                let _in_memory = write!(text, "\\x{byte:02x}");
                text
            })
        });
        let all = literals.collect::<Vec<_>>().join("|");
        let all = Regex::new(&format!("(?s-u:{all})")).expect("a pattern");
        Self { forms, all, searches: AtomicU64::new(0), bytes: AtomicU64::new(0) }
    }

    /// How many forms are looked for.
    pub(super) fn forms(&self) -> usize {
        self.forms.len()
    }

    /// The names of the secrets that some bytes show, beside those that they may.
    pub(super) fn hits(&self, bytes: &[u8], allowed: &[&str]) -> Vec<&'static str> {
        self.searches.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        let mut found: Vec<&'static str> = Vec::new();
        for hit in self.all.find_iter(bytes) {
            let names = self.forms.iter().filter(|(_, form)| form == hit.as_bytes()).map(|(name, _)| *name);
            found.extend(names.filter(|name| !allowed.contains(name)));
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}

/// A half of a key is as bad as the whole: 16 bytes at a time, as they are, in hex, as a list of numbers, in base64 of both
/// alphabets wherever they begin in it, and their hex in base64.
pub(super) fn forms(secret: &[u8]) -> Vec<Vec<u8>> {
    let pieces: Vec<&[u8]> = if secret.len() == 32 { secret.chunks(16).collect() } else { vec![secret] };
    let mut all = Vec::new();
    for piece in pieces {
        let lower = placebo::digest::hex(piece);
        let upper = lower.to_uppercase();
        let numbers: Vec<String> = piece.iter().map(u8::to_string).collect();
        all.push(piece.to_vec());
        for text in [lower.as_bytes(), upper.as_bytes(), piece] {
            (0..3).for_each(|skip| all.extend(coded(text, skip)));
        }
        all.extend([numbers.join(", "), numbers.join(","), lower, upper].map(String::into_bytes));
    }
    all.sort();
    all.dedup();
    all
}

/// The letters of base64 that follow from these bytes alone, where `skip` bytes of the same group of three stand before.
pub(super) fn coded(bytes: &[u8], skip: usize) -> [Vec<u8>; 2] {
    let padded = [vec![0; skip], bytes.to_vec()].concat();
    let own = (skip * 4).div_ceil(3)..padded.len() * 4 / 3;
    [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD].map(|engine| engine.encode(&padded).as_bytes()[own.clone()].to_vec())
}
