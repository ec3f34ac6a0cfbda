//! The command line, one file per command. Data goes to stdout, messages to stderr.

mod answers;
mod assert;
mod audit;
mod cases;
mod check;
mod database_args;
mod decrypt;
mod detect;
mod document;
mod find;
mod folder_args;
mod format_args;
mod generate;
mod keys;
mod list;
mod load;
mod log;
mod markdown;
mod new;
mod plan;
mod protect;
mod protect_args;
mod purge;
mod reference;
mod render;
mod report;
mod run_args;
mod schema;
mod set_args;
mod shell;
mod show;
mod sign;
mod story;
mod text_table;
mod verify;
mod watch;
mod work_args;

use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};
use indexmap::IndexMap;

use crate::error::{Error, Result};
use crate::plan::{Asked, Limits, Memory, Options, Plan, Question};
use crate::profile::{self, Loaded, Messages, Profile};
use crate::protect::understood;

/// Test data that has everything production data has, except the people.
#[derive(Parser)]
#[command(name = "placebo", version, max_term_width = 100, propagate_version = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
    /// How messages are written to stderr.
    #[arg(long, global = true, value_name = "FORMAT", default_value = "text")]
    log_format: LogFormat,
    /// How an error is written to stderr; `--log-format json` asks for JSON too.
    #[arg(long, global = true, value_name = "FORMAT", default_value = "text")]
    error_format: LogFormat,
}

/// For people, or one JSON object a line.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

#[derive(Subcommand)]
enum Command {
    /// Generate a data set: files, schema, data package and manifest.
    Generate(generate::Generate),
    /// Write the messages of templates: HL7, FHIR, X12, ISO 20022 and others, or your own.
    Render(render::Render),
    /// Find rows that meet a condition, without writing the others: fixtures for a test runner or a load generator.
    Find(find::Find),
    /// Count the answer key of a data set, without writing its rows.
    Answers(answers::Answers),
    /// Compare what a system holds with the answer key of the data that it was given.
    Assert(assert::Assert),
    /// Write cases for test runners: what to send, what a correct system answers, and what it then holds.
    Cases(cases::Cases),
    /// Load a data set into a database, exactly once: a run that stopped continues, a second one changes nothing.
    Load(load::Load),
    /// Remove from a database exactly what loads brought.
    Purge(purge::Purge),
    /// Find test data in a database: loads, and columns whose values are given to nobody.
    Detect(detect::Detect),
    /// Say what `generate` would make: rows, bytes, chunks, memory. Writes nothing.
    Plan(plan::PlanCommand),
    /// Compile a profile and run every check on a sample.
    Check(check::Check),
    /// Look whether a folder or a database holds what a run wrote: hashes, rows, keys, checks; derive a sample of it again.
    Verify(verify::Verify),
    /// Sign the manifest of a folder, and with it every file.
    Sign(sign::Sign),
    /// Follow the chain of a run log.
    #[command(subcommand)]
    Audit(audit::Audit),
    /// Show a profile, or one of its tables with sample rows.
    Show(show::Show),
    /// List profiles, generators, functions, formats, kinds of personal data or handlings.
    List(list::List),
    /// Protect existing files: encrypt, tokenise, mask, shorten, replace or leave out each column, as rules say.
    Protect(protect::Protect),
    /// Open the encrypted columns of a data set: files with the values of an unprotected run, in text formats byte for byte.
    Decrypt(decrypt::Decrypt),
    /// Seal the encrypted columns of a data set again, with the active key of a keyring.
    Reencrypt(decrypt::Reencrypt),
    /// Make, list, export, rotate, shred and wrap the keys that personal data is encrypted with.
    Keys(keys::KeysCommand),
    /// Write a commented profile to start from.
    New(new::New),
    /// Print the reference of the profile language as Markdown.
    Reference(reference::Reference),
    /// Print a profile as Markdown: tables, columns, rules, parameters and sources.
    Document(document::Document),
    /// Print the JSON Schema of profiles.
    Schema(schema::SchemaCommand),
    /// Print completions for a shell.
    Completions(shell::Completions),
    /// Print the manual page of the program, or of a command.
    Man(shell::Man),
}

