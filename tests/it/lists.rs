//! Intermediate values, look-ups, row lists and parts: equal to what they replace, and placed in the right file.

use arrow_array::RecordBatch;
use placebo::plan::{Chunk, Options, Plan};
use placebo::profile;
use placebo::sql;

/// A profile from the text of its files.
fn compiled(files: &[(&str, &str)]) -> placebo::error::Result<Plan> {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).expect("writes");
    }
    let loaded = profile::load(folder.path().to_str().expect("a path"))?;
    Plan::compile(&loaded, &Options::default())
}

/// The rows of a table under the first root rows, each as `a|b|c`.
fn rows(plan: &Plan, table: &str, roots: u64) -> Vec<String> {
    let table = plan.table(table).expect("the table");
    let roots: Vec<u64> = (0..roots).collect();
    lines(&Chunk::new(plan, plan.root_of(table), &roots).batch(table).expect("a batch"))
}

fn lines(batch: &RecordBatch) -> Vec<String> {
    let texts: Vec<_> = batch.columns().iter().map(|column| sql::as_text(column).expect("text")).collect();
    let cell = |column: &arrow_array::ArrayRef, row: usize| {
        let texts: &arrow_array::StringArray = arrow_array::cast::AsArray::as_string(column);
        if arrow_array::Array::is_null(texts, row) { String::new() } else { texts.value(row).to_owned() }
    };
    (0..batch.num_rows())
        .map(|row| texts.iter().map(|column| cell(column, row)).collect::<Vec<_>>().join("|"))
        .collect()
}

const HEAD: &str = "name = \"lists\"\nas_of = 2025-06-30\n";

const OWNER: &str =
    "[tables.owner]\nrows = 40\n[tables.owner.columns]\nowner_id = { expr = \"row + 1\", key = true }\n";

#[test]
fn an_intermediate_value_is_the_column_that_is_not_written() {
    let kind = "kind = { gen.choice.weights = { a = 1, b = 2 }, null = 0.2 }\n";
    let seen = "seen = \"coalesce(kind, '-')\"\nboth = \"sum(thing.size)\"\n";
    let thing = "[tables.thing]\nof = \"owner\"\ncount = 2\n[tables.thing.columns]\nowner_id = \"owner.owner_id\"\n";
    let size = "size = { gen.integer = { min = 1, max = 9 }, when = \"owner.kind = 'a'\" }\n";
    let column = compiled(&[("profile.toml", &format!("{HEAD}{OWNER}{seen}{kind}{thing}{size}"))]).expect("compiles");
    let hidden = compiled(&[(
        "profile.toml",
        &format!("{HEAD}{OWNER}{seen}[tables.owner.let]\n{kind}{thing}[tables.thing.let]\n{size}"),
    )])
    .expect("compiles");
    let short = |line: String| line.rsplit_once('|').map_or(line.clone(), |(short, _)| short.to_owned());
    let written: Vec<String> = rows(&column, "owner", 40).into_iter().map(short).collect();
    assert_eq!(written, rows(&hidden, "owner", 40));
    assert!(written.iter().any(|line| line.contains("|-|")) && written.iter().any(|line| line.contains("|a|")));
    assert_eq!(rows(&hidden, "thing", 2), ["1", "1", "2", "2"]);
}

