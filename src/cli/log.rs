//! Events of `--log-format json`: one JSON object a line on stderr, for programs that start this one.
//!
//! Every line has `event` and `level`. The names of events and of their fields are a contract, as the exit codes are:
//! README.md lists them, and a test compares. Lines carry no time: their collector adds it.

use std::io::Write;

use serde_json::{Value, json};

use crate::dataset::{DataSet, FINGERPRINT};
use crate::engine::{Event, Outcome};
use crate::error::Error;
use crate::purge::Purged;
use crate::verify::Finding;

/// Writes one line. A closed stderr is ignored: the exit code still tells.
fn line(level: &str, event: &str, fields: Value) {
    let mut all = json!({ "event": event, "level": level });
    if let (Some(all), Value::Object(fields)) = (all.as_object_mut(), fields) {
        all.extend(fields);
    }
    let _unheard = std::io::stderr().lock().write_all(format!("{all}\n").as_bytes());
}

/// Writes a message for a person to stderr. A closed stderr is ignored: a run does not fail for a message.
pub(super) fn say(text: &str) {
    let _unheard = std::io::stderr().lock().write_all(format!("{text}\n").as_bytes());
}

pub(super) fn start(set: &DataSet, format: &str, out: &str) {
    let plan = set.plan();
    let roots = plan.tables.iter().filter(|table| table.parent.is_none());
    let rows: serde_json::Map<String, Value> = roots.map(|table| (table.name.clone(), table.rows.into())).collect();
    // A seed that the manifest withholds is withheld here too.
    let seed = if set.protection().commitment("").is_some() { Value::Null } else { plan.seed.as_str().into() };
    line(
        "info",
        "start",
        json!({
            "profile": plan.name, "seed": seed, "rows": rows,
            "fingerprint": set.shown_fingerprint(),
            "engine": FINGERPRINT, "format": format, "out": out,
            "part": set.this_part(),
        }),
    );
}

pub(super) fn progress(done: u64, total: u64, rows: u64) {
    line("info", "progress", json!({ "done": done, "total": total, "rows": rows }));
}

pub(super) fn event(event: Event) {
    line("info", event.name, event.fields);
}

pub(super) fn purged(load: &Purged) {
    let Purged { load, profile, rows, dropped, notes } = load;
    line(
        "info",
        "purged",
        json!({ "load": load, "profile": profile, "rows": rows, "dropped": dropped, "notes": notes }),
    );
}

pub(super) fn end(out: &str, outcome: &Outcome) {
    let log = outcome.log.as_ref().map(|log| json!({ "events": log.events, "last": log.last }));
    let (files, rows, bytes) = (outcome.outputs, outcome.rows, outcome.bytes);
    line("info", "end", json!({ "out": out, "files": files, "rows": rows, "bytes": bytes, "log": log }));
}

pub(super) fn warning(message: &str, hint: &str) {
    line("warning", "warning", json!({ "message": message, "hint": hint }));
}

pub(super) fn finding(finding: &Finding) {
    line("error", "finding", json!(finding));
}

pub(super) fn note(text: &str) {
    line("warn", "note", json!({ "message": text }));
}

pub(super) fn error(error: &Error) {
    let place = error.place().map(|place| {
        let (line, column) = place.line_column();
        json!({ "file": place.file, "line": line, "column": column })
    });
    line(
        "error",
        "error",
        json!({
            "code": error.kind().exit_code(), "message": error.message(), "path": error.path(),
            "cause": causes(error), "hint": error.hint_text(), "place": place,
        }),
    );
}

/// The errors behind an error, the nearest first.
fn causes(error: &Error) -> Vec<String> {
    let first = std::error::Error::source(error);
    std::iter::successors(first, |error| std::error::Error::source(*error)).map(ToString::to_string).collect()
}

/// Tells whether arguments that do not parse ask for errors as JSON.
pub(super) fn asked(mut args: impl Iterator<Item = String>) -> bool {
    let mut last = String::new();
    args.any(|arg| {
        let asks = ["--log-format", "--error-format"]
            .iter()
            .any(|option| arg.strip_prefix(option) == Some("=json") || last == *option && arg == "json");
        last = arg;
        asks
    })
}