/// A profile and what a user may turn about it, with the messages of its rows.
#[derive(Args, Clone)]
pub(crate) struct Source {
    #[command(flatten)]
    world: World,
    /// Messages made of the rows, each a table: templates of `placebo list templates`, or paths of your own `.j2` files.
    #[arg(long, value_delimiter = ',', value_name = "TEMPLATE,…")]
    messages: Vec<String>,
    /// With messages: only those of rows for which this is true, SQL over the columns of each template's table.
    #[arg(long = "where", value_name = "SQL")]
    messages_where: Option<String>,
    /// Rows that are wrong on purpose: `each=1`, which is the default, NAME=5 or NAME=0.001, `class:missing=0.01`, a set of the
    /// profile, or a file `.toml` of your own faults. `placebo list faults PROFILE` shows them.
    #[arg(long, value_delimiter = ',', value_name = "FAULT,…", num_args = 0..=1, default_missing_value = "each=1")]
    faults: Vec<String>,
    /// The texts of messages alone, as `render` writes them.
    #[arg(skip)]
    bare: bool,
}

/// A profile and what a user may turn about it.
#[derive(Args, Clone)]
pub(crate) struct World {
    /// An embedded profile's name, or the path of a profile file or folder.
    profile: String,
    /// Rows of root tables, such as `patient=5M,payer=20`; k, M and G are thousands, millions and billions (10⁹).
    #[arg(long, value_name = "TABLE=N,…", value_delimiter = ',')]
    rows: Vec<String>,
    /// Multiplies the rows of every root table that scales.
    #[arg(long, default_value_t = 1.0, value_name = "FACTOR", allow_negative_numbers = true)]
    scale: f64,
    /// Any text: equal texts give equal data.
    #[arg(long, default_value = "0", value_name = "TEXT", allow_hyphen_values = true)]
    seed: String,
    /// A parameter of the profile.
    #[arg(long, value_name = "NAME=VALUE")]
    set: Vec<String>,
    /// The day on which the data set ends.
    #[arg(long, value_name = "DATE")]
    as_of: Option<String>,
    /// The most rows of all tables together; more are refused before the first.
    #[arg(long, default_value = "10G", value_name = "N", help_heading = "Limits")]
    max_rows: String,
    /// The most bytes of all files together, estimated before the first row; sizes are as for `--max-rows`.
    #[arg(long, default_value = "1T", value_name = "BYTES", help_heading = "Limits")]
    max_bytes: String,
    /// The longest text of one cell.
    #[arg(long, default_value = "1048576", value_name = "BYTES", help_heading = "Limits")]
    max_cell: String,
    #[command(flatten)]
    memory: MemoryArgs,
}

/// The memory that a command may take.
#[derive(Args, Clone)]
pub(crate) struct MemoryArgs {
    /// The most memory, such as 512M or 4G; more is refused before it is taken, or read in several passes. Output does not
    /// depend on it. By default 1 GiB, and 512 MiB more for each thread.
    #[arg(long, value_name = "BYTES", help_heading = "Limits")]
    max_memory: Option<String>,
}

impl MemoryArgs {
    /// The memory of a run on so many threads.
    fn read(&self, threads: usize) -> Result<Memory> {
        let Some(text) = &self.max_memory else { return Ok(Memory::default_for(threads)) };
        let bytes = number(text).filter(|bytes| *bytes >= Memory::LEAST).ok_or_else(|| {
            let least = Memory::LEAST / 1_000_000;
            Error::usage(format!("`--max-memory {text}` is not a number of bytes from {least}M up"))
                .hint("such as 512M or 4G")
        })?;
        Ok(Memory { bytes, threads })
    }
}

impl Source {
    /// Loads and compiles, for a run on so many threads; `None` is all cores.
    fn plan(&self, asked: Option<usize>) -> Result<Plan> {
        Ok(self.plan_with(asked, |_| Vec::new())?.0)
    }

    /// As [`Source::plan`], with questions that depend on the profile.
    fn plan_with(
        &self,
        asked: Option<usize>,
        questions: impl FnOnce(&Profile) -> Vec<Question>,
    ) -> Result<(Plan, Loaded)> {
        let loaded = profile::load(&self.world.profile)?.with_messages(&Messages {
            templates: &self.messages,
            only: self.messages_where.as_deref(),
            bare: self.bare,
        })?;
        let loaded = if self.faults.is_empty() { loaded } else { loaded.with_faults(&self.faults)? };
        if self.messages_where.is_some() && self.messages.is_empty() {
            return Err(
                Error::usage("`--where` chooses messages, and none are asked for").hint("--messages TEMPLATE,…")
            );
        }
        let questions = questions(&loaded.profile);
        let compiled = self.world.compile(&loaded, asked, &questions).map_err(|error| match &self.messages_where {
            Some(sql) if loaded.messages.iter().any(|name| error.path() == format!("tables.{name}.count")) => {
                Error::usage(format!("`--where {sql}`: {}", error.message()))
                    .maybe_hint(error.hint_text().map(str::to_owned))
            }
            _ => error,
        })?;
        Ok((compiled.0, loaded))
    }
}

