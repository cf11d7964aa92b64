//! A changed file on an instance that runs, with FRR and BIRD as devices: what differs is changed, and nothing else.

use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;
use std::{fs, thread};

use anyhow::{Result, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tempfile::NamedTempFile;

use crate::gateway::{Gateway, SOON, checkout};
use crate::runner::wait_until;

const IN_0: &str = "in-0";

struct Changing {
    gateway: Gateway,
    text: String,
}

/// What the kernel of the first instance does about routes and next hops, as `ip monitor` tells it.
struct Monitor(Child);

impl Changing {
    fn at_rest() -> Result<Self> {
        let text = fs::read_to_string(checkout("labs/dual-redundancy/twinspan.toml"))?;
        Ok(Self { gateway: Gateway::at_rest()?, text })
    }

    /// The file of the first instance says this from now on.
    fn write(&self, text: &str) -> Result<()> {
        let file = NamedTempFile::new()?;
        fs::write(file.path(), text)?;
        self.gateway.lab.node(IN_0)?.bind(file.path(), Path::new("/etc/twinspan/twinspan.toml"))
    }

    fn edited(&self, from: &str, to: &str) -> String {
        assert!(self.text.contains(from), "{from:?} is not in the file");
        self.text.replacen(from, to, 1)
    }

    /// `twinspan WORDS` there: status, and what it said.
    fn twinspan(&self, words: &[&str]) -> Result<(i32, String)> {
        let done = self.gateway.lab.exec(IN_0, &[&["twinspan"], words].concat())?;
        let said = [done.stdout, done.stderr].map(|octets| String::from_utf8_lossy(&octets).into_owned()).concat();
        Ok((done.status.code().unwrap_or(-1), said))
    }

    fn neighbor(&self, name: &str) -> Result<Value, String> {
        self.gateway.show(IN_0, &["neighbors", name])
    }

    /// How many sessions an instance has had with each device, and how many UPDATEs it has sent and received.
    fn counts(&self) -> Result<Vec<(u64, Value, Value)>> {
        let count = |name: &str| {
            let shown = self.neighbor(name).map_err(anyhow::Error::msg)?;
            let updates = |way: &str| shown["messages"][way]["updates"].clone();
            Ok((shown["flaps"].as_u64().unwrap_or(u64::MAX), updates("sent"), updates("received")))
        };
        ["hq-1/in-0", "hq-2/in-0"].into_iter().map(count).collect()
    }

    /// UPDATEs that FRR has had from the first instance.
    fn frr_updates(&self) -> Result<u64> {
        let text = self.gateway.lab.must("hq-1", &["vtysh", "-c", "show bgp neighbors 169.254.21.2 json"])?;
        let shown: Value = serde_json::from_str(&text)?;
        Ok(shown["169.254.21.2"]["messageStats"]["updatesRecv"].as_u64().unwrap_or(u64::MAX))
    }

    fn monitor(&self) -> Result<Monitor> {
        let mut command = std::process::Command::new("ip");
        command.args(["monitor", "route", "nexthop"]).stdout(Stdio::piped());
        let monitor = Monitor(self.gateway.lab.node(IN_0)?.spawn(&mut command)?);
        // It has to have its socket before what is to be seen happens.
        thread::sleep(Duration::from_millis(300));
        Ok(monitor)
    }

    /// What the kernel routes a site's prefix over.
    fn width(&self, prefix: &str) -> Result<usize, String> {
        let kernel = self.gateway.kernel(IN_0).map_err(|error| format!("{error:#}"))?;
        Ok(kernel.members(prefix).map_or(0, |members| members.len()))
    }

    fn until(&self, what: &str, holds: impl Fn() -> Result<bool, String>) -> Result<()> {
        wait_until(SOON, || if holds()? { Ok(()) } else { Err(format!("not {what}\n{}", self.gateway.tail(IN_0))) })
    }
}

impl Monitor {
    /// All that it has seen.
    fn seen(mut self) -> Result<String> {
        thread::sleep(Duration::from_millis(300));
        kill(Pid::from_raw(i32::try_from(self.0.id())?), Signal::SIGTERM)?;
        let mut text = String::new();
        if let Some(out) = self.0.stdout.as_mut() {
            std::io::Read::read_to_string(out, &mut text)?;
        }
        self.0.wait()?;
        Ok(text)
    }
}

#[test]
fn a_reload_that_changes_nothing_is_silent_towards_the_kernel_and_the_neighbors() -> Result<()> {
    let mut lab = Changing::at_rest()?;
    let (counts, frr) = (lab.counts()?, lab.frr_updates()?);
    let monitor = lab.monitor()?;
    let (status, said) = lab.twinspan(&["reload"])?;
    ensure!(status == 0 && said.contains("nothing has changed that anybody sees"), "{status}: {said}");
    lab.write(&format!("# a comment, and a default\n{}\n[bgp]\nhold-time = \"90s\"\n", lab.text))?;
    let (status, said) = lab.twinspan(&["plan", "/etc/twinspan/twinspan.toml"])?;
    ensure!(status == 0 && said.contains("bgp.hold-time"), "{status}: {said}");
    let shown = lab.gateway.show(IN_0, &["gateway"]).map_err(anyhow::Error::msg)?;
    ensure!(shown["config"]["on_disk"] == "differs", "{shown}");
    lab.gateway.lab.signal(IN_0, "twinspan", Signal::SIGHUP)?;
    lab.until("reloaded by HUP", || Ok(lab.gateway.show(IN_0, &["gateway"])?["config"]["on_disk"] == "same"))?;
    ensure!(
        lab.gateway.lab.log(IN_0, "twinspan").matches("event=config.reloaded").count() == 2,
        "{}",
        lab.gateway.tail(IN_0)
    );
    let seen = monitor.seen()?;
    ensure!(seen.is_empty(), "the kernel was touched:\n{seen}");
    ensure!(lab.counts()? == counts, "{:?} and now {:?}", counts, lab.counts()?);
    ensure!(lab.frr_updates()? == frr, "FRR heard of it");
    Ok(())
}

#[test]
fn a_policy_is_applied_to_what_frr_taught_already_and_bird_hears_nothing_of_it() -> Result<()> {
    let lab = Changing::at_rest()?;
    let counts = lab.counts()?;
    let device = "asn = 65010\n";
    let policy = "\n[[policy]]\nname = \"less\"\n[[policy.rule]]\nprefixes = [\"10.53.0.0/16 le 24\"]\nthen = \"reject\"\n[[policy.rule]]\nthen = \"accept\"\n";
    lab.write(&(lab.edited(device, &format!("{device}bgp = {{ import = [\"less\"] }}\n")) + policy))?;
    let (status, said) = lab.twinspan(&["reload"])?;
    ensure!(status == 0 && said.contains("no session ends"), "{status}: {said}");
    lab.until("over BIRD alone", || Ok(lab.width("10.53.0.0/24")? == 1))?;
    ensure!(lab.width("10.52.0.0/16") == Ok(2), "the policy is not about it");
    lab.write(&lab.text)?;
    ensure!(lab.twinspan(&["reload"])?.0 == 0);
    lab.until("over both again", || Ok(lab.width("10.53.0.0/24")? == 2))?;
    ensure!(lab.counts()? == counts, "sessions and UPDATEs: {:?} and now {:?}", counts, lab.counts()?);
    Ok(())
}

#[test]
fn a_device_that_is_removed_hears_why_and_one_that_is_added_comes_up_while_the_other_goes_on() -> Result<()> {
    let lab = Changing::at_rest()?;
    let at = lab.text.find("[[connection]]\ndevice = \"hq-2\"").unwrap_or_default();
    let end = lab.text.find("[control]").unwrap_or_default();
    ensure!(0 < at && at < end);
    lab.write(&[&lab.text[..at], &lab.text[end..]].concat())?;
    let (status, said) = lab.twinspan(&["plan", "/etc/twinspan/twinspan.toml"])?;
    ensure!(status == 0 && said.contains("hq-2/in-0") && said.contains("removed"), "{status}: {said}");
    ensure!(lab.twinspan(&["reload"])?.0 == 0);
    lab.until("over FRR alone", || Ok(lab.width("10.52.0.0/16")? == 1))?;
    let bird =
        || lab.gateway.lab.must("hq-2", &["birdc", "show", "protocols", "all"]).map_err(|error| format!("{error:#}"));
    lab.until("told to BIRD", || Ok(bird()?.contains("de-configured") || bird()?.contains("deconfigured")))?;
    lab.write(&lab.text)?;
    ensure!(lab.twinspan(&["reload"])?.0 == 0);
    lab.gateway.rests()?;
    let flaps = lab.neighbor("hq-1/in-0").map_err(anyhow::Error::msg)?["flaps"].clone();
    ensure!(flaps == 0, "FRR's session ended {flaps} times");
    Ok(())
}

#[test]
fn a_file_with_faults_or_with_what_takes_a_restart_is_refused_and_changes_nothing() -> Result<()> {
    let lab = Changing::at_rest()?;
    let (counts, monitor) = (lab.counts()?, lab.monitor()?);
    lab.write(&lab.edited("asn = 65010", "asn = 23456").replacen("asn = 65011", "asm = 65011", 1))?;
    let (status, said) = lab.twinspan(&["reload"])?;
    ensure!(
        status == 1 && said.contains("error[reserved-asn]") && said.contains("error[unknown-key]"),
        "{status}: {said}"
    );
    lab.write(&format!("{}\n[kernel]\ntable = 100\n", lab.edited("asn = 65011", "asn = 65012")))?;
    let (status, said) = lab.twinspan(&["reload"])?;
    ensure!(status == 1 && said.contains("kernel.table takes a restart"), "{status}: {said}");
    lab.write(&lab.edited("asn = 65011\n", "asn = 65011\nbgp = { password-file = \"/etc/no-such-key\" }\n"))?;
    let (status, said) = lab.twinspan(&["reload"])?;
    ensure!(status == 1 && said.contains("/etc/no-such-key"), "{status}: {said}");
    let seen = monitor.seen()?;
    ensure!(seen.is_empty(), "the kernel was touched:\n{seen}");
    ensure!(lab.counts()? == counts, "{:?} and now {:?}", counts, lab.counts()?);
    ensure!(lab.twinspan(&["confirm"])?.0 == 1, "there is nothing to confirm");
    Ok(())
}

#[test]
fn a_reload_that_cuts_a_device_off_goes_back_by_itself_unless_it_is_confirmed() -> Result<()> {
    let lab = Changing::at_rest()?;
    lab.write(&lab.edited("asn = 65011", "asn = 65012"))?;
    let (status, said) = lab.twinspan(&["reload", "--confirm-within", "5s"])?;
    ensure!(status == 0 && said.contains("goes back by itself in 5 s"), "{status}: {said}");
    lab.until("cut off", || Ok(lab.width("10.52.0.0/16")? == 1))?;
    let (status, said) = lab.twinspan(&["reload"])?;
    ensure!(status == 1 && said.contains("not confirmed yet"), "{status}: {said}");
    lab.until("back", || Ok(lab.width("10.52.0.0/16")? == 2))?;
    ensure!(lab.gateway.lab.log(IN_0, "twinspan").contains("event=config.reverted"), "{}", lab.gateway.tail(IN_0));
    let shown = lab.gateway.show(IN_0, &["gateway"]).map_err(anyhow::Error::msg)?;
    ensure!(shown["config"]["on_disk"] == "differs", "{shown}");
    // A change that is confirmed stays.
    lab.write(&lab.edited("\"10.20.0.0/16\"]", "\"10.20.0.0/16\", \"10.21.0.0/16\"]"))?;
    ensure!(lab.twinspan(&["reload", "--confirm-within", "3s"])?.0 == 0);
    ensure!(lab.twinspan(&["confirm"])?.0 == 0);
    thread::sleep(Duration::from_secs(4)); // the time that it would have gone back after
    let shown = lab.gateway.show(IN_0, &["gateway"]).map_err(anyhow::Error::msg)?;
    ensure!(shown["config"]["on_disk"] == "same" && shown["config"]["unconfirmed_seconds"].is_null(), "{shown}");
    let (status, said) = lab.twinspan(&["show", "routes", "10.21.0.0/16"])?;
    ensure!(status == 0 && said.contains("told to hq-2/in-0"), "{status}: {said}");
    let flaps = lab.neighbor("hq-1/in-0").map_err(anyhow::Error::msg)?["flaps"].clone();
    ensure!(flaps == 0, "FRR's session ended {flaps} times");
    Ok(())
}
