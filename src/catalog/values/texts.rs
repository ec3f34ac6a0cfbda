//! Texts of a length, in a case, or of a pattern.

use super::{Definition, Scope};

/// The longest of the words that `gen.words` takes.
const WORD: u32 = 10;

impl Scope<'_> {
    pub(super) fn text(&self, column: usize) -> Definition {
        let limits = &self.arrangement.limits[column];
        let plain = self.choices.plain.contains(&(self.at, column));
        if let Some(pattern) = limits.pattern.as_deref().filter(|_| !plain).and_then(generable) {
            return Definition::pattern(&pattern);
        }
        let longest = limits.longest.unwrap_or(60).min(60);
        let least = limits.shortest.max(1);
        if longest == 0 {
            return Definition::expr("''");
        }
        if limits.shortest > longest {
            let broken = Some("no text is long enough and short enough".to_owned());
            return Definition { broken, ..Definition::expr("''") };
        }
        let letters = match limits.cased {
            Some(true) => "[A-Z]",
            Some(false) => "[a-z]",
            None if longest < WORD => "[A-Z]",
            None => "[a-z]",
        };
        if longest < WORD || least > 2 || limits.cased.is_some() {
            let most = longest.min(least.max(8));
            let count = if least < most && least > 2 { format!("{{{least},{most}}}") } else { format!("{{{most}}}") };
            return Definition::pattern(&format!("{letters}{count}"));
        }
        let words = ((longest + 1) / (WORD + 1)).clamp(1, 3);
        Definition::generator("words", &format!("{{ min = 1, max = {words} }}"))
    }
}

/// Turns a regular expression into a pattern of `gen.pattern`. `None` if it has what patterns do not know.
fn generable(regex: &str) -> Option<String> {
    let inner = regex.strip_prefix('^')?.strip_suffix('$')?;
    let (mut text, mut inside) = (String::new(), false);
    let mut letters = inner.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => match letters.next()? {
                'd' if inside => text.push_str("0-9"),
                'd' => text.push_str("[0-9]"),
                'w' if inside => text.push_str("a-z0-9"),
                'w' => text.push_str("[a-z0-9]"),
                's' => text.push(' '),
                other if other.is_ascii_alphanumeric() => return None,
                other => text.extend(['\\', other]),
            },
            '[' if inside => return None,
            '[' => {
                if letters.peek() == Some(&'^') {
                    return None;
                }
                inside = true;
                text.push('[');
            }
            ']' => {
                inside = false;
                text.push(']');
            }
            other if inside => text.push(other),
            '+' => text.push_str("{1,8}"),
            '*' => text.push_str("{0,8}"),
            '?' => text.push_str("{0,1}"),
            '.' => text.push_str("[a-z]"),
            '(' if letters.peek() == Some(&'?') => return None,
            '^' | '$' => return None,
            other => text.push(other),
        }
    }
    // An open count has no end to draw from.
    (!inside && !text.contains(",}")).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::generable;

    #[test]
    fn regular_expressions_become_patterns() {
        for (regex, pattern) in [
            (r"^[A-Z]{2}-\d{4}$", Some("[A-Z]{2}-[0-9]{4}")),
            (r"^\w+@x\.com$", Some(r"[a-z0-9]{1,8}@x\.com")),
            ("^[^a]$", None),
            ("a", None),
            ("^(?i)a$", None),
            (r"^\bx$", None),
            ("^a{2,}$", None),
            ("^[a$", None),
        ] {
            assert_eq!(generable(regex).as_deref(), pattern, "{regex}");
        }
    }
}
