//! Cases as Gherkin: a scenario outline a fault, a decision and its reason, or a way to tamper with a trail, with an example a case.

use serde_json::Value;

use super::CaseDocument;

/// A feature with the cases, which are in the order of their faults.
#[must_use]
pub fn feature(profile: &str, mut cases: Vec<CaseDocument>) -> String {
    let fault = |case: &CaseDocument| case.json["fault"].as_str().unwrap_or_default().to_owned();
    cases.sort_by_key(fault);
    let mut text = format!("Feature: {profile}: rows that are wrong on purpose\n");
    for group in cases.chunk_by(|one, other| fault(one) == fault(other)) {
        let Some(first) = group.first() else { continue };
        text += &format!(
            "\n  Scenario Outline: {}\n    Given the rows <given>\n    When <when> is sent\n    Then the system decides <decision>, answers one of \
             <answers>, and holds <state>\n\n    Examples:\n      | case | given | when | decision | answers | state |\n",
            one_line(&first.about)
        );
        for case in group {
            let then = &case.json["then"];
            let cells = [
                &Value::String(case.name.clone()),
                &case.json["given"],
                &case.json["when"],
                &then["decision"],
                &then["answers"],
                &then["state"],
            ];
            text += "      |";
            for cell in cells {
                let shown = cell.as_str().map_or_else(|| cell.to_string(), str::to_owned);
                text += &format!(" {} |", escaped(&shown));
            }
            text.push('\n');
        }
    }
    text
}

/// A feature with the requests of a pack, which come with their decision and reason.
#[must_use]
pub fn requests(profile: &str, mut cases: Vec<CaseDocument>) -> String {
    cases.sort_by(|one, other| one.about.cmp(&other.about));
    let pack = cases.first().map_or("", |case| case.json["pack"].as_str().unwrap_or_default());
    let mut text = format!("Feature: {profile}: decisions on {pack}\n");
    for group in cases.chunk_by(|one, other| one.about == other.about) {
        let Some(first) = group.first() else { continue };
        let [law, answer, reason] =
            [&first.json["law"], &first.json["expect"]["answer"], &first.json["expect"]["reason"]]
                .map(|text| text.as_str().unwrap_or_default());
        text += &format!(
            "\n  # {}\n  Scenario Outline: {}\n    When <request> is asked\n    Then the answer is \"{answer}\" because of \"{reason}\"\n    And \
             what follows is <expect>\n\n    Examples:\n      | case | request | expect |\n",
            one_line(law),
            one_line(&first.about)
        );
        for case in group {
            let cells = [case.name.clone(), case.json["request"].to_string(), case.json["expect"].to_string()];
            text += &format!("      | {} |\n", cells.map(|cell| escaped(&cell)).join(" | "));
        }
    }
    text
}

/// A feature with the trails of a pack, which come by the way in which they were tampered with.
#[must_use]
pub fn trails(profile: &str, cases: Vec<CaseDocument>) -> String {
    let mut text = format!("Feature: {profile}: trails that somebody tampered with\n");
    for group in cases.chunk_by(|one, other| one.about == other.about) {
        let Some(first) = group.first() else { continue };
        text += &format!(
            "\n  # {}\n  Scenario Outline: {}\n    Given the chain <chain> with the anchors <anchors>\n    When <trail> is verified\n    Then the \
             verifier answers <expect>\n\n    Examples:\n      | case | chain | anchors | trail | expect |\n",
            one_line(first.json["law"].as_str().unwrap_or_default()),
            one_line(&first.about)
        );
        for case in group {
            let json = ["chain", "anchors", "trail", "expect"].map(|key| escaped(&case.json[key].to_string()));
            text += &format!("      | {} | {} |\n", escaped(&case.name), json.join(" | "));
        }
    }
    text
}

/// A cell of a table of examples.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('|', "\\|").replace('\n', "\\n")
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn a_cell_stays_one_cell() {
        assert_eq!(escaped("a|b\\c\nd"), "a\\|b\\\\c\\nd");
    }
}
