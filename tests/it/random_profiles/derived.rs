//! What the columns of a random profile are computed from: others of the row, its parents, siblings, references, hands.

use super::Drawn;
use super::choices::Choices;
use super::tables::Kind;

/// Adds a column to a table, and sometimes a check that must hold.
pub(super) fn column(choices: &mut Choices, drawn: &mut Drawn, at: usize) {
    let tables = &mut drawn.tables;
    let name = format!("x{}", tables[at].numbers.len());
    let number = |choices: &mut Choices, table: usize, tables: &[super::tables::Table], any: usize| {
        let numbers = &tables[table].numbers;
        // What others of the table are computed from is fine most of the time; a cycle is refused.
        if choices.chance(any) { numbers[choices.below(numbers.len())].clone() } else { "num".to_owned() }
    };
    let own = number(choices, at, tables, 60);
    let child = tables[at].kind != Kind::Root;
    let (mut check, mut numeric) = (None, true);
    let sql = match choices.below(5) {
        1 if child => {
            let parent = tables[at].parent.unwrap_or(at);
            let theirs = number(choices, parent, tables, 40);
            format!("{}.{theirs} + ordinal", tables[parent].name)
        }
        2 if child => {
            let order = choices.of(&["", "ORDER BY ordinal", "ORDER BY day", "ORDER BY tag DESC, ordinal"]);
            let over = format!("OVER ({}{order})", choices.of(&["", "PARTITION BY tag ", "PARTITION BY num % 2 "]));
            match choices.below(8) {
                0 => format!("sum({own}) {over}"),
                1 => format!("lag({own}) {over}"),
                2 => format!("lead({own}) {over}"),
                3 => {
                    check = Some(format!("{name} BETWEEN 1 AND siblings"));
                    format!("row_number() {over}")
                }
                4 => {
                    check = Some(format!("{name} BETWEEN -3 AND 40"));
                    format!("clamped_sum({own} - 2, 0, -3, 40) {over}")
                }
                5 => {
                    check = Some(format!("{name} >= -1"));
                    format!("guarded_sum(-{own}, 5, -1) {over}")
                }
                6 => format!("count({own}) {over}"),
                _ => format!("max({own}) {over}"),
            }
        }
        3 if !tables[at].refs.is_empty() => {
            let reference = &tables[at].refs[choices.below(tables[at].refs.len())];
            let (name, to) = (reference.name.clone(), reference.to);
            let theirs = number(choices, to, tables, 50);
            format!("{name}.{theirs}")
        }
        4 if !tables[at].hands.is_empty() => {
            let hand = tables[at].hands[choices.below(tables[at].hands.len())].clone();
            let h = hand.name.clone();
            let theirs = number(choices, hand.table, tables, 50);
            let filter =
                choices.of(&["", "", " FILTER (WHERE {h}.ok)", " FILTER (WHERE {h}.num > 1)"]).replace("{h}", &h);
            let order = choices.of(&["", " ORDER BY {h}.day", " ORDER BY {h}.num DESC, {h}.id"]).replace("{h}", &h);
            if choices.chance(40) {
                let part = |filter: &str| format!("coalesce(sum({h}.num){filter}, 0)");
                let (yes, no) = (" FILTER (WHERE {h}.ok)", " FILTER (WHERE NOT coalesce({h}.ok, false))");
                let [yes, no] = [yes, no].map(|filter| part(&filter.replace("{h}", &h)));
                tables[at].checks.push(format!("{yes} + {no} = {}", part("")));
            }
            match choices.below(6) {
                0 => format!("count({h}){filter}"),
                1 => format!("sum({h}.{theirs}){filter}"),
                2 => format!("max({h}.{theirs}){filter}"),
                3 => format!("first({h}.{theirs}{order}){filter}"),
                4 => format!("last({h}.{theirs}{order}){filter}"),
                _ => {
                    numeric = false;
                    choices
                        .of(&["string_agg({h}.tag{o})", "bool_and({h}.ok)", "avg({h}.amt)", "min({h}.day)"])
                        .replace("{h}", &h)
                        .replace("{o}", &order)
                }
            }
        }
        _ => match choices.below(8) {
            6 => format!("round(10 * sin({own}) + power(1.1, {own} % 50) + ln(1 + abs({own})), 6)::bigint"),
            7 => {
                let zone = choices.of(&[
                    "'Europe/Berlin'",
                    "'America/St_Johns'",
                    "CASE WHEN ok THEN 'UTC' ELSE 'Asia/Tokyo' END",
                ]);
                let noon = format!("(CAST(day AS datetime) + ({own} % 1000) * INTERVAL '1' HOUR)");
                if choices.chance(50) {
                    numeric = false;
                    format!("{noon} AT TIME ZONE {zone}")
                } else {
                    format!("EXTRACT(hour FROM {noon} AT TIME ZONE {zone} AT TIME ZONE 'Asia/Kathmandu')")
                }
            }
            0 => format!("{own} * 2 + 1"),
            1 => format!("CASE WHEN ok THEN {own} WHEN tag = 'a' THEN 7 END"),
            2 => format!("coalesce({own}, 3) % 4"),
            3 => format!("length(tag || '/' || CAST({own} AS text))"),
            4 => format!("EXTRACT(day FROM day) + {own}"),
            _ => {
                numeric = false;
                choices.of(&["amt * 1.5", "day + num", "tag || 'x'", "ok AND num > 1", "round(amt, 1)"]).to_owned()
            }
        },
    };
    let null = if choices.chance(10) { ", null = 0.2" } else { "" };
    let table = &mut tables[at];
    table.column(&name, &format!("{{ expr = \"{sql}\"{null} }}"));
    table.checks.extend(check.filter(|_| null.is_empty()));
    // A name for each, so that numbers and others do not meet.
    table.numbers.push(if numeric { name } else { "num".to_owned() });
}
