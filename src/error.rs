//! The error type of the library: the place, the message, and a hint at the remedy.
//!
//! Messages are lowercase fragments with backticks around text that the user typed.

use std::fmt;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

/// `Result` with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure with its kind, its place in a profile if it has one, a message, and a hint at the remedy.
///
/// ```
/// use placebo::error::Kind;
/// let error = placebo::profile::load("helthcare").err().expect("no such profile");
/// assert_eq!((error.kind(), error.kind().exit_code()), (Kind::Usage, 2));
/// assert_eq!(error.hint_text(), Some("did you mean `healthcare`?"));
/// ```
pub struct Error(Box<Inner>);

struct Inner {
    kind: Kind,
    path: String,
    message: String,
    hint: Option<String>,
    place: Option<Place>,
    row: Option<usize>,
    cause: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// The class of an error. It decides the exit code of the program, which stays the same across versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A defect of Placebo itself.
    Internal,
    /// The command line is contradictory or impossible to fulfil.
    Usage,
    /// The profile, a parameter, or the pinned fingerprint is wrong.
    Profile,
    /// Reading or writing failed.
    Io,
    /// A database cannot be reached, may not be written to, or holds what a load does not allow.
    Database,
    /// A check failed on generated or read data.
    Verification,
    /// Another run writes to the same folder.
    Locked,
    /// A key is missing, malformed, or readable by other users.
    Key,
    /// The user stopped the run.
    Interrupted,
    /// The system asked the run to end.
    Terminated,
    /// The reader of standard output closed it (`placebo … | head`).
    ClosedPipe,
}

impl Kind {
    /// Gives the process exit code of this kind of error.
    ///
    /// ```
    /// assert_eq!(placebo::error::Kind::Profile.exit_code(), 3);
    /// ```
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Kind::Internal => 1,
            Kind::Usage => 2,
            Kind::Profile => 3,
            Kind::Io => 4,
            Kind::Database => 5,
            Kind::Verification => 6,
            Kind::Locked => 7,
            Kind::Key => 8,
            Kind::Interrupted => 130,
            Kind::ClosedPipe => 141,
            Kind::Terminated => 143,
        }
    }
}

/// A range of bytes in a profile file.
#[derive(Debug, Clone)]
pub struct Place {
    /// The file's name, as the user gave it.
    pub file: String,
    /// The complete text of the file.
    pub text: Arc<str>,
    /// The bytes that the error is about.
    pub span: Range<usize>,
}

