//! The names of tables and columns in a profile: lower-case letters, digits and `_`.

use std::collections::BTreeSet;

/// The longest name.
const LONGEST: usize = 63;

/// Names that a profile keeps for itself.
const RESERVED: [&str; 10] =
    ["con", "prn", "aux", "nul", "manifest", "datapackage", "params", "lifecycle", "row", "as_of"];

/// Gives each name one of its own that a profile can have: the name in lower case where that is enough. A name that is taken gets
/// a number.
pub(super) fn mapped<'n>(names: impl IntoIterator<Item = &'n str>) -> Vec<String> {
    let names: Vec<&str> = names.into_iter().collect();
    let mut taken = BTreeSet::new();
    let mut found: Vec<Option<String>> = vec![None; names.len()];
    // Names that need no other one come first, so that they keep theirs.
    for exact in [true, false] {
        for (name, found) in names.iter().zip(&mut found) {
            let plain = plain(name);
            if found.is_none() && (!exact || plain == name.to_lowercase()) {
                let free = free(&plain, &taken, exact);
                taken.extend(free.clone());
                *found = free;
            }
        }
    }
    found.into_iter().map(Option::unwrap_or_default).collect()
}

/// A name that is not taken; `None` if it is, and no number may be added.
fn free(plain: &str, taken: &BTreeSet<String>, exact: bool) -> Option<String> {
    if !taken.contains(plain) {
        return Some(plain.to_owned());
    }
    if exact {
        return None;
    }
    let numbered = |n: u32| {
        let end = format!("_{n}");
        format!("{}{end}", &plain[..plain.len().min(LONGEST - end.len())])
    };
    (2..=u32::MAX).map(numbered).find(|name| !taken.contains(name))
}

/// A name with only the signs that a profile takes.
fn plain(name: &str) -> String {
    let mut text = String::new();
    for letter in name.chars() {
        if letter.is_ascii_alphanumeric() {
            text.push(letter.to_ascii_lowercase());
        } else if letter == '_' || !text.ends_with('_') {
            text.push('_');
        }
    }
    text.truncate(LONGEST);
    let device = matches!(text.as_bytes(), [b'c', b'o', b'm', b'0'..=b'9'] | [b'l', b'p', b't', b'0'..=b'9']);
    if text.chars().all(|c| c == '_') {
        text.insert_str(0, "name");
    } else if text.starts_with(|c: char| c.is_ascii_digit()) {
        text.insert(0, '_');
    } else if device || RESERVED.contains(&text.as_str()) {
        text.push('_');
    }
    text.truncate(LONGEST);
    text
}

/// The words of a name, joined by `_`: `FirstName` and `FIRST NAME` are `first_name`.
pub(super) fn snake(name: &str) -> String {
    let mut text = String::new();
    let letters: Vec<char> = name.chars().collect();
    for (at, letter) in letters.iter().enumerate() {
        let before = at.checked_sub(1).map(|at| letters[at]);
        let after = letters.get(at + 1);
        let starts = letter.is_uppercase()
            && before.is_some_and(|c| {
                c.is_lowercase() || c.is_ascii_digit() || c.is_uppercase() && after.is_some_and(|c| c.is_lowercase())
            });
        if starts && !text.ends_with('_') {
            text.push('_');
        }
        if letter.is_alphanumeric() {
            text.extend(letter.to_lowercase());
        } else if !text.ends_with('_') {
            text.push('_');
        }
    }
    text.trim_matches('_').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_apart() {
        let long = "x".repeat(80);
        let names = [
            "Order Details",
            "order_details",
            "ORDER-DETAILS",
            "1st",
            "é",
            "日本",
            "",
            "nul",
            "com1",
            &long,
            "a\"; DROP",
        ];
        let found = mapped(names);
        assert_eq!(found[..4], ["order_details_2", "order_details", "order_details_3", "_1st"]);
        assert_eq!(found[4..9], ["name_", "name__2", "name", "nul_", "com1_"]);
        assert_eq!((found[9].len(), found[10].as_str()), (63, "a_drop"));
        let twice = mapped([long.as_str(), long.as_str()]);
        assert!(twice[0] != twice[1] && twice.iter().all(|name| name.len() <= 63));
    }

    #[test]
    fn words_of_names() {
        for (name, words) in [
            ("FirstName", "first_name"),
            ("customerID", "customer_id"),
            ("HTTPServer", "http_server"),
            ("e-mail", "e_mail"),
        ] {
            assert_eq!(snake(name), words);
        }
    }
}
