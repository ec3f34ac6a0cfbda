//! Folders that have files of another run.

use super::*;

#[test]
fn a_folder_of_another_run_is_refused_and_nothing_in_it_changes() {
    let temp = tempfile::tempdir().expect("a folder");
    let (out, key) = (temp.path().join("out"), signer(temp.path()));
    for signed in [false, true] {
        let _gone_already = fs::remove_dir_all(&out);
        shops(&out, &[]);
        if signed {
            good(&["sign", text(&out), "--key", text(&key)]);
        }
        let before = files(&out);
        let others: [&[&str]; 6] = [
            &[],
            &["--format", "parquet"],
            &["--tables", "shop"],
            &["--seed", "1"],
            &["--part", "1/2"],
            &["--format", "json", "--part", "2/2"],
        ];
        for more in others {
            let done = shop(&out, more);
            assert_eq!(done.status.code(), Some(2), "{more:?}: {}", said(&done));
            assert!(said(&done).contains("--overwrite"), "{}", said(&done));
            assert!(files(&out) == before, "{more:?} changed the folder");
        }
        let other = ["generate", "tests/fixtures/bank", "--rows", "payment=50", "--out", text(&out), "-q"];
        refused(&other, &[2], "--overwrite");
        // One that overwrites and cannot be changes nothing either.
        assert_eq!(shop(&out, &["--overwrite", "--max-rows", "1"]).status.code(), Some(3));
        assert!(files(&out) == before, "an impossible run changed the folder");
        // And one that can removes all that the other run had.
        good(&[&other[..], &["--overwrite"]].concat());
        holds(&out, &["--profile", "tests/fixtures/bank", "--replay", "all"]);
    }
}

#[test]
fn parts_of_one_run_share_a_folder_and_others_are_refused() {
    let temp = tempfile::tempdir().expect("a folder");
    let out = temp.path().join("out");
    let verified = || holds(&out, &["--profile", SHOP, "--replay", "all"]);
    for part in ["1/3", "3/3"] {
        shops(&out, &["--part", part]);
    }
    let before = files(&out);
    let others: [&[&str]; 8] = [
        &[],
        &["--part", "1/3"],
        &["--part", "2/4"],
        &["--part", "2/3", "--seed", "1"],
        &["--part", "2/3", "--format", "parquet"],
        &["--part", "2/3", "--tables", "account"],
        &["--part", "2/3", "--csv-guard", "quote"],
        &["--part", "2/3", "--set", "rate=0.5"],
    ];
    for more in others {
        let done = shop(&out, more);
        assert_eq!(done.status.code(), Some(2), "{more:?}: {}", said(&done));
        assert!(files(&out) == before, "{more:?} changed the folder");
    }
    shops(&out, &["--part", "2/3"]);
    assert!(!verified().contains("note"));
    // Overwriting a part of the same run leaves the others; one of another run begins a folder of its own.
    shops(&out, &["--part", "2/3", "--overwrite"]);
    assert!(!verified().contains("note"));
    shops(&out, &["--part", "2/3", "--seed", "1", "--overwrite"]);
    assert!(verified().contains("1 of 3 parts are here"));
    let runs: Vec<_> = ["1/3", "3/3"]
        .map(|part| {
            placebo(&[&["generate", SHOP, "--out", text(&out), "--seed", "1", "--part", part], &SMALL[..]].concat())
                .spawn()
        })
        .into_iter()
        .collect();
    runs.into_iter().for_each(|run| assert!(run.expect("starts").wait().expect("ends").success()));
    assert!(!verified().contains("note"));
    // All parts at once, over those of another run.
    let runs: Vec<_> = ["1/3", "2/3", "3/3"]
        .map(|part| {
            let how = ["--seed", "2", "--part", part, "--overwrite"];
            placebo(&[&["generate", SHOP, "--out", text(&out)], &SMALL[..], &how].concat()).spawn()
        })
        .into_iter()
        .collect();
    runs.into_iter().for_each(|run| assert!(run.expect("starts").wait().expect("ends").success()));
    assert!(!verified().contains("note"));
    shops(&out, &["--overwrite", "--format", "arrow"]);
    verified();
}

/// Whatever one of our names has is something that is there, with a manifest or without.
#[test]
fn what_is_left_of_a_run_is_refused_too() {
    let temp = tempfile::tempdir().expect("a folder");
    let names = [
        "manifest.json",
        "manifest.part-00007.json",
        "manifest.dsse.json",
        "SHA256SUMS",
        "SHA256SUMS.part-00000",
        "datapackage.json",
        "schema.sql",
        "payment.parquet",
        ".placebo.part-00001.journal",
    ];
    for (n, name) in names.iter().enumerate() {
        let out = temp.path().join(n.to_string());
        fs::create_dir(&out).expect("a folder");
        fs::write(out.join(name), "x").expect("writes");
        let done = shop(&out, &[]);
        assert_eq!(done.status.code(), Some(2), "{name}: {}", said(&done));
        assert_eq!(fs::read_to_string(out.join(name)).expect("reads"), "x");
        assert!(!out.join("payment.csv").exists());
    }
    // A file of somebody else is none of ours, and stays.
    let out = temp.path().join("notes");
    fs::create_dir(&out).expect("a folder");
    fs::write(out.join("README.md"), "notes").expect("writes");
    shops(&out, &[]);
    shops(&out, &["--overwrite"]);
    assert_eq!(fs::read_to_string(out.join("README.md")).expect("reads"), "notes");
}

/// What is removed is in the folder, however the manifest of the earlier run reads.
#[test]
fn overwriting_removes_nothing_outside_of_the_folder() {
    let temp = tempfile::tempdir().expect("a folder");
    let (out, outside) = (temp.path().join("out"), temp.path().join("outside"));
    fs::create_dir(&outside).expect("a folder");
    for name in ["part-00000.csv", "part-00000.csv.inprogress", "victim.csv"] {
        fs::write(outside.join(name), "precious").expect("writes");
    }
    shops(&out, &["--part", "1/1"]);
    fs::remove_dir_all(out.join("payment")).expect("removes");
    symlink(&outside, out.join("payment")).expect("links");
    shops(&out, &["--overwrite"]);
    edit(&out, "manifest.json", "\"path\": \"payment.csv\"", "\"path\": \"../outside/victim.csv\"");
    shops(&out, &["--overwrite", "--format", "json"]);
    for name in ["part-00000.csv", "part-00000.csv.inprogress", "victim.csv"] {
        assert_eq!(fs::read_to_string(outside.join(name)).expect("there"), "precious");
    }
}
