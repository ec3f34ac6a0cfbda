//! The URL of a database, as `libpq` reads it: `postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=verify-full`.

use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use postgres::Config;
use postgres::config::{Host, SslMode};

use crate::error::{Error, Result};
use crate::target::database::Options;
use crate::target::secret::{self, Login};

/// Folders in which servers have their sockets, where the URL names no host.
const SOCKETS: [&str; 2] = ["/var/run/postgresql", "/tmp"];
const PORT: u16 = 5432;

/// A database of a server, and how it is reached.
pub(super) struct Url {
    pub(super) config: Config,
    /// The authorities that the server's certificate is verified with; `None` for a connection in clear text.
    pub(super) tls: Option<Roots>,
    /// The URL without its password.
    pub(super) shown: String,
}

/// The authorities that certificates are verified with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Roots {
    /// Those of the system.
    System,
    /// Those of a PEM file.
    File(PathBuf),
}

impl Url {
    /// Reads a URL.
    ///
    /// # Errors
    ///
    /// If it is none, or leads to another machine in clear text without the user's word.
    pub(super) fn parse(text: &str, options: &Options) -> Result<Self> {
        let (start, query) = text.split_once('?').unwrap_or((text, ""));
        let (mut mode, mut roots, mut others) = (None, Roots::System, Vec::new());
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=') {
                Some(("sslmode", value)) => mode = Some(value.to_owned()),
                Some(("sslrootcert", "system")) => {}
                Some(("password", _)) => {
                    return Err(Error::usage("the URL of the database has its password among the parameters").hint(
                        "postgres://USER:PASSWORD@HOST/DATABASE hides it from the list of processes; PGPASSWORD and PGPASSFILE do too",
                    ));
                }
                Some(("sslrootcert", path)) => roots = Roots::File(secret::decoded(path).into()),
                _ => others.push(pair),
            }
        }
        let kept = if others.is_empty() { start.to_owned() } else { format!("{start}?{}", others.join("&")) };
        // What the library says of the text may repeat the password.
        let mut config = Config::from_str(&kept).map_err(|error| {
            let what = std::error::Error::source(&error).map_or_else(String::new, |cause| format!(": {cause}"));
            Error::usage(format!("the URL of the database cannot be read{what}"))
                .hint("such as postgres://user@host:5432/database?sslmode=verify-full")
        })?;
        complete(&mut config)?;
        let shown = shown(&config);
        let tls = tls(&config, mode.as_deref(), roots, options, &shown)?;
        config.ssl_mode(if tls.is_some() { SslMode::Require } else { SslMode::Disable });
        Ok(Self { config, tls, shown })
    }
}

/// Adds what the URL leaves open: from the environment, as `libpq` has it, and from the file of passwords.
fn complete(config: &mut Config) -> Result<()> {
    let text = |name: &str| std::env::var_os(name)?.into_string().ok();
    if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
        let socket = || SOCKETS.into_iter().find(|folder| std::path::Path::new(folder).is_dir()).map(str::to_owned);
        config.host(&text("PGHOST").or_else(socket).unwrap_or_else(|| "localhost".to_owned()));
    }
    if config.get_ports().is_empty() {
        config.port(text("PGPORT").and_then(|port| port.parse().ok()).unwrap_or(PORT));
    }
    if config.get_user().is_none() {
        let user = text("PGUSER").or_else(|| text("USER")).or_else(|| text("LOGNAME"));
        let missing = || Error::usage("the URL of the database names no user").hint("postgres://USER@…");
        config.user(&user.ok_or_else(missing)?);
    }
    if config.get_dbname().is_none() {
        let user = config.get_user().unwrap_or_default().to_owned();
        config.dbname(&text("PGDATABASE").unwrap_or(user));
    }
    config.application_name("placebo");
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(Duration::from_secs(10));
    }
    if config.get_tcp_user_timeout().is_none() {
        config.tcp_user_timeout(Duration::from_secs(30));
    }
    if config.get_password().is_none() {
        let login = Login {
            host: host(config).unwrap_or_else(|| "localhost".to_owned()),
            port: config.get_ports().first().copied().unwrap_or(PORT),
            database: config.get_dbname().unwrap_or_default().to_owned(),
            user: config.get_user().unwrap_or_default().to_owned(),
        };
        if let Some(password) = secret::password("PGPASSWORD", "PGPASSFILE", ".pgpass", &login)? {
            config.password(password);
        }
    }
    Ok(())
}

