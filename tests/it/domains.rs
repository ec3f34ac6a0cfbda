//! Parameters out of their domains: found before row 0 where they are constant, in their row where they are not.

use placebo::error::Error;
use placebo::plan::{Chunk, Options, Plan};

const HEAD: &str = r#"
name = "one"
as_of = 2025-06-30
[params]
spread = { value = 2 }
[tables.t]
rows = 10
[tables.t.columns]
id = "row"
half = "row - 5"
tenth = "row / 10.0"
"#;

/// The error of a profile with more lines, and where it came: while it was compiled, or in a row.
fn refused(lines: &str, set: &[(&str, &str)]) -> (bool, Error) {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("data")).expect("a folder");
    std::fs::write(folder.path().join("data/three.csv"), "name,sex\na,F\nb,F\nc,M\n").expect("writes");
    std::fs::write(folder.path().join("profile.toml"), format!("{HEAD}{lines}")).expect("writes");
    let loaded = placebo::profile::load(folder.path().to_str().expect("a path")).expect("a profile");
    let set = set.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let plan = match Plan::compile(&loaded, &Options { params: set, ..Options::default() }) {
        Ok(plan) => plan,
        Err(error) => return (true, error),
    };
    let rows: Vec<u64> = (0..10).collect();
    let mut chunk = Chunk::new(&plan, 0, &rows);
    match (0..plan.tables.len()).find_map(|table| chunk.batch(table).err()) {
        Some(error) => (false, error),
        None => panic!("no error: {lines}"),
    }
}

#[test]
fn a_constant_out_of_its_domain_is_found_before_row_0() {
    let cases = [
        ("a.gen.uniform = { min = 10, max = 1 }", "uniform.max: `min = 10`: it must not be above `max = 1`"),
        ("a.gen.uniform.min = 1.50", "uniform.min: `min = 1.50`: it must not be above `max = 1`"),
        ("a.gen.normal = { mean = 1, sd = -1 }", "normal.sd: `sd = -1`: it must be at least 0"),
        ("a.gen.exponential.mean = -1", "exponential.mean: `mean = -1`: it must be at least 0"),
        ("a.gen.lognormal = { median = 0, sigma = 1 }", "lognormal.median: `median = 0`: it must be above 0"),
        ("a = { expr = \"1\", null = 1.5 }", "columns.a.null: `null = 1.5`: it must be between 0 and 1"),
        ("a.gen.poisson.mean = -3", "poisson.mean: `mean = -3`: it must be between 0 and 1000000"),
        ("a.gen.geometric.p = 0", "geometric.p: `p = 0`: it must be above 0 and at most 1"),
        ("a.gen.zipf = { n = 0, s = 1 }", "zipf.n: `n = 0`: it must be between 1 and"),
        (
            "a.gen.decimal = { min = 10.50, max = 1.25, scale = 2 }",
            "decimal.max: `min = 10.50`: it must not be above `max = 1.25`",
        ),
        (
            "a.gen.integer = { min = \"2 * 3\", max = 5 }",
            "integer.max: `min = 2 * 3` is 6: it must not be above `max = 5`",
        ),
        (
            "a.gen.normal = { mean = 1, sd = \"-params.spread\" }",
            "sd: `sd = -params.spread` is -2: it must be at least 0",
        ),
        ("a.gen.email = { local = \"'x'\", digits = 12 }", "email.digits: `digits = 12`: it must be between 0 and 9"),
        ("a.gen.after = { from = \"as_of\", wait.hours.normal = { mean = 3, sd = -0.50 } }", "`sd = -0.50`"),
        (
            "b = \"place.name\"\n[tables.t.refs]\nplace = { file = \"three.csv\", pick = \"in_order\" }",
            "it has 3 that match",
        ),
        (
            "b = \"place.name\"\n[tables.t.refs]\nplace = { file = \"three.csv\", pick = \"in_order\", match.sex = \"'F'\" }",
            "10 rows take records of",
        ),
        ("b = \"other.id\"\n[tables.t.refs]\nother = { table = \"t\", skew = -1 }", "refs.other.skew: `skew = -1`"),
        ("b = \"other.id\"\n[tables.t.refs]\nother = { table = \"t\", null = -0.1 }", "refs.other.null: `null = -0.1`"),
        ("[tables.u]\nof = \"t\"\ncount = -3\n[tables.u.columns]\nn = \"ordinal\"", "tables.u.count: `count = -3`"),
        (
            "[tables.u]\nof = \"t\"\ncount.poisson.mean = -3\n[tables.u.columns]\nn = \"ordinal\"",
            "count.poisson.mean: `mean = -3`",
        ),
        (
            "[tables.u]\nof = \"t\"\nrows = 20\nspread.jitter = 1.5\n[tables.u.columns]\nn = \"ordinal\"",
            "spread.jitter",
        ),
    ];
    for (lines, message) in cases {
        let (early, error) = refused(lines, &[]);
        assert!(early, "{lines} is found in a row only: {error}");
        assert!(error.to_string().contains(message), "{lines}: {error}");
        assert_eq!(error.kind().exit_code(), 3, "{lines}: {error}");
    }
}

