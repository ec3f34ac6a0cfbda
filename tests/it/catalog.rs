//! Profiles of databases: made, compiled, and their rows loaded into the tables that they were made of.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use placebo::catalog::ddl::{Dialect, read};
use placebo::catalog::profile::{Choices, Names, write};
use placebo::catalog::{Catalog, Type};

use crate::run::placebo;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/catalog/{name}.sql"))
}

fn catalog(text: &str) -> Catalog {
    read("schema.sql", text, Dialect::guess(text)).expect("reads")
}

fn run(folder: &Path, args: &[&str]) -> Output {
    placebo(args).current_dir(folder).output().expect("runs")
}

fn good(folder: &Path, args: &[&str]) -> String {
    let output = run(folder, args);
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{args:?}: {stdout}{stderr}");
    stdout.into_owned()
}

/// Makes the profile `made` of a file of statements, and checks it.
fn made(folder: &Path, file: &Path) -> String {
    let said = good(folder, &["new", "made", "--from", file.to_str().expect("a path")]);
    good(folder, &["check", "made", "--sample", "100000"]);
    said
}

/// The rows of a table as a run writes them, each column by its name in the profile.
fn rows(folder: &Path, table: &str) -> Vec<serde_json::Map<String, serde_json::Value>> {
    let text = std::fs::read_to_string(folder.join(format!("out/{table}.ndjson"))).expect("a file");
    text.lines().map(|line| serde_json::from_str(line).expect("an object")).collect()
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The tables of a catalog in the SQL of `SQLite`, with every key, and with checks on lengths and enums.
fn statements(catalog: &Catalog, tables: &[Names]) -> String {
    let mut text = String::new();
    for names in tables {
        let table = &catalog.tables[names.at];
        let mut lines = Vec::new();
        let list = |columns: &[usize]| {
            columns.iter().map(|at| quoted(&table.columns[*at].name)).collect::<Vec<_>>().join(", ")
        };
        for (at, _) in &names.columns {
            let column = &table.columns[*at];
            let name = quoted(&column.name);
            let kind = match column.ty {
                Type::Integer { .. } => "INTEGER",
                Type::Decimal { .. } | Type::Double => "NUMERIC",
                _ => "TEXT",
            };
            let null = if column.nullable { "" } else { " NOT NULL" };
            let check = match &column.ty {
                Type::Text { longest: Some(longest) } => format!(" CHECK (length({name}) <= {longest})"),
                Type::Enum(values) => {
                    let values: Vec<String> = values.iter().map(|v| format!("'{}'", v.replace('\'', "''"))).collect();
                    format!(" CHECK ({name} IN ({}))", values.join(", "))
                }
                Type::Integer { min, max } => format!(" CHECK ({name} BETWEEN {min} AND {max})"),
                _ => String::new(),
            };
            lines.push(format!("{name} {kind}{null}{check}"));
        }
        if !table.primary_key.is_empty() {
            lines.push(format!("PRIMARY KEY ({})", list(&table.primary_key)));
        }
        lines.extend(table.unique.iter().map(|unique| format!("UNIQUE ({})", list(unique))));
        for key in &table.foreign_keys {
            let target = catalog.table(key.schema.as_deref(), &key.table).expect("a table");
            let other = &catalog.tables[target];
            let keys: Vec<usize> = if key.keys.is_empty() {
                other.primary_key.clone()
            } else {
                key.keys.iter().map(|name| other.column(name).expect("a column")).collect()
            };
            let keys = keys.iter().map(|at| quoted(&other.columns[*at].name)).collect::<Vec<_>>().join(", ");
            let name = quoted(&other.full_name());
            lines.push(format!("FOREIGN KEY ({}) REFERENCES {name} ({keys})", list(&key.columns)));
        }
        text += &format!("CREATE TABLE {} (\n  {}\n);\n", quoted(&table.full_name()), lines.join(",\n  "));
    }
    text
}

/// Loads all rows into a database with these tables, and counts them; every constraint is on.
#[cfg(feature = "sqlite")]
fn load(folder: &Path, catalog: &Catalog, tables: &[Names], sql: &str) -> usize {
    use rusqlite::types::Value;
    let database = rusqlite::Connection::open_in_memory().expect("opens");
    database.execute_batch(sql).expect("the tables");
    database.execute_batch("PRAGMA foreign_keys = OFF; BEGIN").expect("begins");
    let mut count = 0;
    for names in tables {
        let table = &catalog.tables[names.at];
        let columns: Vec<String> = names.columns.iter().map(|(at, _)| quoted(&table.columns[*at].name)).collect();
        let marks = vec!["?"; columns.len()].join(", ");
        let insert = format!("INSERT INTO {} ({}) VALUES ({marks})", quoted(&table.full_name()), columns.join(", "));
        let mut statement = database.prepare(&insert).expect(&insert);
        for row in rows(folder, &names.table) {
            let values = names.columns.iter().map(|(_, name)| match &row[name] {
                serde_json::Value::Null => Value::Null,
                serde_json::Value::Bool(value) => Value::Integer((*value).into()),
                serde_json::Value::Number(number) => {
                    number.as_i64().map_or_else(|| Value::Real(number.as_f64().expect("a number")), Value::Integer)
                }
                serde_json::Value::String(text) => Value::Text(text.clone()),
                other => panic!("{other}"),
            });
            statement
                .execute(rusqlite::params_from_iter(values))
                .unwrap_or_else(|error| panic!("{}: {error}: {row:?}", table.name));
            count += 1;
        }
    }
    database.execute_batch("COMMIT").expect("commits");
    let mut lost =
        database.prepare("SELECT \"table\", \"rowid\", \"parent\" FROM pragma_foreign_key_check").expect("prepares");
    let lost = lost.query_map([], |row| Ok(format!("{:?} {:?}", row.get::<_, String>(0), row.get::<_, String>(2))));
    let lost: BTreeSet<String> = lost.expect("a list").map(|row| row.expect("a row")).collect();
    assert!(lost.is_empty(), "{lost:?}");
    count
}

/// Makes a profile of a file, with more rows if asked, and loads its rows.
#[cfg(feature = "sqlite")]
fn comes_back(name: &str, scale: &str, original: bool) -> (String, usize) {
    let temp = tempfile::tempdir().expect("a folder");
    let said = made(temp.path(), &fixture(name));
    good(temp.path(), &["generate", "made", "--format", "ndjson", "--out", "out", "-q", "--scale", scale]);
    let text = std::fs::read_to_string(fixture(name)).expect("a file");
    let catalog = catalog(&text);
    let tables = write("made", "x", &catalog, &Choices::default()).tables;
    let count = load(temp.path(), &catalog, &tables, &statements(&catalog, &tables));
    if original {
        assert_eq!(load(temp.path(), &catalog, &tables, &text), count);
    }
    (said, count)
}

#[cfg(feature = "sqlite")]
#[test]
fn rows_of_sample_databases_come_back() {
    for (name, original) in [("chinook", true), ("northwind", true), ("pagila", false), ("omop", false)] {
        for scale in ["1", "3"] {
            let (said, count) = comes_back(name, scale, original);
            assert!(!said.contains("not held"), "{name}: {said}");
            assert!(count > 1_000, "{name}: {count}");
        }
    }
}

/// The text of the profile that a text of statements makes, and what was said.
fn profile(sql: &str) -> (String, String) {
    let temp = tempfile::tempdir().expect("a folder");
    let file = temp.path().join("schema.sql");
    std::fs::write(&file, sql).expect("writes");
    let said = made(temp.path(), &file);
    (std::fs::read_to_string(temp.path().join("made/profile.toml")).expect("a profile"), said)
}

#[test]
fn guesses_are_said() {
    let (text, said) = profile(
        "CREATE TABLE person (id serial PRIMARY KEY, first_name varchar(40), email varchar(80) UNIQUE, dob date, ssn char(11), card_number varchar(16), work_phone varchar(20), billing_city text, billing_zip text);",
    );
    for (column, kind) in [
        ("first_name", "name"),
        ("email", "email"),
        ("dob", "birth_date"),
        ("ssn", "ssn"),
        ("card_number", "pan"),
        ("work_phone", "phone"),
        ("billing_city", "city"),
        ("billing_zip", "postal_code"),
    ] {
        let line = text.lines().find(|line| line.starts_with(&format!("{column} = "))).expect(column);
        assert!(
            line.contains(&format!("pii = \"{kind}\"")) && line.contains("# ") && line.contains("guessed: "),
            "{line}"
        );
    }
    assert!(text.contains("billing_place.city") && text.contains("billing_place.postal_code"), "{text}");
    assert!(said.contains("8 columns guessed to be personal"), "{said}");
}

#[test]
fn constraints_that_nothing_keeps_are_named() {
    let (text, said) = profile(
        "CREATE TABLE t (id integer PRIMARY KEY, a integer NOT NULL, b integer, c geometry NOT NULL, d geometry, \
         CONSTRAINT odd CHECK (a % 2 = 1 AND a * a = 7), CONSTRAINT pair CHECK (num_nonnulls(a, b) = 3), \
         CONSTRAINT root CHECK (b * b > 16), CONSTRAINT missing FOREIGN KEY (b) REFERENCES nowhere (id));",
    );
    assert!(said.contains("not held"), "{said}");
    for words in ["a * a = 7", "num_nonnulls", "no generator makes values of the type GEOMETRY"] {
        assert!(said.to_lowercase().contains(&words.to_lowercase()), "{words}: {said}");
        assert!(text.to_lowercase().contains(&words.to_lowercase()), "{words}: {text}");
    }
    // A nullable column is left without values where that keeps the constraint.
    assert!(text.contains("FOREIGN KEY (b) REFERENCES nowhere: there is no such table here, so it is null"), "{text}");
}

/// A text of statements ends in a profile that compiles, or in an error with a hint.
fn survives(sql: &str) -> Output {
    let temp = tempfile::tempdir().expect("a folder");
    let file = temp.path().join("schema.sql");
    std::fs::write(&file, sql).expect("writes");
    let output = run(temp.path(), &["new", "made", "--from", file.to_str().expect("a path")]);
    let stderr = String::from_utf8_lossy(&output.stderr);
    let short: String = sql.chars().take(200).collect();
    match output.status.code() {
        Some(0) => {
            good(temp.path(), &["check", "made"]);
        }
        Some(2 | 3) => assert!(stderr.contains("help"), "{short}: {stderr}"),
        code => panic!("{code:?}: {short}: {stderr}"),
    }
    output
}

#[test]
fn hostile_statements_are_refused_or_understood() {
    let long = "n".repeat(70);
    let wide: Vec<String> = (0..5_000).map(|n| format!("c{n} varchar(20)")).collect();
    let many: Vec<String> = (0..1_200).map(|n| format!("CREATE TABLE t{n} (id int PRIMARY KEY);")).collect();
    let deep = format!("CREATE TABLE t (a int, CHECK ({}a > 0{}));", "(".repeat(5_000), ")".repeat(5_000));
    let chain = format!("CREATE TABLE t (a int, CHECK (a > 0{}));", " + 1".repeat(100_000));
    for sql in [
        "",
        ";",
        "CREATE TABLE",
        "CREATE TABLE t ();",
        "CREATE TABLE t (a);",
        "CREATE TABLE t (a int, a int);",
        "CREATE TABLE t (a int); CREATE TABLE t (a int);",
        "CREATE TABLE \"a\"\"; DROP TABLE x; --\" (\"q'\"\"\\\" int PRIMARY KEY, \"\n\" text NOT NULL, \"#\" text);",
        "CREATE TABLE \"日本\" (\"名前\" text, \"ключ\" int PRIMARY KEY, \"é\" int, \"É\" int);",
        "CREATE TABLE \"select\" (\"from\" int PRIMARY KEY, \"row\" int UNIQUE, \"ordinal\" int, \"params\" text, \"as_of\" date, \"order\" int REFERENCES \"select\");",
        "CREATE TABLE \"row\" (\"row\" int PRIMARY KEY, \"row_id\" int NOT NULL REFERENCES \"row\", row_number_of_table int);",
        "CREATE TABLE con (aux int, nul int, manifest text, lifecycle text); CREATE TABLE manifest (a int); CREATE TABLE datapackage (a int);",
        "CREATE TABLE \"A b\" (x int); CREATE TABLE \"a_b\" (x int); CREATE TABLE \"A_B\" (\"X\" int, x int, \"x \" int);",
        "CREATE TABLE s1.t (a int PRIMARY KEY); CREATE TABLE s2.t (a int REFERENCES s1.t); CREATE TABLE s1_t (a int);",
        &format!("CREATE TABLE {long} ({long} int PRIMARY KEY, {long}x int);"),
        &format!("CREATE TABLE w ({});", wide.join(", ")),
        &many.join("\n"),
        &deep,
        &chain,
        "CREATE TABLE t (a varchar(0), b char(1) PRIMARY KEY, c numeric(1,1) NOT NULL, d varchar(2) UNIQUE, e boolean UNIQUE NOT NULL);",
        "CREATE TABLE t (a int CHECK (a > 5 AND a < 3), b text CHECK (length(b) > 900000), c date NOT NULL CHECK (c > '9999-12-31'));",
        "CREATE TABLE t (a text NOT NULL CHECK (a ~ '^(?=x)[[:alpha:]]+$'), b text CHECK (b IN ()), c int CHECK (c IN (1, 'x')));",
        "CREATE TABLE t (a int CHECK (a < b), b int CHECK (b < c), c int CHECK (c < a));",
        "CREATE TABLE a (id int PRIMARY KEY REFERENCES b (id)); CREATE TABLE b (id int PRIMARY KEY REFERENCES a (id));",
        "CREATE TABLE a (id text PRIMARY KEY REFERENCES b (id)); CREATE TABLE b (id text PRIMARY KEY REFERENCES c (id)); CREATE TABLE c (id text PRIMARY KEY REFERENCES a (id));",
        "CREATE TABLE a (id int PRIMARY KEY REFERENCES a (id), x int REFERENCES a (x));",
        "CREATE TABLE a (x int REFERENCES b (nothing), y int, FOREIGN KEY (y) REFERENCES b); CREATE TABLE b (z int);",
        "CREATE TABLE t (a int, PRIMARY KEY (b));",
        "CREATE TABLE t (a int, FOREIGN KEY (a, a) REFERENCES t (a));",
        "CREATE TABLE t (a int GENERATED ALWAYS AS (1) STORED);",
        "CREATE TYPE m AS ENUM (); CREATE TYPE q AS ENUM ('it''s', 'a\"b', 'c\\d', ''); CREATE TABLE t (a m, b q NOT NULL, c q[] NOT NULL);",
        "CREATE TABLE t (a int) PARTITION BY RANGE (a); CREATE TABLE u PARTITION OF t FOR VALUES FROM (1) TO (10); CREATE TABLE v PARTITION OF w DEFAULT;",
        "ALTER TABLE x ADD CONSTRAINT y PRIMARY KEY (z); COMMENT ON COLUMN a.b IS 'x'; CREATE UNIQUE INDEX ON q (r);",
        "CREATE TABLE t (a int -- \u{202e} b\n, b text DEFAULT '\u{0}');",
        "CREATE TABLE t (a int); COMMENT ON TABLE t IS 'line\nbreak \"quoted\" \\ # and \u{7} more';",
    ] {
        survives(sql);
    }
    let output = survives("CREATE TABLE t (\n  a int,\n  b int b c\n);");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("schema.sql:3:") && stderr.contains("--dialect"), "{stderr}");
}

