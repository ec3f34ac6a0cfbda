//! The edges of the language: values where engines differ, errors where a value does not fit, and what is refused.

use arrow_array::StringArray;
use placebo::error::Kind;
use placebo::plan::{Chunk, Options, Plan};
use placebo::sql;

use crate::expressions::{compiled, evaluate, value};

/// In what follows `row` is 0 and `last` is 1: values of a row, that nothing can compute beforehand.
#[test]
fn values_at_the_edges() {
    let cases = [
        // Months end where they end, and leap years count.
        ("add_months(DATE '2023-01-31', 1)", "2023-02-28"),
        ("add_months(DATE '2024-01-31', 1)", "2024-02-29"),
        ("add_months(DATE '2024-03-31', -1)", "2024-02-29"),
        ("add_months(DATE '2024-02-29', -12)", "2023-02-28"),
        ("add_months(DATE '2024-12-31', 2)", "2025-02-28"),
        ("years_between(DATE '2000-02-29', DATE '2001-02-28')", "1"),
        ("years_between(DATE '2000-03-01', DATE '2001-02-28')", "0"),
        ("make_date(2023, 2, 29)", ""),
        ("make_date(0, 1, 1)", ""),
        ("EXTRACT(week FROM DATE '2024-12-30')", "1"),
        ("EXTRACT(isoyear FROM DATE '2024-12-30')", "2025"),
        ("EXTRACT(week FROM DATE '2021-01-03')", "53"),
        ("EXTRACT(epoch FROM TIMESTAMP '1969-12-31 23:59:59.5')", "-1"),
        ("date_trunc('second', TIMESTAMP '1969-12-31 23:59:59.5')", "1969-12-31T23:59:59Z"),
        ("add_business_days(DATE '2024-03-02', 0)", "2024-03-04"),
        ("add_business_days(DATE '2024-03-04', -1)", "2024-03-01"),
        ("business_days_between(DATE '2024-03-04', DATE '2024-03-01')", "-1"),
        ("business_days_between(DATE '2024-03-01', DATE '2024-03-04')", "1"),
        // Positions count characters from 1; places before the text are empty and count.
        ("substring('müsli', 2, 2)", "üs"),
        ("substring('hello', 0, 3)", "he"),
        ("substring('hello', -1, 3)", "h"),
        ("substring('hello', -5, 3)", ""),
        ("substring('hello', 3, -2)", ""),
        ("substring('hello', -9223372036854775807 - 1, 9223372036854775807)", ""),
        ("substring('hello', 4, 9223372036854775807)", "lo"),
        ("left('日本語', 2)", "日本"),
        ("left('hello', -2)", "hel"),
        ("right('hello', -2)", "llo"),
        ("right('hello', -9)", ""),
        ("lpad('日本', 3, 'é')", "é日本"),
        ("rpad('日本語', 2, 'x')", "日本"),
        ("lpad('abc', -1, 'x')", ""),
        ("lpad('abc', 5, '')", "abc"),
        ("split_part('a,b,c', ',', -1)", "c"),
        ("split_part('a,b,c', ',', 0)", ""),
        ("split_part('abc', '', -1)", "c"),
        ("concat_ws(NULL, 'a', 'b')", ""),
        ("regexp_replace('aaa', 'a', '\\1')", "error: has no group"),
        ("regexp_replace('aaa', 'a', '[\\0]', 'g')", "[a][a][a]"),
        ("'a\\%' LIKE 'a\\%'", "true"),
        ("'a%' LIKE 'a\\%'", "false"),
        ("ascii_fold('Straße Łódź Þór ŵ')", "Strasse Lodz Thor w"),
        // Halves.
        ("round(-2.5)", "-3"),
        ("round_even(-2.5)", "-2"),
        ("round_even(3.5)", "4"),
        ("round(1250, -2)", "1300"),
        ("round_even(1250, -2)", "1200"),
        ("round(1249.99, -2)", "1200"),
        ("round(95, -1)", "100"),
        ("round(99.5, -1)", "100"),
        ("round(5, -1)", "10"),
        ("round_even(5, -1)", "0"),
        ("round(-1250, -2)", "-1300"),
        ("round(7, -30)", "0"),
        ("round(1.25, 30)", "1.25"),
        ("round(2.5e0)", "3.0"),
        ("round_even(2.5e0)", "2.0"),
        ("round(1.25, CAST(NULL AS bigint))", ""),
        ("CAST(2.5 AS bigint)", "3"),
        ("CAST(-2.5 AS bigint)", "-3"),
        ("CAST(2.5e0 AS bigint)", "2"),
        ("CAST(2.345 AS decimal(10,2))", "2.35"),
        // Division drops the fraction, and `a = a // b * b + a % b`; a divisor of 0 gives null.
        ("-7 // 2", "-3"),
        ("-7 % 2", "-1"),
        ("7 // -2", "-3"),
        ("7 // row", ""),
        ("7 % row", ""),
        ("7.5 % row", ""),
        ("7 / row", ""),
        ("(-9223372036854775807 - 1) % -1", "0"),
        // Negative zero is zero.
        ("round(-0.3e0) = 0", "true"),
        ("round(-0.3e0) < 0", "false"),
        // Nulls.
        ("NULL IS DISTINCT FROM NULL", "false"),
        ("3 IN (1, NULL)", ""),
        ("1 IN (1, NULL)", "true"),
        ("3 NOT IN (1, 2)", "true"),
        ("greatest(NULL, 2, 1.5)", "2.0"),
        ("DATE '2024-01-01' + NULL", ""),
        ("abs(NULL)", ""),
        ("string_agg(item.name)", "a,b,c,d"),
        ("string_agg(item.name, '') FILTER (WHERE item.amount > 2)", "ad"),
    ];
    for (expression, wanted) in cases {
        match wanted.strip_prefix("error: ") {
            None => assert_eq!(value(expression), wanted, "{expression}"),
            Some(part) => {
                let error = evaluate(expression).expect_err(expression);
                assert!(error.to_string().contains(part), "{expression}: {error}");
            }
        }
    }
}

