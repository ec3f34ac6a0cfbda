//! The files beside the data, and those that keys are in: manifests, run logs, signatures, keyrings. Damaged, they
//! are an error or a finding; what reads as good is good.

use std::path::{Path, PathBuf};

use placebo::folder::audit;
use placebo::folder::manifest::Manifest;
use placebo::protect::keyring::Keyring;
use placebo::protect::secret::Secret;
use placebo::protect::{source, wrap};
use placebo::verify::{PublicKey, Request, Sample, verify};

use crate::folders::{memory, placebo};
use crate::mutate::{Dice, mutant};

const PROFILE: &str = "tests/fixtures/shop";

/// A signed run, and what its files say.
pub(crate) struct Readers {
    folder: tempfile::TempDir,
    files: Vec<(String, String)>,
    keyring: String,
    pem: String,
}

fn key(byte: u8) -> Secret {
    Secret::take(&mut [byte; 32])
}

impl Readers {
    pub(crate) fn new() -> Self {
        let folder = memory();
        let at = |name: &str| folder.path().join(name);
        let text = |name: &str| at(name).to_str().expect("a path").to_owned();
        placebo(&["generate", PROFILE, "--rows", "account=20", "--out", &text("made"), "-q"]);
        let pem = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f\n-----END PRIVATE KEY-----\n";
        private(&at("pem"), pem.as_bytes());
        placebo(&["sign", &text("made"), "--key", &text("pem")]);
        let names =
            ["manifest.json", "SHA256SUMS", "manifest.dsse.json", "run.jsonl", "account.csv", "datapackage.json"];
        let files = names.map(|name| (name.to_owned(), std::fs::read_to_string(at("made").join(name)).expect("text")));
        let mut all = Self {
            files: files.into(),
            keyring: String::new(),
            pem: "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAA6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=\n-----END PUBLIC KEY-----\n".to_owned(),
            folder,
        };
        all.keyring = all.ring();
        std::fs::write(all.at("signer"), &all.pem).expect("writes");
        all
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A keyring with a key of each state.
    fn ring(&self) -> String {
        let path = self.at("ring");
        let (ring, kek) = (path.to_str().expect("a path"), self.at("kek"));
        private(&kek, &[7; 32]);
        placebo(&["keys", "new", "--keyring", ring]);
        placebo(&["keys", "rotate", "--keyring", ring]);
        placebo(&["keys", "wrap", "--keyring", ring, "--kek", &format!("file:{}", kek.display())]);
        std::fs::read_to_string(&path).expect("text")
    }

    /// One damaged file; whether it was good all the same.
    pub(crate) fn case(&self, dice: &mut Dice) -> bool {
        match dice.below(12) {
            0..=2 => self.beside(dice),
            3..=6 => {
                let text = self.mutant(dice, &self.files[0].1);
                let Ok(text) = String::from_utf8(text) else { return false };
                Manifest::parse(&text).is_ok_and(|manifest| {
                    assert_eq!(manifest.to_json(), text);
                    true
                })
            }
            7 | 8 => self.keyring(dice),
            9 => {
                let path = self.at("log");
                let (text, sound) = (self.mutant(dice, &self.files[3].1), self.files[3].1.as_bytes());
                std::fs::write(&path, &text).expect("writes");
                std::fs::write(self.at("sound"), sound).expect("writes");
                let end = audit::verify(&self.at("sound")).expect("a log");
                audit::verify(&path).is_ok_and(|seen| {
                    assert!(seen != end || text == sound, "another log ends alike");
                    true
                })
            }
            10 => {
                std::fs::write(self.at("public"), self.mutant(dice, &self.pem)).expect("writes");
                PublicKey::read(&self.at("public")).is_ok()
            }
            _ => {
                let (mut wrapped, kek) = (wrap::wrap(&key(1), &key(2)).to_vec(), key(1 + dice.below(2) as u8));
                let (at, to) = (dice.below(wrapped.len()), dice.below(256) as u8);
                wrapped[at] = to;
                wrapped.truncate(40 - dice.below(3) * dice.below(40));
                let opened = wrap::unwrap(&kek, &wrapped);
                let sound = wrapped == wrap::wrap(&kek, &key(2));
                assert_eq!(opened.map(|key| *key.expose()), sound.then_some([2; 32]));
                sound
            }
        }
    }

    fn mutant(&self, dice: &mut Dice, text: &str) -> Vec<u8> {
        let corpus = [text.to_owned(), self.files[dice.below(self.files.len())].1.clone()];
        let most = 1 + dice.below(8) / 7;
        mutant(dice, &corpus[..most])
    }

    /// A file of a signed run: whatever is changed is found.
    fn beside(&self, dice: &mut Dice) -> bool {
        let (name, sound) = &self.files[dice.below(self.files.len())];
        let (folder, text) = (self.at("made"), self.mutant(dice, sound));
        std::fs::write(folder.join(name), &text).expect("writes");
        let request = Request {
            folder: folder.clone(),
            quick: dice.below(2) == 0,
            sample: Sample { share: 1.0, seed: String::new() },
            profile: Some(PROFILE.to_owned()),
            templates: Vec::new(),
            faults: Vec::new(),
            keys: None,
            seed: None,
            allow_missing_parts: false,
            public_key: Some(PublicKey::read(&self.at("signer")).expect("a key")),
            threads: 1,
            memory: 1 << 20,
            show_values: true,
        };
        let good = verify(&request).is_ok_and(|report| report.findings.is_empty());
        std::fs::write(folder.join(name), sound).expect("writes");
        // The last line of a log may be another or missing: only its hash, which a run prints, says so.
        let lines = text.strip_suffix(b"\n").unwrap_or(&text);
        let before = lines.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let log = name == "run.jsonl" && sound.as_bytes().starts_with(&lines[..before]);
        // Of an envelope, what is signed and the signature; not how it is laid out, nor whose it says that it is.
        let kept = |word: &str| {
            let value = sound.split(&format!("\"{word}\":\"")).nth(1).and_then(|rest| rest.split('"').next());
            value.is_some_and(|value| text.windows(value.len()).any(|part| part == value.as_bytes()))
        };
        let envelope = name == "manifest.dsse.json" && kept("payload") && kept("sig");
        assert!(!good || text == sound.as_bytes() || log || envelope, "{name} was changed");
        good
    }

    fn keyring(&self, dice: &mut Dice) -> bool {
        let text = self.mutant(dice, &self.keyring);
        let _ = source::parse(&text, &"the fuzzer");
        let kek = format!("file:{}", self.at("kek").display()).parse().expect("a source");
        let opened = Keyring::parse(&text, "the fuzzer").and_then(|ring| ring.open(Some(&kek)));
        opened.is_ok_and(|keys| {
            assert!(keys.all().all(|(id, key)| key.check_value() == id && self.keyring.contains(id)));
            true
        })
    }
}

fn private(path: &Path, bytes: &[u8]) {
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(path).expect("opens");
    std::io::Write::write_all(&mut file, bytes).expect("writes");
}
