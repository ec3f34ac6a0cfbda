//! The layout of a JSON document for people: each member and each element on a line, two blanks a level.

/// Breaks a text without blanks into indented lines. Numbers and texts stay as they are written.
pub(super) fn indented(text: &str) -> String {
    let (mut out, mut depth, mut quoted, mut escaped) = (String::with_capacity(text.len() * 2), 0_usize, false, false);
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        if quoted {
            out.push(c);
            (quoted, escaped) = (escaped || c != '"', !escaped && c == '\\');
            continue;
        }
        match c {
            '{' | '[' => {
                out.push(c);
                match rest.next_if(|next| matches!(next, '}' | ']')) {
                    Some(end) => out.push(end),
                    None => {
                        depth += 1;
                        line(&mut out, depth);
                    }
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                line(&mut out, depth);
                out.push(c);
            }
            ',' => {
                out.push(c);
                line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            _ => {
                quoted = c == '"';
                out.push(c);
            }
        }
    }
    out
}

fn line(out: &mut String, depth: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n("  ", depth));
}

#[cfg(test)]
mod tests {
    use super::indented;

    #[test]
    fn the_value_is_the_same_and_numbers_keep_their_places() {
        let text = "{\"a\":[],\"b\":{\"c:\\\",{\":12.50,\"\\\\\":[null,{}]},\"d\":[[1],-0.10]}\n";
        let shown = indented(text);
        let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).expect("JSON");
        assert_eq!(value(&shown), value(text));
        assert!(shown.starts_with("{\n  \"a\": [],\n  \"b\": {\n    \"c:\\\",{\": 12.50,\n"), "{shown}");
        assert!(shown.ends_with("    -0.10\n  ]\n}\n"), "{shown}");
    }
}