/// The first host by its name; `None` for a socket.
fn host(config: &Config) -> Option<String> {
    match (config.get_hosts().first(), config.get_hostaddrs().first()) {
        (Some(Host::Tcp(name)), _) => Some(name.clone()),
        (None, Some(address)) => Some(address.to_string()),
        _ => None,
    }
}

fn shown(config: &Config) -> String {
    let (user, database) = (config.get_user().unwrap_or_default(), config.get_dbname().unwrap_or_default());
    let place = match (config.get_hosts().first(), host(config)) {
        (_, Some(host)) => host,
        (Some(Host::Unix(path)), None) => path.display().to_string(),
        _ => String::new(),
    };
    let port = config.get_ports().first().copied().filter(|port| *port != PORT);
    let port = port.map_or_else(String::new, |port| format!(":{port}"));
    format!("postgres://{user}@{place}{port}/{database}")
}

/// Chooses the verification of the server: always beyond this machine, and on it where the URL says so.
fn tls(config: &Config, mode: Option<&str>, roots: Roots, options: &Options, shown: &str) -> Result<Option<Roots>> {
    let near = |host: &Host| match host {
        Host::Tcp(name) => name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback()),
        Host::Unix(_) => true,
    };
    let addresses = config.get_hostaddrs();
    let here = if addresses.is_empty() {
        config.get_hosts().iter().all(near)
    } else {
        addresses.iter().all(IpAddr::is_loopback)
    };
    match mode {
        Some("require" | "verify-ca" | "verify-full") => Ok(Some(roots)),
        None if !here => Ok(Some(roots)),
        None | Some("disable" | "allow" | "prefer") if here => Ok(None),
        Some("disable") if options.allow_clear_text => Ok(None),
        Some(mode @ ("disable" | "allow" | "prefer")) => Err(Error::usage(format!(
            "`sslmode={mode}` sends rows and password in clear text to another machine, `{shown}`"
        ))
        .hint("sslmode=verify-full is the default; sslmode=disable needs --allow-clear-text")),
        Some(other) => Err(Error::usage(format!("`sslmode={other}` is unknown"))
            .hint("verify-full, which is the default beyond this machine, or disable")),
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Url> {
        Url::parse(text, &Options::default())
    }

    #[test]
    fn other_machines_are_verified() {
        for (url, verified) in [
            ("postgres://a:b@db.example/x", true),
            ("postgres://a:b@db.example/x?sslmode=require", true),
            ("postgres://a:b@localhost/x", false),
            ("postgres://a:b@127.0.0.1/x?sslmode=prefer", false),
            ("postgres://a:b@localhost/x?sslmode=verify-full", true),
            ("postgres://a@%2Ftmp/x", false),
            ("postgres://a:b@localhost,db.example/x", true),
            ("postgres://a:b@localhost/x?hostaddr=10.0.0.1", true),
        ] {
            assert_eq!(parsed(url).expect(url).tls.is_some(), verified, "{url}");
        }
        for url in ["postgres://a:b@db.example/x?sslmode=disable", "postgres://a:b@db.example/x?sslmode=prefer"] {
            let error = parsed(url).err().expect(url).to_string();
            assert!(error.contains("clear text") && !error.contains(":b@"), "{error}");
        }
    }

    #[test]
    fn no_message_has_the_password() {
        for url in [
            "postgres://a:sesame@h:x/d",
            "postgres://a:sesame@h/d?foo=1",
            "postgres://a:sesame@h/d?port=sesame9",
            "postgres://a@h/d?password=sesame",
        ] {
            let error = parsed(url).err().expect(url);
            assert!(!error.to_string().contains("sesame"), "{error}");
        }
        assert_eq!(
            parsed("postgres://a:sesame@localhost:5433/d").expect("a URL").shown,
            "postgres://a@localhost:5433/d"
        );
    }
}
