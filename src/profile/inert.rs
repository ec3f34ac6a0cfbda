//! Keys of a profile that change no value: named fixtures, packs of cases, and faults that nobody asked for. The digest of a profile leaves
//! it out, so that who adds a fixture gets the data of before, and goes on with what a run left.

use std::collections::BTreeSet;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The keys of a file that change no value.
const INERT: [&str; 5] = ["fixtures", "faults", "fault_sets", "decisions", "trails"];

/// The text of a file without its inert keys, the comments above them, and the names of parts that have nothing else.
pub(super) fn determining(text: &str, inert_parts: &[String]) -> String {
    if inert_parts.is_empty() && !INERT.iter().any(|key| text.contains(key)) {
        return text.to_owned();
    }
    let Ok(tree) = DeTable::parse(text) else { return text.to_owned() };
    let tree = tree.into_inner();
    let mut spans = Vec::new();
    for (key, value) in tree.iter().filter(|(key, _)| INERT.contains(&key.get_ref().as_ref())) {
        collect(key.span(), value, &mut spans);
    }
    let mut cuts = parts(text, &tree, inert_parts);
    cuts.extend(lines(text, &spans));
    cuts.sort_by_key(|cut| cut.start);
    let (mut left, mut at) = (String::with_capacity(text.len()), 0);
    for cut in cuts {
        left.push_str(text.get(at..cut.start).unwrap_or_default());
        at = at.max(cut.end);
    }
    left.push_str(text.get(at..).unwrap_or_default());
    left
}

/// The places of a key and of all keys and values below it.
fn collect(key: Range<usize>, value: &Spanned<DeValue<'_>>, spans: &mut Vec<Range<usize>>) {
    spans.push(key);
    match value.get_ref() {
        DeValue::Table(table) => table.iter().for_each(|(key, value)| collect(key.span(), value, spans)),
        _ => spans.push(value.span()),
    }
}

/// The lines of some places, with the blank lines and comments directly above each.
fn lines(text: &str, spans: &[Range<usize>]) -> Vec<Range<usize>> {
    let mut all: Vec<Range<usize>> = Vec::new();
    for line in text.split_inclusive('\n') {
        let start = all.last().map_or(0, |line| line.end);
        all.push(start..start + line.len());
    }
    let of = |at: usize| all.partition_point(|line| line.end <= at);
    let mut cut: BTreeSet<usize> =
        spans.iter().flat_map(|span| of(span.start)..=of(span.end.max(span.start + 1) - 1)).collect();
    for line in cut.clone() {
        for above in (0..line).rev() {
            let text = text.get(all[above].clone()).unwrap_or_default().trim();
            if cut.contains(&above) || !(text.is_empty() || text.starts_with('#')) {
                break;
            }
            cut.insert(above);
        }
    }
    cut.into_iter().filter_map(|line| all.get(line).cloned()).collect()
}

/// The names of inert parts in the list of parts, each with the comma before it.
fn parts(text: &str, tree: &DeTable<'_>, inert: &[String]) -> Vec<Range<usize>> {
    let list = tree.iter().find(|(key, _)| key.get_ref() == "parts").and_then(|(_, value)| value.get_ref().as_array());
    let named = |part: &&Spanned<DeValue<'_>>| {
        part.get_ref().as_str().is_some_and(|name| inert.iter().any(|inert| inert == name))
    };
    let cut = |part: &Spanned<DeValue<'_>>| {
        let before = text.get(..part.span().start).unwrap_or_default().trim_end();
        before.strip_suffix(',').unwrap_or(before).len()..part.span().end
    };
    list.into_iter().flat_map(|list| list.iter().filter(named).map(cut)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fixtures_and_their_files_are_cut_and_nothing_else() {
        let plain = "name = \"x\"\nparts = [\n    \"a\", \"b\",\n]\n\n# a table\n[tables.t]\nrows = 1\n\n[params.p]\nvalue = 2\n";
        let with = plain
            .replace("\"b\",", "\"b\", \"personas\",")
            .replace("\n[params.p]", "\n# one\n[fixtures.old]\ntable = \"t\"\nwith = [\n  \"u\",\n]\n# where\nwhere = \"\"\"\n a\n\"\"\"\n\n[params.p]");
        let with = with + "\n[fixtures.new]\ntable = \"t\"\nwhere = \"true\"\n";
        assert_eq!(determining(&with, &["personas".to_owned()]), plain);
        assert_eq!(determining(plain, &[]), plain);
        let inline = "fixtures = { a = { table = \"t\", where = \"true\" } }\n";
        assert_eq!(determining(&format!("{inline}{plain}"), &[]), plain);
    }
}