impl World {
    /// Compiles a loaded profile, and questions about it, for a run on so many threads; `None` is all cores.
    fn compile(&self, loaded: &Loaded, asked: Option<usize>, questions: &[Question]) -> Result<(Plan, Vec<Asked>)> {
        let mut rows = IndexMap::new();
        for text in &self.rows {
            let (table, count) = pair("--rows", text)?;
            rows.insert(
                table,
                number(&count).ok_or_else(|| {
                    Error::usage(format!("`--rows {text}`: `{count}` is not a number of rows"))
                        .hint("such as 5000, 10k, 5M or 1e6")
                })?,
            );
        }
        let limit = |option: &str, text: &str| {
            number(text).ok_or_else(|| {
                Error::usage(format!("`{option} {text}` is not a number")).hint("such as 5000, 10k, 5M, 2G or 1T")
            })
        };
        let limits = Limits {
            rows: limit("--max-rows", &self.max_rows)?,
            bytes: limit("--max-bytes", &self.max_bytes)?,
            cell: limit("--max-cell", &self.max_cell)?,
            memory: self.memory.read(threads(asked)?)?,
        };
        let params = self.set.iter().map(|text| pair("--set", text)).collect::<Result<_>>()?;
        let options =
            Options { seed: self.seed.clone(), rows, scale: self.scale, params, as_of: self.as_of.clone(), limits };
        let (plan, asked) = Plan::compile_with(loaded, &options, questions)?;
        understood(&plan).map_err(|error| {
            let place = loaded.place(error.path());
            error.at(place)
        })?;
        Ok((plan, asked))
    }
}

fn pair(option: &str, text: &str) -> Result<(String, String)> {
    let (name, value) = text
        .split_once('=')
        .ok_or_else(|| Error::usage(format!("`{option} {text}` has no `=`")).hint(format!("{option} NAME=VALUE")))?;
    Ok((name.to_owned(), value.to_owned()))
}

/// Reads `5000`, `5_000`, `10k`, `5M`, `1G` or `1T`.
fn number(text: &str) -> Option<u64> {
    let text = text.replace('_', "");
    let units = [("k", 1_000), ("K", 1_000), ("M", 1_000_000), ("G", 1_000_000_000), ("T", 1_000_000_000_000)];
    let known = units.iter().find_map(|(unit, times)| Some((text.strip_suffix(unit)?, *times)));
    let (digits, unit) = known.unwrap_or((text.as_str(), 1));
    if let Some((digits, power)) = digits.split_once(['e', 'E']) {
        // 1.5e6: digits, and places by which the point moves to the right; nothing may be left behind it.
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let places = power.strip_prefix('+').unwrap_or(power).parse::<u32>().ok()?;
        let places = places.checked_sub(u32::try_from(fraction.len()).ok()?)?;
        let all = format!("{whole}{fraction}");
        let plain = !whole.is_empty() && all.bytes().all(|byte| byte.is_ascii_digit());
        let value = plain.then(|| all.parse::<u64>().ok()).flatten()?;
        return value.checked_mul(10_u64.checked_pow(places)?)?.checked_mul(unit);
    }
    digits.parse::<u64>().ok()?.checked_mul(unit)
}

/// As many threads as the machine has, unless the user says otherwise.
fn threads(asked: Option<usize>) -> Result<usize> {
    match asked {
        Some(0) => Err(Error::usage("`--threads 0` does no work")),
        Some(threads) => Ok(threads.min(1024)),
        None => Ok(std::thread::available_parallelism().map_or(1, std::num::NonZero::get)),
    }
}

