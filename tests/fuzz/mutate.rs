//! Mutated profiles: bytes, tokens, lines, numbers, depth, and pieces of one profile within another.

use std::path::Path;

use placebo::rng::mix;

/// What makes the fuzzer try the same cases on every machine.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        (mix(self.0) % n.max(1) as u64) as usize
    }
}

/// The texts of the shipped profiles and of the tests', the small ones more than once.
pub(crate) fn corpus() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| std::fs::read_to_string(root.join(path)).expect("a profile");
    let mut all = vec![read("profiles/healthcare/profile.toml")];
    for folder in ["profiles/common", "tests/fixtures/bad", "tests/fixtures/shop", "tests/fixtures/bank"] {
        let entries = std::fs::read_dir(root.join(folder)).expect("a folder");
        let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
        paths.sort();
        let times = if paths.len() == 1 { 40 } else { 1 };
        for path in paths {
            let text = std::fs::read_to_string(path).expect("text");
            all.extend(std::iter::repeat_n(text, times));
        }
    }
    all
}

const NUMBERS: [&str; 15] = [
    "0",
    "-1",
    "1",
    "1000000",
    "1e308",
    "-1e-308",
    "9223372036854775807",
    "-9223372036854775808",
    "18446744073709551616",
    "nan",
    "inf",
    "0.1",
    "4294967296",
    "1e15",
    "3",
];
const WORDS: [&str; 24] = [
    "''",
    "NULL",
    "true",
    "ordinal",
    "row",
    "siblings",
    "count(payment)",
    "as_of",
    "deal = {}",
    "each",
    "group",
    "\"",
    "'",
    "{",
    "}",
    "[",
    "]",
    "=",
    " OVER (ORDER BY ordinal)",
    " || ",
    "\u{0}",
    "\u{1F9EA}",
    "rpad('a', 9999999, 'b')",
    "/ 0",
];

/// One profile after a few mutations.
pub(crate) fn mutant(dice: &mut Dice, corpus: &[String]) -> Vec<u8> {
    let mut text = corpus[dice.below(corpus.len())].clone();
    // Most break at their first mutation: one alone gets further.
    for _ in 0..=dice.below(4) * usize::from(dice.below(3) == 0) {
        text = once(dice, text, corpus);
    }
    let mut bytes = text.into_bytes();
    if dice.below(12) == 0 && !bytes.is_empty() {
        let at = dice.below(bytes.len());
        bytes[at] ^= 1 << dice.below(8);
    }
    bytes
}

/// The places of the words and numbers of a text.
fn tokens(text: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut start = None;
    for (at, c) in text.char_indices().chain([(text.len(), ' ')]) {
        match (c.is_alphanumeric() || c == '_' || c == '.', start) {
            (true, None) => start = Some(at),
            (false, Some(from)) => {
                found.push((from, at));
                start = None;
            }
            _ => {}
        }
    }
    found
}

fn once(dice: &mut Dice, text: String, corpus: &[String]) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let tokens = tokens(&text);
    if lines.len() < 3 || tokens.len() < 3 {
        return text + "\nx = 1\n";
    }
    let token = tokens[dice.below(tokens.len())];
    let swap = |with: &str| format!("{}{with}{}", &text[..token.0], &text[token.1..]);
    let (line, other) = (dice.below(lines.len()), dice.below(lines.len()));
    match dice.below(14) {
        0 => [&lines[..line], &lines[line + 1..]].concat().join("\n"),
        1 => [&lines[..other], &[lines[line]], &lines[other..]].concat().join("\n"),
        2 | 3 => {
            let from = tokens[dice.below(tokens.len())];
            swap(&text[from.0..from.1])
        }
        4 | 9..=12 => {
            let numbers: Vec<_> = tokens.iter().filter(|t| text[t.0..t.1].parse::<f64>().is_ok()).collect();
            let Some(at) = numbers.get(dice.below(numbers.len())) else { return text };
            format!("{}{}{}", &text[..at.0], NUMBERS[dice.below(NUMBERS.len())], &text[at.1..])
        }
        5 | 6 => swap(WORDS[dice.below(WORDS.len())]),
        7 => {
            let theirs: Vec<&str> = corpus[dice.below(corpus.len())].lines().collect();
            let (from, length) = (dice.below(theirs.len()), 1 + dice.below(30));
            let piece = &theirs[from..(from + length).min(theirs.len())];
            [&lines[..line], piece, &lines[line..]].concat().join("\n")
        }
        8 => {
            let (open, close) =
                [("(", ")"), ("[", "]"), ("{a = ", "}"), ("- ", ""), ("NOT ", ""), ("", " + 1"), ("a.", "")]
                    [dice.below(7)];
            let depth = 1 << dice.below(12);
            swap(&format!("{}{}{}", open.repeat(depth), &text[token.0..token.1], close.repeat(depth)))
        }
        _ => swap(""),
    }
}
