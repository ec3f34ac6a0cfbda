//! Runners of browsers.

use super::{Form, adapter, fixtures};

/// The form `playwright`.
pub(super) static PLAYWRIGHT: Form = Form {
    name: "playwright",
    about: "fixtures.json, and placebo.ts whose `test` gives each test a row; a pool is a parallel worker",
    flat: false,
    one_file: false,
    files: |found| vec![fixtures(found), adapter(found, "placebo.ts", include_str!("../adapters/playwright.ts"))],
};

/// The form `cypress`.
pub(super) static CYPRESS: Form = Form {
    name: "cypress",
    about: "fixtures.json, and placebo.js with the task `placebo:next`; a pool is a machine, PLACEBO_WORKER says which",
    flat: false,
    one_file: false,
    files: |found| vec![fixtures(found), adapter(found, "placebo.js", include_str!("../adapters/cypress.js"))],
};