#[test]
fn what_does_not_fit_is_an_error_with_its_place() {
    let cases = [
        ("9223372036854775807 + last", "too large for bigint"),
        ("-9223372036854775807 - 1 - last", "too large for bigint"),
        ("9223372036854775807 * (last + 1)", "too large for bigint"),
        ("-(-9223372036854775807 - last)", "too large for bigint"),
        ("abs(-9223372036854775807 - last)", "too large for bigint"),
        ("(-9223372036854775807 - last) // -1", "too large for bigint"),
        ("round(9223372036854775807 - row, -1)", "too large for bigint"),
        ("floor(1e19 * last)", "too large for bigint"),
        ("ceil(CAST(1e30 * last AS decimal(38,2)))", "too large for bigint"),
        ("CAST(1e19 * last AS bigint)", "cannot be cast to bigint"),
        ("CAST(12345678901234567890.5 * last AS bigint)", "cannot be cast to bigint"),
        ("CAST(last * 1000 AS decimal(3,1))", "cannot be cast to decimal(3,1)"),
        ("CAST('x' AS bigint)", "cannot be cast to bigint"),
        ("CAST('2024-02-30' AS date)", "cannot be cast to date"),
        ("CAST(99999999999999999999999999999999999999 AS decimal(38,0)) + last", "too large for decimal(38,0)"),
        ("CAST(99999999999999999999 AS decimal(38,0)) * 99999999999999999999", "too large for decimal(38,0)"),
        ("round(CAST(99999999999999999999999999999999999999 AS decimal(38,0)), -1)", "too large for decimal(38,0)"),
        ("DATE '9999-12-31' + last", "outside the years 1 to 9999"),
        ("DATE '2024-01-01' - 9223372036854775807", "outside the years 1 to 9999"),
        ("add_months(DATE '0001-01-31', -last)", "outside the years 1 to 9999"),
        ("add_months(DATE '2024-01-31', 9223372036854775807)", "outside the years 1 to 9999"),
        ("DATE '2024-01-01' + 9999999999 * INTERVAL '1' MONTH", "outside the years 1 to 9999"),
        ("TIMESTAMP '2024-01-01 00:00:00' + last * INTERVAL '99999' YEAR", "outside the years 1 to 9999"),
        ("add_business_days(DATE '2024-01-31', 9223372036854775807)", "outside the years 1 to 9999"),
        ("is_business_day(DATE '2024-01-31', '2024-13-01')", "in a list of holidays is not a date"),
        ("lpad('x', 9223372036854775807, 'x')", "characters, more than 16777216"),
        ("sum(9223372036854775807 + item.amount - item.amount)", "too large"),
    ];
    for (expression, part) in cases {
        let error = evaluate(expression).expect_err(expression);
        assert!(error.to_string().contains(part), "{expression}: {error}");
        assert!(error.path().starts_with("tables."), "{expression}: `{}`", error.path());
        assert_eq!(error.kind(), Kind::Profile, "{expression}");
    }
}

