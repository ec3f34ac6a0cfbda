//! Whole files with encrypted columns, damaged and then opened by `decrypt`: an error at worst, and never a value in a row
//! that did not have it.

use std::path::{Path, PathBuf};
use std::process::Command;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use placebo::decrypt::{Opener, Request, StoredManifest, open, read_all};
use placebo::disk::System;
use placebo::error::Kind;
use placebo::format::{self, read::Rows};
use placebo::plan::{Chunk, Options, Plan};
use placebo::protect::keyring::Keys;
use placebo::protect::texts::Texts;

use crate::mutate::Dice;

const PROFILE: &str = "tests/fixtures/clinic";
/// Columns that are bound to their row, and the key that they are bound to.
const BOUND: [&str; 4] = ["patient_id", "name", "ssn", "note"];

/// A run in a format, and what it opens to.
pub(crate) struct Sealed {
    folder: PathBuf,
    manifests: Vec<StoredManifest>,
    file: PathBuf,
    bytes: Vec<u8>,
    format: &'static str,
}

/// The runs in a folder, and what their rows are in the clear.
pub(crate) struct Folders {
    folder: tempfile::TempDir,
    all: Vec<Sealed>,
    keys: Keys,
    schema: SchemaRef,
    rows: Vec<Row>,
}

/// Runs the program.
pub(crate) fn placebo(args: &[&str]) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_placebo"));
    let output = command.args(args).current_dir(env!("CARGO_MANIFEST_DIR")).output().expect("runs");
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A folder in memory, where there is one.
pub(crate) fn memory() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.expect("a folder")
}

/// The texts of a row's columns that are bound to it.
type Row = [Option<String>; BOUND.len()];

fn rows(batch: &RecordBatch) -> Vec<Row> {
    let texts = BOUND.map(|name| Texts::new(batch.column_by_name(name).expect("a column")).expect("texts"));
    (0..batch.num_rows()).map(|row| texts.each_ref().map(|texts| texts.get(row).map(str::to_owned))).collect()
}

impl Folders {
    pub(crate) fn new() -> Self {
        let folder = memory();
        let mut all = Vec::new();
        for (n, format) in ["csv", "ndjson", "json", "parquet", "arrow", "csv"].into_iter().enumerate() {
            let out = folder.path().join(format!("{n}"));
            let mut args = vec!["generate", PROFILE, "--rows", "patient=12", "--format", format, "-q", "--out"];
            args.extend([out.to_str().expect("a path"), "--key-source", "test:fuzz", "--protect", "pii=encrypt"]);
            args.extend(["--protect", "narrative=encrypt", "--protect", "patient.patient_id=encrypt:who"]);
            args.extend(if n % 2 == 0 { &["--pad", "32", "--encrypt-nulls"][..] } else { &["--nonce", "random"] });
            placebo(&args);
            let file = out.join(format!("patient.{format}"));
            let (bytes, manifests) = (std::fs::read(&file).expect("a file"), read_all(&out).expect("a manifest"));
            all.push(Sealed { folder: out, manifests, file, bytes, format });
        }
        let plan = Plan::compile(&placebo::profile::load(PROFILE).expect("loads"), &Options::default());
        let plan = plan.expect("compiles");
        let table = plan.table("patient").expect("a table");
        let batch = Chunk::new(&plan, table, &(0..12).collect::<Vec<_>>()).batch(table).expect("rows");
        let keys = Keys::read(&"test:fuzz".parse().expect("a source"), None).expect("a key");
        let schema = SchemaRef::clone(&plan.tables[table].schema);
        Self { folder, all, keys, schema, rows: rows(&batch) }
    }

    /// One damaged file; whether it opened.
    pub(crate) fn case(&self, dice: &mut Dice) -> bool {
        let one = &self.all[dice.below(self.all.len())];
        let mut bytes = one.bytes.clone();
        for _ in 0..=dice.below(3) {
            let (at, from) = (dice.below(bytes.len()), dice.below(bytes.len()));
            let length = dice.below(60).min(bytes.len() - at.max(from));
            match dice.below(6) {
                0 | 1 => bytes[at] ^= 1 << dice.below(8),
                2 => bytes.truncate(at.max(1)),
                3 => drop(bytes.drain(at..at + length)),
                // A piece of one cell over another.
                4 => bytes.copy_within(from..from + length, at),
                _ => bytes[at] = dice.below(256) as u8,
            }
            if bytes.is_empty() {
                return false;
            }
        }
        std::fs::write(&one.file, &bytes).expect("writes");
        let out = self.folder.path().join("opened");
        let _gone_already = std::fs::remove_dir_all(&out);
        let request = Request {
            folder: one.folder.clone(),
            file: Some(one.file.clone()),
            columns: Vec::new(),
            opener: Opener::Keys(&self.keys),
            again: None,
            strict: dice.below(2) == 0
                && one.manifests[0].manifest.protection.as_ref().is_some_and(|p| p.nonce == "synthetic"),
            out: out.clone(),
        };
        match open(&System, &request, &one.manifests, 1) {
            Ok(_) => {
                let path = out.join(one.file.file_name().expect("a name"));
                let mut read =
                    Rows::open(&path, one.format, &self.schema, &format::Options::default()).expect("a file");
                // A null is sealed only where nulls are: elsewhere anybody may put one.
                let nulls = one.manifests[0].manifest.protection.as_ref().is_some_and(|entry| entry.encrypt_nulls);
                let same = |a: &Option<String>, b: &Option<String>| a == b || !nulls && a.is_none();
                while let Some(batch) = read.next(100).expect("rows") {
                    for row in rows(&batch) {
                        let known = self.rows.iter().any(|known| row.iter().zip(known).all(|(a, b)| same(a, b)));
                        assert!(known, "{}: {row:?}", one.format);
                    }
                }
                true
            }
            Err(error) => {
                assert!(matches!(error.kind(), Kind::Verification | Kind::Key), "{}: {error:?}", one.format);
                assert!(!out.join(one.file.file_name().expect("a name")).exists(), "half a file");
                false
            }
        }
    }
}
