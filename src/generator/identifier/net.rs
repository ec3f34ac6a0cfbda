//! Network identifiers: addresses of documentation ranges, and mail addresses of reserved domains.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_schema::DataType;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Identifier, Numbers, Shape, digit, plan, push_padded};
use crate::error::Result;
use crate::generator::domain::Domain;
use crate::generator::{Def, Fill, Generator, Origin, Params, Scope, Text};
use crate::profile::Expr;

/// The generators of this family.
pub(super) const DEFS: &[Def] = &[Def::of::<Ipv4>(), Def::of::<Ipv6>(), Def::of::<Mac>(), Def::of::<Email>()];

/// An IPv4 address of a host in the three documentation networks: `192.0.2.17`, `198.51.100.17`, `203.0.113.17`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Ipv4 {
    /// Gives each row of a root table a different value.
    #[serde(default)]
    unique: bool,
}

impl Params for Ipv4 {
    const NAME: &'static str = "ipv4";
    const ORIGIN: Origin = Origin::Reserved;
    const EXAMPLE: &'static str = "";

    fn plan(self, scope: &mut dyn Scope) -> Result<Box<dyn Generator>> {
        let unique = self.unique;
        plan(scope, self, unique)
    }
}

// source: RFC 5737; hosts .1 to .254 of each network.
impl Identifier for Ipv4 {
    fn capacity(&self) -> u64 {
        3 * 254
    }

    fn write(&self, mut index: u64, out: &mut String) {
        let host = digit(&mut index, 254) as u8 + 1;
        let [a, b, c] = [[192, 0, 2], [198, 51, 100], [203, 0, 113]][index as usize % 3];
        // Writing to a `String` cannot fail.
        let _ = write!(out, "{}", Ipv4Addr::new(a, b, c, host));
    }
}

/// An IPv6 address of the documentation network `2001:db8::/32`, in the form of RFC 5952.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Ipv6 {
    /// Gives each row of a root table a different value.
    #[serde(default)]
    unique: bool,
}

impl Params for Ipv6 {
    const NAME: &'static str = "ipv6";
    const ORIGIN: Origin = Origin::Reserved;
    const EXAMPLE: &'static str = "";

    fn plan(self, scope: &mut dyn Scope) -> Result<Box<dyn Generator>> {
        let unique = self.unique;
        plan(scope, self, unique)
    }
}

// source: RFC 3849.
impl Identifier for Ipv6 {
    fn capacity(&self) -> u64 {
        u64::MAX
    }

    fn write(&self, index: u64, out: &mut String) {
        // 32 bits choose the subnet, 32 bits the host in it.
        let (subnet, host) = (u128::from(index >> 32), u128::from(index & 0xFFFF_FFFF));
        let address = (0x2001_0DB8 << 96) | (subnet << 64) | host;
        let _ = write!(out, "{}", Ipv6Addr::from(address));
    }
}

/// A locally administered MAC address, which no manufacturer assigns: `02:4f:1c:9a:00:37`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Mac {
    /// Uses the 256 documentation addresses instead, `00:00:5e:00:53:00` to `:ff`.
    #[serde(default)]
    documentation: bool,
    /// Gives each row of a root table a different value.
    #[serde(default)]
    unique: bool,
}

impl Params for Mac {
    const NAME: &'static str = "mac";
    const ORIGIN: Origin = Origin::Reserved;
    const EXAMPLE: &'static str = "";

    fn plan(self, scope: &mut dyn Scope) -> Result<Box<dyn Generator>> {
        let unique = self.unique;
        plan(scope, self, unique)
    }
}

// source: RFC 9542; IEEE 802: the second bit of the first octet marks local administration.
impl Identifier for Mac {
    fn capacity(&self) -> u64 {
        if self.documentation { 256 } else { 1 << 40 }
    }

    fn write(&self, index: u64, out: &mut String) {
        let address = index | if self.documentation { 0x0000_5E00_5300 } else { 0x02 << 40 };
        for (i, octet) in address.to_be_bytes()[2..].iter().enumerate() {
            let _ = write!(out, "{}{octet:02x}", if i > 0 { ":" } else { "" });
        }
    }
}

