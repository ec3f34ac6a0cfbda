//! Licences and networks: every dependency's licence is on the list of `deny.toml`, every data file names its source and its
//! licence, and nothing reaches a network but the targets that a feature adds.
//!
//! `cargo deny` says the same about the dependencies, with the texts of the licences and for every platform; this needs
//! nothing but cargo, so the gate holds it on any machine.

use std::path::Path;
use std::process::Command;

/// What may stand after `# licence:` in a shipped data file, part by part (`what: licence; what: licence`).
const DATA: [&str; 9] = [
    "Apache-2.0, as the rest of this project",
    "public domain (work of the US government)",
    "public domain (work of the US government) (facts only)",
    "US government (NCHS/CMS), free to use",
    "US government (CMS), free to use",
    "HL7 terminology, no rights reserved (CC0)",
    "code values as facts",
    "no licence needed",
    "CC0-1.0",
];
/// LOINC asks that its notice goes with the content: a file under it says so and has the notice.
const LOINC: &str = "LOINC licence, notice below";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Whether the expression leaves a choice that is on the list; an error where it is no expression.
fn allowed(expression: &str, list: &[&str]) -> Result<bool, String> {
    // The old form `MIT/Apache-2.0` means a choice.
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let mut words = spaced.split_whitespace().peekable();
    let fits = any(&mut words, list)?;
    words.next().map_or(Ok(fits), |word| Err(format!("`{word}` is left over in `{expression}`")))
}

type Words<'a> = std::iter::Peekable<std::str::SplitWhitespace<'a>>;

/// `a OR b`: one is enough. Both sides are read in any case.
fn any(words: &mut Words<'_>, list: &[&str]) -> Result<bool, String> {
    let mut fits = all(words, list)?;
    while words.next_if_eq(&"OR").is_some() {
        fits |= all(words, list)?;
    }
    Ok(fits)
}

/// `a AND b` binds tighter than `OR`: all must fit.
fn all(words: &mut Words<'_>, list: &[&str]) -> Result<bool, String> {
    let mut fits = one(words, list)?;
    while words.next_if_eq(&"AND").is_some() {
        fits &= one(words, list)?;
    }
    Ok(fits)
}

/// A licence, a licence with an exception (a name of its own on the list), or an expression in parentheses.
fn one(words: &mut Words<'_>, list: &[&str]) -> Result<bool, String> {
    match words.next() {
        Some("(") => {
            let fits = any(words, list)?;
            words.next_if_eq(&")").map(|_| fits).ok_or_else(|| "`)` is missing".to_owned())
        }
        Some(word) if !["OR", "AND", "WITH", ")"].contains(&word) => match words.next_if_eq(&"WITH") {
            Some(_) => {
                let exception = words.next().ok_or("an exception is missing")?;
                Ok(list.contains(&format!("{word} WITH {exception}").as_str()))
            }
            None => Ok(list.contains(&word)),
        },
        other => Err(format!("a licence is missing at `{}`", other.unwrap_or("the end"))),
    }
}

