//! Passwords of databases: from the environment or a file that only the user can read, so that no command line has them.

#[cfg(any(feature = "mysql", feature = "postgres"))]
use std::path::PathBuf;

#[cfg(any(feature = "mysql", feature = "postgres"))]
use crate::disk::{Links, contents, open_regular};
#[cfg(any(feature = "mysql", feature = "postgres"))]
use crate::error::{Error, Kind, Result};

/// The variable into which a password of the command line is moved before anybody can see it there.
pub(crate) const MOVED: &str = "PLACEBO_DATABASE_PASSWORD";

/// The most bytes of a file of passwords.
#[cfg(any(feature = "mysql", feature = "postgres"))]
const LONGEST: u64 = 1 << 20;

/// The user, server and database that a password is for.
#[cfg(feature = "postgres")]
pub(super) struct Login {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) database: String,
    pub(super) user: String,
}

/// The password of a login, from the variables `MOVED` and `variable`, or from a file of lines `host:port:database:user:password`,
/// which the variable `file` names, or which is `usual` in the home folder. `None` if there is none.
///
/// # Errors
///
/// If the file cannot be read, or others can read it.
#[cfg(feature = "postgres")]
pub(super) fn password(variable: &str, file: &str, usual: &str, login: &Login) -> Result<Option<Vec<u8>>> {
    if let Some(password) = of_environment(variable) {
        return Ok(Some(password));
    }
    let Some(path) = std::env::var_os(file).map(PathBuf::from).or_else(|| at_home(usual)) else { return Ok(None) };
    let Some((text, file)) = lines_of(&path)? else { return Ok(None) };
    allow_alone(&path, &file)?;
    Ok(text.lines().find_map(|line| of_line(line, login)).map(String::into_bytes))
}

/// The password from the variables `MOVED` and `variable`, or from the section `[client]` of an option file of `MySQL`, which is
/// `usual` in the home folder. `None` if there is none.
///
/// # Errors
///
/// If the file cannot be read, or others can read a password in it.
#[cfg(feature = "mysql")]
pub(super) fn password_of_options(variable: &str, usual: &str) -> Result<Option<Vec<u8>>> {
    if let Some(password) = of_environment(variable) {
        return Ok(Some(password));
    }
    let Some(path) = at_home(usual) else { return Ok(None) };
    let Some((text, file)) = lines_of(&path)? else { return Ok(None) };
    let Some(password) = of_options(&text) else { return Ok(None) };
    allow_alone(&path, &file)?;
    Ok(Some(password.into_bytes()))
}

#[cfg(any(feature = "mysql", feature = "postgres"))]
fn of_environment(variable: &str) -> Option<Vec<u8>> {
    use std::os::unix::ffi::OsStringExt;
    [MOVED, variable].into_iter().find_map(std::env::var_os).map(OsStringExt::into_vec)
}

#[cfg(any(feature = "mysql", feature = "postgres"))]
fn at_home(name: &str) -> Option<PathBuf> {
    Some(PathBuf::from(std::env::var_os("HOME")?).join(name))
}

/// The text of a file, and the file; `None` if there is none.
#[cfg(any(feature = "mysql", feature = "postgres"))]
fn lines_of(path: &std::path::Path) -> Result<Option<(String, std::fs::File)>> {
    if path.symlink_metadata().is_err() {
        return Ok(None);
    }
    let io = |error| Error::io(path, error);
    let file = open_regular(path, Links::Follow).map_err(io)?;
    let bytes = contents(file.try_clone().map_err(io)?, LONGEST).map_err(io)?;
    Ok(Some((String::from_utf8_lossy(&bytes).into_owned(), file)))
}

/// Refuses a file that others can read.
#[cfg(any(feature = "mysql", feature = "postgres"))]
fn allow_alone(path: &std::path::Path, file: &std::fs::File) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mode = file.metadata().map_err(|error| Error::io(path, error))?.permissions().mode();
    if mode & 0o077 != 0 {
        let path = path.display();
        return Err(Error::new(Kind::Key, format!("`{path}` has passwords, and others can read it"))
            .hint(format!("chmod 600 {path}")));
    }
    Ok(())
}

/// The password in the section `[client]` of an option file; the last one counts.
#[cfg(feature = "mysql")]
fn of_options(text: &str) -> Option<String> {
    let (mut inside, mut password) = (false, None);
    for line in text.lines().map(str::trim) {
        if let Some(section) = line.strip_prefix('[') {
            inside = section.starts_with("client]");
        }
        let Some((name, value)) = line.split_once('=').filter(|_| inside) else { continue };
        if name.trim() == "password" {
            password = Some(option_value(value.trim()));
        }
    }
    password
}

