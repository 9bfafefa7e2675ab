//! Names of artifacts: what a client may call one, and what is refused.
//!
//! A name never becomes the name of a file (contents are addressed by their digest), so that nothing here keeps a request
//! inside a folder. It keeps the tree such that every client can copy it to its own disk, and refuses what is only ever
//! written to get out of a folder, however often it is escaped.
//!
//! Invariants: a name that is kept has no empty, `.` or `..` part, does not begin or end with `/` and has no control
//! character; the same holds for whatever decoding it again gives.

use std::fmt;

/// Longest name, in bytes.
pub const MAX_PATH: usize = 2_048;
/// Longest part of a name, in bytes: file systems refuse longer ones.
pub const MAX_PART: usize = 255;
/// How often an escaped name is decoded for the check.
const ROUNDS: usize = 10;

/// The name of an artifact or of a folder of them: parts with `/` in between.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ArtifactPath(String);

/// Why a name is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathProblem {
    /// No name at all.
    #[error("it is empty")]
    Empty,
    /// Longer than [`MAX_PATH`].
    #[error("it is longer than {MAX_PATH} bytes")]
    Long,
    /// A part is longer than [`MAX_PART`].
    #[error("a part of it is longer than {MAX_PART} bytes")]
    LongPart,
    /// Not UTF-8 once it is decoded.
    #[error("it is not UTF-8")]
    Encoding,
    /// Escaped more often than anybody means.
    #[error("it is percent-encoded too often")]
    Escapes,
    /// NUL, a line break or the like.
    #[error("it holds a control character")]
    Control,
    /// `\`.
    #[error("it holds a backslash: write / between its parts")]
    Backslash,
    /// `#`.
    #[error("it holds a #")]
    Hash,
    /// Begins with `/`.
    #[error("it is absolute: write it without a / at its beginning")]
    Absolute,
    /// Begins with a drive letter.
    #[error("it names a drive")]
    Drive,
    /// Begins with `file:` or the like.
    #[error("it is a URI, where a path is wanted")]
    Scheme,
    /// Nothing between two slashes, or after the last.
    #[error("a part of it is empty")]
    EmptyPart,
    /// `.`, `..` or another part of only dots and spaces.
    #[error("a part of it has only dots or spaces")]
    Dots,
}

impl ArtifactPath {
    /// The name that a client gave, decoded once.
    ///
    /// # Errors
    /// What is wrong with it, or with what decoding it further gives.
    pub fn parse(name: &str) -> Result<Self, PathProblem> {
        check(name)?;
        let mut text = name.to_owned();
        for _ in 0..ROUNDS {
            let decoded = decode(&text)?;
            if decoded == text {
                return Ok(Self(name.to_owned()));
            }
            check(&decoded)?;
            text = decoded;
        }
        Err(PathProblem::Escapes)
    }

    /// The name of a folder, where one `/` at the end means nothing.
    ///
    /// # Errors
    /// As [`ArtifactPath::parse`].
    pub fn folder(name: &str) -> Result<Self, PathProblem> {
        Self::parse(name.strip_suffix('/').unwrap_or(name))
    }

    /// The name as it stands in a URL.
    ///
    /// # Errors
    /// As [`ArtifactPath::parse`].
    pub fn from_url(escaped: &str) -> Result<Self, PathProblem> {
        Self::parse(&decode(escaped)?)
    }

    /// The name of a folder as it stands in a URL.
    ///
    /// # Errors
    /// As [`ArtifactPath::parse`].
    pub fn folder_from_url(escaped: &str) -> Result<Self, PathProblem> {
        Self::folder(&decode(escaped)?)
    }

    /// A name within this folder.
    ///
    /// # Errors
    /// When the whole is too long.
    pub fn join(&self, within: &Self) -> Result<Self, PathProblem> {
        let whole = format!("{}/{}", self.0, within.0);
        if whole.len() > MAX_PATH { Err(PathProblem::Long) } else { Ok(Self(whole)) }
    }

    /// The whole name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its last part.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }

    /// Its parts.
    pub fn parts(&self) -> impl Iterator<Item = &str> {
        self.0.split('/')
    }
}

impl fmt::Display for ArtifactPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn check(text: &str) -> Result<(), PathProblem> {
    if text.is_empty() {
        return Err(PathProblem::Empty);
    }
    if text.len() > MAX_PATH {
        return Err(PathProblem::Long);
    }
    for c in text.chars() {
        match c {
            '\\' => return Err(PathProblem::Backslash),
            '#' => return Err(PathProblem::Hash),
            c if c.is_control() => return Err(PathProblem::Control),
            _ => {}
        }
    }
    if text.starts_with('/') {
        return Err(PathProblem::Absolute);
    }
    if let [letter, b':', ..] = text.as_bytes()
        && letter.is_ascii_alphabetic()
    {
        return Err(PathProblem::Drive);
    }
    let first = text.split('/').next().unwrap_or_default();
    if first.ends_with(':') || first.get(..5).is_some_and(|head| head.eq_ignore_ascii_case("file:")) {
        return Err(PathProblem::Scheme);
    }
    text.split('/').try_for_each(check_part)
}

fn check_part(part: &str) -> Result<(), PathProblem> {
    if part.is_empty() {
        Err(PathProblem::EmptyPart)
    } else if part.chars().all(|c| c == '.' || c == ' ') {
        Err(PathProblem::Dots)
    } else if part.len() > MAX_PART {
        Err(PathProblem::LongPart)
    } else if matches!(part.as_bytes(), [letter, b':'] if letter.is_ascii_alphabetic()) {
        Err(PathProblem::Drive)
    } else {
        Ok(())
    }
}

/// Decodes percent escapes once; what is no escape stays.
fn decode(text: &str) -> Result<String, PathProblem> {
    if text.len() > 3 * MAX_PATH {
        return Err(PathProblem::Long);
    }
    let digit = |byte: Option<&u8>| byte.and_then(|b| char::from(*b).to_digit(16)).and_then(|d| u8::try_from(d).ok());
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match (byte, digit(bytes.get(at + 1)), digit(bytes.get(at + 2))) {
            (b'%', Some(high), Some(low)) => {
                decoded.push(high << 4 | low);
                at += 3;
            }
            _ => {
                decoded.push(*byte);
                at += 1;
            }
        }
    }
    String::from_utf8(decoded).map_err(|_| PathProblem::Encoding)
}

#[cfg(test)]
#[path = "path_tests.rs"]
mod tests;