#[test]
fn an_error_in_a_condition_that_is_not_reached_stays_asleep() {
    assert_eq!(
        value("CASE WHEN row = 0 THEN 'good' WHEN CAST('x' || CAST(row AS text) AS bigint) = 1 THEN 'bad' END"),
        "good"
    );
}

#[test]
fn a_long_chain_is_refused_and_a_long_list_is_not() {
    let chain = vec!["1"; 30_000].join("+");
    assert!(compiled(&chain).err().is_some_and(|error| error.to_string().contains("deep")));
    let nested = format!("{}1{}", "abs(".repeat(200), ")".repeat(200));
    assert!(compiled(&nested).is_err());
    assert_eq!(value(&format!("1 IN ({})", vec!["2"; 10_000].join(","))), "false");
    assert_eq!(value(&vec!["1"; 390].join("+")), "390");
}

#[test]
fn business_days_take_their_holidays_from_a_data_file_or_a_parameter() {
    let folder = tempfile::tempdir().expect("a folder");
    let profile = r#"
name = "calendars"
as_of = 2025-06-30
[params]
closed = { value = "2025-07-04", about = "holidays" }
[tables.t]
rows = 2
[tables.t.refs]
calendar = { file = "calendars.csv", match.country = "country" }
[tables.t.columns]
country = "CASE row WHEN 0 THEN 'US' ELSE 'DE' END"
due = "add_business_days(DATE '2025-07-03', 1, calendar.holidays)"
same = "add_business_days(DATE '2025-07-03', 1, params.closed)"
"#;
    std::fs::write(folder.path().join("profile.toml"), profile).expect("writes");
    std::fs::create_dir(folder.path().join("data")).expect("a folder");
    std::fs::write(
        folder.path().join("data/calendars.csv"),
        "country,holidays\nUS,2025-07-04 2025-12-25\nDE,2025-10-03\n",
    )
    .expect("writes");
    let loaded = placebo::profile::load(folder.path().to_str().expect("a path")).expect("loads");
    let plan = Plan::compile(&loaded, &Options::default()).unwrap_or_else(|error| panic!("{error:?}"));
    let batch = Chunk::new(&plan, 0, &[0, 1]).batch(0).expect("a batch");
    let column = |name: &str| {
        let text = sql::as_text(batch.column_by_name(name).expect("the column")).expect("text");
        let text = text.as_any().downcast_ref::<StringArray>().expect("strings");
        (text.value(0).to_owned(), text.value(1).to_owned())
    };
    assert_eq!(column("due"), ("2025-07-07".to_owned(), "2025-07-04".to_owned()));
    assert_eq!(column("same"), ("2025-07-07".to_owned(), "2025-07-07".to_owned()));
}

#[test]
#[expect(clippy::disallowed_methods, reason = "as for snapshots, the environment says whether a document is written")]
fn golden_document_of_the_functions() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/sql.md");
    let text = std::fs::read_to_string(path).expect("docs/sql.md");
    let marker = "<!-- from the registry: `make golden` writes the rest -->\n";
    let (head, kept) = text.split_once(marker).expect("the marker");
    let (mut made, mut family) = (String::new(), "");
    let cell = |text: &str| text.replace('|', "\\|");
    for doc in sql::docs() {
        if doc.family != family {
            family = doc.family;
            made.push_str(&format!("\n### {family}\n\n| | | example |\n|---|---|---|\n"));
        }
        let answer = if doc.example.1.is_empty() { "null".to_owned() } else { format!("`{}`", cell(doc.example.1)) };
        let example = cell(doc.example.0);
        made.push_str(&format!("| `{}` | {} | `{example}` → {answer} |\n", cell(doc.signature), cell(doc.about)));
    }
    if std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") {
        std::fs::write(path, format!("{head}{marker}{made}")).expect("writes");
    } else {
        assert!(kept == made, "`make golden` writes docs/sql.md anew");
    }
}

