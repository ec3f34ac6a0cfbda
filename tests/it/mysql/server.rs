//! A `MariaDB` of our own for as long as the tests run: in a folder for temporary files, on a socket and a port of the loopback.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use mysql::prelude::Queryable;
use mysql::{Conn, OptsBuilder};

/// The password of the user `loader`.
pub(crate) const PASSWORD: &str = "sesame%40 '\"";

/// A server that runs.
pub(crate) struct Server {
    folder: PathBuf,
    pub(crate) port: u16,
    /// It ends when its input does, so with this process, however that ends.
    _keeper: Child,
}

/// Starts the server whose command line follows, and stops it and removes its folder when nobody holds the other end of its input.
const KEEPER: &str = r#"folder=$1; shift; "$@" >"$folder/log" 2>&1 </dev/null & server=$!
read -r _; kill -9 $server; wait $server 2>&-; rm -rf "$folder""#;

/// The server of all tests, which the first of them starts.
pub(crate) fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(start)
}

fn run(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|error| panic!("{command:?}: {error}; `make tools` installs MariaDB"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn start() -> Server {
    // The path of a socket must be short.
    let folder = tempfile::Builder::new().prefix("placebo-mariadb-").tempdir_in("/tmp").expect("a folder").keep();
    certificates(&folder);
    let root = std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0);
    // The server does not run as root; its package made a user.
    let user: &[&str] = if root { &["--user=mysql"] } else { &[] };
    if root {
        run(Command::new("chown").args(["-R", "mysql"]).arg(&folder));
    }
    let place = |name: &str| folder.join(name).display().to_string();
    let data = format!("--datadir={}", place("data"));
    run(Command::new("mariadb-install-db")
        .args(["--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db", &data])
        .args(user));
    let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port").port();
    let mut keeper = Command::new("sh")
        .args(["-c", KEEPER, "keeper"])
        .arg(&folder)
        .args(["mariadbd", "--no-defaults", &data, "--bind-address=127.0.0.1", "--innodb-buffer-pool-size=64M"])
        .args(["--innodb-flush-log-at-trx-commit=0", "--max-connections=50", "--innodb-lock-wait-timeout=10"])
        .args([&format!("--port={port}"), &format!("--socket={}", place("s")), &format!("--pid-file={}", place("pid"))])
        .args([&format!("--ssl-cert={}", place("server.pem")), &format!("--ssl-key={}", place("server.key"))])
        .args(user)
        .stdin(Stdio::piped())
        .spawn()
        .expect("a shell");
    let server = || Conn::new(OptsBuilder::new().user(Some("root")).socket(Some(place("s"))).prefer_socket(false));
    let started = Instant::now();
    let mut admin = loop {
        match server() {
            Ok(connection) => break connection,
            Err(error) if started.elapsed() > Duration::from_mins(1) => {
                let mut log = String::new();
                let _read = std::fs::File::open(folder.join("log")).and_then(|mut file| file.read_to_string(&mut log));
                let _ended = keeper.stdin.take().map(|mut end| end.write_all(b"\n"));
                panic!("MariaDB does not start: {error}\n{log}");
            }
            Err(_) => std::thread::sleep(Duration::from_millis(50)),
        }
    };
    admin.query_drop("SET sql_mode = 'NO_BACKSLASH_ESCAPES'").expect("runs");
    let password = PASSWORD.replace('\'', "''");
    admin.query_drop(format!("CREATE USER loader@'%' IDENTIFIED BY '{password}'")).expect("makes a user");
    admin.query_drop("GRANT ALL ON *.* TO loader@'%'").expect("grants");
    Server { folder, port, _keeper: keeper }
}

/// An authority, and a certificate of it for `localhost`.
fn certificates(folder: &Path) {
    let openssl = |args: &[&str]| run(Command::new("openssl").current_dir(folder).args(args));
    let key = ["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout"];
    openssl(&[&key[..], &["ca.key", "-x509", "-days", "2", "-subj", "/CN=Placebo tests", "-out", "ca.pem"]].concat());
    openssl(&[&key[..], &["server.key", "-subj", "/CN=localhost", "-out", "server.csr"]].concat());
    std::fs::write(folder.join("extensions"), "subjectAltName = DNS:localhost\nbasicConstraints = CA:FALSE\n")
        .expect("writes");
    let sign = ["x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"];
    openssl(&[&sign[..], &["-days", "2", "-extfile", "extensions", "-out", "server.pem"]].concat());
}

impl Server {
    /// A connection that may do anything.
    pub(crate) fn admin(&self) -> Conn {
        let socket = self.folder.join("s").display().to_string();
        let options = OptsBuilder::new().user(Some("root")).socket(Some(socket)).prefer_socket(false);
        let mut connection = Conn::new(options).expect("connects");
        connection.query_drop("SET NAMES utf8mb4").expect("runs");
        connection
    }

    /// Makes an empty database, and gives its URL without a password.
    pub(crate) fn database(&self, name: &str) -> String {
        let mut admin = self.admin();
        admin.query_drop(format!("DROP DATABASE IF EXISTS `{name}`")).expect("drops");
        admin.query_drop(format!("CREATE DATABASE `{name}`")).expect("creates");
        format!("mysql://loader@127.0.0.1:{}/{name}", self.port)
    }

    /// The file of the authority that the server's certificate is of.
    pub(crate) fn authority(&self) -> String {
        self.folder.join("ca.pem").display().to_string()
    }

    pub(crate) fn socket(&self) -> String {
        self.folder.join("s").display().to_string()
    }
}
