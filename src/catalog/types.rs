//! The types of columns, read from their names in any of the dialects.

use std::collections::BTreeMap;

/// The type of a column.
#[derive(Debug, Clone, PartialEq)]
pub enum Type {
    /// A whole number within bounds.
    Integer {
        /// The least.
        min: i64,
        /// The greatest.
        max: i64,
    },
    /// An exact number with so many digits, and so many of them behind the point.
    Decimal {
        /// All digits.
        precision: u8,
        /// Those behind the point.
        scale: u8,
    },
    /// A floating-point number.
    Double,
    /// True or false.
    Boolean,
    /// A text of at most so many characters.
    Text {
        /// The most characters. `None` where there is no limit.
        longest: Option<u32>,
    },
    /// A day.
    Date,
    /// A time of day.
    Time,
    /// An instant.
    Timestamp,
    /// A span of time.
    Interval,
    /// A UUID.
    Uuid,
    /// A JSON document.
    Json,
    /// Bytes.
    Bytes,
    /// One of these texts.
    Enum(Vec<String>),
    /// Values of another type.
    Array(Box<Type>),
    /// An internet address.
    Network,
    /// A hardware address.
    Mac,
    /// So many bits.
    Bits(u32),
    /// Words that are searched for.
    Words,
    /// A span of values of another type.
    Range,
    /// Any other type, such as a geometry.
    Other,
}

/// The types that a database has beside those it comes with: enums, and domains as the types they stand for.
pub(super) type Known = BTreeMap<String, Type>;

/// The most digits of a decimal that a profile can have.
const DIGITS: u8 = 18;

/// A bound of an integer of so many bits.
fn signed(bits: u32) -> Type {
    let max = i64::MAX >> (64 - bits);
    Type::Integer { min: -max - 1, max }
}

fn unsigned(bits: u32) -> Type {
    Type::Integer { min: 0, max: if bits > 62 { i64::MAX } else { (1 << bits) - 1 } }
}

impl Type {
    /// Reads a type name such as `character varying(20)`, `int unsigned`, `text[]` or `enum('a', 'b')`.
    pub(super) fn parse(written: &str, known: &Known) -> Type {
        let written = written.trim();
        if let Some(of) = array(written) {
            return Type::Array(Box::new(Type::parse(of, known)));
        }
        if let Some(found) = known.get(&plain(written)) {
            return found.clone();
        }
        let open = written.find('(');
        let arguments =
            open.map_or("", |open| &written[open + 1..written.rfind(')').unwrap_or(written.len()).max(open + 1)]);
        let mut words = open.map_or(written, |open| &written[..open]).to_ascii_lowercase();
        if let Some(close) = written.rfind(')').filter(|_| open.is_some()) {
            words += &written[close + 1..].to_ascii_lowercase();
        }
        let words: Vec<&str> = words.split_whitespace().map(|word| word.trim_matches(['"', '[', ']'])).collect();
        let first = words.first().copied().unwrap_or("");
        let first = first.rsplit('.').next().unwrap_or(first).trim_matches(['"', '`']);
        let number = |at: usize| arguments.split(',').nth(at).and_then(|n| n.trim().parse::<u32>().ok());
        let whole = |bits: u32| if words.contains(&"unsigned") { unsigned(bits) } else { signed(bits) };
        match first {
            "smallint" | "int2" | "smallserial" | "serial2" => whole(16),
            "tinyint" if number(0) == Some(1) => Type::Integer { min: 0, max: 1 },
            // 0 to 127 fits the dialects in which it has a sign and the one in which it has none.
            "tinyint" => Type::Integer { min: 0, max: if words.contains(&"unsigned") { 255 } else { 127 } },
            "mediumint" => whole(24),
            "int" | "integer" | "int4" | "serial" | "serial4" | "oid" => whole(32),
            "bigint" | "int8" | "bigserial" | "serial8" => whole(64),
            "year" => Type::Integer { min: 1901, max: 2155 },
            "decimal" | "numeric" | "dec" | "fixed" | "number" => decimal(number(0), number(1)),
            "money" => Type::Decimal { precision: 12, scale: 2 },
            "smallmoney" => Type::Decimal { precision: 9, scale: 2 },
            "real" | "float" | "float4" | "float8" | "double" => Type::Double,
            "boolean" | "bool" => Type::Boolean,
            "bit" | "varbit" if words.contains(&"varying") || first == "varbit" => Type::Bits(number(0).unwrap_or(8)),
            "bit" => Type::Bits(number(0).unwrap_or(1)),
            "char" | "character" | "bpchar" | "nchar" if !words.contains(&"varying") => {
                Type::Text { longest: Some(number(0).unwrap_or(1)) }
            }
            "varchar" | "character" | "char" | "varchar2" | "nvarchar" | "nvarchar2" | "national" | "string" => {
                Type::Text { longest: number(0) }
            }
            "text" | "ntext" | "clob" | "mediumtext" | "longtext" | "citext" => Type::Text { longest: None },
            "tinytext" => Type::Text { longest: Some(255) },
            "name" => Type::Text { longest: Some(63) },
            "sysname" => Type::Text { longest: Some(128) },
            "date" => Type::Date,
            "time" | "timetz" => Type::Time,
            "timestamp" | "timestamptz" | "datetime" | "datetime2" | "smalldatetime" | "datetimeoffset" => {
                Type::Timestamp
            }
            "interval" => Type::Interval,
            "uuid" | "uniqueidentifier" => Type::Uuid,
            "json" | "jsonb" => Type::Json,
            "bytea" | "blob" | "tinyblob" | "mediumblob" | "longblob" | "binary" | "varbinary" | "image" => Type::Bytes,
            "enum" => Type::Enum(quoted(arguments)),
            // A set of one member is one of its values.
            "set" => Type::Enum(quoted(arguments)),
            "inet" | "cidr" => Type::Network,
            "macaddr" => Type::Mac,
            "tsvector" => Type::Words,
            range if range.ends_with("range") => Type::Range,
            // A column of SQLite may have no type.
            "" => Type::Text { longest: None },
            _ => Type::Other,
        }
    }
}

