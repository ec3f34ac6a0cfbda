//! The secrets, where they are kept, and the folders that commands are run on.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use placebo::digest::hex;
use placebo::protect::fe1::{Cipher, Scope};
use placebo::protect::secret::Secret;
use placebo::protect::wrap::wrap;

use super::super::{CLINIC, generate, test_key};
use super::search::Search;
use crate::run::good;

/// What a key is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    Data,
    Kek,
    Column,
    Keyring,
    Pem,
}

/// A key of its own for each use, and what stands around them.
pub(super) struct World {
    temp: tempfile::TempDir,
    pub(super) search: Search,
    pub(super) data: [u8; 32],
    pub(super) kek: [u8; 32],
    pub(super) column: [u8; 32],
    pub(super) wrong: [u8; 32],
    pub(super) seed: [u8; 32],
}

/// What is no key, and nobody's business all the same.
pub(super) const PASSPHRASE: &str = "correct-horse-battery-canary";
/// What stands behind `cmd:` because some program wants it there: in the list of processes, and nowhere else.
pub(super) const PASSWORD: &str = "hunter2-canary-of-the-argument";
/// The name of the key for tests.
pub(super) const NAME: &str = "clinic";

/// Writes a file with a mode.
pub(super) fn write(path: &Path, mode: u32, bytes: &[u8]) {
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(mode).open(path).expect("opens");
    file.write_all(bytes).expect("writes");
}

/// A private key as OpenSSL writes it (RFC 8410).
pub(super) fn pem(seed: &[u8; 32]) -> String {
    let head = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
    let body = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, [&head[..], seed].concat());
    format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n")
}

/// A keyring of one active key, which is wrapped where there is something to wrap it with.
pub(super) fn keyring(key: &[u8; 32], kek: Option<&[u8; 32]>) -> String {
    let key = Secret::take(&mut key.clone());
    let held = match kek {
        Some(kek) => format!("\"wrapped\": \"{}\"", hex(&wrap(&Secret::take(&mut kek.clone()), &key))),
        None => format!("\"key\": \"{}\"", hex(key.expose())),
    };
    format!("{{\"keyring\": 1, \"keys\": [{{\"id\": \"{}\", \"state\": \"active\", {held}}}]}}\n", key.check_value())
}

impl World {
    pub(super) fn new() -> Self {
        let temp = tempfile::tempdir().expect("a folder");
        let key = |salt: u8| -> [u8; 32] { std::array::from_fn(|n| (n as u8).wrapping_mul(37).wrapping_add(salt)) };
        let (data, kek, wrong, seed) = (key(11), key(58), key(101), key(202));
        let secret = Secret::take(&mut data.clone());
        let column = *Cipher::column_key(&secret, &Scope::column("patient", "ssn")).expose();
        let test = *test_key(NAME).expose();
        let secrets = [
            ("data", data.to_vec()),
            ("kek", kek.to_vec()),
            ("column", column.to_vec()),
            ("wrong", wrong.to_vec()),
            ("seed", seed.to_vec()),
            ("test", test.to_vec()),
            ("nonces", secret.subkey("fe1/syn/patient/ssn").expose().to_vec()),
            ("commitments", secret.subkey("fe1/seed").expose().to_vec()),
            ("passphrase", PASSPHRASE.into()),
            ("password", PASSWORD.into()),
        ];
        let world = Self { search: Search::new(&secrets), temp, data, kek, column, wrong, seed };
        std::fs::create_dir(world.at("keys")).expect("a folder");
        for (name, key) in [("data", data), ("kek", kek)] {
            write(&world.at(&format!("keys/{name}")), 0o600, hex(&key).as_bytes());
        }
        write(&world.at("keys/pem"), 0o600, pem(&seed).as_bytes());
        // Slow enough to be seen; the second fails with half a key told.
        write(&world.at("keys/tell"), 0o600, b"cat \"$2\"; sleep 0.01\n");
        write(&world.at("keys/fail"), 0o600, b"head -c 40 \"$2\"; sleep 0.01; exit 3\n");
        world.folders();
        world
    }

    pub(super) fn at(&self, name: &str) -> PathBuf {
        self.temp.path().join(name)
    }