/// Runs the program: arguments in, exit code out.
#[must_use]
pub fn run() -> ExitCode {
    #[cfg(unix)]
    hide_password();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let code = if error.use_stderr() { 2 } else { 0 };
            if code == 2 && log::asked(crate::folder::audit::arguments()) {
                let text = error.render().to_string();
                let (message, more) = text.trim().split_once("\n\n").unwrap_or((text.trim(), ""));
                let more = more.trim();
                let hint = Some(more.to_owned()).filter(|hint| !hint.is_empty());
                log::error(&Error::usage(message.trim_start_matches("error: ")).maybe_hint(hint));
                return ExitCode::from(code);
            }
            // Help goes to a closed pipe now and then; there is nobody left to tell.
            let _unheard = error.print();
            return ExitCode::from(code);
        }
    };
    // A file that reaches `ulimit -f` is an error of the write, and no end without a word.
    #[cfg(unix)]
    let _by_default = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, std::sync::Arc::default());
    let json = cli.log_format == LogFormat::Json || cli.error_format == LogFormat::Json;
    if json {
        // Told below, as every other error.
        std::panic::set_hook(Box::new(|_| {}));
    }
    let done = caught(|| match &cli.command {
        Command::Generate(command) => command.run(cli.log_format),
        Command::Render(command) => command.run(cli.log_format),
        Command::Find(command) => command.run(cli.log_format),
        Command::Answers(command) => command.run(cli.log_format),
        Command::Assert(command) => command.run(),
        Command::Cases(command) => command.run(cli.log_format),
        Command::Load(command) => command.run(cli.log_format),
        Command::Purge(command) => command.run(cli.log_format),
        Command::Detect(command) => command.run(),
        Command::Plan(command) => command.run(),
        Command::Check(command) => command.run(),
        Command::Verify(command) => command.run(cli.log_format),
        Command::Sign(command) => command.run(),
        Command::Audit(command) => command.run(),
        Command::Show(command) => command.run(),
        Command::List(command) => command.run(),
        Command::Protect(command) => command.run(),
        Command::Decrypt(command) => command.run(),
        Command::Reencrypt(command) => command.run(),
        Command::Keys(command) => command.run(),
        Command::New(command) => command.run(),
        Command::Reference(command) => command.run(),
        Command::Document(command) => command.run(),
        Command::Schema(command) => command.run(),
        Command::Completions(command) => command.run(),
        Command::Man(command) => command.run(),
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => report::report(&error, if json { LogFormat::Json } else { LogFormat::Text }),
    }
}

/// Starts the program again with a password of its arguments moved into its environment, which only the same user can read: the
/// arguments of a process are open to everybody.
#[cfg(unix)]
fn hide_password() {
    use std::os::unix::process::CommandExt;

    use crate::target::secret::{MOVED, without_password};
    let mut arguments: Vec<std::ffi::OsString> = std::env::args_os().collect();
    let mut moved = None;
    for argument in arguments.iter_mut().skip(1) {
        if let Some((plain, password)) = argument.to_str().and_then(without_password) {
            (*argument, moved) = (plain.into(), Some(password));
        }
    }
    let (Some(password), Ok(program)) = (moved, std::env::current_exe()) else { return };
    let mut again = std::process::Command::new(program);
    again.arg0(&arguments[0]).args(&arguments[1..]).env(MOVED, password);
    // It only comes back where it failed; then the program runs as it was called.
    let _failed = again.exec();
}

/// A panic is a defect of ours, with the exit code and the form that one has.
fn caught(run: impl FnOnce() -> Result<()>) -> Result<()> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
        Err(Error::internal(format!("the program panicked: {text}")))
    })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn a_panic_is_a_defect() {
        let error = super::caught(|| panic!("no {}", "way")).expect_err("a panic");
        assert_eq!((error.kind().exit_code(), error.message()), (1, "the program panicked: no way"));
        assert!(error.hint_text().is_some_and(|hint| hint.contains("report")));
        let other = super::caught(|| Err(crate::error::Error::usage("x"))).expect_err("an error");
        assert_eq!((other.kind().exit_code(), super::caught(|| Ok(())).is_ok()), (2, true));
    }

    fn described(command: &clap::Command) {
        let mut names = std::collections::BTreeSet::new();
        for sub in command.get_subcommands() {
            assert!(names.insert(sub.get_name()), "`{}` twice", sub.get_name());
            assert!(sub.get_name().bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{}", sub.get_name());
            assert!(sub.get_about().is_some(), "`{}` is not described", sub.get_name());
            described(sub);
        }
        for arg in command.get_arguments() {
            assert!(arg.get_help().is_some(), "`{}` of `{}` is not described", arg.get_id(), command.get_name());
        }
    }

    #[test]
    fn every_command_and_every_argument_is_described() {
        let command = super::Cli::command();
        assert!(command.get_subcommands().count() >= 8);
        described(&command);
        command.debug_assert();
    }
}
