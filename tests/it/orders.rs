//! The orders in which a data set reads the words of its cells: one definition for the battery and for `examples/words.rs`.

use placebo::rng::{Cell, Seed, child_key, mix};

/// The word of an order at a place, from 0 on without end.
pub(crate) type Word = Box<dyn Fn(u64) -> u64>;

/// Orders by name.
pub(crate) type Orders = Vec<(&'static str, Word)>;

/// The four orders of the construction in `src/rng.rs`.
pub(crate) fn orders() -> Orders {
    let rows = Seed::new("42").column_key("table", "column");
    let columns: Vec<u64> = (0..64).map(|c| Seed::new("42").column_key("table", &format!("column {c}"))).collect();
    let seeds: Vec<u64> = (0..1024).map(|s| Seed::new(&s.to_string()).column_key("table", "column")).collect();
    vec![
        ("along-rows", Box::new(move |i| Cell::new(rows, i).next())),
        ("across-columns", Box::new(move |i| Cell::new(columns[i as usize % 64], i / 64).next())),
        ("across-seeds", Box::new(move |i| Cell::new(seeds[i as usize % 1024], i / 1024).next())),
        ("along-child-rows", Box::new(move |i| Cell::new(rows, child_key(7, i / 8, i % 8)).next())),
    ]
}

/// The common mistake, planted: mix the xor of the coordinates once. Whatever judges the orders must fail these.
pub(crate) fn planted() -> Orders {
    let word = |seed: u64, column: u64, row: u64| mix(seed ^ 3_u64.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ column ^ row);
    vec![
        ("planted-across-columns", Box::new(move |i| word(42, i % 64, i / 64))),
        ("planted-across-seeds", Box::new(move |i| word(i % 1024, 5, i / 1024))),
    ]
}