#[test]
fn names_that_a_profile_cannot_have_are_said() {
    let (text, _) = profile("CREATE TABLE \"Order Details\" (\"Line No\" int PRIMARY KEY, \"order\" int);");
    assert!(text.contains("[tables.order_details]") && text.contains("# in the database: Order Details"), "{text}");
    assert!(text.contains("line_no = ") && text.contains("in the database: Line No"), "{text}");
}

#[test]
fn the_dialect_can_be_named_and_standard_input_read() {
    let temp = tempfile::tempdir().expect("a folder");
    let mut child = placebo(&["new", "made", "--from", "-", "--dialect", "mysql"])
        .current_dir(temp.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("starts");
    let sql = b"CREATE TABLE `t` (`id` int unsigned NOT NULL AUTO_INCREMENT, `kind` enum('a','b') NOT NULL, `n` tinyint(1), PRIMARY KEY (`id`), KEY `k` (`kind`)) ENGINE=InnoDB COMMENT='rows of t';";
    std::io::Write::write_all(&mut child.stdin.take().expect("a pipe"), sql).expect("writes");
    assert!(child.wait().expect("ends").success());
    let text = std::fs::read_to_string(temp.path().join("made/profile.toml")).expect("a profile");
    assert!(text.contains("about = \"rows of t\"") && text.contains("values = [\"a\", \"b\"]"), "{text}");
    for (args, words) in [
        (["new", "x", "--from", "-", "--dialect", "oracle"].as_slice(), "known names"),
        (&["new", "x", "--from", "oracle://localhost/x"], "names no database of this build"),
        (&["new", "x", "--from", "none.sql"], "none.sql"),
        (&["new", "x", "--dialect", "mysql"], "--from"),
    ] {
        let output = placebo(args).current_dir(temp.path()).stdin(Stdio::null()).output().expect("runs");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && stderr.contains(words), "{args:?}: {stderr}");
        assert!(!temp.path().join("x").exists());
    }
}