/// What other engines would guess, and what no engine takes: each has its message before a row is made.
const REFUSED: &[&str] = &[
    // Numbers and texts are no each other.
    "1 + 'a'",
    "'1' + 1",
    "'a' - 'b'",
    "2 * 'x'",
    "1 / 'x'",
    "7.5 // 2",
    "7e0 // 2",
    "'7' % 2",
    "1 || 'a'",
    "'a' || 1",
    "'a' || DATE '2024-01-01'",
    "-'a'",
    "+'a'",
    "-DATE '2024-01-01'",
    "abs('1')",
    "abs(1, 2)",
    "abs()",
    "abs(true)",
    "round('1.5')",
    "round(1.5, 1.0)",
    "round(1.5, row)",
    "round_even(true)",
    "floor('1')",
    "ceil(DATE '2024-01-01')",
    "sqrt('4')",
    "true + 1",
    "true + true",
    // Comparison.
    "1 = '1'",
    "1 < 'a'",
    "true = 1",
    "true > 'a'",
    "DATE '2024-01-01' = '2024-01-01'",
    "DATE '2024-01-01' > 1",
    "TIMESTAMP '2024-01-01 00:00:00' = 0",
    "1 IN ('a', 'b')",
    "1 IN (1, 'b')",
    "'a' BETWEEN 1 AND 2",
    "1 BETWEEN 'a' AND 2",
    "1 IS DISTINCT FROM 'a'",
    "INTERVAL '1' DAY = INTERVAL '24' HOUR",
    // Conditions.
    "NOT 1",
    "1 AND true",
    "'a' OR false",
    "1 IS TRUE",
    "CASE WHEN 1 THEN 2 END",
    "CASE 1 WHEN 'a' THEN 2 END",
    "CASE WHEN true THEN 1 ELSE 'a' END",
    "CASE WHEN true THEN DATE '2024-01-01' ELSE 1 END",
    // Choices.
    "coalesce(1, 'a')",
    "nullif(1, 'a')",
    "nullif(1)",
    "greatest(1, DATE '2024-01-01')",
    "least('a', true)",
    "greatest(INTERVAL '1' DAY, INTERVAL '1' MONTH)",
    // Dates.
    "DATE '2024-01-01' + DATE '2024-01-01'",
    "DATE '2024-01-01' + 1.5",
    "1 - DATE '2024-01-01'",
    "DATE '2024-01-01' * 2",
    "TIMESTAMP '2024-01-01 00:00:00' + 1",
    "TIMESTAMP '2024-01-01 00:00:00' - TIMESTAMP '2024-01-01 00:00:00'",
    "1.5 * INTERVAL '1' DAY",
    "INTERVAL '1' DAY + INTERVAL '1' DAY",
    "INTERVAL '1' FORTNIGHT",
    "INTERVAL 'x' DAY",
    "INTERVAL '1-2' YEAR TO MONTH",
    "DATE '2024-02-30'",
    "DATE 'today'",
    "TIMESTAMP '2024-01-01 25:00:00'",
    "add_months('2024-01-01', 1)",
    "add_months(DATE '2024-01-01', 1.5)",
    "make_date(2024, 1)",
    "make_date('2024', 1, 1)",
    "EXTRACT(fortnight FROM as_of)",
    "EXTRACT(year FROM '2024-01-01')",
    "EXTRACT(year FROM 2024)",
    "date_trunc('fortnight', as_of)",
    "date_trunc(CAST(row AS text), as_of)",
    "date_trunc('year', 2024)",
    "years_between(1, 2)",
    "dayname(TIMESTAMP '2024-01-01 00:00:00')",
    "add_business_days(as_of, 1.5)",
    "business_days_between(as_of, as_of, 3)",
    // Texts.
    "lower(1)",
    "upper(true)",
    "length(12)",
    "trim(LEADING 'x' FROM 'xa')",
    "substring('abc', 'b')",
    "substring(123, 1)",
    "left('abc', 1.0)",
    "lpad('a', 3)",
    "lpad('a', '3', 'x')",
    "replace('a', 'b')",
    "split_part('a,b', ',', 'x')",
    "1 LIKE '1'",
    "'a' LIKE 1",
    "'a' LIKE 'b' ESCAPE '!'",
    "regexp_matches('a', '(')",
    "regexp_matches('a', CAST(row AS text))",
    "regexp_replace('a', '[', 'b')",
    "regexp_replace('a', 'a', 'b', 'i')",
    "regexp_replace('a', 'a', '\\1')",
    "concat('a', 1)",
    "concat_ws(',')",
    "sha256(1)",
    // Casts.
    "CAST(DATE '2024-01-01' AS bigint)",
    "CAST(1 AS date)",
    "CAST(true AS date)",
    "CAST(true AS double)",
    "CAST(INTERVAL '1' DAY AS text)",
    "CAST(1 AS tinyint)",
    "CAST(1 AS decimal(40,2))",
    "CAST(1 AS decimal(5,6))",
    "TRY_CAST('a' AS bigint)",
    "CAST(0.00000000000000000001 * 0.00000000000000000001 AS text)",
    // Aggregates and windows.
    "sum(item.name)",
    "avg(item.name)",
    "bool_and(item.amount)",
    "string_agg(item.amount)",
    "string_agg(item.name, item.name)",
    "sum(item.amount, 2)",
    "count(DISTINCT item.name)",
    "string_agg(item.name, ',' ORDER BY item.amount NULLS FIRST)",
    "lower(item.name ORDER BY item.name)",
    "sum(1)",
    "sum(item.amount) FILTER (WHERE item.amount)",
    "lag(item.amount)",
    "row_number()",
    "lag(amount, 2) OVER (ORDER BY ordinal)",
    "string_agg(name) OVER ()",
    "sum(name) OVER ()",
    "sum(amount) OVER (ORDER BY amount NULLS FIRST)",
    "sum(amount) OVER (ORDER BY amount ROWS 2 PRECEDING)",
    "sum(amount) FILTER (WHERE amount > 1) OVER ()",
    "lower(name) OVER ()",
    "lower('a') FILTER (WHERE true)",
    // No part of the language.
    "nosuch(1)",
    "lowercase('a')",
    "random()",
    "now()",
    "current_date",
    "nosuch",
    "item.nosuch",
    "(SELECT 1)",
    "1 IN (SELECT 1)",
    "EXISTS (SELECT 1)",
    "[1, 2]",
    "{'a': 1}",
    "x -> x + 1",
    "1 +",
    "1 2",
    "1; DROP TABLE t",
    "lower(DISTINCT 'a')",
    "2 ^ 3",
    "1 & 2",
    "'a' ~ 'b'",
    "5 DIV 2",
];

