//! Rows as JSON alone.

use super::{Form, list, pools};

/// The form `json`.
pub(super) static JSON: Form = Form {
    name: "json",
    about: "a JSON array of the rows; with --workers {\"workers\":W,\"pools\":[[…],…]}",
    flat: false,
    one_file: true,
    files: |found| {
        let text = if found.pooled { pools(found) } else { found.pools.iter().map(|pool| list(pool) + "\n").collect() };
        vec![("fixtures.json".to_owned(), text)]
    },
};

/// The form `ndjson`.
pub(super) static NDJSON: Form = Form {
    name: "ndjson",
    about: "a row a line; with --workers each has its `_worker`",
    flat: false,
    one_file: true,
    files: |found| {
        let lines = found.pools.iter().flatten().map(|row| row.json.clone() + "\n").collect();
        vec![("fixtures.ndjson".to_owned(), lines)]
    },
};
