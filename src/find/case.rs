//! Names in camel case.

/// `encounter_event` as `encounterEvent`.
pub(super) fn camel(name: &str) -> String {
    let (mut out, mut upper) = (String::with_capacity(name.len()), false);
    for c in name.chars() {
        match c {
            '_' if !out.is_empty() => upper = true,
            c if upper => {
                out.push(c.to_ascii_uppercase());
                upper = false;
            }
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::camel;

    #[test]
    fn words_begin_with_a_capital_but_the_first() {
        let names = ["encounter_event", "id", "_case", "line_2", "a__b"].map(camel);
        assert_eq!(names, ["encounterEvent", "id", "_case", "line2", "aB"]);
    }
}