    fn folders(&self) {
        let data = format!("file:{}", self.at("keys/data").display());
        let how = ["--rows", "patient=20", "--protect", "pii=encrypt", "--key-source"];
        let sealed = generate(CLINIC, &self.at("sealed"), &[&how[..], &[data.as_str()]].concat());
        generate(CLINIC, &self.at("sealed-test"), &[&how[..], &[&format!("test:{NAME}")]].concat());
        generate(CLINIC, &self.at("clear"), &["--rows", "patient=20"]);
        let database = format!("sqlite:{}", self.at("loaded.db").display());
        crate::run::good(&["load", CLINIC, "--rows", "patient=20", "--to", &database, "-q"]);
        for name in ["damaged", "blocked"] {
            good(&["reencrypt", &self.text("sealed"), "--key-source", &data, "--out", &self.text(name)]);
        }
        let text = String::from_utf8(sealed["patient.csv"].clone()).expect("text");
        let at = text.rfind("fe1.").expect("a cell") + 40;
        let other = if text.as_bytes()[at] == b'A' { "B" } else { "A" };
        write(&self.at("damaged/patient.csv"), 0o644, (text[..at].to_owned() + other + &text[at + 1..]).as_bytes());
        std::fs::remove_file(self.at("blocked/patient.csv")).expect("removes");
        std::fs::create_dir(self.at("blocked/patient.csv")).expect("a folder");
    }

    pub(super) fn text(&self, name: &str) -> String {
        self.at(name).to_str().expect("a path").to_owned()
    }

    /// What stands at the end of a source, for a use.
    pub(super) fn held(&self, what: Use, test: bool) -> Vec<u8> {
        match what {
            Use::Data if test => test_key(NAME).expose().to_vec(),
            Use::Data => hex(&self.data).into_bytes(),
            Use::Kek => hex(&self.kek).into_bytes(),
            Use::Column => hex(&self.column).into_bytes(),
            Use::Keyring => keyring(&self.data, None).into_bytes(),
            Use::Pem => pem(&self.seed).into_bytes(),
        }
    }

    /// A folder for one run: its working folder with a keyring and a wrapped one, whose key is the test key's where `test`.
    pub(super) fn run(&self, number: usize, test: bool) -> PathBuf {
        let folder = self.at(&format!("run-{number}"));
        std::fs::create_dir(&folder).expect("a folder");
        let kek = if test { *test_key(NAME).expose() } else { self.kek };
        write(&folder.join("ring"), 0o600, keyring(&self.data, None).as_bytes());
        write(&folder.join("wrapped"), 0o600, keyring(&self.data, Some(&kek)).as_bytes());
        folder
    }

    /// The words of a command line.
    pub(super) fn words(&self, line: &str, run: &Path, test: bool) -> Vec<String> {
        let below = |name: &str| run.join(name).to_str().expect("a path").to_owned();
        let fill = |word: &str| match word {
            "{letter}" => format!("{}/tests/fixtures/clinic/letter.txt.j2", env!("CARGO_MANIFEST_DIR")),
            "{faults}" => format!("{}/tests/fixtures/clinic/wrong.toml", env!("CARGO_MANIFEST_DIR")),
            "{export}" if test && !line.contains("--kek") => {
                format!("patient={}/patient.csv", self.text("sealed-test"))
            }
            "{export}" => format!("patient={}/patient.csv", self.text("sealed")),
            "{clear-export}" => format!("patient={}/patient.csv", below("clear")),
            "{staff}" | "{rules}" | "{clear-rules}" => {
                let names = [("{staff}", "staff.csv"), ("{rules}", "rules.toml"), ("{clear-rules}", "clear.toml")];
                let name = names.iter().find(|(known, _)| *known == word).expect("a name").1;
                format!("{}/tests/fixtures/existing/{name}", env!("CARGO_MANIFEST_DIR"))
            }
            "{clinic}" => format!("{}/{CLINIC}", env!("CARGO_MANIFEST_DIR")),
            "{out}" | "{new}" | "{ring}" | "{wrapped}" | "{nowhere}" | "{given}" => below(&word[1..word.len() - 1]),
            "{sealed}" if test && !line.contains("--kek") => self.text("sealed-test"),
            "{sealed}" | "{damaged}" | "{blocked}" => self.text(&word[1..word.len() - 1]),
            "sqlite:{loaded}" => {
                std::fs::copy(self.at("loaded.db"), run.join("loaded.db")).expect("copies");
                format!("sqlite:{}", below("loaded.db"))
            }
            "{clear}" => {
                // It is signed: each run has its own.
                std::fs::create_dir(run.join("clear")).expect("a folder");
                for (name, bytes) in crate::run::files(&self.at("clear")) {
                    std::fs::write(run.join("clear").join(name), bytes).expect("writes");
                }
                below("clear")
            }
            "{data}" => format!("file:{}", self.text("keys/data")),
            "{file}" => format!("file:{}", self.text("keys/kek")),
            "{pem}" => self.text("keys/pem"),
            "{id}" => Secret::take(&mut self.data.clone()).check_value(),
            "{passphrase}" => PASSPHRASE.to_owned(),
            word => word.replace("{given}", &below("given")).replace("{keys}", &self.text("keys")),
        };
        line.split_whitespace().map(fill).collect()
    }
}
