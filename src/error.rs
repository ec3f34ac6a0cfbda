//! The one error of the library: where, what, and what to do about it.
//!
//! Messages are lowercase fragments with backticks around what the user typed; a hint says what to do next.

use std::fmt;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

/// `Result` with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, where, and what to do about it.
pub struct Error(Box<Inner>);

struct Inner {
    kind: Kind,
    path: String,
    message: String,
    hint: Option<String>,
    place: Option<Place>,
    cause: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// The class of an error; it decides the exit code, which is a contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A defect of Placebo itself.
    Internal,
    /// The command line asks for something that cannot be.
    Usage,
    /// The profile, a parameter, or the pinned fingerprint is wrong.
    Profile,
    /// Reading or writing failed.
    Io,
    /// A check failed on generated or read data.
    Verification,
    /// Another run writes to the same folder.
    Locked,
    /// A key is missing, malformed, or open to others.
    Key,
    /// The user stopped the run.
    Interrupted,
    /// The system asked the run to end.
    Terminated,
    /// The reader of our output went away (`placebo … | head`).
    ClosedPipe,
}

impl Kind {
    /// The process exit code of this kind of error.
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
    /// The file's name as the user knows it.
    pub file: String,
    /// Its whole text.
    pub text: Arc<str>,
    /// The bytes at fault.
    pub span: Range<usize>,
}

impl Place {
    /// Line and column of the first byte, both counted from 1.
    #[must_use]
    pub fn line_column(&self) -> (usize, usize) {
        let before = self.text.get(..self.span.start).unwrap_or(&self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        (line, column)
    }
}

impl Error {
    /// An error of `kind`; `message` is a lowercase fragment.
    #[must_use]
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            path: String::new(),
            message: message.into(),
            hint: None,
            place: None,
            cause: None,
        }))
    }

    /// A mistake in a profile, at a dotted path such as `tables.claim.columns.paid`.
    #[must_use]
    pub fn profile(path: impl Into<String>, message: impl Into<String>) -> Self {
        let mut error = Self::new(Kind::Profile, message);
        error.0.path = path.into();
        error
    }

    /// A mistake on the command line.
    #[must_use]
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Kind::Usage, message)
    }

    /// A defect of ours: a state that the compiler of profiles should have ruled out.
    #[must_use]
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(Kind::Internal, message)
            .hint("this is a defect in placebo: please report it with the profile and the command")
    }

    /// An operating-system error at `path`.
    #[must_use]
    pub fn io(path: impl AsRef<Path>, cause: std::io::Error) -> Self {
        let kind = if cause.kind() == std::io::ErrorKind::BrokenPipe { Kind::ClosedPipe } else { Kind::Io };
        Self::new(kind, format!("`{}`: {cause}", path.as_ref().display())).caused_by(cause)
    }

    /// Adds what the user can do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Adds a hint where there is one, for instance from [`did_you_mean`].
    #[must_use]
    pub fn maybe_hint(mut self, hint: Option<String>) -> Self {
        self.0.hint = hint.or(self.0.hint);
        self
    }

    /// Adds the place in the file, unless a more exact one is known.
    #[must_use]
    pub fn at(mut self, place: Option<Place>) -> Self {
        self.0.place = self.0.place.or(place);
        self
    }

    /// Sets the dotted path, unless a more exact one is known.
    #[must_use]
    pub fn within(mut self, path: &str) -> Self {
        if self.0.path.is_empty() {
            path.clone_into(&mut self.0.path);
        }
        self
    }

    /// Keeps the error behind this one.
    #[must_use]
    pub fn caused_by(mut self, cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.0.cause = Some(Box::new(cause));
        self
    }

    /// The class of the error.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// What the system said, where this is its error.
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

    /// The dotted path in the profile, or the empty string.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.0.path
    }

    /// What went wrong, without place and hint.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// What to do about it.
    #[must_use]
    pub fn hint_text(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// Where it stands in a profile file.
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

/// An error of Arrow while values are computed: an overflow, a value that cannot be cast.
impl From<arrow_schema::ArrowError> for Error {
    fn from(cause: arrow_schema::ArrowError) -> Self {
        Self::new(Kind::Profile, cause.to_string()).caused_by(cause)
    }
}

/// `did you mean …?` for the closest of `known`, or the whole list where it is short.
///
/// ```
/// let hint = placebo::error::did_you_mean("patinet", ["patient", "payer"]);
/// assert_eq!(hint.as_deref(), Some("did you mean `patient`?"));
/// ```
pub fn did_you_mean<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let known: Vec<&str> = known.into_iter().collect();
    let best = known.iter().map(|name| (strsim::jaro_winkler(typed, name), *name)).max_by(|a, b| a.0.total_cmp(&b.0));
    match best {
        Some((likeness, name)) if likeness > 0.8 => Some(format!("did you mean `{name}`?")),
        Some(_) if known.len() <= 12 => {
            Some(format!("there is {}", known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")))
        }
        _ => None,
    }
}
