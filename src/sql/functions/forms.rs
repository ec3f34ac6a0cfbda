//! What the grammar has beside operators and functions: documented here, lowered in `lower`.

use super::Doc;

const fn form(signature: &'static str, about: &'static str, example: (&'static str, &'static str)) -> Doc {
    Doc { family: "form", signature, about, example }
}

pub(super) const DOCS: &[Doc] = &[
    form(
        "CASE WHEN condition THEN value … [ELSE value] END",
        "The value of the first condition that is true; an error in a branch that no row takes does not matter.",
        ("CASE WHEN 1 > 2 THEN 'a' WHEN 2 > 1 THEN 'b' END", "b"),
    ),
    form(
        "CASE value WHEN value THEN value … [ELSE value] END",
        "The same with equality.",
        ("CASE 3 WHEN 1 THEN 'one' ELSE 'many' END", "many"),
    ),
    form(
        "CAST(value AS type), value::type",
        "Another type: bigint, double, decimal(p,s), text, date, timestamp, boolean; a decimal's half goes away from zero, a double's to even.",
        ("CAST(2.5 AS bigint) + '4'::bigint", "7"),
    ),
    form("value [NOT] BETWEEN low AND high", "Within bounds that belong to it.", ("2 BETWEEN 1 AND 2", "true")),
    form(
        "condition IS [NOT] TRUE, condition IS [NOT] FALSE",
        "A condition that is never null.",
        ("(NULL > 1) IS NOT TRUE", "true"),
    ),
    form(
        "INTERVAL '3' DAY",
        "A span of years, months, weeks, days, hours, minutes or seconds.",
        ("DATE '2024-02-28' + INTERVAL '36' HOUR", "2024-02-29T12:00:00Z"),
    ),
    form(
        "DATE '2024-02-29', TIMESTAMP '2024-02-29 12:00:00'",
        "A date or an instant of UTC.",
        ("TIMESTAMP '2024-02-29 12:00:00'", "2024-02-29T12:00:00Z"),
    ),
];
