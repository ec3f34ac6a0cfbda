//! The words of an order as raw little-endian bytes on standard output, for foreign test batteries.
//!
//! ```sh
//! cargo run --release --example words -- along-rows | RNG_test stdin64 -tlmax 512MB
//! ```
//!
//! `words ORDER [BYTES [FIRST]]`: as many bytes (without it: no end), from the word with the number `FIRST` on.

use std::io::{ErrorKind, Write};
use std::process::ExitCode;

#[path = "../tests/it/orders.rs"]
mod orders;

/// Words a write.
const BLOCK: u64 = 1 << 13;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let mut all = orders::orders();
    all.extend(orders::planted());
    let number = |at: usize, default| args.get(at).map_or(Some(default), |text| text.parse().ok());
    let asked = args.first().and_then(|name| all.iter().find(|(known, _)| known == name));
    let (Some((_, word)), Some(bytes), Some(first)) = (asked, number(1, u64::MAX), number(2, 0)) else {
        let names: Vec<&str> = all.iter().map(|(name, _)| *name).collect();
        return fail(2, &format!("words ORDER [BYTES [FIRST]], with ORDER one of {}", names.join(", ")));
    };
    match write(word, bytes, first) {
        // A battery that has seen enough closes the pipe: that is a good end.
        Err(error) if error.kind() != ErrorKind::BrokenPipe => fail(4, &error.to_string()),
        _ => ExitCode::SUCCESS,
    }
}

fn write(word: &orders::Word, bytes: u64, first: u64) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    let mut block = Vec::with_capacity(BLOCK as usize * 8);
    let (mut at, mut left) = (first, bytes);
    while left > 0 {
        block.clear();
        (at..at + BLOCK).for_each(|i| block.extend_from_slice(&word(i).to_le_bytes()));
        block.truncate(left.min(BLOCK * 8) as usize);
        out.write_all(&block)?;
        (at, left) = (at + BLOCK, left - block.len() as u64);
    }
    out.flush()
}

#[expect(clippy::print_stderr, reason = "stderr is for talk")]
fn fail(code: u8, message: &str) -> ExitCode {
    eprintln!("{message}");
    ExitCode::from(code)
}