impl Place {
    /// Gives line and column of the first byte, both counted from 1; columns count characters.
    #[must_use]
    pub fn line_column(&self) -> (usize, usize) {
        let before = self.text.get(..self.span.start).unwrap_or(&self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        (line, column)
    }
}

impl Error {
    /// Makes an error of a kind. `message` is a lowercase fragment without a full stop.
    #[must_use]
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            path: String::new(),
            message: message.into(),
            hint: None,
            place: None,
            row: None,
            cause: None,
        }))
    }

    /// Makes an error in a profile, at a dotted path such as `tables.claim.columns.paid`.
    #[must_use]
    pub fn profile(path: impl Into<String>, message: impl Into<String>) -> Self {
        let mut error = Self::new(Kind::Profile, message);
        error.0.path = path.into();
        error
    }

    /// Makes an error of the command line.
    #[must_use]
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Kind::Usage, message)
    }

    /// Makes an error for a defect of Placebo: a state that the compiler of profiles should have ruled out.
    #[must_use]
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(Kind::Internal, message)
            .hint("this is a defect in placebo: please report it with the profile and the command")
    }

    /// Makes an error from an operating-system error at `path`.
    #[must_use]
    pub fn io(path: impl AsRef<Path>, cause: std::io::Error) -> Self {
        let kind = if cause.kind() == std::io::ErrorKind::BrokenPipe { Kind::ClosedPipe } else { Kind::Io };
        let limited = cause.kind() == std::io::ErrorKind::FileTooLarge && cause.raw_os_error().is_some();
        let hint = "`ulimit -f` shows the limit of this process; file systems have limits too";
        Self::new(kind, format!("`{}`: {cause}", path.as_ref().display()))
            .maybe_hint(limited.then(|| hint.to_owned()))
            .caused_by(cause)
    }

    /// Sets the hint: a lowercase fragment that says what the user can do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Sets the hint if there is one, for instance from [`did_you_mean`]; `None` keeps an earlier hint.
    #[must_use]
    pub fn maybe_hint(mut self, hint: Option<String>) -> Self {
        self.0.hint = hint.or(self.0.hint);
        self
    }

    /// Sets the place in the file, unless one is set already: the first is the most exact.
    #[must_use]
    pub fn at(mut self, place: Option<Place>) -> Self {
        self.0.place = self.0.place.or(place);
        self
    }

    /// Sets the dotted path, unless one is set already: the first is the most exact.
    #[must_use]
    pub fn within(mut self, path: &str) -> Self {
        if self.0.path.is_empty() {
            path.clone_into(&mut self.0.path);
        }
        self
    }

    /// Puts the start of a dotted path before the path that is set.
    #[must_use]
    pub fn below(mut self, path: &str) -> Self {
        self.0.path = if self.0.path.is_empty() { path.to_owned() } else { format!("{path}.{}", self.0.path) };
        self
    }

    /// Sets the row of an array at fault, unless one is known; [`Error::name_row`] turns it into words.
    #[must_use]
    pub fn in_row(mut self, row: usize) -> Self {
        self.0.row = self.0.row.or(Some(row));
        self
    }

    /// Puts the name of the row at fault before the message, where a row is known.
    #[must_use]
    pub fn name_row(mut self, name: impl FnOnce(usize) -> String) -> Self {
        if let Some(row) = self.0.row.take() {
            self.0.message = format!("{}: {}", name(row), self.0.message);
        }
        self
    }

    /// Sets the underlying error, for [`std::error::Error::source`].
    #[must_use]
    pub fn caused_by(mut self, cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.0.cause = Some(Box::new(cause));
        self
    }

    /// Gives the class of the error.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// Finds the operating system's error kind in the chain of causes. `None` if no cause is an I/O error.
    #[must_use]
    pub fn io_kind(&self) -> Option<std::io::ErrorKind> {
        let mut cause = self.0.cause.as_deref().map(|cause| cause as &(dyn std::error::Error + 'static));
        while let Some(error) = cause {
            if let Some(io) = error.downcast_ref::<std::io::Error>() {
                return Some(io.kind());
            }
            cause = error.source();
        }
        None
    }

    /// Gives the dotted path in the profile, or the empty string.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.0.path
    }

    /// Gives the message, without place and hint.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Gives the hint.
    #[must_use]
    pub fn hint_text(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// Gives the place in a profile file, if the error has one.
    #[must_use]
    pub fn place(&self) -> Option<&Place> {
        self.0.place.as_ref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.0.place {
            let (line, column) = place.line_column();
            write!(f, "{}:{line}:{column}: ", place.file)?;
        }
        if !self.0.path.is_empty() {
            write!(f, "{}: ", self.0.path)?;
        }
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {self}", self.0.kind)?;
        self.0.hint.as_ref().map_or(Ok(()), |hint| write!(f, " (hint: {hint})"))
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.cause.as_deref().map(|cause| cause as _)
    }
}

/// Turns an error of Arrow's kernels (an overflow, a value that cannot be cast) into an error of the profile.
impl From<arrow_schema::ArrowError> for Error {
    fn from(cause: arrow_schema::ArrowError) -> Self {
        use arrow_schema::ArrowError;
        let message = match &cause {
            ArrowError::DivideByZero => "division by zero".to_owned(),
            ArrowError::ArithmeticOverflow(_) => "a number is too large for its type".to_owned(),
            ArrowError::CastError(_) | ArrowError::ParseError(_) => "a value cannot be cast to this type".to_owned(),
            ArrowError::OffsetOverflowError(_) => "a column of a chunk is too large".to_owned(),
            ArrowError::InvalidArgumentError(_) | ArrowError::ComputeError(_) => {
                return Self::internal(format!("columns do not fit together: {}", plain(&cause))).caused_by(cause);
            }
            _ => plain(&cause),
        };
        Self::new(Kind::Profile, message).caused_by(cause)
    }
}

/// The text of an Arrow error without the name of its kind.
fn plain(cause: &arrow_schema::ArrowError) -> String {
    let text = cause.to_string();
    text.split_once("rror: ").map_or(text.as_str(), |(_, rest)| rest).to_owned()
}

/// Suggests the name that was meant: `did you mean …?` for the closest of `known`, else the list itself if it has at
/// most 12 names, else `None`.
///
/// ```
/// let hint = placebo::error::did_you_mean("patinet", ["patient", "payer"]);
/// assert_eq!(hint.as_deref(), Some("did you mean `patient`?"));
/// ```
pub fn did_you_mean<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let known: Vec<&str> = known.into_iter().filter(|name| *name != typed).collect();
    let best = known.iter().map(|name| (strsim::jaro_winkler(typed, name), *name)).max_by(|a, b| a.0.total_cmp(&b.0));
    match best {
        Some((likeness, name)) if likeness > 0.8 => Some(format!("did you mean `{name}`?")),
        Some(_) if known.len() <= 12 => Some(format!(
            "known names: {}",
            known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
        )),
        _ => None,
    }
}
