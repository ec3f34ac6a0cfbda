//! Escapes of JSON and JavaScript strings taken out of a text.

/// A text without escapes, and for each of its bytes where it was before.
pub(super) struct Plain {
    pub(super) text: Vec<u8>,
    pub(super) at: Vec<u32>,
}

/// The text with every `\n`, `\/` and `\u0031` as the character it means; `None` where there is no backslash.
/// It may be any text: what is no escape stays as it is.
pub(super) fn json(text: &[u8]) -> Option<Plain> {
    if !text.contains(&b'\\') {
        return None;
    }
    let (mut out, mut at, mut rest) = (Vec::with_capacity(text.len()), Vec::with_capacity(text.len()), text);
    while let Some((first, after)) = rest.split_first() {
        at.resize(out.len(), at.last().copied().unwrap_or(0));
        at.push((text.len() - rest.len()) as u32);
        rest = after;
        if *first != b'\\' {
            out.push(*first);
            continue;
        }
        let Some((kind, after)) = rest.split_first() else { break };
        rest = after;
        match kind {
            b'n' | b'r' | b't' | b'b' | b'f' => out.push(b'\n'),
            b'u' => match unit(rest) {
                Some(high @ 0xD800..0xDC00) => {
                    let low = rest.get(4..).and_then(|rest| rest.strip_prefix(b"\\u")).and_then(unit);
                    let low = low.filter(|low| (0xDC00..0xE000).contains(low));
                    let both = low.map(|low| 0x1_0000 + ((u32::from(high) - 0xD800) << 10) + (u32::from(low) - 0xDC00));
                    character(both.unwrap_or(0xFFFD), &mut out);
                    rest = &rest[if both.is_some() { 10 } else { 4 }..];
                }
                Some(one) => {
                    character(u32::from(one), &mut out);
                    rest = &rest[4..];
                }
                None => out.extend_from_slice(b"\\u"),
            },
            other => out.push(*other),
        }
    }
    at.resize(out.len(), at.last().copied().unwrap_or(0));
    Some(Plain { text: out, at })
}

/// Four hexadecimal digits.
fn unit(text: &[u8]) -> Option<u16> {
    let digits = std::str::from_utf8(text.get(..4)?).ok().filter(|text| text.bytes().all(|b| b.is_ascii_hexdigit()))?;
    u16::from_str_radix(digits, 16).ok()
}

fn character(code: u32, out: &mut Vec<u8>) {
    let mut room = [0; 4];
    out.extend_from_slice(
        char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER).encode_utf8(&mut room).as_bytes(),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &[u8]) -> Vec<u8> {
        json(text).map_or_else(|| text.to_vec(), |plain| plain.text)
    }

    #[test]
    fn escapes_are_what_json_means() {
        for text in ["123-45-6789", "a \"b\" \\ /", "Zoë 𝄞", "line\nline\ttab"] {
            let escaped: String = text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect::<Vec<_>>().concat();
            assert_eq!(plain(escaped.as_bytes()), text.as_bytes(), "{escaped}");
            let quoted = serde_json::to_string(text).expect("JSON");
            let bare = String::from_utf8_lossy(&plain(quoted.as_bytes())).into_owned();
            assert_eq!(bare.replace('\t', "\n"), format!("\"{}\"", text.replace('\t', "\n")));
        }
    }

    #[test]
    fn what_is_no_escape_stays() {
        for text in ["", "\\", "\\u12", "\\ud800x", "C:\\users\\new", "\\uzzzz"] {
            let _any_bytes_are_taken = json(text.as_bytes());
        }
        assert!(json(b"a / b").is_none());
        assert_eq!(plain(b"\\u12"), b"\\u12");
        let two = json(b"ab\\u00e9c\\nd").expect("escapes");
        assert_eq!((two.text.as_slice(), two.at.as_slice()), ("ab\u{e9}c\nd".as_bytes(), &[0, 1, 2, 2, 8, 9, 11][..]));
    }
}
