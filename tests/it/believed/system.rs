//! The system between a run and its files: pipes, signals, limits, names, a closed output.

use super::*;

/// A pipe in place of any file of ours: every command ends by itself.
#[test]
fn nothing_waits_for_a_pipe() {
    let temp = tempfile::tempdir().expect("a folder");
    let key = signer(temp.path());
    let sound = temp.path().join("sound");
    shops(&sound, &[]);
    good(&["sign", text(&sound), "--key", text(&key)]);
    let log = fs::read(sound.join("run.jsonl")).expect("reads");
    let names = [
        "manifest.json",
        "manifest.dsse.json",
        "SHA256SUMS",
        "run.jsonl",
        "schema.sql",
        "payment.csv",
        "payment.csv.inprogress",
        ".placebo.journal",
        ".placebo.lock",
        "manifest.part-00000.json",
        ".placebo.part-00000.journal",
    ];
    for name in names {
        let out = temp.path().join("out");
        let fresh = || {
            crate::verify::copy(&sound, &out);
            fs::write(out.join("run.jsonl"), &log).expect("writes");
            pipe(&out.join(name));
        };
        fresh();
        found(&out, &["--quick"], &[name]);
        refused(&["sign", text(&out), "--key", text(&key)], &[6], "");
        if name == "run.jsonl" {
            refused(&["audit", "verify", text(&out)], &[4], "named pipe");
            refused(&["audit", "verify", text(&out.join(name))], &[4], "named pipe");
        }
        for more in [&[][..], &["--resume"], &["--overwrite"], &["--part", "1/2"], &["--part", "1/2", "--overwrite"]] {
            fresh();
            let run = placebo(&[&["generate", SHOP, "--out", text(&out)], &SMALL[..], more].concat());
            let (code, said) = ends(run);
            let over = more.contains(&"--overwrite");
            assert!(
                matches!(code, Some(2 | 4 | 6)) || code == Some(0) && (over || more == ["--resume"]),
                "{name} {more:?}: {code:?} {said}"
            );
        }
    }
    // A profile's data and keys, and what SQLite keeps beside its file.
    let path = temp.path().join("pipe");
    pipe(&path);
    let out = temp.path().join("other");
    refused(&["sign", text(&sound), "--key", text(&path)], &[8], "named pipe");
    refused(&["verify", text(&sound), "--public-key", text(&path)], &[8], "named pipe");
    let keyring = format!("file:{}", text(&path));
    refused(
        &["generate", CLINIC, "--protect", "pii=encrypt", "--key-source", &keyring, "--out", text(&out)],
        &[8],
        "pipe",
    );
    refused(&["keys", "list", "--keyring", text(&path)], &[8], "pipe");
    refused(&["keys", "rotate", "--keyring", text(&path)], &[8], "");
    #[cfg(feature = "sqlite")]
    {
        let database = temp.path().join("x.db");
        let to = format!("sqlite:{}", text(&database));
        good(&["load", SHOP, "--to", &to, "--rows", "account=5", "-q"]);
        for end in ["-journal", "-wal", "-shm"] {
            let beside = temp.path().join(format!("x.db{end}"));
            pipe(&beside);
            refused(&["load", SHOP, "--to", &to, "--rows", "account=5", "-q"], &[4], "not a regular file");
            fs::remove_file(&beside).expect("removes");
        }
    }
}