#[test]
fn a_look_up_is_the_case_that_it_stands_for() {
    let columns = "kind = { gen.choice.weights = { a = 1, b = 2, c = 1 }, null = 0.2 }
text_1 = { expr = \"CASE kind WHEN 'a' THEN 'it''s' WHEN 'b' THEN 'two' ELSE 'more' END\" }
text_2 = { lookup = { a = \"it's\", b = \"two\" }, by = \"kind\", default = \"more\" }
number_1 = { expr = \"CASE kind WHEN 'a' THEN 1 WHEN 'b' THEN 720 END\" }
number_2 = { lookup = { a = 1, b = 720 }, by = \"kind\" }
decimal_1 = { expr = \"CASE kind WHEN 'a' THEN 1.6 WHEN 'b' THEN 0 ELSE 0.75 END\" }
decimal_2 = { lookup = { a = 1.6, b = 0 }, by = \"kind\", default = 0.75 }
date_1 = { expr = \"CASE owner_id % 3 WHEN 0 THEN DATE '2025-01-01' WHEN -1 THEN DATE '2020-01-01' END\" }
date_2 = { lookup = { 0 = 2025-01-01, -1 = 2020-01-01 }, by = \"owner_id % 3\" }
truth_1 = { expr = \"CASE owner_id > 3 WHEN true THEN false ELSE true END\" }
truth_2 = { lookup = { true = false }, by = \"owner_id > 3\", default = true }
";
    let plan = compiled(&[("profile.toml", &format!("{HEAD}{OWNER}{columns}"))]).expect("compiles");
    let batch = Chunk::new(&plan, 0, &(0..40).collect::<Vec<_>>()).batch(0).expect("a batch");
    for name in ["text", "number", "decimal", "date", "truth"] {
        let column = |n: usize| batch.column_by_name(&format!("{name}_{n}")).expect("the column");
        assert_eq!(column(1), column(2), "{name}");
        let field = |n: usize| batch.schema().field_with_name(&format!("{name}_{n}")).expect("the field").clone();
        assert_eq!(field(1).data_type(), field(2).data_type());
        assert_eq!(field(1).is_nullable(), field(2).is_nullable());
    }
}

#[test]
fn weights_by_a_value_are_the_weights_that_say_so() {
    let class = "class = { gen.choice.weights = { EMER = 1, IMP = 2, AMB = 1 } }\n";
    let ladder = "size = { gen.choice.weights = { S = \"CASE class WHEN 'EMER' THEN 6 WHEN 'IMP' THEN owner_id % 3 ELSE 0 END\", \
                  R = \"CASE class WHEN 'EMER' THEN 0 WHEN 'IMP' THEN 8 ELSE 5 END\" } }\n";
    let by = "size = { gen.choice = { weights = { S = 0, R = 5 }, weights_by.class = { EMER = { S = 6 }, \
              IMP = { R = 8, S = \"owner_id % 3\" } } } }\n";
    let made = |size: &str| {
        let plan = compiled(&[("profile.toml", &format!("{HEAD}{OWNER}{class}{size}"))]).expect("compiles");
        rows(&plan, "owner", 40)
    };
    assert_eq!(made(ladder), made(by));
    let some = made("size = { gen.choice.weights_by.class = { EMER = { S = 1 } } }\n");
    assert!(some.iter().any(|line| line.ends_with("EMER|S")) && some.iter().any(|line| line.ends_with("AMB|")));
}

const ORDER: &str = "[tables.owner.let]
big = \"owner_id % 2 = 0\"
extra = \"owner_id % 3\"
[tables.item]
of = \"owner\"
count = 2
[tables.item.columns]
no = \"ordinal\"
[tables.step]
of = \"owner\"
when = \"owner_id < 4\"
count = \"owner.extra\"
[[tables.step.row]]
code = \"'OPEN'\"
at = \"owner.owner_id * 10\"
[[tables.step.row]]
each = \"item\"
when = \"owner.big\"
code = \"'PICK'\"
at = \"item.no + 0.5\"
[[tables.step.row]]
each = \"item\"
code = \"CASE WHEN item.no = 1 THEN 'PACK' ELSE 'SEAL' END\"
[[tables.step.row]]
when = \"owner.big\"
code = \"'DONE'\"
at = \"99\"
[tables.step.columns]
owner_id = \"owner.owner_id\"
no = \"ordinal\"
code = \"row.code\"
at = \"row.at\"
";

#[test]
fn a_row_list_gives_its_entries_in_order() {
    let plan = compiled(&[("profile.toml", &format!("{HEAD}{OWNER}{ORDER}"))]).expect("compiles");
    let expected = [
        "1|1|OPEN|10.0",
        "1|2|PACK|",
        "1|3|SEAL|",
        "1|4||",
        "2|1|OPEN|20.0",
        "2|2|PICK|1.5",
        "2|3|PACK|",
        "2|4|PICK|2.5",
        "2|5|SEAL|",
        "2|6|DONE|99.0",
        "2|7||",
        "2|8||",
        "3|1|OPEN|30.0",
        "3|2|PACK|",
        "3|3|SEAL|",
    ];
    assert_eq!(rows(&plan, "step", 6), expected);
    // Parts and single rows are the same rows.
    let alone = Chunk::new(&plan, plan.table("owner").expect("owner"), &[1]).batch(plan.table("step").expect("step"));
    assert_eq!(lines(&alone.expect("a batch")), expected[4..12]);
}

/// The rows of a list have the keys, and so the random values, of the rows that a count makes.
#[test]
fn listed_rows_are_the_rows_that_a_count_makes() {
    let drawn = "drawn = { gen.integer = { min = 0, max = 1000000 } }\n";
    let counted = "[tables.step]\nof = \"owner\"\ncount = \"1 + owner_id % 2\"\n[tables.step.columns]\n\
                   code = \"split_part(CASE owner.owner_id % 2 WHEN 1 THEN 'A,B' ELSE 'B' END, ',', ordinal)\"\n";
    let listed = "[tables.step]\nof = \"owner\"\n[[tables.step.row]]\nwhen = \"owner_id % 2 = 1\"\ncode = \"'A'\"\n\
                  [[tables.step.row]]\ncode = \"'B'\"\n[tables.step.columns]\ncode = \"row.code\"\n";
    let made = |step: &str| {
        let plan = compiled(&[("profile.toml", &format!("{HEAD}{OWNER}{step}{drawn}"))]).expect("compiles");
        rows(&plan, "step", 40)
    };
    assert_eq!(made(counted), made(listed));
}

#[test]
fn parts_are_one_file() {
    let step = "[tables.step]\nof = \"owner\"\ncount = 2\n[tables.step.columns]\nno = \"ordinal\"\n";
    let more =
        "[tables.owner.checks]\n\"O-1\" = { about = \"An owner has a number\", that = \"owner_id > params.least\" }\n";
    let params = "[params]\nleast = { value = 0 }\n";
    let whole = compiled(&[("profile.toml", &format!("{HEAD}{params}{OWNER}{step}{more}"))]).expect("compiles");
    let parts = compiled(&[
        ("profile.toml", &format!("{HEAD}parts = [\"owners\", \"steps\"]\n{params}")),
        ("owners.toml", OWNER),
        ("steps.toml", &format!("{step}{more}")),
    ])
    .expect("compiles");
    let names = |plan: &Plan| plan.tables.iter().map(|table| table.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&whole), names(&parts));
    assert_eq!(rows(&whole, "step", 40), rows(&parts, "step", 40));
    assert_eq!(whole.tables[0].checks, parts.tables[0].checks);
    assert_eq!(parts.tables[0].checks[0].about, "An owner has a number");
}

#[test]
fn every_part_is_in_the_digest_and_in_messages() {
    let files = |owners: &str, steps: &str| {
        let main = format!("{HEAD}parts = [\"owners\", \"steps\"]\n");
        compiled(&[("profile.toml", main.as_str()), ("owners.toml", owners), ("steps.toml", steps)])
    };
    let step = "[tables.step]\nof = \"owner\"\ncount = 2\n[tables.step.columns]\nno = \"ordinal\"\n";
    let one = files(OWNER, step).expect("compiles").digest;
    let other = files(OWNER, &format!("# more\n{step}")).expect("compiles").digest;
    assert_ne!(one, other);
    let error = |owners: &str, steps: &str| files(owners, steps).err().expect("an error");
    let place = |error: &placebo::error::Error| {
        let place = error.place().expect("a place");
        let line = place.text[..place.span.start].lines().count();
        (std::path::Path::new(&place.file).file_name().expect("a file").to_string_lossy().into_owned(), line)
    };
    let wrong = error(OWNER, &format!("{step}other = \"nothing.at_all\"\n"));
    assert_eq!(place(&wrong).0, "steps.toml", "{wrong:?}");
    let twice = error(OWNER, &format!("{step}[tables.owner]\nrows = 3\n"));
    assert_eq!((place(&twice).0.as_str(), twice.path()), ("steps.toml", "tables.owner.rows"));
    let unknown = error(OWNER, &format!("name = \"steps\"\n{step}"));
    assert_eq!(place(&unknown).0, "steps.toml", "{unknown:?}");
    let entry = error(
        OWNER,
        "[tables.step]\nof = \"owner\"\n[[tables.step.row]]\na = \"1\"\n[[tables.step.row]]\na = \"x\"\n[tables.step.columns]\na = \"row.a\"\n",
    );
    assert_eq!((place(&entry), entry.path()), (("steps.toml".to_owned(), 5), "tables.step.row.2.a"));
    let value = error(&format!("{OWNER}[tables.owner.let]\nx = \"y\"\n"), step);
    assert_eq!((place(&value).0.as_str(), value.path()), ("owners.toml", "tables.owner.let.x"));
}
