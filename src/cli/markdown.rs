//! Markdown tables.

/// Formats a table: a header, a rule and rows.
pub(super) fn rows(header: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let header: Vec<String> = header.iter().map(|&name| name.to_owned()).collect();
    let mut text = line(&header) + "|" + &"---|".repeat(header.len()) + "\n";
    rows.for_each(|row| text += &line(&row));
    text
}

/// Escapes text for a cell: `|` gets a backslash, a line break becomes a space.
pub(super) fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

/// Formats a cell as code: a name in a profile or on the command line.
pub(super) fn code(text: &str) -> String {
    format!("`{}`", cell(text))
}
