//! The URL of a database: `mysql://USER:PASSWORD@HOST:PORT/DATABASE?ssl-mode=verify-full`.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use mysql::{Opts, OptsBuilder, SslOpts};

use crate::disk::{Links, open_regular};
use crate::error::{Error, Result};
use crate::target::database::Options;
use crate::target::secret;

const PORT: u16 = 3306;
const FORM: &str = "such as mysql://user@host:3306/database?ssl-mode=verify-full";

/// A server, and how it is reached.
pub(super) struct Url {
    pub(super) opts: Opts,
    /// The database that the URL names.
    pub(super) database: Option<String>,
    /// The URL without its password.
    pub(super) shown: String,
}

/// The parts of a URL as it has them.
#[derive(Debug, Default)]
struct Parts {
    user: Option<String>,
    password: Option<String>,
    host: Option<String>,
    port: Option<u16>,
    database: Option<String>,
    mode: Option<String>,
    authorities: Option<PathBuf>,
    socket: Option<String>,
}

impl Url {
    /// Reads a URL.
    ///
    /// # Errors
    ///
    /// If it is none, or leads to another machine in clear text without the user's word.
    pub(super) fn parse(text: &str, options: &Options) -> Result<Self> {
        let parts = Parts::of(text)?;
        if parts.database.is_none() && options.schema.is_none() {
            return Err(Error::usage("the URL names no database").hint("mysql://user@host/DATABASE, or --schema NAME"));
        }
        let variable = |name: &str| std::env::var_os(name)?.into_string().ok();
        let user = parts.user.clone().or_else(|| variable("USER")).or_else(|| variable("LOGNAME"));
        let user = user.ok_or_else(|| Error::usage("the URL of the database names no user").hint(FORM))?;
        let host = parts.host.clone().unwrap_or_else(|| "localhost".to_owned());
        let port = parts.port.unwrap_or(PORT);
        let shown = shown(&parts, &user, &host);
        let tls = tls(&parts, &host, options, &shown)?;
        let password = match parts.password {
            Some(password) => Some(password),
            None => match secret::password_of_options("MYSQL_PWD", ".my.cnf")? {
                Some(bytes) => Some(String::from_utf8(bytes).map_err(|_| Error::usage("the password is not UTF-8"))?),
                None => None,
            },
        };
        let opts = OptsBuilder::new()
            .user(Some(user))
            .pass(password)
            .ip_or_hostname(Some(host))
            .tcp_port(port)
            .socket(parts.socket)
            // The library would leave the verified connection for a socket that the server names.
            .prefer_socket(false)
            .ssl_opts(tls)
            .tcp_connect_timeout(Some(Duration::from_secs(10)))
            .tcp_keepalive_time_ms(Some(30_000));
        #[cfg(target_os = "linux")]
        let opts = opts.tcp_user_timeout_ms(Some(30_000));
        Ok(Self { opts: opts.into(), database: parts.database, shown })
    }
}

impl Parts {
    fn of(text: &str) -> Result<Self> {
        // No message repeats the text: it may have a password.
        let wrong = |what: &str| Error::usage(format!("the URL of the database {what}")).hint(FORM);
        let (_, rest) = text.split_once("://").ok_or_else(|| wrong("has no `://`"))?;
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
        let (login, place) = match authority.rsplit_once('@') {
            Some((login, place)) => (Some(login), place),
            None => (None, authority),
        };
        let mut parts = Self::default();
        if let Some(login) = login {
            let (user, password) = match login.split_once(':') {
                Some((user, password)) => (user, Some(password)),
                None => (login, None),
            };
            parts.user = Some(secret::decoded(user)).filter(|user| !user.is_empty());
            parts.password = password.map(secret::decoded);
        }
        let (host, port) = match place.strip_prefix('[') {
            Some(rest) => {
                let (host, port) = rest.split_once(']').ok_or_else(|| wrong("has a `[` without `]`"))?;
                (host, port.strip_prefix(':'))
            }
            None => place.split_once(':').map_or((place, None), |(host, port)| (host, Some(port))),
        };
        parts.host = Some(secret::decoded(host)).filter(|host| !host.is_empty());
        parts.port = port.map(|port| port.parse().map_err(|_| wrong("has a port that is no number"))).transpose()?;
        parts.database = Some(secret::decoded(database)).filter(|database| !database.is_empty());
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = secret::decoded(value);
            match name {
                "ssl-mode" => parts.mode = Some(value.to_ascii_lowercase().replace('_', "-")),
                "ssl-ca" => parts.authorities = Some(value.into()),
                "socket" => parts.socket = Some(value),
                _ => {
                    return Err(Error::usage("the URL of the database has an unknown setting")
                        .hint("ssl-mode=verify-full|disabled, ssl-ca=FILE and socket=PATH are known"));
                }
            }
        }
        Ok(parts)
    }
}

