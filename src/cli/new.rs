//! `placebo new`: a commented profile to start from, or that of a database.

use std::ffi::OsString;
use std::io::Read;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::catalog::ddl::{self, Dialect};
use crate::catalog::settle::settle;
use crate::catalog::{self, Catalog};
use crate::disk::{Links, System, open_regular, own_folder, write_whole};
use crate::error::{Error, Kind, Result};
use crate::profile;
use crate::target::database;

/// The profile that a new one starts as; a test generates from it.
const STARTER: &str = include_str!("starter.toml");

/// The profile that one which extends another starts as; a test generates from it.
const EXTENSION: &str = include_str!("extension.toml");

/// The head that a new template starts with; a test makes messages with it.
const TEMPLATE: &str = include_str!("starter.j2");

#[derive(Args)]
pub(super) struct New {
    /// The profile's name: lower-case letters, digits and `_`. A folder of this name is made here.
    name: String,
    /// Makes the profile of a database: `postgres://USER@HOST/DATABASE`, `sqlite:PATH`, a file of its statements such as
    /// `schema.sql`, or `-` for standard input. No row is read. The name of a shipped profile, such as `healthcare`, makes one that
    /// extends it.
    #[arg(long, value_name = "DATABASE")]
    from: Option<OsString>,
    /// The dialect of a file of statements: postgres, mysql, sqlite or sqlserver; by default guessed.
    #[arg(long, value_name = "DIALECT", requires = "from")]
    dialect: Option<String>,
    /// Makes a template of messages instead, in a syntax of `placebo list syntaxes`: NAME.EXTENSION.j2.
    #[arg(long, value_name = "SYNTAX", conflicts_with = "from")]
    template: Option<String>,
    /// Accept a connection to another machine without TLS, where the URL says `sslmode=disable`.
    #[arg(long, requires = "from")]
    allow_clear_text: bool,
}

impl New {
    pub(super) fn run(&self) -> Result<()> {
        let name = &self.name;
        if !profile::is_name(name) {
            return Err(Error::usage(format!("`{name}` is not a name for a profile"))
                .hint("lower-case letters, digits and `_`, at most 63, starting with a letter"));
        }
        if let Some(syntax) = &self.template {
            return of_syntax(name, syntax);
        }
        if profile::names().contains(&name.as_str()) {
            return Err(Error::usage(format!("`{name}` is a profile that Placebo brings")).hint("take another name"));
        }
        let folder = PathBuf::from(name);
        if folder.symlink_metadata().is_ok() {
            return Err(Error::usage(format!("`{name}` is there already")).hint("take another name, or another folder"));
        }
        if let Some(base) =
            self.from.as_ref().and_then(|from| from.to_str()).filter(|from| profile::names().contains(from))
        {
            return extending(name, &folder, base);
        }
        if let Some(from) = &self.from {
            return self.of_database(&folder, from);
        }
        own_folder(&System, &folder.join("data"))?;
        let path = folder.join("profile.toml");
        write_whole(&System, &path, &path, &STARTER.replace("STARTER", name))?;
        super::text_table::print(&format!(
            "wrote {name}/profile.toml: try\n  placebo check {name}\n  placebo generate {name} --out out\n"
        ))
    }

    fn of_database(&self, folder: &Path, from: &OsString) -> Result<()> {
        let (name, shown) = (&self.name, from.to_string_lossy());
        let catalog = self.catalog(from)?;
        let filled = |column: &catalog::Column| column.filled != catalog::Filled::ByDatabase;
        if !catalog.tables.iter().any(|table| table.columns.iter().any(filled)) {
            return Err(Error::new(Kind::Profile, format!("`{shown}` has no tables to fill"))
                .hint("`CREATE TABLE` statements are needed, as `pg_dump --schema-only` writes them"));
        }
        own_folder(&System, &folder.join("data"))?;
        let common = profile::Files::Embedded("common");
        let made = settle(name, &shown, &catalog, &mut |made| {
            for file in &made.data {
                let path = folder.join("data").join(file);
                let bytes = common.read(&format!("data/{file}"))?.unwrap_or_default();
                write_whole(&System, &path, &path, &String::from_utf8_lossy(&bytes))?;
            }
            for (file, text) in &made.files {
                let path = folder.join(file);
                write_whole(&System, &path, &path, text)?;
            }
            profile::load(&folder.join("profile.toml").to_string_lossy())
        })?;
        let mut text = format!("wrote {name}/profile.toml: {}", number(made.tables.len(), "table"));
        text.push_str(&format!(", {} guessed to be personal\n", number(made.personal, "column")));
        if !made.broken.is_empty() {
            text.push_str("not held, and named at the top of the file:\n");
            text.extend(made.broken.iter().take(20).map(|broken| format!("  {broken}\n")));
            if made.broken.len() > 20 {
                text.push_str(&format!("  and {} more\n", made.broken.len() - 20));
            }
        }
        text.push_str(&format!("try\n  placebo check {name}\n  placebo generate {name} --out out\n"));
        super::text_table::print(&text)
    }

