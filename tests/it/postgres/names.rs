//! Names of tables and columns that are hard to quote: they load, or are refused; nothing of them is run.

use super::server::shared;
use super::{Profile, load, of_database, text_of};

#[test]
fn hostile_names_load_or_are_refused() {
    let server = shared();
    let url = server.database("names");
    server.client("names").batch_execute("CREATE TABLE victim (x int); CREATE TABLE testdata_target ()").expect("SQL");
    let long = ["n".repeat(63), "n".repeat(64), "é".repeat(31), "é".repeat(32)];
    let mut names: Vec<&str> = vec![
        "select",
        "user",
        "Table",
        "a b",
        "a?b",
        "what?",
        "$1",
        "a\"b",
        "\"; DROP TABLE victim; --",
        "'); DROP TABLE victim; --",
        "a'b",
        "a;b",
        "a\\b",
        "naïve",
        "表",
        "🐘",
        "a.b",
        "%s",
        "{columns}",
        "x, line 3, column y: z",
        "a\nb",
        "a--b",
        "/*",
        "pg_class",
        "_Placebo_load",
    ];
    names.extend(long.iter().map(String::as_str));
    let (mut loads, mut refusals) = (0, 0);
    for (at, name) in names.iter().enumerate() {
        let toml = name.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        let profile = Profile::new(&format!(
            "[tables.\"{toml}\"]\nrows = 20\n[tables.\"{toml}\".columns]\nid = {{ expr = \"row + 1\", key = true }}\n\"{toml}\" = \"'v' || CAST(row AS text)\"\n"
        ));
        let schema = format!("s{at}; DROP TABLE public.victim; --?\"");
        let output = load(&[profile.path(), "-q", "--schema", &schema, "--test-database", "names"], &url)
            .output()
            .expect("runs");
        let text = text_of(&output);
        match output.status.code() {
            Some(0) => {
                loads += 1;
                let rows = of_database(&url, &schema);
                assert_eq!(rows.get(*name).map(|table| table.0), Some(20), "{name}: {rows:?}");
            }
            Some(2 | 3) => {
                refusals += 1;
                assert!(text.contains("help"), "{name}: {text}");
            }
            code => panic!("{name}: {code:?}: {text}"),
        }
        let bytes = name.len();
        assert!(bytes <= 63 || output.status.code() != Some(0), "{name}: {bytes} bytes");
    }
    assert_eq!(server.number("names", "SELECT count(*) FROM pg_class WHERE relname = 'victim'"), 1);
    let run = server.statements("names");
    assert!(run.iter().all(|statement| !statement.trim_start().starts_with("DROP")), "{run:?}");
    crate::run::say(&format!("{loads} names load, {refusals} are refused"));
    assert!(loads >= 3 && refusals >= 3, "{loads} names load, {refusals} are refused");
}
