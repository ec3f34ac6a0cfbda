//! `placebo keys`, and that keys never show.

use std::io::Write;
use std::process::Stdio;

use placebo::digest::hex;

use super::*;

fn printed(args: &[&str]) -> String {
    String::from_utf8(good(args).stdout).expect("text").trim().to_owned()
}

#[test]
fn an_exported_key_opens_its_column_and_nothing_else() {
    use placebo::protect::fe1::{Broken, Cipher, Scope, read_text};
    let temp = tempfile::tempdir().expect("a folder");
    let sealed =
        generate(CLINIC, &temp.path().join("out"), &["--protect", "pii=encrypt", "--key-source", "test:clinic"]);
    let text = printed(&["keys", "export", "--key-source", "test:clinic", "--column", "patient.ssn"]);
    let mut bytes: [u8; 32] = std::array::from_fn(|n| u8::from_str_radix(&text[2 * n..2 * n + 2], 16).expect("hex"));
    let key = placebo::protect::secret::Secret::take(&mut bytes);
    let ids = column(&sealed, "patient", "patient_id");
    let open = |name: &str, at: usize| {
        let cell = read_text(column(&sealed, "patient", name)[at].as_bytes()).expect("a cell");
        let kid = cell[1..5].try_into().expect("4 bytes");
        Cipher::opening(&key, kid, "clinic", Scope::column("patient", name)).open(ids[at].as_bytes(), &cell, false)
    };
    let at = column(&sealed, "patient", "ssn").iter().position(|cell| !cell.is_empty()).expect("a cell");
    assert!(open("ssn", at).is_ok());
    assert_eq!(open("name", at).err(), Some(Broken::Tampered));
}

#[test]
fn keyrings_rotate_wrap_and_shred_through_the_door() {
    let temp = tempfile::tempdir().expect("a folder");
    let ring = temp.path().join("ring");
    let ring = ring.to_str().expect("a path");
    let first = printed(&["keys", "new", "--keyring", ring]);
    assert_eq!(first.len(), 16);
    let (code, said) = bad(&["keys", "new", "--keyring", ring]);
    assert!(code == 8 && said.contains("is there already"), "{said}");
    let second = printed(&["keys", "rotate", "--keyring", ring]);
    assert!(printed(&["keys", "list", "--keyring", ring]).contains("retired"));
    assert_ne!(
        printed(&["keys", "export", "--keyring", ring, "--column", "a.b"]),
        printed(&["keys", "export", "--keyring", ring, "--column", "a.b", "--id", &first])
    );
    good(&["keys", "wrap", "--keyring", ring, "--kek", "test:kek"]);
    let (code, said) = bad(&["keys", "export", "--keyring", ring, "--column", "a.b"]);
    assert!(code == 8 && said.contains("--kek SOURCE"), "{said}");
    let (code, said) = bad(&["keys", "export", "--keyring", ring, "--kek", "test:other", "--column", "a.b"]);
    assert!(code == 8 && said.contains("does not unwrap"), "{said}");
    good(&["keys", "export", "--keyring", ring, "--kek", "test:kek", "--column", "a.b"]);
    assert_eq!(bad(&["keys", "rotate", "--keyring", ring]).0, 2, "a new key would lie open beside wrapped ones");
    let list = printed(&["keys", "shred", "--keyring", ring, "--id", &first]);
    assert!(list.contains("shredded") && list.contains(&second), "{list}");
    let (code, said) =
        bad(&["keys", "export", "--keyring", ring, "--kek", "test:kek", "--column", "a.b", "--id", &first]);
    assert!(code == 8 && said.contains("was shredded"), "{said}");
}

/// A key in every way of giving one, good and bad: neither its text nor its bytes come out anywhere.
#[test]
fn a_key_shows_nowhere() {
    use base64::Engine;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
    let temp = tempfile::tempdir().expect("a folder");
    let raw: [u8; 32] = std::array::from_fn(|n| (n as u8).wrapping_mul(37).wrapping_add(11));
    let (text, coded) = (hex(&raw), STANDARD.encode(raw));
    let forms = [
        raw.to_vec(),
        text.clone().into_bytes(),
        text.to_uppercase().into_bytes(),
        coded.clone().into_bytes(),
        URL_SAFE_NO_PAD.encode(raw).into_bytes(),
    ];
    let shown = |what: &str, bytes: &[u8]| {
        for form in &forms {
            assert!(!bytes.windows(form.len()).any(|part| part == form.as_slice()), "{what} shows the key");
        }
    };
    let file = temp.path().join("key");
    let private = |path: &Path, mode: u32, bytes: &[u8]| {
        use std::os::unix::fs::OpenOptionsExt;
        let mut file =
            std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(path).expect("opens");
        file.write_all(bytes).expect("writes");
    };
    private(&file, 0o600, text.as_bytes());
    let (open, broken) = (temp.path().join("open"), temp.path().join("broken"));
    private(&open, 0o644, text.as_bytes());
    private(&broken, 0o600, &[text.as_bytes(), b"zz"].concat());
    let (file, open, broken) =
        (format!("file:{}", file.display()), format!("file:{}", open.display()), format!("file:{}", broken.display()));
    let command = format!("cmd:cat {}", file.trim_start_matches("file:"));
    let out = temp.path().join("out");
    let out = out.to_str().expect("a path");
    let sources = [
        ("env:CANARY", 0),
        (file.as_str(), 0),
        ("fd:0", 0),
        (command.as_str(), 0),
        (open.as_str(), 8),
        (broken.as_str(), 8),
        ("env:CANARY_BROKEN", 8),
        (&text[..], 2),
        (&coded[..], 2),
    ];
    for (from, code) in sources {
        for command in [
            vec!["generate", CLINIC, "--out", out, "--overwrite", "--protect", "pii=encrypt", "--key-source", from],
            vec![
                "generate",
                CLINIC,
                "--out",
                out,
                "--overwrite",
                "--protect",
                "pii=encrypt",
                "--log-format",
                "json",
                "--key-source",
                from,
            ],
            vec!["keys", "new", "--keyring", "/dev/null/x", "--kek", from],
        ] {
            let mut child = placebo(&command)
                .env("CANARY", &text)
                .env("CANARY_BROKEN", format!("{text}0"))
                .env("RUST_LOG", "trace")
                .env("RUST_BACKTRACE", "full")
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .expect("starts");
            let listed = std::fs::read(format!("/proc/{}/cmdline", child.id())).unwrap_or_default();
            if code != 2 {
                shown("the list of processes", &listed);
            }
            // Who does not ask for it may be gone by now.
            let _unread = child.stdin.take().expect("a pipe").write_all(coded.as_bytes());
            let output = child.wait_with_output().expect("ends");
            if command[0] == "generate" {
                assert_eq!(output.status.code(), Some(code), "{from}: {}", String::from_utf8_lossy(&output.stderr));
            }
            shown("standard output", &output.stdout);
            shown("standard error", &output.stderr);
        }
        for (name, bytes) in crate::run::files(Path::new(out)) {
            shown(&name.display().to_string(), &bytes);
        }
    }
}
