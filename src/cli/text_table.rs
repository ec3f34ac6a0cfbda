//! Tables of aligned text for a terminal.

use std::io::{IsTerminal, Write};

use crate::error::{Error, Result};

/// Aligns rows under a header: columns of numbers to the right, others to the left.
///
/// On a terminal, cells longer than 40 characters are cut and end with `…`; a pipe and a file get all of them.
pub(super) fn aligned(header: &[&str], rows: &[Vec<String>]) -> String {
    let terminal = std::io::stdout().is_terminal();
    let clip = |cell: &str| {
        if terminal && cell.chars().count() > 40 {
            cell.chars().take(39).chain(['…']).collect()
        } else {
            cell.to_owned()
        }
    };
    let rows: Vec<Vec<String>> = rows.iter().map(|row| row.iter().map(|cell| clip(cell)).collect()).collect();
    let width = |at: usize| {
        rows.iter().map(|row| row[at].chars().count()).chain([header[at].chars().count()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..header.len()).map(width).collect();
    let numeric: Vec<bool> = (0..header.len())
        .map(|at| {
            !rows.is_empty()
                && rows.iter().all(|row| row[at].bytes().all(|b| b.is_ascii_digit() || b == b'_' || b == b'~'))
        })
        .collect();
    let mut text = String::new();
    let mut line = |cells: &[String]| {
        let padded: Vec<String> = cells
            .iter()
            .enumerate()
            .map(|(at, cell)| {
                let gap = " ".repeat(widths[at].saturating_sub(cell.chars().count()));
                if numeric[at] { gap + cell } else { format!("{cell}{gap}") }
            })
            .collect();
        text.push_str(padded.join("  ").trim_end());
        text.push('\n');
    };
    line(&header.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>());
    line(&widths.iter().map(|width| "-".repeat(*width)).collect::<Vec<_>>());
    for row in &rows {
        line(row);
    }
    text
}

/// Writes text to stdout and flushes it.
///
/// # Errors
/// A full disk, or a pipe that its reader closed.
pub(super) fn print(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(|error| Error::io("standard output", error))
}

/// Formats a count with `_` between thousands, as in TOML: `1_000_000`.
pub(super) fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push('_');
        }
        text.push(digit);
    }
    text
}
