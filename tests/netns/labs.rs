//! The labs themselves: their files, and that they leave nothing behind.

use std::fs;

use anyhow::{Context as _, Result};

use crate::gateway::{Gateway, checkout};
use crate::runner::topology::Topology;

#[test]
fn every_lab_of_the_repository_can_be_made() -> Result<()> {
    let mut found = 0;
    for folder in fs::read_dir(checkout("labs"))? {
        for file in fs::read_dir(folder?.path()).into_iter().flatten() {
            let path = file?.path();
            if path.to_string_lossy().ends_with(".clab.yml") {
                let topology = Topology::read(&path)?;
                let name = path.file_name().context("a file has a name")?.to_string_lossy();
                assert_eq!(name, format!("{}.clab.yml", topology.name), "a lab is named as its file");
                found += 1;
            }
        }
    }
    assert!(found > 0, "no lab was found");
    Ok(())
}

#[test]
fn the_gateways_file_of_every_lab_has_neither_fault_nor_warning() -> Result<()> {
    let mut found = 0;
    // A lab of several gateways has a folder for each.
    let mut folders = Vec::new();
    for folder in fs::read_dir(checkout("labs"))? {
        let folder = folder?.path();
        folders.extend(fs::read_dir(&folder).into_iter().flatten().flatten().map(|entry| entry.path()));
        folders.push(folder);
    }
    for folder in folders {
        let path = folder.join("twinspan.toml");
        let Ok(text) = fs::read_to_string(&path) else { continue };
        let name = path.display().to_string();
        let said = match twinspan::config::parse(&name, &text) {
            Ok((_, warnings)) => warnings,
            Err(faults) => faults,
        };
        let said: Vec<String> = said.iter().map(|diagnostic| diagnostic.render(&text)).collect();
        assert!(said.is_empty(), "{}", said.join("\n"));
        found += 1;
    }
    assert!(found > 0, "no file was found");
    Ok(())
}

#[test]
fn a_lab_that_is_dropped_leaves_no_namespace_and_no_process() -> Result<()> {
    let gateway = Gateway::up(&["in-0", "in-1"])?;
    let prefix = gateway.lab.prefix.clone();
    let names = |prefix: &str| -> Result<usize> {
        let here = fs::read_dir("/run/netns")?.flatten();
        Ok(here.filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix)).count())
    };
    assert_eq!(names(&prefix)?, 7);
    let holder = gateway.lab.node("hq-1")?.holder;
    let inside = fs::read_link(format!("/proc/{holder}/ns/pid"))?;
    let processes = || -> Result<usize> {
        let all = fs::read_dir("/proc")?.flatten();
        Ok(all.filter(|entry| fs::read_link(entry.path().join("ns/pid")).is_ok_and(|ns| ns == inside)).count())
    };
    assert!(processes()? > 3, "FRR runs");
    drop(gateway);
    assert_eq!((names(&prefix)?, processes()?), (0, 0));
    Ok(())
}
