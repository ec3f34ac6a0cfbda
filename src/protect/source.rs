//! Sources of keys. The command line is none of them: every process of the machine can read arguments.
//!
//! | source | the key is |
//! |---|---|
//! | `env:NAME` | the value of the environment variable |
//! | `file:PATH` | the content of the file, which nobody but its owner may read |
//! | `fd:N` | read from the open file descriptor; `fd:0` is standard input |
//! | `cmd:PROGRAM ARGUMENT…` | the standard output of the program, which is started without a shell; spaces separate the arguments |
//! | `test:NAME` | derived from the name, for tests: everyone who knows the name has it |
//!
//! A key is 32 bytes: 64 hexadecimal digits, base64 in the standard or the URL-safe alphabet, or the bytes themselves. A
//! source may hold a keyring (`placebo keys new`) instead of a key.

use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::secret::Secret;
use crate::disk::{Links, open_named, open_regular, same_file};
use crate::error::{Error, Kind, Result};

/// The largest key or keyring that is read or written, in bytes.
pub(super) const MAX: u64 = 1 << 20;

/// A place that holds a key or a keyring.
#[derive(Clone)]
pub enum KeySource {
    /// An environment variable.
    Env(String),
    /// A file that only its owner reads.
    File(PathBuf),
    /// An open file descriptor.
    Descriptor(u32),
    /// A program and its arguments.
    Command(Vec<String>),
    /// A public name from which a key for tests is derived.
    Test(String),
}

/// Shows the source without the arguments of a command, which may be secret.
impl fmt::Display for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeySource::Env(name) => write!(f, "env:{}", shown(name)),
            KeySource::File(path) => write!(f, "file:{}", shown(&path.to_string_lossy())),
            KeySource::Descriptor(number) => write!(f, "fd:{number}"),
            KeySource::Command(words) => write!(f, "cmd:{} …", words.first().map_or("", |name| shown(name))),
            KeySource::Test(name) => write!(f, "test:{name}"),
        }
    }
}

impl fmt::Debug for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::str::FromStr for KeySource {
    type Err = Error;

    /// Parses a source. The text may be a key by mistake, so no message repeats it.
    fn from_str(text: &str) -> Result<Self> {
        let wrong = || {
            Error::usage("a key source is `env:NAME`, `file:PATH`, `fd:N`, `cmd:PROGRAM …` or `test:NAME`")
                .hint("a key itself never stands on the command line, where every process can read it")
        };
        let (kind, rest) = text.split_once(':').filter(|(_, rest)| !rest.is_empty()).ok_or_else(wrong)?;
        match kind {
            "env" => Ok(Self::Env(rest.to_owned())),
            "file" => Ok(Self::File(rest.into())),
            "fd" => rest.parse().map(Self::Descriptor).map_err(|_| wrong()),
            "cmd" => {
                let words: Vec<String> = rest.split_whitespace().map(str::to_owned).collect();
                if words.is_empty() { Err(wrong()) } else { Ok(Self::Command(words)) }
            }
            "test" => Ok(Self::Test(rest.to_owned())),
            _ => Err(wrong()),
        }
    }
}

impl KeySource {
    /// Reads the bytes of the source.
    ///
    /// # Errors
    /// The variable is not set, the file or descriptor cannot be read or is open to others, the program fails, or there are more
    /// than 1 MiB.
    pub fn read(&self) -> Result<Zeroizing<Vec<u8>>> {
        match self {
            KeySource::Env(name) => {
                let value = std::env::var_os(name)
                    .ok_or_else(|| failed(format!("the environment variable `{}` is not set", shown(name))))?;
                Ok(Zeroizing::new(value.into_encoded_bytes()))
            }
            KeySource::File(path) => read_private(path),
            KeySource::Descriptor(number) => {
                let path = PathBuf::from(format!("/dev/fd/{number}"));
                let file = open_named(&path)
                    .map_err(|error| failed(format!("the file descriptor {number} cannot be read: {error}")))?;
                contents(file, &path.to_string_lossy())
            }
            KeySource::Command(words) => {
                let name = shown(&words[0]);
                let mut command = Command::new(&words[0]);
                command.args(&words[1..]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit());
                let mut child = command.spawn().map_err(|error| failed(format!("`{name}` does not start: {error}")))?;
                let read = child.stdout.take().map_or_else(|| Ok(Zeroizing::default()), |out| contents(out, name));
                if read.is_err() {
                    // It may print for ever.
                    let _ended_already = child.kill();
                }
                let status = child.wait().map_err(|error| failed(format!("`{name}` does not end: {error}")))?;
                let bytes = read?;
                if !status.success() {
                    return Err(failed(format!("`{name}` failed with {status}")));
                }
                Ok(bytes)
            }
            KeySource::Test(name) => {
                let key = Sha256::new().chain_update(b"placebo/test-key/1/").chain_update(name.as_bytes()).finalize();
                Ok(Zeroizing::new(key.to_vec()))
            }
        }
    }

    /// Tells whether the key is one for tests, which everyone can derive.
    #[must_use]
    pub fn test_only(&self) -> bool {
        matches!(self, KeySource::Test(_))
    }
}

/// Parses a key; `whence` names its source in messages, which never show the bytes.
///
/// # Errors
/// The bytes are not a key in any of the forms that the module lists.
pub fn parse(bytes: &[u8], whence: &dyn fmt::Display) -> Result<Secret> {
    coded(bytes.trim_ascii()).or_else(|| own(bytes)).ok_or_else(|| {
        failed(format!("`{whence}` holds no key"))
            .hint("32 bytes: as 64 hexadecimal digits, as base64, or as they are; `placebo keys new` makes a keyring")
    })
}

