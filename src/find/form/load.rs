//! Load generators: a pool is an engine, and has a file of its own.

use super::{Form, adapter, each, each_csv, list};

/// The form `k6`.
pub(super) static K6: Form = Form {
    name: "k6",
    about: "fixtures-N.json for each engine, and placebo.js with a SharedArray that each iteration takes a row of",
    flat: false,
    one_file: false,
    files: |found| {
        let mut files = each(found, "json", |rows| list(rows) + "\n");
        files.push(adapter(found, "placebo.js", include_str!("../adapters/k6.js")));
        files
    },
};

/// The form `jmeter`.
pub(super) static JMETER: Form = Form {
    name: "jmeter",
    about: "fixtures-N.csv for each engine, without a header, and placebo.jmx, which ends a thread when there are no more rows",
    flat: true,
    one_file: false,
    files: |found| {
        let mut files = each_csv(found, false);
        files.push(adapter(found, "placebo.jmx", include_str!("../adapters/placebo.jmx")));
        files
    },
};

/// The form `gatling`.
pub(super) static GATLING: Form = Form {
    name: "gatling",
    about: "fixtures-N.csv for each engine, and PlaceboFeeder.java, a queue that ends the run when it is empty",
    flat: true,
    one_file: false,
    files: |found| {
        let mut files = each_csv(found, true);
        files.push(adapter(found, "PlaceboFeeder.java", include_str!("../adapters/PlaceboFeeder.java")));
        files
    },
};

/// The form `locust`.
pub(super) static LOCUST: Form = Form {
    name: "locust",
    about: "fixtures-N.json for each worker process, and placebo_rows.py, which reads that of its worker index",
    flat: false,
    one_file: false,
    files: |found| {
        let mut files = each(found, "json", |rows| list(rows) + "\n");
        files.push(adapter(found, "placebo_rows.py", include_str!("../adapters/placebo_rows.py")));
        files
    },
};
