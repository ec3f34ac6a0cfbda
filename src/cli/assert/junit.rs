//! A comparison as `JUnit` XML: a suite a table, a test case for each kind of wrong row and for each answer.

use std::fmt::Write;

use super::{instead, kinds, notes, words};
use crate::assert::{Report, State, TableReport};

/// The whole report.
pub(super) fn text(report: &Report) -> String {
    let mut text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"placebo assert\">\n".to_owned();
    report.tables.iter().for_each(|table| text += &suite(table));
    text + "</testsuites>\n"
}

fn suite(table: &TableReport) -> String {
    let (mut cases, mut tests, mut failures, mut skipped) = (String::new(), 0, 0, 0);
    for (kind, count, about) in kinds(table) {
        tests += 1;
        if count == 0 {
            cases += &case(table, kind, "");
            continue;
        }
        failures += 1;
        let own = table.findings.iter().filter(|finding| finding.rule == kind).take(20);
        let lines: Vec<String> = own.map(|finding| format!("{}: {}\n", finding.key, finding.message())).collect();
        cases += &case(table, kind, &failure(kind, &format!("{count} {about}"), &lines.concat()));
    }
    for one in &table.answers {
        tests += 1;
        let content = match &one.state {
            State::Holds => String::new(),
            State::NotLookedAt => {
                skipped += 1;
                "      <skipped message=\"it follows from other rows or columns than those of the export\"/>\n"
                    .to_owned()
            }
            State::Differs(_) => {
                failures += 1;
                failure("answer", &instead(one).unwrap_or_default(), "")
            }
        };
        cases += &case(table, &words(one), &content);
    }
    let (name, notes) = (escaped(&table.table), notes(table).join("\n"));
    let mut text = String::new();
    let _infallible = writeln!(
        text,
        "  <testsuite name=\"{name}\" tests=\"{tests}\" failures=\"{failures}\" errors=\"0\" skipped=\"{skipped}\">"
    );
    text += &cases;
    if !notes.is_empty() {
        text += &format!("    <system-out>{}</system-out>\n", escaped(&notes));
    }
    text + "  </testsuite>\n"
}

fn case(table: &TableReport, name: &str, content: &str) -> String {
    let head = format!("    <testcase classname=\"{}\" name=\"{}\"", escaped(&table.table), escaped(name));
    if content.is_empty() { format!("{head}/>\n") } else { format!("{head}>\n{content}    </testcase>\n") }
}

fn failure(kind: &str, message: &str, lines: &str) -> String {
    format!("      <failure type=\"{kind}\" message=\"{}\">{}</failure>\n", escaped(message), escaped(lines))
}

/// Text as XML 1.0 may have it: what it cannot have at all, such as a NUL, is a mark.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(c),
            c if c < ' ' || matches!(c, '\u{FFFE}' | '\u{FFFF}') => out.push('\u{FFFD}'),
            c => out.push(c),
        }
    }
    out
}