/// The type of the elements of an array.
fn array(written: &str) -> Option<&str> {
    if let Some(open) = written.strip_suffix(']').and_then(|rest| rest.rfind('[')) {
        // `[int]` is a name in brackets.
        let size = &written[open + 1..written.len() - 1];
        return (open > 0 && size.bytes().all(|b| b.is_ascii_digit())).then(|| written[..open].trim_end());
    }
    let end = written.len().checked_sub(6).filter(|end| written.is_char_boundary(*end))?;
    (end > 0 && written[end..].eq_ignore_ascii_case(" array")).then(|| &written[..end])
}

/// The name of a type without its schema and quotes, in lower case.
pub(super) fn plain(name: &str) -> String {
    let last = name.rsplit('.').next().unwrap_or(name);
    last.trim_matches(['"', '`', '[', ']']).to_lowercase()
}

fn decimal(precision: Option<u32>, scale: Option<u32>) -> Type {
    match (precision, scale) {
        (None, _) => Type::Decimal { precision: 12, scale: 2 },
        (Some(precision), scale) => {
            let scale = scale.unwrap_or(0).min(9) as u8;
            let whole = precision.saturating_sub(u32::from(scale)).min(u32::from(DIGITS - scale.min(DIGITS))) as u8;
            Type::Decimal { precision: (whole + scale).max(1), scale }
        }
    }
}

/// The texts of a list such as `'a', 'it''s'`.
fn quoted(list: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut rest = list;
    while let Some(start) = rest.find('\'') {
        let mut text = String::new();
        let mut letters = rest[start + 1..].char_indices().peekable();
        let mut end = rest.len();
        while let Some((at, letter)) = letters.next() {
            if letter != '\'' {
                text.push(letter);
            } else if letters.peek().is_some_and(|(_, next)| *next == '\'') {
                letters.next();
                text.push('\'');
            } else {
                end = start + 1 + at + 1;
                break;
            }
        }
        all.push(text);
        rest = &rest[end..];
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_read() {
        let known = Known::from([("mood".to_owned(), Type::Enum(vec!["ok".to_owned()]))]);
        let text = |longest| Type::Text { longest };
        for (written, expected) in [
            ("character varying(20)", text(Some(20))),
            ("VARCHAR(7)", text(Some(7))),
            ("char", text(Some(1))),
            ("nvarchar(max)", text(None)),
            ("int unsigned", Type::Integer { min: 0, max: 4_294_967_295 }),
            ("bigint(20) unsigned", Type::Integer { min: 0, max: i64::MAX }),
            ("smallint", Type::Integer { min: -32_768, max: 32_767 }),
            ("bigint", Type::Integer { min: i64::MIN, max: i64::MAX }),
            ("NUMERIC(10, 2)", Type::Decimal { precision: 10, scale: 2 }),
            ("numeric(40,20)", Type::Decimal { precision: 18, scale: 9 }),
            ("timestamp(3) without time zone", Type::Timestamp),
            ("double precision", Type::Double),
            ("public.mood", Type::Enum(vec!["ok".to_owned()])),
            ("text[]", Type::Array(Box::new(text(None)))),
            ("\"Mood\"[3]", Type::Array(Box::new(Type::Enum(vec!["ok".to_owned()])))),
            ("ENUM('a', 'it''s')", Type::Enum(vec!["a".to_owned(), "it's".to_owned()])),
            ("[int]", signed(32)),
            ("bit varying(5)", Type::Bits(5)),
            ("int4range", Type::Range),
            ("geometry(Point,4326)", Type::Other),
            (")(", Type::Other),
            ("", text(None)),
            ("ü", Type::Other),
        ] {
            assert_eq!(Type::parse(written, &known), expected, "{written}");
        }
    }
}
