//! Killed loaders, ended backends, a server that stops, two loaders, and a line that breaks: exactly the rows of the files.

use std::process::{Child, Stdio};
use std::time::Duration;

use super::proxy::Proxy;
use super::server::{Server, shared};
use super::{SHOP, load, loaded, of_database, of_files, setting};
use crate::run::say;

/// Something that happens to a load.
#[derive(Clone, Copy, Debug)]
enum Fault {
    Kill,
    Terminate,
    Restart,
}

#[test]
fn loads_survive_kills_and_terminations_and_a_restart() {
    let rows = setting("LOADED_ROWS", 120_000);
    let (kills, terminations) = (setting("LOADED_KILLS", 10), setting("LOADED_TERMINATIONS", 6));
    let server = Server::start();
    let url = server.database("faults");
    let accounts = format!("account={}", rows / 6);
    let set = [SHOP, "--rows", &accounts];
    let wanted = of_files(&set);
    let args = [&set[..], &["-q", "--threads", "2", "--chunk-rows", "150", "--retry-seconds", "120"]].concat();
    let start = || -> Child { load(&args, &url).stderr(Stdio::piped()).spawn().expect("starts") };
    let kinds = [(Fault::Kill, kills), (Fault::Terminate, terminations), (Fault::Restart, 1)];
    let mut faults: Vec<Fault> = kinds.iter().flat_map(|(fault, count)| vec![*fault; *count as usize]).collect();
    let mut draw = 16;
    let mut random = move |below: u64| {
        draw = placebo::rng::mix(draw + 1);
        draw % below
    };
    for at in (1..faults.len()).rev() {
        faults.swap(at, random(at as u64 + 1) as usize);
    }
    let (mut run, mut finished, mut partial) = (start(), 0, 0);
    for fault in faults {
        // A fault meets a load that has begun to write.
        loop {
            std::thread::sleep(Duration::from_millis(30 + random(250)));
            if run.try_wait().expect("asks").is_some() {
                ended_well(run);
                assert_eq!(of_database(&url, ""), wanted);
                finished += 1;
                server
                    .client("faults")
                    .batch_execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
                    .expect("drops");
                run = start();
                continue;
            }
            let mut client = server.client("faults");
            let under_way =
                client.query("SELECT 1 FROM _placebo_ledger LIMIT 1", &[]).is_ok_and(|rows| !rows.is_empty());
            let met = under_way
                && match fault {
                    Fault::Kill => {
                        run.kill().expect("kills");
                        run.wait().expect("ends");
                        run = start();
                        true
                    }
                    Fault::Terminate => {
                        let backend = "SELECT pid FROM pg_stat_activity WHERE application_name = 'placebo' ORDER BY random() LIMIT 1";
                        let ended = format!("SELECT pg_terminate_backend(pid) FROM ({backend}) b");
                        client.query_opt(&ended, &[]).expect("asks").is_some_and(|row| row.get(0))
                    }
                    Fault::Restart => {
                        server.restart();
                        true
                    }
                };
            if met {
                partial += 1;
                break;
            }
        }
    }
    // Another one joins at the end.
    let other = start();
    ended_well(run);
    ended_well(other);
    assert_eq!(of_database(&url, ""), wanted);
    say(&format!(
        "{partial} faults of {kills} kills, {terminations} terminations and a restart met loads; {finished} ended between them"
    ));
}

fn ended_well(run: Child) {
    let output = run.wait_with_output().expect("ends");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn two_loaders_are_as_one() {
    let server = shared();
    let set = [SHOP, "--rows", "account=8k"];
    let wanted = of_files(&set);
    for database in ["race_one", "race_two", "race_three"] {
        let url = server.database(database);
        let args = [&set[..], &["-q", "--threads", "1", "--chunk-rows", "100"]].concat();
        let runs = [(); 2].map(|()| load(&args, &url).stderr(Stdio::piped()).spawn().expect("starts"));
        runs.into_iter().for_each(ended_well);
        assert_eq!(of_database(&url, ""), wanted);
    }
}

/// Loads of parts have other chunks than a load of the whole.
#[test]
fn a_part_and_the_whole_at_the_same_time_are_as_one() {
    let server = shared();
    let set = [SHOP, "--rows", "account=8k"];
    let wanted = of_files(&set);
    for database in ["overlap_one", "overlap_two"] {
        let url = server.database(database);
        let args = |part: &'static [&str]| [&set[..], part, &["-q", "--threads", "1", "--chunk-rows", "90"]].concat();
        let runs = [&["--part", "2/3"][..], &[]]
            .map(|part| load(&args(part), &url).stderr(Stdio::piped()).spawn().expect("starts"));
        runs.into_iter().for_each(ended_well);
        assert_eq!(of_database(&url, ""), wanted);
    }
}

#[test]
fn a_line_may_break_at_any_byte() {
    let server = shared();
    let direct = server.database("lines");
    let proxy = Proxy::to(server.port);
    let url = format!("postgres://postgres@127.0.0.1:{}/lines", proxy.port);
    let certificate = server.certificate();
    let encrypted = format!("{url}?sslmode=verify-full&sslrootcert={}", certificate.display());
    let set = [SHOP, "--rows", "account=400"];
    let wanted = of_files(&set);
    let count = setting("BROKEN_LINES", 15);
    let mut met = 0;
    for (kind, url, count) in [("plain", &url, count), ("encrypted", &encrypted, count.div_ceil(3))] {
        let run = |schema: &str| {
            loaded(
                &[
                    &set[..],
                    &[
                        "-q",
                        "--threads",
                        "1",
                        "--chunk-rows",
                        "50",
                        "--retry-seconds",
                        "60",
                        "--test-database",
                        "lines",
                        "--schema",
                        schema,
                    ],
                ]
                .concat(),
                url,
            );
            assert_eq!(of_database(&direct, schema), wanted, "{schema}");
        };
        proxy.break_after(u64::MAX);
        run(&format!("{kind}_whole"));
        let whole = proxy.bytes();
        for at in 0..count {
            let schema = format!("{kind}_{at}");
            proxy.break_after((whole - 1) * (2 * at + 1) / (2 * count));
            run(&schema);
            met += u64::from(proxy.is_broken());
        }
        assert!(whole > 50_000, "{whole} bytes");
    }
    assert_eq!(met, count + count.div_ceil(3), "every line broke");
}