/// A run that waits for the reader of its output ends when it is told to.
#[test]
fn a_signal_ends_what_waits() {
    use std::os::unix::process::ExitStatusExt;
    let temp = tempfile::tempdir().expect("a folder");
    let term = |child: &std::process::Child| {
        assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().expect("kill").success());
    };
    let waits = ["generate", SHOP, "--rows", "account=1M", "--tables", "payment", "--out", "-", "-q"];
    let mut child = placebo(&waits).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("starts");
    // Until the pipe is full.
    std::thread::sleep(Duration::from_secs(3));
    term(&child);
    let told = Instant::now();
    assert_eq!(child.wait().expect("ends").code(), Some(143));
    assert!(told.elapsed() < Duration::from_secs(20), "it went on for {:?}", told.elapsed());
    // A profile may be a pipe: a command waits for it, and can be ended.
    let path = temp.path().join("profile.toml");
    pipe(&path);
    for args in [&["check", text(&path)][..], &["generate", text(&path), "--out", text(&temp.path().join("out"))]] {
        let mut child = placebo(args).stderr(Stdio::null()).spawn().expect("starts");
        std::thread::sleep(Duration::from_millis(300));
        term(&child);
        let ended = child.wait().expect("ends");
        assert!(ended.signal() == Some(15) || ended.code() == Some(143), "{args:?}: {ended}");
    }
}

#[test]
fn a_limit_on_the_size_of_files_is_an_error_with_a_hint() {
    let temp = tempfile::tempdir().expect("a folder");
    let limited = |args: &[&str]| {
        let mut command = Command::new("sh");
        command.args(["-c", "ulimit -f 16; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_placebo")]).args(args);
        command.current_dir(env!("CARGO_MANIFEST_DIR"));
        command
    };
    for format in ["csv", "parquet"] {
        let out = temp.path().join(format);
        let args = ["generate", SHOP, "--rows", "account=20k", "--format", format, "--out", text(&out), "-q"];
        let (code, said) = ends(limited(&args));
        assert!(code == Some(4) && said.contains("ulimit -f"), "{code:?}: {said}");
        good(&[&args[..], &["--resume"]].concat());
        holds(&out, &["--quick"]);
    }
    let to = fs::File::create(temp.path().join("table.csv")).expect("creates");
    let table = ["generate", SHOP, "--rows", "account=20k", "--tables", "payment", "--out", "-", "-q"];
    let output = limited(&table).stdout(to).stderr(Stdio::piped()).output().expect("runs");
    assert!(output.status.code() == Some(4) && said(&output).contains("ulimit -f"), "{}", said(&output));
}

#[test]
fn a_folder_s_name_is_any_name_and_a_closed_output_is_an_error() {
    use std::os::unix::ffi::OsStrExt;
    let temp = tempfile::tempdir().expect("a folder");
    let odd = temp.path().join(std::ffi::OsStr::from_bytes(b"out\xff"));
    let run = |more: &[&str]| {
        let mut command = placebo(&[&["generate", SHOP], &SMALL[..], more].concat());
        command.arg("--out").arg(&odd);
        ends(command)
    };
    assert_eq!(run(&[]), (Some(0), String::new()));
    assert!(odd.join("manifest.json").is_file());
    let (code, said) = run(&["--log-format", "json"]);
    assert!(code == Some(2) && said.starts_with('{'), "{said}");
    assert_eq!(run(&["--resume"]), (Some(0), String::new()));
    #[cfg(feature = "sqlite")]
    {
        let mut to = std::ffi::OsString::from("sqlite:");
        to.push(temp.path().join(std::ffi::OsStr::from_bytes(b"x\xff.db")));
        let mut load = placebo(&["load", SHOP, "--rows", "account=5", "-q", "--to"]);
        load.arg(to);
        assert_eq!(ends(load), (Some(0), String::new()));
    }
    let shell = |end: &str| {
        let line = format!("exec \"$@\" {end}");
        let program = env!("CARGO_BIN_EXE_placebo");
        let mut command = Command::new("sh");
        command.args(["-c", &line, "sh", program, "generate", SHOP, "--tables", "shop", "--out", "-", "-q"]);
        command.current_dir(env!("CARGO_MANIFEST_DIR")).output().expect("runs")
    };
    let closed = shell(">&-");
    assert!(closed.status.code() == Some(4) && self::said(&closed).contains("closed"), "{}", self::said(&closed));
    for end in ["> /dev/null", "| cat", ""] {
        assert!(shell(end).status.success(), "{end}");
    }
}