    /// The catalog of a database, which is only read.
    fn of_connection(&self, url: &str) -> Result<Catalog> {
        let options = database::Options { allow_clear_text: self.allow_clear_text, ..database::Options::default() };
        let server = database::server(url, &options)?;
        let mut asked = Asked(server.look()?);
        match server.sql().name {
            "postgres" => catalog::server::postgres(&server.shown(), &mut asked),
            "mysql" => catalog::server::mysql(&server.shown(), &mut asked),
            "sqlite" => catalog::sqlite::read(&mut asked),
            other => Err(Error::internal(format!("no reader for the catalog of {other}"))),
        }
    }

    fn catalog(&self, from: &OsString) -> Result<Catalog> {
        let shown = from.to_string_lossy();
        let dialect = self.dialect.as_deref().map(Dialect::named).transpose()?;
        if shown.starts_with("sqlite:") || shown.contains("://") {
            return self.of_connection(&shown);
        }
        let text = read(from)?;
        ddl::read(&shown, &text, dialect.unwrap_or_else(|| Dialect::guess(&text)))
    }
}

/// Writes a profile that extends a shipped one.
fn extending(name: &str, folder: &Path, base: &str) -> Result<()> {
    own_folder(&System, &folder.join("data"))?;
    let path = folder.join("profile.toml");
    write_whole(&System, &path, &path, &EXTENSION.replace("STARTER", name).replace("BASE", base))?;
    super::text_table::print(&format!(
        "wrote {name}/profile.toml, which extends {base}: try\n  placebo show {base}\n  placebo check {name}\n  placebo generate {name} --out out\n"
    ))
}

/// A connection that answers with rows of texts.
struct Asked(Box<dyn database::Connection>);

impl catalog::server::Query for Asked {
    fn query(&mut self, sql: &str) -> Result<Vec<Vec<Option<String>>>> {
        Ok(self.0.query(sql, &[])?)
    }
}

/// A number of things in words.
fn number(count: usize, thing: &str) -> String {
    if count == 1 { format!("1 {thing}") } else { format!("{count} {thing}s") }
}

/// Reads a file of statements, or standard input.
fn read(from: &OsString) -> Result<String> {
    let path = Path::new(from);
    let mut bytes = Vec::new();
    let most = ddl::MAX_TEXT + 1;
    let read = if from == "-" {
        std::io::stdin().lock().take(most).read_to_end(&mut bytes)
    } else {
        open_regular(path, Links::Follow).and_then(|file| file.take(most).read_to_end(&mut bytes))
    };
    read.map_err(|error| Error::io(path, error))?;
    if bytes.len() as u64 >= most {
        return Err(Error::usage(format!("`{}` is larger than {} MiB", path.display(), ddl::MAX_TEXT >> 20))
            .hint("a file without rows is needed: `pg_dump --schema-only`, `mysqldump --no-data`"));
    }
    String::from_utf8(bytes).map_err(|error| {
        Error::new(Kind::Profile, format!("`{}` is not UTF-8: {}", path.display(), error.utf8_error()))
            .hint("save it as UTF-8")
    })
}

/// Writes a template to start from.
fn of_syntax(name: &str, syntax: &str) -> Result<()> {
    let syntax = crate::template::syntax::find(syntax)?;
    let file = format!("{name}.{}.j2", syntax.extension);
    let path = PathBuf::from(&file);
    if path.symlink_metadata().is_ok() {
        return Err(Error::usage(format!("`{file}` is there already")).hint("take another name, or another folder"));
    }
    let text = TEMPLATE.replace("SYNTAX", syntax.name) + syntax.starter;
    write_whole(&System, &path, &path, &text)?;
    super::text_table::print(&format!("wrote {file}: try\n  placebo render healthcare ./{file} --rows patient=3\n"))
}
