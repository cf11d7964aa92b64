//! The `check` script of a lab, run from here.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};

use super::lab::Lab;

/// The folder with all labs.
fn labs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("labs")
}

impl Lab {
    /// Runs the `check` script of the lab, which waits for what it asks; an error is what it says does not hold.
    /// `programs` is the folder with the built `twinspan`.
    pub fn check(&self, programs: &Path) -> Result<()> {
        let nodes = tempfile::tempdir()?;
        for name in self.topology.nodes.keys() {
            fs::write(nodes.path().join(name), self.node(name)?.holder.to_string())?;
        }
        let path = format!("{}:{}:/usr/sbin:/sbin", programs.display(), std::env::var("PATH").unwrap_or_default());
        let script = labs().join(&self.topology.name).join("check");
        let done = Command::new(script).env("LAB_NODES", nodes.path()).env("PATH", path).output()?;
        let (said, errors) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
        ensure!(done.status.success() && said.contains("holds "), "{said}{errors}");
        Ok(())
    }
}

/// Builds `twinspan` as the example that calls this was built, and says in which folder it is.
pub fn built() -> Result<PathBuf> {
    let own = std::env::current_exe()?; // target/release/examples/NAME
    let folder = own.ancestors().nth(2).context("this program is not in a target folder")?.to_path_buf();
    let Some(cargo) = std::env::var_os("CARGO") else { return Ok(folder) };
    let mut build = Command::new(cargo);
    build.args(["build", "--bin", "twinspan"]).current_dir(env!("CARGO_MANIFEST_DIR"));
    if !cfg!(debug_assertions) {
        build.arg("--release");
    }
    if !build.status()?.success() {
        bail!("twinspan could not be built");
    }
    Ok(folder)
}
