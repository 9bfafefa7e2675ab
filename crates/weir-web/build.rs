//! With the feature `dashboard`: a table of the built files of `ui/dist`, for `src/dashboard/`.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    println!("cargo:rerun-if-changed=build.rs");
    if env::var_os("CARGO_FEATURE_DASHBOARD").is_none() {
        return Ok(());
    }
    let place = |name: &str| env::var_os(name).map(PathBuf::from).unwrap_or_default();
    let dist = place("CARGO_MANIFEST_DIR").join("../../ui/dist");
    println!("cargo:rerun-if-changed={}", dist.display());
    let mut names = Vec::new();
    if dist.join("index.html.gz").exists() {
        collect(&dist, "", &mut names)?;
        names.sort();
    } else {
        return Err(io::Error::other("the feature `dashboard` needs the built dashboard: run `make ui` first"));
    }
    let mut table = String::from("&[\n");
    for name in &names {
        let bytes = |ending: &str| format!("include_bytes!({:?})", format!("{}/{name}.{ending}", dist.display()));
        table += &format!("    File {{ path: {name:?}, br: {}, gz: {} }},\n", bytes("br"), bytes("gz"));
    }
    fs::write(place("OUT_DIR").join("dashboard.rs"), table + "]\n")
}

/// The files that have a compressed twin, by their path with `/`.
fn collect(folder: &Path, before: &str, names: &mut Vec<String>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = format!("{before}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), &format!("{name}/"), names)?;
        } else if let Some(plain) = name.strip_suffix(".gz") {
            names.push(plain.to_owned());
        }
    }
    Ok(())
}
