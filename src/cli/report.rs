//! Errors on stderr: place, path, message, the line of the profile, and a hint.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode};

use super::{LogFormat, log};
use crate::error::{Error, Kind};

/// An error with the profile text that it points into, as miette renders it.
struct Shown<'a> {
    error: &'a Error,
    source: Option<NamedSource<String>>,
}

impl std::fmt::Debug for Shown<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.error.fmt(f)
    }
}

impl std::fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.error.path().is_empty() {
            return f.write_str(self.error.message());
        }
        write!(f, "{}: {}", self.error.path(), self.error.message())
    }
}

impl std::error::Error for Shown<'_> {}

impl Diagnostic for Shown<'_> {
    fn help<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        self.error.hint_text().map(|hint| Box::new(hint) as _)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.as_ref().map(|source| source as _)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let place = self.error.place()?;
        Some(Box::new(std::iter::once(LabeledSpan::at(place.span.clone(), "here"))))
    }
}

/// Prints an error to stderr and returns its exit code. A closed pipe (`placebo … | head`) prints nothing.
pub(super) fn report(error: &Error, log_format: LogFormat) -> ExitCode {
    let code = error.kind().exit_code();
    if error.kind() == Kind::ClosedPipe {
        return ExitCode::from(code);
    }
    if log_format == LogFormat::Json {
        log::error(error);
        return ExitCode::from(code);
    }
    let mut stderr = std::io::stderr().lock();
    let source = error.place().map(|place| NamedSource::new(&place.file, place.text.to_string()));
    let theme = if stderr.is_terminal() { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let mut text = String::new();
    let handler = GraphicalReportHandler::new_themed(theme).with_width(110);
    if handler.render_report(&mut text, &Shown { error, source }).is_err() {
        text = format!("error: {error}\n");
    }
    // A closed stderr is ignored: the exit code still tells.
    let _unheard = stderr.write_all(text.as_bytes());
    ExitCode::from(code)
}
