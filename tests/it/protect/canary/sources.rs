//! Every way of giving a key, and what can be wrong with each.

use placebo::digest::hex;

use super::world::{NAME, PASSPHRASE, PASSWORD, Use, World, keyring};

/// How a run should end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum End {
    Good,
    Bad,
    Any,
}

/// A key given to a command.
#[derive(Clone)]
pub(super) struct Given {
    /// What stands behind the option; `{given}` is the file, `{keys}` the folder of the programs.
    pub(super) text: String,
    /// The file's mode and content, which are the environment's and the standard input's too.
    pub(super) held: Option<(u32, Vec<u8>)>,
    pub(super) end: End,
    pub(super) test: bool,
    /// The secrets that stand on the command line because the user wrote them there.
    pub(super) typed: Vec<&'static str>,
}

/// A source of keys, for an option of that kind. `opens` says that a wrong key is of no use to the command.
pub(super) fn sources(world: &World, what: Use, opens: bool) -> Vec<Given> {
    let (good, wrong) = (world.held(what, false), if opens { End::Bad } else { End::Any });
    let mut states = vec![
        (good.clone(), End::Good),
        (hex(&world.wrong).into_bytes(), wrong),
        (PASSPHRASE.into(), End::Bad),
        (good[..good.len() - 1].to_vec(), End::Bad),
        ([&good[..], b"0"].concat(), End::Bad),
    ];
    if what == Use::Data {
        let ring = keyring(&world.data, None);
        states.push((ring.clone().into_bytes(), End::Good));
        states.push((ring.replace("\"key\"", "\"kye\"").into_bytes(), End::Bad));
        states.push((ring.as_bytes()[..ring.len() - 5].to_vec(), End::Bad));
    }
    let given = |text: &str, mode: u32, held: &[u8], end: End| Given {
        text: text.to_owned(),
        held: Some((mode, held.to_vec())),
        end,
        test: false,
        typed: if text.starts_with("cmd:") { vec!["password"] } else { Vec::new() },
    };
    let tell = format!("cmd:sh {{keys}}/tell {PASSWORD} {{given}}");
    let mut all = Vec::new();
    for (held, end) in &states {
        for text in ["env:CANARY_GIVEN", "file:{given}", "fd:0", &tell] {
            all.push(given(text, 0o600, held, *end));
        }
    }
    all.push(given("file:{given}", 0o640, &good, End::Bad));
    all.push(given(&format!("cmd:sh {{keys}}/fail {PASSWORD} {{given}}"), 0o600, &good, End::Bad));
    for text in ["env:CANARY_NOT_THERE", "file:{given}.not", "fd:99", "cmd:{keys}/not", "test:", "nonsense"] {
        all.push(given(text, 0o600, &good, End::Bad));
    }
    let end = if what == Use::Column { End::Bad } else { End::Good };
    all.push(Given { test: true, ..given(&format!("test:{NAME}"), 0o600, &good, end) });
    // The key itself, by mistake, wherever one may think that it stands.
    let text = String::from_utf8_lossy(&good);
    for before in ["", "env:", "file:", "cmd:", "fd:", "key:"] {
        let typed = vec!["data", "kek", "column"];
        all.push(Given { typed, ..given(&format!("{before}{text}"), 0o600, &good, End::Bad) });
    }
    all
}

/// A file with a key in it, for an option that names one.
pub(super) fn files(world: &World, what: Use, opens: bool) -> Vec<Given> {
    let good = world.held(what, false);
    let text = String::from_utf8_lossy(&good).into_owned();
    let other = match what {
        Use::Pem => super::world::pem(&world.wrong),
        _ => keyring(&world.wrong, None),
    };
    let states = [
        (text.clone(), 0o600, End::Good),
        (other, 0o600, if opens { End::Bad } else { End::Any }),
        (text.clone(), 0o644, End::Bad),
        (text.replacen("key", "kye", 1).replacen("PRIVATE", "ENCRYPTED PRIVATE", 1), 0o600, End::Bad),
        (text[..text.len() - 12].to_owned(), 0o600, End::Bad),
        (format!("{text}{PASSPHRASE}").replace("-----END", "----END"), 0o600, End::Bad),
        (PASSPHRASE.to_owned(), 0o600, End::Bad),
    ];
    let given = |text: &str, mode: u32, held: String, end: End| Given {
        text: text.to_owned(),
        held: Some((mode, held.into_bytes())),
        end,
        test: false,
        typed: Vec::new(),
    };
    let mut all: Vec<Given> = states.map(|(held, mode, end)| given("{given}", mode, held, end)).into();
    all.push(given("{given}.not", 0o600, text, End::Bad));
    for secret in [hex(&world.data), base64::Engine::encode(&base64::engine::general_purpose::STANDARD, world.data)] {
        all.push(Given { typed: vec!["data"], ..given(&secret, 0o600, String::new(), End::Bad) });
    }
    all
}
