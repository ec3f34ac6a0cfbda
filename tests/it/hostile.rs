//! Profiles and folders that mean harm: refused at once, with an exit code and a hint, whatever they ask for.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::run::{good, placebo};

const HEAD: &str = "name = \"x\"\nas_of = 2025-01-01\n";

/// A profile of one table with some columns.
fn one_table(rows: &str, columns: &str) -> String {
    format!("{HEAD}[tables.t]\nrows = {rows}\n[tables.t.columns]\n{columns}\n")
}

/// Generates a profile with some arguments: the exit code and what was said.
fn generate(text: &str, args: &[&str]) -> (i32, String) {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("profile.toml"), text).expect("writes");
    within(folder.path(), args)
}

fn within(folder: &Path, args: &[&str]) -> (i32, String) {
    let out = folder.join("out");
    let profile = folder.join("profile.toml");
    let fixed = ["generate", profile.to_str().expect("a path"), "--out", out.to_str().expect("a path"), "-q"];
    let fixed = [&fixed[..], &["--log-format", "json"], args].concat();
    let output = placebo(&fixed).output().expect("runs");
    (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// The profile is refused with code 3, and what is said has these texts.
fn refused(text: &str, says: &[&str]) {
    let (code, said) = generate(text, &[]);
    let shown: String = text.chars().take(200).collect();
    assert_eq!(code, 3, "{shown}: {said}");
    says.iter().for_each(|part| assert!(said.contains(part), "{shown}: {said} has no `{part}`"));
}

#[test]
fn rows_and_bytes_have_limits_that_only_the_command_line_raises() {
    let column = "a = \"row\"";
    refused(&one_table("1_000_000_000_000_000", column), &["--max-rows", "tables.t.rows"]);
    let child = "[tables.c]\nof = \"t\"\ncount = 2_000\ncolumns.a = \"ordinal\"";
    let both = one_table("10_000_000", &format!("{column}\n{child}"));
    refused(&both, &["--max-rows", "tables.c"]);
    let long = one_table("2_000_000", "a = \"rpad('a', 1000000, 'b') || CAST(row AS text)\"");
    refused(&long, &["--max-bytes", "tables.t"]);
    refused(&format!("max_rows = 5\n{}", one_table("3", column)), &["unknown field"]);
    let small = one_table("1_000", column);
    assert_eq!(generate(&small, &["--max-rows", "999"]).0, 3);
    assert_eq!(generate(&small, &["--max-bytes", "1k"]).0, 3);
    assert_eq!(generate(&small, &["--max-rows", "1k", "--max-bytes", "10k"]).0, 0);
}

/// An estimate looks at a few rows: what it misses ends when it is made.
#[test]
fn limits_hold_where_an_estimate_is_wrong() {
    let child = "[tables.c]\nof = \"t\"\ncount = \"CASE WHEN row = 3 THEN 900000 ELSE 0 END\"\ncolumns.a = \"ordinal\"";
    let text = one_table("1_000", &format!("a = \"row\"\n{child}"));
    let (code, said) = generate(&text, &["--max-rows", "500k"]);
    assert!(code == 3 && said.contains("--max-rows"), "{code}: {said}");
}

#[test]
fn a_long_cell_is_an_error_with_table_column_and_row() {
    let text = one_table("9", "a = \"CASE WHEN row = 7 THEN rpad('a', 2000000, 'b') ELSE 'c' END\"");
    refused(&text, &["tables.t.columns.a", "row 7", "--max-cell"]);
    assert_eq!(generate(&text, &["--max-cell", "2M"]).0, 0);
    let doubled: String =
        (1..40).map(|n| format!("c{n} = \"c{} || c{}\"\n", n - 1, n - 1)).collect::<Vec<_>>().concat();
    refused(&one_table("10", &format!("c0 = \"CAST(row AS text)\"\n{doubled}")), &["--max-cell"]);
    refused(&one_table("3", "a = \"rpad('a', 999999, 'a')\"\nb = \"replace(a, 'a', a)\""), &["tables.t.columns.b"]);
}

#[test]
fn depth_and_size_of_a_profile_are_bounded() {
    let sql = |sql: String| one_table("3", &format!("a = \"{sql}\""));
    refused(&sql("1 + ".repeat(15_000) + "1"), &["nested", "400"]);
    refused(&sql("(".repeat(20_000) + "1" + &")".repeat(20_000)), &["nested"]);
    refused(&sql("1".to_owned() + &" IS NULL".repeat(5_000)), &["nested"]);
    let between = (0..20).fold("row BETWEEN 1 AND 2".to_owned(), |sql, _| format!("({sql}) BETWEEN false AND true"));
    refused(&sql(between), &["tables.t.columns.a"]);
    let chain: String =
        (0..199).map(|n| format!("c{n} = \"c{} {}\"\n", n + 1, "+ 1 ".repeat(300))).collect::<Vec<_>>().concat();
    refused(&one_table("3", &format!("{chain}c199 = \"row\"")), &["depend on each other"]);
    refused(&format!("name = \"x\"\n{} = 1", vec!["a"; 100_000].join(".")), &["recursion"]);
    refused(&format!("name = \"x\"\ninclude = {}{}", "[".repeat(50_000), "]".repeat(50_000)), &["recurs"]);
    refused(&format!("{HEAD}#{}", "x".repeat(1 << 20)), &["1 MiB", "data files"]);
    let tables: String =
        (0..2_000).map(|n| format!("[tables.t{n}]\nrows = 1\ncolumns.a = \"row\"\n")).collect::<Vec<_>>().concat();
    refused(&format!("{HEAD}{tables}"), &["2000 tables"]);
}

#[test]
fn a_table_s_name_is_the_name_of_a_file() {
    let long = "a".repeat(300);
    for name in
        ["../x", "/etc/x", "a\\u0000b", "CON", "con", "com1", "a/b", "a b", ".x", "-x", "Ü", "", &long, "manifest"]
    {
        let text = format!("{HEAD}[tables.\"{name}\"]\nrows = 1\ncolumns.a = \"row\"\n");
        refused(&text, &["not a valid name of a table"]);
        refused(
            &one_table("1", &format!("\"{}\" = \"row\"", name.replace("com1", "a;b"))),
            &["not a valid name of a table or column"],
        );
    }
}

#[test]
fn no_path_leads_out_of_the_profile_s_folder() {
    let refs =
        |file: &str| format!("{HEAD}[tables.t]\nrows = 1\nrefs.r.file = \"{file}\"\n[tables.t.columns]\na = \"r.a\"\n");
    for file in ["../../etc/passwd", "/etc/passwd", "..", "a/../../x", "a\\u0000"] {
        refused(&refs(file), &["is not the name of a file"]);
        refused(&format!("include = [\"{file}\"]\n{}", one_table("1", "a = \"row\"")), &["is not the name of a file"]);
    }
    let folder = tempfile::tempdir().expect("a folder");
    let (data, secret) = (folder.path().join("in/data"), folder.path().join("secret.csv"));
    fs::create_dir_all(&data).expect("a folder");
    fs::write(&secret, "a\nsecret\n").expect("writes");
    fs::write(data.join("own.csv"), "a\nown\n").expect("writes");
    symlink(&secret, data.join("out.csv")).expect("a link");
    symlink(data.join("own.csv"), data.join("inner.csv")).expect("a link");
    symlink("/dev/zero", data.join("zero.csv")).expect("a link");
    symlink(folder.path(), folder.path().join("in/m.toml")).expect("a link");
    let inner = folder.path().join("in");
    let run = |text: &str| {
        fs::write(inner.join("profile.toml"), text).expect("writes");
        within(&inner, &["--overwrite"])
    };
    for file in ["out.csv", "zero.csv"] {
        let (code, said) = run(&refs(file));
        assert!(code == 3 && said.contains("leads out of the profile's folder"), "{code}: {said}");
    }
    assert_eq!(run(&format!("include = [\"m\"]\n{}", one_table("1", "a = \"row\""))).0, 3);
    assert_eq!(run(&refs("inner.csv")).0, 0);
}

#[test]
fn links_in_the_output_folder_are_not_followed() {
    let folder = tempfile::tempdir().expect("a folder");
    let (victim, out) = (folder.path().join("victim"), folder.path().join("out"));
    let profile = folder.path().join("profile.toml");
    fs::write(&victim, "precious").expect("writes");
    fs::write(profile, one_table("3", "a = \"row\"")).expect("writes");
    fs::create_dir(&out).expect("a folder");
    for name in ["t.csv", "manifest.json", "schema.sql", "datapackage.json"] {
        symlink(&victim, out.join(format!("{name}.inprogress"))).expect("a link");
    }
    assert_eq!(within(folder.path(), &[]).0, 0);
    fs::remove_file(out.join("t.csv")).expect("removes");
    symlink(&victim, out.join("t.csv")).expect("a link");
    assert_eq!(within(folder.path(), &[]).0, 2, "a link is something that is there");
    assert_eq!(within(folder.path(), &["--overwrite"]).0, 0);
    assert!(!out.join("t.csv").is_symlink());
    let real = folder.path().join("elsewhere");
    fs::rename(&out, &real).expect("renames");
    symlink(&real, &out).expect("a link");
    let (code, said) = within(folder.path(), &["--overwrite"]);
    assert!(code == 4 && said.contains("symbolic link"), "{code}: {said}");
    assert_eq!(fs::read_to_string(&victim).expect("text"), "precious");
}

#[test]
fn words_of_sql_are_names_like_others() {
    let text = format!(
        "{HEAD}[tables.select]\nrows = 2\nabout = \"x\\n); DROP TABLE y; --\"\n[tables.select.columns]\n\
         order = {{ expr = \"row\", key = true }}\n[tables.group]\nrows = 2\nrefs.r.table = \"select\"\n\
         columns.table = \"r.order\"\n"
    );
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("profile.toml"), text).expect("writes");
    assert_eq!(within(folder.path(), &[]).0, 0);
    let sql = fs::read_to_string(folder.path().join("out/schema.sql")).expect("text");
    assert!(sql.contains("CREATE TABLE \"select\" (") && sql.contains("REFERENCES \"select\" (\"order\")"), "{sql}");
    assert!(sql.lines().filter(|line| line.contains("DROP")).all(|line| line.starts_with("-- ")), "{sql}");
}

#[test]
fn texts_that_are_formulas_are_refused_or_quoted() {
    for text in ["=1+1", "+1", "-x", "@x", "\\tx", "\\rx"] {
        refused(
            &one_table("3", &format!("a = {{ gen.choice.values = [\"x\", \"{text}\"] }}")),
            &["formula", "a.gen.choice"],
        );
    }
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("data")).expect("a folder");
    fs::write(folder.path().join("data/f.csv"), "a,n:int\nx,-1\n=cmd(),2\n").expect("writes");
    let refs = format!("{HEAD}[tables.t]\nrows = 1\nrefs.r.file = \"f.csv\"\n[tables.t.columns]\na = \"r.a\"\n");
    fs::write(folder.path().join("profile.toml"), refs).expect("writes");
    let (code, said) = within(folder.path(), &[]);
    assert!(code == 3 && said.contains("f.csv`, line 3") && said.contains("=cmd()"), "{code}: {said}");

    // What an expression composes is its author's, unless a guard is asked for.
    let columns = "n = \"-row\"\na = \"'-' || CAST(row AS text)\"\nb = \"'@x'\"\nc = \"'x-'\"";
    fs::write(folder.path().join("profile.toml"), one_table("2", columns)).expect("writes");
    let profile = folder.path().join("profile.toml");
    let run = |more: &[&str]| {
        let args =
            [&["generate", profile.to_str().expect("a path"), "--tables", "t", "--out", "-", "-q"], more].concat();
        String::from_utf8(good(&args).stdout).expect("text")
    };
    assert_eq!(run(&[]), "n,a,b,c\n0,-0,@x,x-\n-1,-1,@x,x-\n");
    assert_eq!(run(&["--csv-guard", "quote"]), "n,a,b,c\n0,'-0,'@x,x-\n-1,'-1,'@x,x-\n");
}