#[test]
fn every_dependency_is_on_the_list() {
    let deny: toml::Table =
        std::fs::read_to_string(root().join("deny.toml")).expect("deny.toml").parse().expect("TOML");
    let list: Vec<&str> =
        deny["licenses"]["allow"].as_array().expect("a list").iter().filter_map(toml::Value::as_str).collect();
    let clarified = |name: &str| {
        let all = deny["licenses"].get("clarify").and_then(toml::Value::as_array)?;
        all.iter().find(|entry| entry["crate"].as_str() == Some(name))?["expression"].as_str()
    };
    let banned: Vec<&str> =
        deny["bans"]["deny"].as_array().expect("a list").iter().filter_map(|b| b["crate"].as_str()).collect();
    let mut wrong = Vec::new();
    let packages = packages();
    for package in &packages {
        let text = |key: &str| package[key].as_str().unwrap_or_default();
        let licence = package["license"].as_str().or_else(|| clarified(text("name"))).unwrap_or_default();
        match allowed(licence, &list) {
            Ok(true) => {}
            Ok(false) => wrong.push(format!("{}: `{licence}` is not on the list", text("name"))),
            Err(error) => wrong.push(format!("{}: {error}", text("name"))),
        }
        if banned.contains(&text("name")) {
            wrong.push(format!("{}: banned in deny.toml", text("name")));
        }
        if text("name") != "placebo" && !text("source").starts_with("registry+") {
            wrong.push(format!("{}: from `{}`, which is no registry", text("name"), text("source")));
        }
    }
    assert!(packages.len() > 100 && list.len() > 5 && !banned.is_empty(), "the test looks at nothing");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What is built here, tests included: other platforms' crates need not be on this machine.
fn packages() -> Vec<serde_json::Value> {
    let run = |program: &str, args: &[&str]| {
        let output = Command::new(program).args(args).current_dir(root()).output().expect("runs");
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    };
    let rustc = run("rustc", &["-vV"]);
    let host = rustc.lines().find_map(|line| line.strip_prefix("host: ")).expect("a host");
    let args = ["metadata", "--format-version", "1", "--locked", "--offline", "--filter-platform", host];
    let metadata: serde_json::Value = serde_json::from_str(&run(env!("CARGO"), &args)).expect("JSON");
    metadata["packages"].as_array().expect("packages").clone()
}

/// Words by which Rust code opens a connection, without any crate.
const SOCKETS: [&str; 5] = ["TcpStream", "TcpListener", "UdpSocket", "UnixStream", "ToSocketAddrs"];

/// The first word of `words` that code uses, comments aside, where the file at `path` (below `src/`) may not use it.
fn reaches_out<'a>(path: &Path, text: &str, words: &[&'a str]) -> Option<&'a str> {
    if path.starts_with("target") || path == Path::new("target.rs") {
        return None;
    }
    let mut code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    // A crate is the start of a path; its name alone is a word like others.
    let is_path = |line: &str, at: usize, name: &str| {
        line[at + name.len()..].starts_with("::") && !line[..at].ends_with("::")
            || line[..at].trim_end().ends_with("use")
    };
    let used = |line: &str| {
        words.iter().copied().find(|word| {
            let of_crate = word.chars().all(|c| !c.is_uppercase());
            line.match_indices(word).any(|(at, _)| {
                let part = |c: char| c.is_alphanumeric() || c == '_';
                let alone = !line[..at].ends_with(part) && !line[at + word.len()..].starts_with(part);
                alone && (!of_crate || is_path(line, at, word))
            })
        })
    };
    code.find_map(used)
}

/// Optional dependencies that the feature `cli` does not turn on, as Rust code names them.
fn clients(cargo: &toml::Table) -> Vec<String> {
    let cli: Vec<&str> =
        cargo["features"]["cli"].as_array().expect("a list").iter().filter_map(toml::Value::as_str).collect();
    let dependencies = cargo["dependencies"].as_table().expect("a table");
    let optional =
        dependencies.iter().filter(|(_, says)| says.get("optional").is_some_and(|o| o.as_bool() == Some(true)));
    let of_features = optional.filter(|(name, _)| !cli.contains(&format!("dep:{name}").as_str()));
    of_features.map(|(name, _)| name.replace('-', "_")).collect()
}

#[test]
fn only_targets_reach_a_network() {
    let cargo: toml::Table =
        std::fs::read_to_string(root().join("Cargo.toml")).expect("Cargo.toml").parse().expect("TOML");
    let clients = clients(&cargo);
    let words: Vec<&str> = SOCKETS.into_iter().chain(clients.iter().map(String::as_str)).collect();
    let source = root().join("src");
    let mut files = Vec::new();
    crate::layers::sources(&source, "rs", &mut files);
    assert!(files.len() > 30, "the test looks at nothing");
    let found = files.iter().filter_map(|file| {
        let path = file.strip_prefix(&source).expect("below src");
        let word = reaches_out(path, &std::fs::read_to_string(file).expect("text"), &words)?;
        Some(format!("src/{}: `{word}` belongs into src/target/", path.display()))
    });
    assert_eq!(found.collect::<Vec<_>>().join("\n"), "");
}