#[test]
fn every_ill_typed_expression_has_its_message() {
    let mut all = String::new();
    for expression in REFUSED {
        match compiled(expression) {
            Ok(_) => all.push_str(&format!("{expression}\n  COMPILES\n")),
            Err(error) => {
                assert_eq!(error.kind(), Kind::Profile, "{expression}: {error}");
                // The folder is a new one every time.
                let text = error.to_string();
                let (_, what) = text.split_once(": ").expect("a place before the message");
                all.push_str(&format!("{expression}\n  {}\n", what.lines().next().unwrap_or_default()));
                if let Some(hint) = error.hint_text() {
                    all.push_str(&format!("    hint: {hint}\n"));
                }
            }
        }
    }
    assert!(REFUSED.len() >= 100);
    insta::assert_snapshot!("refused", all);
    assert!(!all.contains("COMPILES"), "{all}");
}

/// The value of a column in rows 0 to 4 of a table whose reference `other` leads to a table of 4 rows, and whether it may be null.
fn picked(pick: &str) -> placebo::error::Result<(Vec<Option<i64>>, bool)> {
    let folder = tempfile::tempdir().expect("a folder");
    let text = format!(
        "name = \"t\"\nas_of = 2025-06-30\n[tables.four]\nrows = 4\n[tables.four.columns]\nn = {{ expr = \"row\", key = true }}\n\
         [tables.five]\nrows = 5\n[tables.five.refs]\nother = {{ table = \"four\", {pick} }}\n[tables.five.columns]\nn = \"other.n\"\n"
    );
    std::fs::write(folder.path().join("profile.toml"), text).expect("writes");
    let loaded = placebo::profile::load(folder.path().to_str().expect("a path"))?;
    let plan = Plan::compile(&loaded, &Options::default())?;
    let batch = Chunk::new(&plan, 1, &[0, 1, 2, 3, 4]).batch(1)?;
    let column = batch.column_by_name("n").expect("the column");
    let values = column.as_any().downcast_ref::<arrow_array::Int64Array>().expect("numbers").iter().collect();
    Ok((values, batch.schema().field(0).is_nullable()))
}

#[test]
fn a_cycle_counts_on_from_the_first_row() {
    let row = |text: &str| picked(text).expect("compiles");
    let some = |values: [i64; 5]| values.map(Some).to_vec();
    assert_eq!(row("pick = \"cycle\", at = \"row\""), (some([0, 1, 2, 3, 0]), false));
    assert_eq!(row("pick = \"cycle\", at = \"row * 3 - 5\""), (some([3, 2, 1, 0, 3]), false));
    assert_eq!(row("pick = \"row\", at = \"row\""), (vec![Some(0), Some(1), Some(2), Some(3), None], true));
    let (values, nullable) = row("pick = \"cycle\", at = \"nullif(row, 1)\"");
    assert_eq!((values, nullable), (vec![Some(0), None, Some(2), Some(3), Some(0)], true));
    let error = picked("pick = \"cycle\"").expect_err("no `at`");
    assert!(error.kind() == Kind::Profile && error.message().contains("`at`"), "{error}");
}
