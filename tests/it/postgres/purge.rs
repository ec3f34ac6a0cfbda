//! Loads verified, found and removed again, beside rows of others.

use std::process::Output;

use super::server::shared;
use super::{Profile, load, loaded, text_of};
use crate::run::placebo;

/// A circle of two tables, and a table below one of them that refers to itself.
const CIRCLE: &str = r#"
[tables.team]
rows = 40
[tables.team.columns]
team_id = { expr = "row + 1", key = true }
lead_id = "row % 90 + 1"
[tables.member]
rows = 90
[tables.member.refs]
team = { table = "team" }
[tables.member.columns]
member_id = { expr = "row + 1", key = true }
team_id = "team.team_id"
name = "'member ' || CAST(row AS text)"
[tables.task]
of = "member"
count = 3
[tables.task.columns]
task_id = { expr = "member.member_id * 10 + ordinal", key = true }
member_id = "member.member_id"
after_id = "CASE WHEN ordinal > 1 THEN member.member_id * 10 + ordinal - 1 END"
"#;

/// The same tables as a migration makes them, with foreign keys that cannot be deferred, and rows of an application.
const TABLES: &str = "
CREATE TABLE team (team_id bigint PRIMARY KEY, lead_id bigint, motto text DEFAULT 'none');
CREATE TABLE member (member_id bigint PRIMARY KEY, team_id bigint REFERENCES team, name text NOT NULL);
CREATE TABLE task (task_id bigint PRIMARY KEY, member_id bigint NOT NULL REFERENCES member, after_id bigint REFERENCES task);
ALTER TABLE team ADD FOREIGN KEY (lead_id) REFERENCES member;
CREATE TABLE note (note_id serial PRIMARY KEY, task_id bigint REFERENCES task, body text);
CREATE TABLE testdata_target ();
INSERT INTO team VALUES (1000, NULL, 'theirs'); INSERT INTO member VALUES (1000, 1000, 'theirs');
UPDATE team SET lead_id = 1000; INSERT INTO task VALUES (100000, 1000, NULL), (100001, 1000, 100000);
INSERT INTO note (task_id, body) VALUES (100001, 'kept'), (NULL, 'kept too')";

const NAMES: [&str; 4] = ["team", "member", "task", "note"];

fn run(args: &[&str]) -> (i32, String) {
    let output: Output = placebo(args).output().expect("runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    (output.status.code().unwrap_or(-1), format!("{said} {}", text_of(&output)))
}

#[test]
fn rows_of_others_are_as_they_were_after_a_purge() {
    let server = shared();
    let (url, profile) = (server.database("purged"), Profile::new(CIRCLE));
    server.client("purged").batch_execute(TABLES).expect("SQL");
    let rows = || {
        let of = |table: &&str| {
            let select = format!("SELECT string_agg(t::text, ';' ORDER BY t::text) FROM {table} t");
            server.text("purged", &select)
        };
        NAMES.iter().map(of).collect::<Vec<String>>()
    };
    let before = rows();
    let args = [profile.path(), "-q", "--mode", "append", "--defer-foreign-keys"];
    loaded(&args, &url);
    assert_eq!(server.number("purged", "SELECT count(*) FROM task"), 272);
    let (code, said) = run(&["verify", "--database", &url, "--profile", profile.path(), "--replay", "all"]);
    assert!(code == 0 && said.contains("rows of others") && said.contains("chunks derived again"), "{said}");
    let purge = ["purge", "--from", url.as_str(), "--profile", profile.path()];
    // A row of theirs that depends on one of the load keeps all of it there.
    server.client("purged").batch_execute("INSERT INTO note (task_id, body) VALUES (11, 'depends')").expect("SQL");
    let loaded_rows = rows();
    let (code, said) = run(&purge);
    assert!(code == 6 || code == 5, "{code} {said}");
    assert_eq!(rows(), loaded_rows, "nothing was removed");
    server
        .client("purged")
        .batch_execute(
            "DELETE FROM note WHERE body = 'depends'; ALTER TABLE note DROP CONSTRAINT note_task_id_fkey, \
             ADD FOREIGN KEY (task_id) REFERENCES task ON DELETE CASCADE",
        )
        .expect("SQL");
    let (code, said) = run(&purge);
    assert!(code == 5 && said.contains("`note` has rows of others, which go or change"), "{code} {said}");
    server
        .client("purged")
        .batch_execute(
            "ALTER TABLE note DROP CONSTRAINT note_task_id_fkey, ADD FOREIGN KEY (task_id) REFERENCES task; \
             UPDATE member SET name = 'changed' WHERE member_id = 5; UPDATE team SET lead_id = NULL WHERE team_id = 9",
        )
        .expect("SQL");
    let (code, said) = run(&purge);
    assert!(code == 0 && said.contains("0 tables dropped"), "{code} {said}");
    assert_eq!(rows(), before);
    assert_eq!(server.number("purged", "SELECT count(*) FROM pg_class WHERE relname LIKE '\\_placebo%'"), 0);
    assert_eq!(run(&purge).0, 5, "there is nothing more to remove");
}

#[test]
fn loads_of_one_database_are_told_apart() {
    let server = shared();
    let (url, profile) = (server.database("several"), Profile::new(CIRCLE));
    loaded(&[profile.path(), "-q", "--tables", "team"], &url);
    loaded(&[profile.path(), "-q", "--tables", "member,task"], &url);
    let (code, said) = run(&["detect", "--in", &url]);
    assert!(code == 0 && said.matches("complete").count() == 2, "{said}");
    let names: Vec<&str> = said.lines().filter(|line| line.contains("complete")).collect();
    let second = names.iter().find(|line| line.contains(" 2 ")).and_then(|line| line.split_whitespace().next());
    let second = second.expect("the load of two tables");
    let (code, said) = run(&["purge", "--from", &url, "--load", second]);
    assert!(code == 0 && said.contains("2 tables dropped"), "{said}");
    assert_eq!(server.number("several", "SELECT count(*) FROM team"), 40);
    let (code, said) = run(&["verify", "--database", &url, "--profile", profile.path()]);
    assert!(code == 0 && said.contains("1 tables of `small`"), "{said}");
    let output = load(&[profile.path(), "--seed", "2", "--tables", "team"], &url).output().expect("runs");
    assert_eq!(output.status.code(), Some(5), "{}", text_of(&output));
    loaded(&[profile.path(), "-q", "--seed", "2", "--tables", "team", "--mode", "replace"], &url);
    loaded(&[profile.path(), "-q", "--seed", "3", "--tables", "team", "--mode", "truncate"], &url);
    let (code, said) = run(&["verify", "--database", &url, "--profile", profile.path(), "--replay", "all"]);
    assert!(code == 0, "{said}");
    server.client("several").batch_execute("UPDATE team SET lead_id = 7 WHERE team_id = 3").expect("SQL");
    let (code, said) = run(&["verify", "--database", &url, "--profile", profile.path()]);
    assert!(code == 6 && said.contains("digest"), "{said}");
}