#[test]
fn the_reader_of_networks_can_refuse() {
    let code = "// TcpStream\nuse std::net::TcpStream;\n";
    assert_eq!(reaches_out(Path::new("plan/x.rs"), code, &SOCKETS), Some("TcpStream"));
    assert_eq!(reaches_out(Path::new("target/http.rs"), code, &SOCKETS), None);
    assert_eq!(reaches_out(Path::new("plan/x.rs"), "// TcpStream\nuse std::net::Ipv4Addr;\n", &SOCKETS), None);
    let words = ["postgres"];
    assert_eq!(reaches_out(Path::new("cli/x.rs"), "let x = postgres::Client;", &words), Some("postgres"));
    assert_eq!(reaches_out(Path::new("cli/x.rs"), "use postgres;", &words), Some("postgres"));
    assert_eq!(reaches_out(Path::new("cli/x.rs"), "\"postgres\" => server::postgres(x),", &words), None);
    let cargo = "[features]\ncli = [\"dep:clap\"]\n[dependencies]\nserde = \"1\"\n\
                 clap = { version = \"4\", optional = true }\ntokio-postgres = { version = \"1\", optional = true }\n";
    assert_eq!(clients(&cargo.parse().expect("TOML")), ["tokio_postgres"]);
}

#[test]
fn the_reader_of_licences_can_refuse() {
    let list = ["MIT", "Apache-2.0", "Unicode-3.0", "Apache-2.0 WITH LLVM-exception"];
    let cases = [
        ("MIT", true),
        ("GPL-3.0-only", false),
        ("GPL-3.0-only OR MIT", true),
        ("GPL-3.0-only/MIT", true),
        ("GPL-3.0-only AND MIT", false),
        ("MIT AND GPL-3.0-only OR Apache-2.0", true),
        ("(MIT OR Apache-2.0) AND GPL-3.0-only", false),
        ("(GPL-3.0-only OR MIT) AND Unicode-3.0", true),
        ("Apache-2.0 WITH LLVM-exception", true),
        ("MIT WITH LLVM-exception", false),
    ];
    for (expression, want) in cases {
        assert_eq!(allowed(expression, &list), Ok(want), "{expression}");
    }
    for broken in ["", "MIT OR", "(MIT", "MIT)", "AND MIT", "MIT Apache-2.0", "Apache-2.0 WITH"] {
        assert!(allowed(broken, &list).is_err(), "{broken}");
    }
}

/// What is wrong with the leading lines of a data file.
fn fault(text: &str) -> Option<String> {
    let note =
        |key: &str| text.lines().take_while(|line| line.starts_with('#')).find_map(|line| line.strip_prefix(key));
    if note("# source:").is_none_or(|source| source.trim().len() < 5) {
        return Some("no `# source:`".to_owned());
    }
    let Some(licence) = note("# licence:") else { return Some("no `# licence:`".to_owned()) };
    for part in licence.split(';').map(str::trim) {
        let known = |name: &&str| part == *name || part.strip_suffix(name).is_some_and(|what| what.ends_with(": "));
        let notice =
            text.lines().any(|line| line.starts_with('#') && line.contains("copyright") && line.contains("LOINC"));
        if !(DATA.iter().any(known) || known(&LOINC) && notice) {
            return Some(format!("the licence `{part}` is not on the list"));
        }
    }
    None
}

#[test]
fn every_data_file_names_its_source_and_a_known_licence() {
    let mut files = Vec::new();
    crate::layers::sources(&root().join("profiles"), "csv", &mut files);
    assert!(files.len() >= 15, "the test looks at nothing");
    let faults = files.iter().filter_map(|file| {
        let text = std::fs::read_to_string(file).expect("text");
        fault(&text).map(|fault| format!("{}: {fault}", file.display()))
    });
    assert_eq!(faults.collect::<Vec<_>>().join("\n"), "");
    let good = "# source: own list\n# licence: labels: Apache-2.0, as the rest of this project\n";
    assert_eq!(fault(good), None);
    for bad in
        [good.replace("source", "sauce"), good.replace("Apache-2.0", "GPL-3.0"), good.replace("# licence", "# license")]
    {
        assert!(fault(&bad).is_some(), "{bad}");
    }
}
