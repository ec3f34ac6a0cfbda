//! The pages of `docs/use/` and the README are true: their commands run, and the outputs that they show are the program's.
//!
//! Blocks of `sh` are run, one after the other in one folder; those of `console` have commands behind `$` and what these print. A
//! block below `<!-- not run: why -->` is left out. `<!-- replace: 1M 2k -->` makes a page's commands smaller. Files of `examples/` that
//! a page names are there. A page with `<!-- run by: … -->` is run by a judge of that name, which has the databases and libraries that
//! it needs.

use std::path::Path;
use std::process::{Command, Output};

/// The beginning of a comment that says who runs a page.
const RUN_BY: &str = "<!-- run by: ";

struct Block {
    language: String,
    text: String,
    left_out: bool,
}

/// The fenced blocks of a page.
fn blocks(page: &str) -> Vec<Block> {
    let (mut blocks, mut open, mut left_out) = (Vec::new(), None::<Block>, false);
    for line in page.lines() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(language)) => {
                open = Some(Block { language: language.to_owned(), text: String::new(), left_out });
                left_out = false;
            }
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(block), None) => block.text += &format!("{line}\n"),
            (None, None) => left_out = line.starts_with("<!-- not run: ") || left_out && line.is_empty(),
        }
    }
    blocks
}

/// Runs commands as a shell does, with `placebo` on the path.
fn shell(folder: &Path, commands: &str) -> Output {
    let program = Path::new(env!("CARGO_BIN_EXE_placebo")).parent().expect("a folder");
    let commands = format!("PATH='{}':\"$PATH\"\n{commands}", program.display());
    Command::new("sh").args(["-euc", &commands]).current_dir(folder).output().expect("a shell")
}

/// Commands and outputs of a block: a command begins with `$ `, and what follows is what it prints.
fn commands(text: &str) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    for line in text.lines() {
        match (line.strip_prefix("$ "), found.last_mut()) {
            (Some(command), _) => found.push((command.to_owned(), String::new())),
            (None, Some((command, _))) if command.ends_with('\\') => *command += &format!("\n{line}"),
            (None, Some((_, output))) => *output += &format!("{line}\n"),
            (None, None) => panic!("output without a command: {line}"),
        }
    }
    found
}

/// Tells whether a text is what a page shows of it: equal, or with lines left out where the page has `…`.
fn shows(page: &str, text: &str) -> bool {
    let mut rest = text.trim_end().lines();
    let mut gap = false;
    for line in page.trim_end().lines() {
        if line.trim() == "…" {
            gap = true;
            continue;
        }
        if !(if gap { rest.any(|other| other == line) } else { rest.next() == Some(line) }) {
            return false;
        }
        gap = false;
    }
    gap || rest.next().is_none()
}

#[test]
fn lines_are_left_out_only_where_a_page_says_so() {
    let text = "a\n b\nc\nd\n";
    for (page, good) in [(text, true), ("a\n…\nd", true), ("…\n b\n  …", true), ("a\nc\n…", false), ("a\n…\n b", false)]
    {
        assert_eq!(shows(page, text), good, "{page}");
    }
}

#[test]
fn the_readme_shows_what_the_program_prints() {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).expect("README.md");
    let (ran, compared) = run("README.md", &readme);
    assert!(ran >= 3 && compared >= 1, "the test looks at nothing: {ran} {compared}");
    let profile = blocks(&readme).into_iter().find(|block| block.language == "toml").expect("a profile");
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("profile.toml"), profile.text).expect("writes");
    let checked = shell(folder.path(), "placebo check profile.toml");
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
}

#[test]
fn the_page_on_containers_shows_the_dockerfile() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = |name: &str| std::fs::read_to_string(root.join(name)).expect("text");
    let shown = blocks(&text("docs/use/docker.md")).into_iter().find(|block| block.language == "dockerfile");
    assert_eq!(shown.expect("a Dockerfile").text, text("Dockerfile"));
    for word in ["--profile dist --locked --bin placebo", "/placebo/target/dist/placebo", "rust:1.95"] {
        assert!(text("Dockerfile").contains(word), "{word}");
    }
    assert!(text(".dockerignore").lines().any(|line| line == "target"), "the build would send gigabytes");
}

