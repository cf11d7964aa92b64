//! BIRD: asked through birdc, told by its files.

use anyhow::{Result, ensure};

use crate::peer::{Peer, Route, Session, marks, set};
use crate::runner::Lab;

pub(crate) struct Bird;

fn birdc(lab: &Lab, words: &[&str]) -> Result<String> {
    lab.must("bird", &[&["birdc"], words].concat())
}

impl Bird {
    /// The protocol of the session with an address of ours.
    pub(crate) fn protocol(us: &str) -> &'static str {
        if us.contains(':') { "in_1" } else { "in_0" }
    }

    /// Writes the file of prefixes that come and go, and has BIRD read it.
    fn more(lab: &Lab, prefixes: &[String]) -> Result<()> {
        let mut text = String::new();
        for (family, wanted) in [("ipv4", false), ("ipv6", true)] {
            let lines = prefixes.iter().filter(|prefix| prefix.contains(':') == wanted);
            let routes: String = lines.map(|prefix| format!("  route {prefix} blackhole;\n")).collect();
            if !routes.is_empty() {
                text += &format!("protocol static more_{family} {{\n  {family};\n{routes}}}\n");
            }
        }
        Self::read(lab, &text)
    }

    fn read(lab: &Lab, text: &str) -> Result<()> {
        let file = tempfile::NamedTempFile::new()?;
        std::fs::write(file.path(), text)?;
        lab.node("bird")?.bind(file.path(), "/etc/bird/more.conf".as_ref())?;
        let said = birdc(lab, &["configure"])?;
        ensure!(said.contains("Reconfigur"), "birdc configure: {said}");
        Ok(())
    }
}

impl Peer for Bird {
    fn node(&self) -> &'static str {
        "bird"
    }

    fn number(&self) -> u8 {
        1
    }

    fn program(&self) -> &'static str {
        "bird"
    }

    fn file(&self) -> (&'static str, &'static str) {
        ("bird/bird.conf", "/etc/bird/bird.conf")
    }

    fn start_again(&self, lab: &mut Lab) -> Result<()> {
        // -R: this start is one of a graceful restart.
        let words = ["/usr/sbin/bird", "-f", "-R", "-c", "/etc/bird/bird.conf", "-s", "/run/bird/bird.ctl"];
        lab.spawn("bird", &words)
    }

    fn session(&self, lab: &Lab, us: &str) -> Result<Session> {
        let shown = birdc(lab, &["show", "protocols", "all", Self::protocol(us)])?;
        let last = shown.lines().find_map(|line| line.trim().strip_prefix("Last error:"));
        let log = lab.log("bird", "bird");
        let said = log.lines().rfind(|line| line.contains("Received:")).unwrap_or_default();
        Ok(Session {
            established: shown.contains("Established"),
            last_end: format!("{} {said}", last.unwrap_or_default().trim()),
        })
    }

    fn learned(&self, lab: &Lab, us: &str, prefix: &str) -> Result<Option<Route>> {
        let from = Self::protocol(us);
        let done = lab.exec("bird", &["birdc", "show", "route", "protocol", from, "all", prefix])?;
        let shown = String::from_utf8_lossy(&done.stdout).into_owned();
        if !shown.contains(prefix) {
            return Ok(None); // "Network not found", and an exit status that differs by version
        }
        // `BGP.ext_community: (rt, 65001, 52) (rt, 65001, 53)`
        let words = |key: &str| {
            // A long list goes on in lines of its own, up to the next word.
            let rest = shown.split_once(key).map(|(_, rest)| rest).unwrap_or_default();
            let list = rest.split_once("\tBGP.").map_or(rest, |(list, _)| list);
            let lists = list.split(')').filter_map(|part| part.split_once('(')).map(|(_, list)| list);
            lists.map(|list| list.replace(", ", ":").replace(',', ":")).collect::<Vec<_>>()
        };
        let all = |key: &str| set(words(key).iter().map(String::as_str));
        Ok(Some(Route {
            communities: all("BGP.community:"),
            extended: all("BGP.ext_community:"),
            large: all("BGP.large_community:"),
        }))
    }

    fn announce(&self, lab: &Lab, prefixes: &[String]) -> Result<()> {
        Self::more(lab, prefixes)
    }

    fn announce_marked(&self, lab: &Lab, prefix: &str, communities: u16) -> Result<()> {
        let marks = marks(communities, |n| format!("bgp_community.add((65001, {n}));"));
        Self::read(lab, &format!("protocol static many {{\n  ipv4;\n  route {prefix} blackhole {{ {marks} }};\n}}\n"))
    }

    fn withdraw(&self, lab: &Lab, _: &[String]) -> Result<()> {
        Self::more(lab, &[])
    }

    fn ask_again(&self, lab: &Lab, us: &str) -> Result<()> {
        birdc(lab, &["reload", "in", Self::protocol(us)]).map(drop)
    }

    fn shut_down(&self, lab: &Lab, us: &str, text: &str) -> Result<()> {
        birdc(lab, &["disable", Self::protocol(us), &format!("\"{text}\"")]).map(drop)
    }

    fn without_ttl_security(&self) -> (&'static str, &'static str) {
        ("ttl security on", "ttl security off")
    }

    fn with_password(&self, password: &str) -> (&'static str, String) {
        let line = "  ttl security on;\n";
        (line, format!("{line}  password \"{password}\";\n"))
    }

    fn with_limit_of_three(&self) -> (&'static str, &'static str) {
        ("    import all;\n", "    import all;\n    receive limit 3 action disable;\n")
    }

    fn words_for_max_prefixes(&self) -> String {
        "Maximum number of prefixes reached".to_owned()
    }
}
