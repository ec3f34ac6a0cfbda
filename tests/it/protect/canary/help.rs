//! The commands and their options that lead to secrets, as the program's help has them.

use crate::run::good;

/// Every command that is none of several, with its options that lead to secrets, as the program's help has them.
pub(super) fn commands() -> Vec<(String, Vec<String>)> {
    let option = regex::Regex::new(r"(?m)^\s+(?:-\w, )?(--[a-z-]+) <(SOURCE|FILE)>").expect("a pattern");
    let (mut found, mut left) = (Vec::new(), vec![String::new()]);
    while let Some(path) = left.pop() {
        let words: Vec<&str> = path.split_whitespace().chain(["--help"]).collect();
        let help = String::from_utf8(good(&words).stdout).expect("text");
        let below = help.split_once("\nCommands:\n").map(|(_, rest)| rest.split("\n\n").next().unwrap_or(""));
        let Some(below) = below else {
            let secret = |name: &str, kind: &str| kind == "SOURCE" || name.contains("key") && !name.contains("public");
            let options = option.captures_iter(&help).filter(|found| secret(&found[1], &found[2]));
            found.push((path, options.map(|found| found[1].to_owned()).collect()));
            continue;
        };
        let names = below.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
        let names = names.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help");
        left.extend(names.map(|name| format!("{path} {name}").trim().to_owned()));
    }
    found.sort();
    found
}