/// A mail address made from a name, at a domain reserved for examples: `Zoë O'Hara` gives `zoe.o.hara@example.com`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Email {
    /// The name for the part before the `@`: a text expression such as `given_name || ' ' || family_name`. Letters lose
    /// their marks and become lower case; runs of other signs become a point. In a row where it is null, so is the
    /// value.
    local: Expr,
    /// The domain; by default `example.com`, `example.net` or `example.org` at random. Any other than these, their
    /// subdomains and names that end in `.test`, `.example`, `.invalid` or `.localhost` needs `shape = true`.
    #[serde(default)]
    domain: Option<String>,
    /// The number of random digits after the name, 0 to 9; 0 by default.
    #[serde(default)]
    digits: Option<u32>,
    /// Allows a `domain` that may exist: mail to it may reach someone.
    #[serde(default)]
    shape: Shape,
    /// Gives each row of a root table different digits, and so a different address.
    #[serde(default)]
    unique: bool,
}

// source: RFC 2606 and RFC 6761.
const DOMAINS: [&str; 3] = ["example.com", "example.net", "example.org"];
const TOP_LEVEL: [&str; 4] = ["test", "example", "invalid", "localhost"];

fn is_reserved(domain: &str) -> bool {
    let under = |top: &str| domain.strip_suffix(top).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    DOMAINS.iter().chain(&TOP_LEVEL).any(|top| under(top))
}

fn is_domain(domain: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    domain.len() <= 189 && domain.split('.').all(label)
}

impl Params for Email {
    const NAME: &'static str = "email";
    const ORIGIN: Origin = Origin::Reserved;
    const EXAMPLE: &'static str = "local = \"'Zoë O''Hara'\"\ndigits = 3";
    const DOMAINS: &'static [Domain] = &[Domain::number("digits", 0.0, 9.0)];

    fn plan(self, scope: &mut dyn Scope) -> Result<Box<dyn Generator>> {
        if let Some(domain) = &self.domain {
            if !is_domain(domain) {
                return Err(scope.error("domain", format!("expected a domain in lower case, found `{domain}`")));
            }
            if !self.shape.0 && !is_reserved(domain) {
                return Err(scope
                    .error("domain", format!("mail to `{domain}` may reach someone"))
                    .hint("use `example.com` or a name that ends in `.test`, or allow it with `shape = true`"));
            }
        }
        let digits = self.digits.unwrap_or(0);
        let local = Text::plan_any(scope, "local", &self.local)?;
        let numbers = Numbers::plan(scope, 10_u64.pow(digits), self.unique)?;
        Ok(Box::new(Emails { local, domain: self.domain, digits, numbers }))
    }
}

struct Emails {
    local: Text,
    domain: Option<String>,
    digits: u32,
    numbers: Numbers,
}

/// The longest name before the digits. With 9 digits it has the 64 bytes that RFC 5321 allows.
const MAX_LOCAL: usize = 55;

/// Appends a name as the local part of an address: ASCII letters, digits, and single points between them.
fn write_local(name: &str, out: &mut String) {
    let mut point = false;
    for sign in name.chars() {
        let (plain, mut latin) = ([sign.to_ascii_lowercase() as u8], "");
        if !sign.is_ascii() {
            latin = fold(sign);
        } else if sign.is_ascii_alphanumeric() {
            latin = std::str::from_utf8(&plain).unwrap_or("");
        }
        if latin.is_empty() {
            point = !out.is_empty();
            continue;
        }
        if out.len() + usize::from(point) + latin.len() > MAX_LOCAL {
            break;
        }
        if std::mem::take(&mut point) {
            out.push('.');
        }
        out.push_str(latin);
    }
    if out.is_empty() {
        out.push_str("user");
    }
}

/// Gives a Latin letter without its marks, in lower case; empty for other signs.
fn fold(letter: char) -> &'static str {
    match letter {
        'À'..='Å' | 'à'..='å' | 'Ā'..='ą' | 'Ǎ' | 'ǎ' | 'Ạ'..='ặ' => "a",
        'Æ' | 'æ' => "ae",
        'Ç' | 'ç' | 'Ć'..='č' => "c",
        'Ð' | 'ð' | 'Ď'..='đ' => "d",
        'È'..='Ë' | 'è'..='ë' | 'Ē'..='ě' | 'Ẹ'..='ệ' => "e",
        'Ĝ'..='ģ' => "g",
        'Ĥ'..='ħ' => "h",
        'Ì'..='Ï' | 'ì'..='ï' | 'Ĩ'..='ı' | 'Ǐ' | 'ǐ' | 'Ỉ'..='ị' => "i",
        'Ĵ' | 'ĵ' => "j",
        'Ķ'..='ĸ' => "k",
        'Ĺ'..='ł' => "l",
        'Ñ' | 'ñ' | 'Ń'..='ŋ' => "n",
        'Ò'..='Ö' | 'Ø' | 'ò'..='ö' | 'ø' | 'Ō'..='ő' | 'Ơ' | 'ơ' | 'Ǒ' | 'ǒ' | 'Ọ'..='ợ' => "o",
        'Œ' | 'œ' => "oe",
        'Ŕ'..='ř' => "r",
        'Ś'..='š' | 'Ș' | 'ș' => "s",
        'ß' | 'ẞ' => "ss",
        'Ţ'..='ŧ' | 'Ț' | 'ț' => "t",
        'Þ' | 'þ' => "th",
        'Ù'..='Ü' | 'ù'..='ü' | 'Ũ'..='ų' | 'Ư' | 'ư' | 'Ǔ' | 'ǔ' | 'Ụ'..='ự' => "u",
        'Ŵ' | 'ŵ' => "w",
        'Ý' | 'ý' | 'ÿ' | 'Ŷ'..='Ÿ' | 'Ỳ'..='ỹ' => "y",
        'Ź'..='ž' => "z",
        _ => "",
    }
}