fn own(bytes: &[u8]) -> Option<Secret> {
    let mut key: [u8; 32] = bytes.try_into().ok()?;
    Some(Secret::take(&mut key))
}

/// Decodes a key that is text; `None` if it is not one.
fn coded(text: &[u8]) -> Option<Secret> {
    if text.len() == 64 && text.iter().all(u8::is_ascii_hexdigit) {
        let nibble = |digit: u8| (digit as char).to_digit(16).unwrap_or(0) as u8;
        let raw = text.chunks_exact(2).map(|pair| nibble(pair[0]) << 4 | nibble(pair[1]));
        own(&Zeroizing::new(raw.collect::<Vec<u8>>()))
    } else if matches!(text.len(), 43 | 44) {
        let engines = [&STANDARD, &STANDARD_NO_PAD, &URL_SAFE, &URL_SAFE_NO_PAD];
        engines.iter().find_map(|engine| own(&Zeroizing::new(engine.decode(text).ok()?)))
    } else {
        None
    }
}

/// The name to show in a message: `***` where the user gave a key by mistake.
#[must_use]
pub fn shown(name: &str) -> &str {
    let last = name.rsplit(['/', '\\']).next().unwrap_or(name);
    if [name, last].iter().any(|text| coded(text.as_bytes()).is_some()) { "***" } else { name }
}

/// Reads a file that nobody but its owner may read. A file that is replaced meanwhile is read again: the old one may be wiped.
///
/// # Errors
/// The file cannot be read, is larger than a keyring may be, or may be read by others.
pub fn read_private(path: &Path) -> Result<Zeroizing<Vec<u8>>> {
    let shown = shown(&path.to_string_lossy()).to_owned();
    for _ in 0..100 {
        let file = open_regular(path, Links::Follow).map_err(|error| {
            failed(format!("the key file `{shown}` cannot be read: {error}"))
                .hint("a key or a keyring is a regular file; `fd:N` reads a key from a pipe")
        })?;
        private(&file, &shown)?;
        let bytes = contents(&file, &shown)?;
        if std::fs::metadata(path).map_or(true, |there| same_file(&file, &there)) {
            return Ok(bytes);
        }
    }
    Err(failed(format!("the key file `{shown}` is replaced again and again while it is read")).hint("try again"))
}

/// Refuses an open file that others than its owner may read or write.
pub(super) fn private(file: &std::fs::File, shown: &str) -> Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = file.metadata().map_err(|error| Error::io(shown, error))?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(failed(format!("the key file `{shown}` lies open to others (mode {mode:04o})"))
                .hint(format!("chmod 600 {shown}")));
        }
    }
    Ok(())
}

/// Reads all bytes, of which there may be [`MAX`]; `shown` is their place, for messages.
pub(super) fn contents(from: impl Read, shown: &str) -> Result<Zeroizing<Vec<u8>>> {
    // Room for most keyrings at once: a vector that grows leaves copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(1 << 16));
    from.take(MAX + 1).read_to_end(&mut bytes).map_err(|error| Error::io(shown, error))?;
    if bytes.len() as u64 > MAX {
        return Err(failed(format!("`{shown}` holds more than {MAX} bytes: it is no key and no keyring")));
    }
    Ok(bytes)
}

pub(super) fn failed(message: String) -> Error {
    Error::new(Kind::Key, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_many_forms_and_no_other() {
        let hex = "00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF";
        let want = *parse(hex.as_bytes(), &"x").expect("hex").expose();
        for text in [
            format!(" {hex}\n"),
            STANDARD.encode(want),
            STANDARD_NO_PAD.encode(want),
            URL_SAFE.encode(want),
            URL_SAFE_NO_PAD.encode(want),
        ] {
            assert_eq!(parse(text.as_bytes(), &"x").expect("a key").expose(), &want, "{text}");
        }
        assert_eq!(parse(&want, &"x").expect("raw").expose(), &want);
        for bad in ["", "secret", &hex[1..], &hex.replace('0', "g")] {
            let error = parse(bad.as_bytes(), &"env:X").expect_err("no key");
            assert_eq!(error.kind(), Kind::Key);
            assert!(bad.is_empty() || !format!("{error:?}").contains(bad), "{error:?} shows what it read");
        }
    }

    #[test]
    fn sources_are_read_and_never_repeated() {
        for good in ["env:A", "file:/a:b", "fd:3", "cmd:pass show x", "test:t"] {
            assert!(good.parse::<KeySource>().is_ok(), "{good}");
        }
        for bad in ["", "secret-key", "env:", "fd:x", "cmd: ", "https://x", "00112233"] {
            let error = bad.parse::<KeySource>().expect_err("no source");
            // The message names the forms itself; what was typed beside them is not in it.
            assert!(bad.len() < 5 || !error.to_string().contains(bad), "{error}");
        }
        // The same holds for a key behind the colon.
        for key in ["00112233445566778899aabbccddeeff".repeat(2), STANDARD.encode([7; 32])] {
            for kind in ["env", "file", "cmd"] {
                let from = format!("{kind}:{key}").parse::<KeySource>().expect("a source");
                let error = from.read().expect_err("nothing is there");
                assert!(!format!("{from} {error:?}").contains(&key), "{error:?}");
            }
            assert_eq!((shown(&key), shown("keys/main")), ("***", "keys/main"));
        }
        let shown = format!("{:?}", "cmd:vault --token s3cr3t".parse::<KeySource>().expect("a source"));
        assert!(!shown.contains("s3cr3t"), "{shown}");
        let test = "test:a".parse::<KeySource>().expect("a source");
        let other = "test:b".parse::<KeySource>().expect("a source");
        assert_ne!(test.read().expect("bytes"), other.read().expect("bytes"));
        assert!(test.test_only());
    }
}