#[test]
fn a_value_out_of_its_domain_names_table_column_row_parameter_and_value() {
    let cases = [
        (
            "a.gen.normal = { mean = 1, sd = \"half\" }",
            "tables.t.columns.a.gen.normal.sd: row 0: `sd = half` is -5: it must be at least 0",
        ),
        (
            "a.gen.integer = { min = \"row\", max = 3 }",
            "tables.t.columns.a.gen.integer.max: row 4: `min = row` is 4: it must not be above `max = 3`",
        ),
        (
            "a.gen.decimal = { min = 0.25, max = \"half\", scale = 2 }",
            "decimal.max: row 0: `min = 0.25`: it must not be above `max = half`, which is -5.00",
        ),
        ("a = { expr = \"1\", null = \"tenth * 2\" }", "columns.a.null: row 6: `null = tenth * 2` is 1.2"),
        ("a.gen.boolean.p = \"tenth + 0.5\"", "row 6: `p = tenth + 0.5` is 1.1: it must be between 0 and 1"),
        ("a.gen.choice.weights = { x = 1, y = \"5 - row\" }", "choice.weights.y: row 6: `weights.y = 5 - row` is -1"),
        ("a.gen.bic.country = \"CAST(row AS text)\"", "row 0: `country = CAST(row AS text)` is `0`"),
        (
            "b = \"other.id\"\n[tables.t.refs]\nother = { table = \"t\", skew = \"half\" }",
            "skew: row 0: `skew = half` is -5",
        ),
        (
            "[tables.u]\nof = \"t\"\ncount = 3\n[tables.u.columns]\nn.gen.poisson.mean = \"t.half + ordinal\"",
            "ordinal 1 below root row 0: `mean = t.half + ordinal` is -4",
        ),
        (
            "[tables.u]\nof = \"t\"\ncount = 4\n[tables.u.columns]\nn = \"place.name\"\n[tables.u.refs]\nplace = { file = \"three.csv\", pick = \"in_order\" }",
            "ordinal 4 below root row 0: ",
        ),
        ("a.gen.normal = { mean = \"row * 1e30\", sd = 0, scale = 0 }", "row 1: the drawn value 1e30 does not fit"),
    ];
    for (lines, message) in cases {
        let (early, error) = refused(lines, &[]);
        assert!(!early, "{lines} is found before row 0: {error}");
        assert!(error.to_string().contains(message), "{lines}: {error}");
        assert_eq!(error.kind().exit_code(), 3, "{lines}: {error}");
    }
}

#[test]
fn a_negative_count_is_found_where_it_is_met() {
    // Estimating the size of the table may be the first to meet it.
    let (_, error) = refused("[tables.u]\nof = \"t\"\ncount = \"half\"\n[tables.u.columns]\nn = \"ordinal\"", &[]);
    let text = error.to_string();
    assert!(text.contains("tables.u.count: row ") && text.contains(": `count = half` is -"), "{text}");
}

#[test]
fn a_row_without_a_value_may_have_any_parameters() {
    let folder = tempfile::tempdir().expect("a folder");
    let lines = r#"
a = { gen.normal = { mean = 1, sd = "half" }, when = "half >= 0" }
b = { gen.after = { from = "as_of", wait.days.exponential.mean = "half" }, when = "half >= 0" }
c = { expr = "1", null = "half / 10.0", when = "half >= 0" }
[tables.u]
of = "t"
count.poisson.mean = "half"
when = "half >= 0"
[tables.u.columns]
n = "ordinal"
"#;
    std::fs::write(folder.path().join("profile.toml"), format!("{HEAD}{lines}")).expect("writes");
    let loaded = placebo::profile::load(folder.path().to_str().expect("a path")).expect("a profile");
    let plan = Plan::compile(&loaded, &Options::default()).expect("a plan");
    let rows: Vec<u64> = (0..10).collect();
    let mut chunk = Chunk::new(&plan, 0, &rows);
    let batch = chunk.batch(0).expect("rows");
    for name in ["a", "b", "c"] {
        let column = batch.column_by_name(name).expect("a column");
        assert!((0..5).all(|row| column.is_null(row)) && !column.is_null(5), "{name}");
    }
    assert!(chunk.batch(1).expect("rows").num_rows() > 0);
}

#[test]
fn a_parameter_that_the_command_line_sets_is_held_to_the_domain() {
    let lines = "a.gen.normal = { mean = 1, sd = \"params.spread\" }";
    let (early, error) = refused(lines, &[("spread", "-1")]);
    assert!(early && error.to_string().contains("`sd = params.spread` is -1: it must be at least 0"), "{error}");
}

#[test]
fn errors_of_values_are_told_in_our_words() {
    for (lines, message) in [
        ("a = \"CAST('x' || CAST(row AS text) AS integer)\"", "`x0` cannot be cast to bigint"),
        ("a = \"CAST('x' || CAST(row AS text) AS double)\"", "`x0` cannot be cast to double"),
        ("a = \"CAST(row * 1000 AS decimal(3,1))\"", "cannot be cast to decimal(3,1)"),
        ("a = \"CAST('maybe' || CAST(row AS text) AS boolean)\"", "`maybe0` cannot be cast to boolean"),
    ] {
        let (_, error) = refused(lines, &[]);
        assert!(error.to_string().contains(message), "{lines}: {error}");
        assert!(!error.to_string().contains("rror:"), "{lines}: {error}");
    }
}
