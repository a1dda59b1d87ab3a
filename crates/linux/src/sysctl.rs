//! Sysctls, as files under `/proc/sys`. Those under `net` are those of the calling thread's
//! network namespace.

use std::fs;
use std::io;
use std::path::PathBuf;

use crate::error::{Ensured, Error};

pub(crate) fn read(namespace: &str, key: &str) -> Result<String, Error> {
    let failed = failed("read", namespace, key);
    let path = path_of(key).map_err(&failed)?;
    Ok(fs::read_to_string(path).map_err(&failed)?.trim().to_owned())
}

pub(crate) fn ensure(namespace: &str, key: &str, value: &str) -> Result<Ensured, Error> {
    if read(namespace, key)? == value.trim() {
        return Ok(Ensured::Unchanged);
    }
    let failed = failed("write", namespace, key);
    let path = path_of(key).map_err(&failed)?;
    fs::write(path, value).map_err(&failed)?;
    Ok(Ensured::Changed)
}

fn failed(action: &'static str, namespace: &str, key: &str) -> impl Fn(io::Error) -> Error + use<> {
    let (namespace, key) = (namespace.to_owned(), key.to_owned());
    move |source| Error::Sysctl { action, key: key.clone(), namespace: namespace.clone(), source }
}

/// `net.ipv4.ip_forward`, or the path form when a part of it contains dots itself.
fn path_of(key: &str) -> io::Result<PathBuf> {
    let separator = if key.contains('/') { '/' } else { '.' };
    let mut path = PathBuf::from("/proc/sys");
    for part in key.split(separator) {
        if part.is_empty() || part == "." || part == ".." {
            let text = "not a sysctl: it has an empty or a relative part";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        path.push(part);
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_name_the_same_file() {
        let file = PathBuf::from("/proc/sys/net/ipv4/ip_forward");
        assert_eq!(path_of("net.ipv4.ip_forward").unwrap(), file);
        assert_eq!(path_of("net/ipv4/ip_forward").unwrap(), file);
    }

    #[test]
    fn the_path_form_keeps_dots_of_a_link() {
        let path = path_of("net/ipv4/conf/eth0.5/rp_filter").unwrap();
        assert_eq!(path, PathBuf::from("/proc/sys/net/ipv4/conf/eth0.5/rp_filter"));
    }

    #[test]
    fn a_key_cannot_leave_the_tree() {
        for key in ["", "/etc/passwd", "net/../../etc/passwd", "net..ipv4", "net/./ipv4"] {
            assert_eq!(path_of(key).unwrap_err().kind(), io::ErrorKind::InvalidInput, "{key}");
        }
    }

    #[test]
    fn a_missing_sysctl_is_missing() {
        let error = read("host", "net.ipv4.no_such_thing").unwrap_err();
        assert!(error.is_missing(), "{error}");
        assert!(error.to_string().contains("net.ipv4.no_such_thing"));
    }
}
