//! A log file that can be rotated away under the process.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use tracing_subscriber::fmt::MakeWriter;

use super::LogError;

/// A file to append to; clones share it.
#[derive(Debug, Clone)]
pub(super) struct LogFile(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    file: Mutex<File>,
}

impl LogFile {
    pub(super) fn open(path: PathBuf) -> Result<Self, LogError> {
        let file = append(&path)?;
        Ok(Self(Arc::new(Inner { path, file: Mutex::new(file) })))
    }

    /// Writes to the path anew: the old file may have been renamed. On an error the old file stays
    /// in use.
    pub(super) fn reopen(&self) -> Result<(), LogError> {
        let file = append(&self.0.path)?;
        *self.0.file.lock().unwrap_or_else(PoisonError::into_inner) = file;
        Ok(())
    }
}

impl Write for &LogFile {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.file.lock().unwrap_or_else(PoisonError::into_inner).write(line)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'w> MakeWriter<'w> for LogFile {
    type Writer = &'w LogFile;

    fn make_writer(&'w self) -> Self::Writer {
        self
    }
}

fn append(path: &PathBuf) -> Result<File, LogError> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .map_err(|source| LogError::File { path: path.clone(), source })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_reopened_log_goes_on_in_a_new_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("server.log");
        let rotated = directory.path().join("server.log.1");
        let log = LogFile::open(path.clone()).unwrap();
        (&log).write_all(b"one\n").unwrap();
        fs::rename(&path, &rotated).unwrap();
        (&log).write_all(b"two\n").unwrap();
        log.reopen().unwrap();
        (&log).write_all(b"three\n").unwrap();
        assert_eq!(fs::read_to_string(rotated).unwrap(), "one\ntwo\n");
        assert_eq!(fs::read_to_string(path).unwrap(), "three\n");
    }

    #[test]
    fn a_path_that_cannot_be_opened_is_named() {
        let error = LogFile::open("/nonexistent/x.log".into()).unwrap_err();
        assert!(error.to_string().contains("'/nonexistent/x.log'"), "{error}");
    }
}