/// The value of an option: in quotes or up to a comment, with its escapes.
#[cfg(feature = "mysql")]
fn option_value(text: &str) -> String {
    let mut chars = text.chars();
    let quote = chars.next().filter(|c| matches!(c, '"' | '\''));
    if quote.is_none() {
        chars = text.chars();
    }
    let mut value = String::new();
    while let Some(c) = chars.next() {
        match c {
            c if Some(c) == quote => return value,
            '#' if quote.is_none() => return value.trim_end().to_owned(),
            '\\' => value.push(match chars.next() {
                Some('n') => '\n',
                Some('r') => '\r',
                Some('t') => '\t',
                Some('b') => '\u{8}',
                Some('s') => ' ',
                Some(other) => other,
                None => '\\',
            }),
            c => value.push(c),
        }
    }
    value
}

/// The password of a line of the file, if the line is for the login.
#[cfg(feature = "postgres")]
fn of_line(line: &str, login: &Login) -> Option<String> {
    if line.starts_with('#') {
        return None;
    }
    let (mut fields, mut escaped) = (vec![String::new()], false);
    for c in line.chars() {
        match c {
            '\\' if !escaped => escaped = true,
            ':' if !escaped && fields.len() < 5 => fields.push(String::new()),
            c => {
                fields.last_mut()?.push(c);
                escaped = false;
            }
        }
    }
    let [host, port, database, user, password] = <[String; 5]>::try_from(fields).ok()?;
    let port_of = login.port.to_string();
    let wanted = [&login.host, &port_of, &login.database, &login.user];
    let fits = [host, port, database, user].iter().zip(wanted).all(|(own, wanted)| own == "*" || own == wanted);
    fits.then_some(password)
}

/// A part of a URL without its percent signs.
pub(super) fn decoded(text: &str) -> String {
    let (mut rest, mut all) = (text.as_bytes(), Vec::with_capacity(text.len()));
    while let Some((first, after)) = rest.split_first() {
        let code = (*first == b'%').then(|| after.get(..2)).flatten();
        let code = code.and_then(|code| u8::from_str_radix(std::str::from_utf8(code).ok()?, 16).ok());
        all.push(code.unwrap_or(*first));
        rest = if code.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&all).into_owned()
}

/// The user's password in a URL, and the URL without it; `None` if it has none. A password may have any characters: it reaches to the last
/// `@` before the parameters.
pub(crate) fn without_password(url: &str) -> Option<(String, String)> {
    let (scheme, rest) = url.split_once("://")?;
    let path = rest.find('/').unwrap_or(rest.len());
    let end = rest[path..].find('?').map_or(rest.len(), |at| path + at);
    let (user, host) = rest[..end].rsplit_once('@')?;
    let (user, password) = user.split_once(':')?;
    Some((format!("{scheme}://{user}@{host}{}", &rest[end..]), decoded(password)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_split_off() {
        let split = without_password("postgres://a:p%40ss:w@h:1/d?x=y").expect("a password");
        assert_eq!(split, ("postgres://a@h:1/d?x=y".to_owned(), "p@ss:w".to_owned()));
        for (url, password) in [("u:a/b@h/d", "a/b"), ("u:a?b@h/d?x=y", "a?b"), ("u:a#b@c@h/d", "a#b@c"), ("u:@h", "")]
        {
            let (plain, split) = without_password(&format!("mysql://{url}")).expect("a password");
            assert!(split == password && plain.starts_with("mysql://u@h"), "{url}: {plain}, {split}");
        }
        for plain in ["postgres://a@h/d", "sqlite:x.db", "postgres://h/d?x=a:b@c", "out"] {
            assert_eq!(without_password(plain), None, "{plain}");
        }
        assert_eq!(decoded("%2Ftmp%zz%2"), "/tmp%zz%2");
    }

    #[cfg(feature = "postgres")]
    #[test]
    #[cfg(feature = "mysql")]
    fn option_files_have_a_password_for_clients() {
        for (text, password) in [
            ("[client]\nuser=a\npassword = sesame\n", Some("sesame")),
            ("[mysqld]\npassword=x\n[client]\npassword=\"a#\\\"b\" # mine\n", Some("a#\"b")),
            ("[client]\npassword=a b # mine\npassword=a\\sb\n[mysql]\npassword=c\n", Some("a b")),
            ("password=x\n", None),
            ("[client]\nuser=a\n", None),
        ] {
            assert_eq!(of_options(text).as_deref(), password, "{text}");
        }
    }

    #[test]
    #[cfg(feature = "postgres")]
    fn lines_are_for_their_login() {
        let login = Login { host: "h".into(), port: 5432, database: "d".into(), user: "u".into() };
        assert_eq!(of_line("h:5432:d:u:a\\:b", &login).as_deref(), Some("a:b"));
        assert_eq!(of_line("*:*:*:*:x:y", &login).as_deref(), Some("x:y"));
        for other in ["#h:5432:d:u:x", "g:5432:d:u:x", "h:5432:d:x", ""] {
            assert_eq!(of_line(other, &login), None, "{other}");
        }
    }
}