impl Generator for Emails {
    fn data_type(&self) -> DataType {
        DataType::Utf8
    }

    fn unique(&self) -> bool {
        self.numbers.unique()
    }

    fn fill(&self, fill: &Fill<'_>) -> Result<ArrayRef> {
        let local = self.local.view(fill);
        Ok(Arc::new(fill.text(|i, mut cell, out| {
            write_local(local.at(i)?, out);
            push_padded(out, self.numbers.draw(fill, i, &mut cell), self.digits);
            out.push('@');
            out.push_str(match &self.domain {
                Some(domain) => domain,
                None => DOMAINS[cell.below(DOMAINS.len() as u64) as usize],
            });
            Some(())
        })))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{names_capacity, refused, validate};
    use super::*;
    use crate::generator::testing::{Bed, shown};

    #[test]
    fn addresses_lie_in_documentation_ranges() {
        validate("ipv4", "", 762, |text| text.parse::<Ipv4Addr>().is_ok_and(|address| address.is_documentation()));
        names_capacity("ipv4", "", 762);
        validate("ipv6", "", 10_000, |text| {
            let address: Ipv6Addr = text.parse().expect("an address");
            address.to_string() == text && address.segments()[..2] == [0x2001, 0x0DB8]
        });
        validate("mac", "", 10_000, |text| {
            let octets: Vec<u8> = text.split(':').map(|o| u8::from_str_radix(o, 16).expect("hex")).collect();
            text.len() == 17 && octets.len() == 6 && octets[0] & 0b11 == 0b10
        });
        validate("mac", "documentation = true", 256, |text| text.len() == 17 && text.starts_with("00:00:5e:00:53:"));
        names_capacity("mac", "documentation = true", 256);
    }

    #[test]
    fn email() {
        let domain = |text: &str| DOMAINS.iter().any(|domain| text.ends_with(&format!("@{domain}")));
        validate("email", "local = \"'Zoë O''Hara'\"\ndigits = 4", 10_000, |text| {
            domain(text) && text.starts_with("zoe.o.hara") && text.find('@') == Some(14)
        });
        names_capacity("email", "local = \"'x'\"\ndigits = 3", 1_000);
        let locals = |name: &str| {
            let mut out = String::new();
            write_local(name, &mut out);
            out
        };
        let cases = [
            ("Łukasz Žižka", "lukasz.zizka"),
            ("  -- Jürgen--Groß  ", "jurgen.gross"),
            ("李", "user"),
            ("Nguyễn Thị Ánh", "nguyen.thi.anh"),
            ("=SUM(1)", "sum.1"),
        ];
        for (name, local) in cases {
            assert_eq!(locals(name), local);
        }
        let long = locals(&"Ab ".repeat(60));
        assert!(long.len() <= MAX_LOCAL && !long.ends_with('.'));
        assert_eq!(shown(&Bed::root(4).fill("email", "local = \"flag\"").expect("a column"))[3], "∅");
        refused("email", "local = \"'x'\"\ndomain = \"gmail.com\"", "may reach someone");
        refused("email", "local = \"'x'\"\ndomain = \"notexample.com\"", "may reach someone");
        refused("email", "local = \"'x'\"\ndomain = \"a b.test\"", "expected a domain");
        refused("email", "local = \"'x'\"\ndigits = 10", "between 0 and 9");
        for domain in ["clinic.test", "mail.example.org", "a.invalid"] {
            assert!(Bed::root(1).fill("email", &format!("local = \"'x'\"\ndomain = \"{domain}\"")).is_ok());
        }
    }
}
