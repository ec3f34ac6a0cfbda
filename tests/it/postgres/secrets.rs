//! Passwords: taken from where they belong, and shown nowhere. Certificates: trusted only where the user says so.

use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use std::time::Duration;

use super::server::{KEYED, PASSWORD, shared};
use super::{SHOP, load, loaded, refused, text_of};

/// Parts of the password in any form.
const PARTS: [&str; 2] = ["sesame", "open:x"];

fn without(text: &str) {
    for part in PARTS {
        assert!(!text.contains(part), "{text}");
    }
}

#[test]
fn a_password_is_shown_nowhere() {
    let server = shared();
    server.database("keyed");
    let at = format!("127.0.0.1:{}/keyed", server.port);
    let url = format!("postgres://{KEYED}:{PASSWORD}@{at}");
    let mut run = load(&[SHOP, "--rows", "account=20k", "--log-format", "json"], &url)
        .stderr(Stdio::piped())
        .spawn()
        .expect("starts");
    let place = format!("/proc/{}/cmdline", run.id());
    let (mut seen, mut hidden) = (0, 0);
    while run.try_wait().expect("asks").is_none() {
        let line = std::fs::read(&place).unwrap_or_default();
        let line = String::from_utf8_lossy(&line);
        if line.contains(PASSWORD) {
            // The program has just begun, and has not seen its arguments yet.
            assert_eq!(hidden, 0, "it came back");
            seen += 1;
        } else if line.contains("--to") {
            without(&line);
            hidden += 1;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    let output = run.wait_with_output().expect("ends");
    assert!(output.status.success(), "{}", text_of(&output));
    without(&text_of(&output));
    crate::run::say(&format!("{seen} looks at the arguments met the password, {hidden} did not"));
    assert!(hidden > 10 && seen < 100, "{seen} looks met it, {hidden} did not");
    let kept = "SELECT string_agg(recipe || manifest || placebo || profile, '') FROM _placebo_load";
    without(&server.text("keyed", kept));
    for (args, wrong) in [
        (&[][..], format!("postgres://{KEYED}:sesame%2Fno@{at}")),
        (&["--log-format", "json"], format!("postgres://{KEYED}:sesame/no@{at}")),
        (&["-q"], format!("postgres://{KEYED}:{PASSWORD}@127.0.0.1:1/keyed")),
        (&[], format!("postgres://{KEYED}:{PASSWORD}@{at}?sslmode=no")),
        (&[], format!("postgres://{KEYED}:{PASSWORD}@{at}?sslmode=verify-full")),
        (&[], format!("postgres://{KEYED}:{PASSWORD}@db.invalid/keyed?sslmode=disable")),
        (&[], format!("postgres://{KEYED}:{PASSWORD}@{at}?passwort=sesame")),
        (&["--log-format", "json"], format!("postgres://{KEYED}@{at}?password={PASSWORD}")),
        (&[], format!("postgres://{KEYED}:{PASSWORD}@127.0.0.1:{}/nowhere", server.port)),
        (&["--seed", "2"], url.clone()),
        (&["--error-format", "json", "--rows", "account=x"], url.clone()),
        (&[], format!("oracle://{KEYED}:{PASSWORD}@{at}")),
        (&["--nonsense"], url.clone()),
    ] {
        let output = load(&[&[SHOP][..], args].concat(), &wrong).output().expect("runs");
        assert!(matches!(output.status.code(), Some(2..=5)), "{wrong}: {output:?}");
        without(&String::from_utf8_lossy(&output.stderr));
        without(&String::from_utf8_lossy(&output.stdout));
    }
}

#[test]
fn passwords_come_from_the_environment_and_a_file_of_the_user() {
    let server = shared();
    server.database("keyed_too");
    let url = format!("postgres://{KEYED}@127.0.0.1:{}/keyed_too", server.port);
    let set = [SHOP, "-q"];
    refused(&set, &url, 5, &["PGPASSFILE"]);
    let with = |name: &str, value: &str| load(&set, &url).env(name, value).output().expect("runs");
    assert!(with("PGPASSWORD", "sesame/open:x").status.success());
    assert_eq!(with("PGPASSWORD", "sesame").status.code(), Some(5));
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("passwords");
    std::fs::write(&file, format!("# ours\n*:*:other:*:no\n127.0.0.1:{}:*:{KEYED}:sesame/open\\:x\n", server.port))
        .expect("writes");
    for (mode, code) in [(0o600, 0), (0o644, 9), (0o640, 9)] {
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).expect("sets");
        let output = with("PGPASSFILE", super::text(&file));
        let text = text_of(&output);
        without(&text);
        assert_eq!(output.status.code() == Some(0), code == 0, "{mode:o}: {text}");
        assert!(code == 0 || text.contains("others can read it") && text.contains("chmod 600"), "{mode:o}: {text}");
    }
}

#[test]
fn a_certificate_is_trusted_only_where_the_user_says_so() {
    let server = shared();
    let url = server.database("certified");
    let certificate = server.certificate();
    let certificate = super::text(&certificate);
    refused(&[SHOP], &format!("{url}?sslmode=verify-full"), 5, &["certificate", "sslrootcert"]);
    refused(&[SHOP], &format!("{url}?sslmode=require"), 5, &["certificate", "sslrootcert"]);
    let of_other = tempfile::tempdir().expect("a folder");
    let other = of_other.path().join("other.pem");
    let made = std::process::Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-subj",
            "/CN=localhost",
            "-addext",
            "subjectAltName=IP:127.0.0.1",
            "-keyout",
        ])
        .arg(of_other.path().join("key.pem"))
        .arg("-out")
        .arg(&other)
        .output()
        .expect("runs");
    assert!(made.status.success());
    refused(&[SHOP], &format!("{url}?sslmode=verify-full&sslrootcert={}", super::text(&other)), 5, &["certificate"]);
    refused(&[SHOP], &format!("{url}?sslmode=verify-full&sslrootcert=/nowhere.pem"), 4, &["/nowhere.pem"]);
    loaded(&[SHOP, "-q"], &format!("{url}?sslmode=verify-full&sslrootcert={certificate}"));
    let elsewhere = url.replace("127.0.0.1", "127.0.0.2");
    refused(&[SHOP], &format!("{elsewhere}?sslmode=verify-full&sslrootcert={certificate}"), 5, &[]);
    assert_eq!(server.number("certified", "SELECT count(*) FROM _placebo_load"), 1);
}
