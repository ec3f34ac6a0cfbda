//! Documentation of the syntax beside operators and functions: `CASE`, `CAST`, literals. `lower` compiles it.

use super::Doc;

const fn form(signature: &'static str, about: &'static str, example: (&'static str, &'static str)) -> Doc {
    Doc { family: "form", signature, about, example }
}

pub(super) const DOCS: &[Doc] = &[
    form(
        "CASE WHEN condition THEN value … [ELSE value] END",
        "The value of the first true condition; a branch is evaluated only for the rows that take it.",
        ("CASE WHEN 1 > 2 THEN 'a' WHEN 2 > 1 THEN 'b' END", "b"),
    ),
    form(
        "CASE value WHEN value THEN value … [ELSE value] END",
        "The value of the first entry that equals the operand.",
        ("CASE 3 WHEN 1 THEN 'one' ELSE 'many' END", "many"),
    ),
    form(
        "CAST(value AS type), value::type",
        "Conversion to bigint, double, decimal(p,s), text, date, timestamp or boolean; a half is rounded away from zero for a decimal, to even for a double.",
        ("CAST(2.5 AS bigint) + '4'::bigint", "7"),
    ),
    form("value [NOT] BETWEEN low AND high", "At least `low` and at most `high`.", ("2 BETWEEN 1 AND 2", "true")),
    form(
        "condition IS [NOT] TRUE, condition IS [NOT] FALSE",
        "True or false, never null: null is neither true nor false.",
        ("(NULL > 1) IS NOT TRUE", "true"),
    ),
    form(
        "INTERVAL '3' DAY",
        "An interval of years, months, weeks, days, hours, minutes or seconds.",
        ("DATE '2024-02-28' + INTERVAL '36' HOUR", "2024-02-29T12:00:00Z"),
    ),
    form(
        "DATE '2024-02-29', TIMESTAMP '2024-02-29 12:00:00'",
        "A date, or an instant in UTC.",
        ("TIMESTAMP '2024-02-29 12:00:00'", "2024-02-29T12:00:00Z"),
    ),
];