#[cfg(feature = "sqlite")]
#[test]
fn a_database_file_is_read_without_its_rows() {
    let temp = tempfile::tempdir().expect("a folder");
    let path = temp.path().join("shop.db");
    let database = rusqlite::Connection::open(&path).expect("opens");
    let sql = std::fs::read_to_string(fixture("northwind")).expect("a file");
    database.execute_batch(&sql).expect("the tables");
    database
        .execute_batch("INSERT INTO Region SELECT value, 'SECRET' FROM generate_series(1, 7); ANALYZE;")
        .or_else(|_| database.execute_batch("WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 7) INSERT INTO Region SELECT i, 'SECRET' FROM n; ANALYZE;"))
        .expect("rows");
    drop(database);
    let before = std::fs::read(&path).expect("bytes");
    good(temp.path(), &["new", "made", "--from", "sqlite:shop.db"]);
    good(temp.path(), &["check", "made"]);
    assert_eq!(std::fs::read(&path).expect("bytes"), before);
    let text = std::fs::read_to_string(temp.path().join("made/profile.toml")).expect("a profile");
    assert!(text.contains("rows  = 7 ") && text.contains("by the statistics of the database"), "{text}");
    assert!(!text.contains("SECRET"));
    // The same constraints as from the text.
    let (from_text, _) = profile(&sql);
    let checks = |text: &str| text.matches("null = \"passes\"").count();
    let keys = |text: &str| text.matches("FOREIGN KEY").count();
    assert_eq!((checks(&text), keys(&text)), (checks(&from_text), keys(&from_text)));
    for (wrong, code) in [("sqlite:none.db", 4), ("sqlite:made/profile.toml", 4), ("sqlite:", 2)] {
        let output = run(temp.path(), &["new", "x", "--from", wrong]);
        assert_eq!(output.status.code(), Some(code), "{wrong}: {}", String::from_utf8_lossy(&output.stderr));
    }
}
