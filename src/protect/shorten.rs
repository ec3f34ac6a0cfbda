//! `truncate` and `mask`: the ends that the kind allows stay, six and four of a card number; the rest is cut out or starred.

use arrow_array::ArrayRef;

use super::texts::Texts;
use super::{Domain, Handling, Protect, Rows, Subject, any_column};
use crate::error::Result;
use crate::kinds::Remains;

pub(super) static TRUNCATE: Handling = Handling {
    name: "truncate",
    about: "only the first and last characters that the kind allows: `123456...7890` of a card number",
    keyed: false,
    leaves: Remains::Ends,
    domain: Domain::None,
    joins: false,
    accepts: any_column,
    make: |subject| Ok(Box::new(Shorten::new(subject, true))),
};

pub(super) static MASK: Handling = Handling {
    name: "mask",
    about: "letters and digits starred, but for the first and last that the kind allows: `***-**-1234`",
    keyed: false,
    leaves: Remains::Ends,
    domain: Domain::None,
    joins: false,
    accepts: any_column,
    make: |subject| Ok(Box::new(Shorten::new(subject, false))),
};

/// A middle shorter than this would give the whole away.
const MIDDLE: usize = 3;

struct Shorten {
    keep: (usize, usize),
    cut: bool,
}

impl Shorten {
    fn new(subject: &Subject<'_>, cut: bool) -> Self {
        Self { keep: subject.kind.map_or((0, 0), |kind| kind.keep), cut }
    }

    /// Appends what is left of a text.
    fn write(&self, text: &str, out: &mut Vec<u8>) {
        let signs = text.chars().filter(|letter| letter.is_alphanumeric()).count();
        let (head, tail) = self.keep;
        let (head, tail) = if signs >= head + tail + MIDDLE { (head, tail) } else { (0, 0) };
        if self.cut {
            let kept = |wanted: &dyn Fn(usize) -> bool| -> String {
                text.chars()
                    .filter(|letter| letter.is_alphanumeric())
                    .enumerate()
                    .filter(|(n, _)| wanted(*n))
                    .map(|(_, letter)| letter)
                    .collect()
            };
            let (first, last) = (kept(&|n| n < head), kept(&|n| n >= signs - tail));
            out.extend_from_slice(first.as_bytes());
            out.extend_from_slice(b"...");
            out.extend_from_slice(last.as_bytes());
            return;
        }
        let (mut n, mut room) = (0, [0; 4]);
        for letter in text.chars() {
            let shown = if letter.is_alphanumeric() {
                n += 1;
                if n <= head || n > signs - tail { letter } else { '*' }
            } else {
                letter
            };
            out.extend_from_slice(shown.encode_utf8(&mut room).as_bytes());
        }
    }
}

impl Protect for Shorten {
    fn apply(&self, clear: &ArrayRef, _: &Rows) -> Result<ArrayRef> {
        Texts::new(clear)?.map(|text, out| {
            self.write(text, out);
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_stay_only_where_a_middle_goes() {
        let write = |keep, cut, text: &str| {
            let mut out = Vec::new();
            Shorten { keep, cut }.write(text, &mut out);
            String::from_utf8(out).expect("text")
        };
        for (keep, text, cut, masked) in [
            ((6, 4), "9999991234567890", "999999...7890", "999999******7890"),
            ((6, 4), "999999123456", "...", "************"),
            ((0, 4), "900-12-3456", "...3456", "***-**-3456"),
            ((0, 4), "12345", "...", "*****"),
            ((1, 0), "Zoë Ångström", "Z...", "Z** ********"),
            ((1, 0), "Al", "...", "**"),
            ((0, 0), "", "...", ""),
        ] {
            assert_eq!(write(keep, true, text), cut);
            assert_eq!(write(keep, false, text), masked);
        }
    }
}