fn shown(parts: &Parts, user: &str, host: &str) -> String {
    let port = parts.port.filter(|port| *port != PORT).map_or_else(String::new, |port| format!(":{port}"));
    let place = parts.socket.clone().unwrap_or_else(|| format!("{host}{port}"));
    format!("mysql://{user}@{place}/{}", parts.database.as_deref().unwrap_or_default())
}

/// Chooses the verification of the server: always beyond this machine, and on it where the URL says so.
fn tls(parts: &Parts, host: &str, options: &Options, shown: &str) -> Result<Option<SslOpts>> {
    let near = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    let here = parts.socket.is_some() || near;
    let verified = || -> Result<Option<SslOpts>> {
        let Some(path) = &parts.authorities else { return Ok(Some(SslOpts::default())) };
        // The library opens whatever it is given.
        drop(open_regular(path, Links::Follow).map_err(|error| Error::io(path, error))?);
        Ok(Some(SslOpts::default().with_root_cert_path(Some(path.clone()))))
    };
    match parts.mode.as_deref() {
        Some("required" | "verify-ca" | "verify-full" | "verify-identity") if parts.socket.is_some() => {
            Err(Error::usage("a socket of this machine has no TLS").hint("leave out ssl-mode, or name a host"))
        }
        Some("required" | "verify-ca" | "verify-full" | "verify-identity") => verified(),
        None if !here => verified(),
        None => Ok(None),
        Some("disabled" | "preferred") if here => Ok(None),
        Some("disabled") if options.allow_clear_text => Ok(None),
        Some(mode @ ("disabled" | "preferred")) => Err(Error::usage(format!(
            "`ssl-mode={mode}` sends rows and password in clear text to another machine, `{shown}`"
        ))
        .hint("ssl-mode=verify-full is the default; ssl-mode=disabled needs --allow-clear-text")),
        Some(_) => Err(Error::usage("the `ssl-mode` of the URL is unknown")
            .hint("verify-full, which is the default beyond this machine, or disabled")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Url> {
        Url::parse(text, &Options::default())
    }

    #[test]
    fn parts_of_urls_are_found() {
        let url = parsed("mysql://a%40b:p%3aq@[::1]:3307/d%2f1?socket=%2Ftmp%2Fx.sock").expect("a URL");
        assert_eq!((url.opts.get_user(), url.opts.get_pass()), (Some("a@b"), Some("p:q")));
        assert_eq!((url.opts.get_tcp_port(), url.opts.get_socket()), (3307, Some("/tmp/x.sock")));
        assert_eq!((url.database.as_deref(), url.shown.as_str()), (Some("d/1"), "mysql://a@b@/tmp/x.sock/d/1"));
        let url = parsed("mysql://a:b@localhost:3308/d").expect("a URL");
        assert_eq!(url.shown, "mysql://a@localhost:3308/d");
        assert!(parsed("mysql://a:b@localhost").is_err(), "no database");
    }

    #[test]
    fn other_machines_are_verified() {
        for (url, verified) in [
            ("mysql://a:b@db.example/x", true),
            ("mysql://a:b@db.example/x?ssl-mode=required", true),
            ("mysql://a:b@localhost/x", false),
            ("mysql://a:b@127.0.0.1/x?ssl-mode=preferred", false),
            ("mysql://a:b@[::1]/x?ssl-mode=VERIFY_IDENTITY", true),
            ("mysql://a:b@10.0.0.1/x?socket=/run/x", false),
        ] {
            let url_parsed = parsed(url).expect(url);
            assert_eq!(url_parsed.opts.get_ssl_opts().is_some(), verified, "{url}");
            assert!(!url_parsed.opts.get_prefer_socket(), "{url}");
        }
        for url in ["mysql://a:b@db.example/x?ssl-mode=disabled", "mysql://a:b@db.example/x?ssl-mode=preferred"] {
            let error = parsed(url).err().expect(url).to_string();
            assert!(error.contains("clear text") && !error.contains(":b@"), "{error}");
        }
        let clear = Options { allow_clear_text: true, ..Options::default() };
        let url = Url::parse("mysql://a:b@db.example/x?ssl-mode=disabled", &clear).expect("allowed");
        assert!(url.opts.get_ssl_opts().is_none());
    }

    #[test]
    fn no_message_has_the_password() {
        for url in [
            "mysql://a:sesame@h:x/d",
            "mysql://a:sesame@h/d?password=sesame",
            "mysql://a:sesame@h/d?ssl-mode=sesame",
            "mysql://a:sesame@[h/d",
            "mysql://a:sesame@h/d?ssl-ca=/nowhere/x.pem",
        ] {
            let error = parsed(url).err().expect(url);
            assert!(!error.to_string().contains("sesame"), "{error}");
        }
    }
}
