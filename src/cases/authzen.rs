//! Decisions as `AuthZEN` 1.0: the body of `POST /access/v1/evaluations`, and beside it what is expected of each evaluation.
//!
//! Source: `OpenID` `AuthZEN` Authorization API 1.0, <https://openid.net/specs/authorization-api-1_0.html>.

use serde_json::{Value, json};

use super::CaseDocument;
use crate::error::{Error, Result};

/// The members that an evaluation must have.
const NEEDED: [&str; 3] = ["subject", "action", "resource"];

/// The files of a pack: `evaluations.json`, which is sent as it is, and `expected.json` with a member for each evaluation, in the same order.
///
/// # Errors
///
/// If a request has no subject, action or resource.
pub fn files(cases: &[CaseDocument]) -> Result<Vec<(String, String)>> {
    let mut evaluations = Vec::new();
    for case in cases {
        if let Some(missing) = NEEDED.iter().find(|name| !case.json["request"][**name].is_object()) {
            return Err(Error::profile(
                format!("decisions.{}.request", case.json["pack"].as_str().unwrap_or_default()),
                format!("`{missing}` is missing, without which AuthZEN takes no request"),
            ));
        }
        evaluations.push(case.json["request"].clone());
    }
    let expected = cases.iter().map(|case| {
        let mut own = case.json.clone();
        own.shift_remove("request");
        Value::Object(own)
    });
    let text = |value: &Value| serde_json::to_string_pretty(value).map(|text| text + "\n");
    let pair = |name: &str, value: Value| -> Result<(String, String)> {
        Ok((name.to_owned(), text(&value).map_err(|error| Error::internal(error.to_string()))?))
    };
    Ok(vec![
        pair("evaluations.json", json!({ "evaluations": evaluations }))?,
        pair("expected.json", Value::Array(expected.collect()))?,
    ])
}
