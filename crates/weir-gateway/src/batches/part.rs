//! The growing file of a batch's answers or failures. What [`Part::append`] has returned from is on the disk; a line
//! that was torn by the death of the process is cut off when the file is opened again.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::Path;

/// A growing file of lines.
#[derive(Debug)]
pub(super) struct Part {
    file: File,
    length: u64,
    /// Whether a failed write has left something behind `length`.
    torn: bool,
}

impl Part {
    /// Opens or makes the file and gives each whole line to `each`, which says whether it can be read. The file is cut
    /// before the first line that is torn or cannot be read.
    ///
    /// # Errors
    /// When the file cannot be read or cut.
    pub(super) fn open(path: &Path, mut each: impl FnMut(&[u8]) -> bool) -> io::Result<Self> {
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        let mut length = 0;
        let mut reader = BufReader::with_capacity(256 << 10, &file);
        let mut line = Vec::new();
        loop {
            line.clear();
            let read = reader.read_until(b'\n', &mut line)?;
            if !line.ends_with(b"\n") || !each(&line[..read - 1]) {
                break;
            }
            length += read as u64;
        }
        drop(reader);
        if file.metadata()?.len() > length {
            file.set_len(length)?;
            file.sync_data()?;
        }
        file.seek(SeekFrom::Start(length))?;
        Ok(Self { file, length, torn: false })
    }

    /// Adds whole lines; when this returns without an error they survive the machine's death, with one none of them is
    /// there.
    ///
    /// # Errors
    /// When the disk is full or fails.
    pub(super) fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        if self.torn {
            self.cut()?;
        }
        let written = self.file.write_all(lines).and_then(|()| self.file.sync_data());
        if written.is_err() {
            self.torn = true;
            // Tried again before the next lines, should it fail now.
            let _ = self.cut();
            return written;
        }
        self.length += lines.len() as u64;
        Ok(())
    }

    /// Cuts off what a failed write has left.
    fn cut(&mut self) -> io::Result<()> {
        self.file.set_len(self.length)?;
        self.file.seek(SeekFrom::Start(self.length))?;
        self.torn = false;
        Ok(())
    }

    /// Its size.
    pub(super) fn length(&self) -> u64 {
        self.length
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(path: &Path) -> (Part, Vec<String>) {
        let mut seen = Vec::new();
        let part = Part::open(path, |line| {
            let text = String::from_utf8_lossy(line).into_owned();
            let good = text.starts_with('{');
            if good {
                seen.push(text);
            }
            good
        });
        (part.unwrap(), seen)
    }

    #[test]
    fn a_torn_line_is_cut_off_and_the_next_follows_the_last_whole_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.part");
        let (mut part, seen) = lines(&path);
        assert!(seen.is_empty());
        part.append(b"{1}\n{2}\n").unwrap();
        drop(part);
        std::fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(b"{3").unwrap();
        let (mut part, seen) = lines(&path);
        assert_eq!(seen, ["{1}", "{2}"]);
        part.append(b"{4}\n").unwrap();
        drop(part);
        // Zeros are what some file systems leave after a power cut.
        std::fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(b"\0\0\0\n{5}\n").unwrap();
        let (part, seen) = lines(&path);
        assert_eq!(seen, ["{1}", "{2}", "{4}"]);
        assert_eq!(part.length(), 12);
        assert_eq!(std::fs::read(&path).unwrap(), b"{1}\n{2}\n{4}\n");
    }
}