/// Runs a page, and gives the numbers of its blocks that were run and of its outputs that were compared.
fn run(name: &str, page: &str) -> (usize, usize) {
    let folder = tempfile::tempdir().expect("a folder");
    for example in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/examples")).expect("a folder") {
        let path = example.expect("an entry").path();
        let named = Path::new("examples").join(path.file_name().expect("a name"));
        if page.contains(&named.display().to_string()) {
            std::fs::create_dir_all(folder.path().join("examples")).expect("a folder");
            std::fs::copy(&path, folder.path().join(named)).expect("copies");
        }
    }
    let smaller = page.lines().filter_map(|line| line.strip_prefix("<!-- replace: ")?.strip_suffix(" -->"));
    let smaller: Vec<(&str, &str)> = smaller.map(|pair| pair.split_once(' ').expect("two words")).collect();
    let (mut ran, mut compared) = (0, 0);
    for block in blocks(page).iter().filter(|block| !block.left_out) {
        let text = smaller.iter().fold(block.text.clone(), |text, (from, to)| text.replace(from, to));
        match block.language.as_str() {
            "sh" => {
                let Output { status, stderr, .. } = shell(folder.path(), &text);
                assert!(status.success(), "{name}: {text}\n{}", String::from_utf8_lossy(&stderr));
                ran += 1;
            }
            "console" => {
                for (command, expected) in commands(&text) {
                    let output = shell(folder.path(), &command);
                    let mut shown = String::from_utf8(output.stdout).expect("text");
                    shown += &String::from_utf8(output.stderr).expect("text");
                    assert!(shows(&expected, &shown), "{name}: {command}\nprints\n{shown}\ninstead of\n{expected}");
                    compared += 1;
                }
            }
            _ => {}
        }
    }
    (ran, compared)
}

#[test]
fn the_page_on_answers_runs_as_it_says() {
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/answers.md")).expect("text");
    let (ran, compared) = run("answers.md", &page);
    assert!(ran >= 3 && compared >= 2, "the test looks at nothing: {ran} {compared}");
    let profile = blocks(&page).into_iter().find(|block| block.language == "toml").expect("a profile");
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("kiosk.toml"), profile.text).expect("writes");
    let answered = shell(
        folder.path(),
        "placebo answers kiosk.toml | grep -c ^sold,sale; placebo answers kiosk.toml | grep ^outcome",
    );
    let text = String::from_utf8_lossy(&answered.stdout).into_owned();
    assert!(text.starts_with("24\n") && text.contains("reject/422,count(*),40,40,40"), "{text}");
}

#[test]
fn the_page_on_faults_runs_as_it_says() {
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/faults.md")).expect("text");
    let (ran, compared) = run("faults.md", &page);
    assert!(ran >= 3 && compared >= 4, "the test looks at nothing: {ran} {compared}");
}

#[test]
fn the_page_on_templates_runs_as_it_says() {
    let (ran, compared) = run(
        "templates.md",
        &std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/templates.md")).expect("text"),
    );
    assert!(ran >= 2 && compared >= 2, "the test looks at nothing: {ran} {compared}");
}

#[test]
fn the_pages_of_uses_run_as_they_say() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/use");
    let judges = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/judges");
    let (mut pages, mut ran, mut compared) = (0, 0, 0);
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let page = std::fs::read_to_string(&path).expect("text");
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        if let Some(judge) = page.lines().find_map(|line| line.strip_prefix(RUN_BY)) {
            let judge = judges.join(judge.trim_end_matches(" -->"));
            let text = std::fs::read_to_string(&judge).unwrap_or_else(|_| panic!("{name}: no {}", judge.display()));
            assert!(text.contains("docs/use"), "{name}: {} runs no page", judge.display());
            continue;
        }
        let (here, shown) = run(&name, &page);
        (pages, ran, compared) = (pages + 1, ran + here, compared + shown);
    }
    assert!(pages >= 2 && ran >= 5 && compared >= 2, "the test looks at nothing: {pages} {ran} {compared}");
}
