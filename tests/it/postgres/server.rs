//! A server for as long as the tests run: an empty cluster in a folder of its own, stopped by a process that waits for the tests' end,
//! however that comes.

use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use postgres::{Client, NoTls};

/// The role whose password the server asks for.
pub(super) const KEYED: &str = "keyed";
/// Its password, as it stands in URLs. No other text of the tests has it.
pub(super) const PASSWORD: &str = "sesame%2Fopen:x";

/// A running server. Its role `postgres` needs no password.
pub(super) struct Server {
    folder: PathBuf,
    programs: PathBuf,
    pub(super) port: u16,
    /// Stops the server when its input ends.
    _watch: Child,
}

/// The server that tests share; each has a database of its own.
pub(super) fn shared() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| {
        let server = Server::start();
        let role = format!("CREATE ROLE {KEYED} LOGIN SUPERUSER PASSWORD 'sesame/open:x'");
        server.client("postgres").batch_execute(&role).expect("a role");
        server
    })
}

impl Server {
    pub(super) fn start() -> Self {
        let programs = programs();
        let folder = tempfile::Builder::new().prefix("placebo-pg-").tempdir().expect("a folder").keep();
        let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port").port();
        done(
            Command::new("openssl")
                .current_dir(&folder)
                .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "9"])
                .args([
                    "-subj",
                    "/CN=localhost",
                    "-addext",
                    "subjectAltName=DNS:localhost,IP:127.0.0.1",
                    "-keyout",
                    "key.pem",
                    "-out",
                    "cert.pem",
                ]),
        );
        if is_root() {
            done(Command::new("chown").args(["-R", "postgres"]).arg(&folder));
        }
        let server = |program: &str| as_user(&programs.join(program), &folder);
        done(server("initdb").args([
            "-A",
            "trust",
            "-U",
            "postgres",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
            "-N",
            "-D",
            "data",
        ]));
        let mut access = std::fs::File::create(folder.join("data/pg_hba.conf")).expect("a file");
        let lines =
            format!("local all all trust\nhost all {KEYED} all scram-sha-256\nhost all all 127.0.0.1/32 trust\n");
        access.write_all(lines.as_bytes()).expect("writes");
        let place = folder.display();
        let options = format!(
            "-k {place} -p {port} -c listen_addresses=127.0.0.1 -c fsync=off -c full_page_writes=off -c max_connections=60 -c ssl=on \
             -c ssl_cert_file={place}/cert.pem -c ssl_key_file={place}/key.pem -c log_statement=all -c log_line_prefix='%d|%a|'"
        );
        done(server("pg_ctl").args(["-D", "data", "-w", "-t", "120", "-l", "log", "-o", &options, "start"]));
        let mut stop = as_user(&programs.join("pg_ctl"), &folder);
        stop.args(["-D", "data", "-m", "immediate", "-w", "stop"]);
        let words: Vec<_> = std::iter::once(stop.get_program()).chain(stop.get_args()).map(ToOwned::to_owned).collect();
        let mut watch = Command::new("sh");
        watch
            .args(["-c", "cat > /dev/null; \"$@\"; cd /; rm -rf \"$0\""])
            .arg(&folder)
            .args(words)
            .current_dir(&folder);
        // In a group of its own, so that Ctrl-C leaves it to its work.
        watch.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
        let watch = watch.spawn().expect("a shell");
        Self { folder, programs, port, _watch: watch }
    }

    /// Ends the server without a warning to anybody, and starts it again.
    pub(super) fn restart(&self) {
        let mut control = as_user(&self.programs.join("pg_ctl"), &self.folder);
        done(control.args(["-D", "data", "-m", "immediate", "-w", "-t", "120", "-l", "log", "restart"]));
    }

    /// A new database and its URL.
    pub(super) fn database(&self, name: &str) -> String {
        self.client("postgres").batch_execute(&format!("CREATE DATABASE {name}")).expect("a database");
        self.url(name)
    }

    pub(super) fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    pub(super) fn client(&self, database: &str) -> Client {
        Client::connect(&self.url(database), NoTls).expect("connects")
    }

    /// The one number that a query gives.
    pub(super) fn number(&self, database: &str, sql: &str) -> i64 {
        self.client(database).query_one(sql, &[]).expect(sql).get(0)
    }

    /// The one text that a query gives.
    pub(super) fn text(&self, database: &str, sql: &str) -> String {
        self.client(database).query_one(sql, &[]).expect(sql).get(0)
    }

    /// The file with the certificate of the server, which it signed itself.
    pub(super) fn certificate(&self) -> PathBuf {
        self.folder.join("cert.pem")
    }

    /// The statements that the program ran in a database.
    pub(super) fn statements(&self, database: &str) -> Vec<String> {
        let log = String::from_utf8_lossy(&std::fs::read(self.folder.join("log")).expect("a log")).into_owned();
        let start = format!("{database}|placebo|LOG:  ");
        let mut all: Vec<String> = Vec::new();
        for line in log.lines() {
            match (line.strip_prefix(&start), line.strip_prefix('\t')) {
                (Some(line), _) => {
                    let executed = || Some(line.strip_prefix("execute ")?.split_once(": ")?.1);
                    all.extend(line.strip_prefix("statement: ").or_else(executed).map(str::to_owned));
                }
                // A statement of several lines.
                (None, Some(more)) => all.iter_mut().last().into_iter().for_each(|last| last.push_str(more)),
                _ => {}
            }
        }
        all
    }
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

/// A program of the server, which does not run as root.
fn as_user(program: &Path, folder: &Path) -> Command {
    let mut command = if is_root() {
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--"]).arg(program);
        command
    } else {
        Command::new(program)
    };
    command.current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null());
    command
}

fn done(command: &mut Command) {
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
    assert!(status.as_ref().is_ok_and(std::process::ExitStatus::success), "{command:?}: {status:?}");
}

/// The folder of the server's programs.
fn programs() -> PathBuf {
    let on_path =
        std::env::var_os("PATH").into_iter().flat_map(|path| std::env::split_paths(&path).collect::<Vec<_>>());
    let versions =
        std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().map(|entry| entry.path().join("bin"));
    let mut found: Vec<PathBuf> = versions
        .chain(on_path)
        .filter(|folder| folder.join("pg_ctl").exists() && folder.join("initdb").exists())
        .collect();
    found.truncate(1);
    found.pop().expect("PostgreSQL is needed: `make tools` installs it (Debian: apt-get install postgresql)")
}
