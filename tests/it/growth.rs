//! A root table that grows with another one has as many rows for each row of it as its profile says.

use placebo::error::Result;
use placebo::plan::{Options, Plan};

const SHOP: &str = "
name = 'shop'
as_of = 2025-06-30
[tables.customer]
rows = 10
[tables.customer.columns]
customer_id = { expr = 'row + 1', key = true }
[tables.clerk]
rows = 7
grows_with = 'customer'
[tables.clerk.columns]
clerk_id = { expr = 'row + 1', key = true }
";

/// The rows of customers and clerks, of a profile and what the command line says.
fn sizes(text: &str, rows: &[(&str, u64)], scale: f64) -> Result<[u64; 2]> {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("profile.toml"), text).expect("writes");
    let loaded = placebo::profile::load(folder.path().to_str().expect("a path"))?;
    let rows = rows.iter().map(|(table, rows)| ((*table).to_owned(), *rows)).collect();
    let plan = Plan::compile(&loaded, &Options { rows, scale, ..Options::default() })?;
    Ok(["customer", "clerk"].map(|name| plan.tables[plan.table(name).expect("the table")].rows))
}

#[test]
fn rows_keep_the_ratio_of_the_profile() {
    for (rows, scale, expected) in [
        (&[][..], 1.0, [10, 7]),
        (&[("customer", 25)], 1.0, [25, 18]),
        (&[("customer", 5)], 1.0, [5, 7]),
        (&[], 2.0, [20, 14]),
        (&[("customer", 25)], 10.0, [25, 70]),
        (&[("customer", 25), ("clerk", 3)], 1.0, [25, 3]),
    ] {
        assert_eq!(sizes(SHOP, rows, scale).expect("compiles"), expected, "{rows:?} at scale {scale}");
    }
}

#[test]
fn only_root_tables_grow_with_root_tables() {
    let unknown = SHOP.replace("grows_with = 'customer'", "grows_with = 'custommer'");
    let child = SHOP.replace("rows = 7", "of = 'customer'\ncount = 2");
    for (text, message) in [(unknown, "unknown table `custommer`"), (child, "not both root tables with `rows`")] {
        let error = sizes(&text, &[], 1.0).expect_err("is refused").to_string();
        assert!(error.contains(message), "{error}");
    }
    assert!(sizes(SHOP, &[("customer", 1 << 62)], 1.0).is_err(), "too many rows are refused");
}
