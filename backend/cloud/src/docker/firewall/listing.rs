//! The filter table as it is: what `iptables -S` prints.

/// The rules that are in force, in the notation of `iptables -S`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Listing(Vec<String>);

impl Listing {
    pub(super) fn parse(text: &str) -> Self {
        Self(text.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect())
    }

    /// Whether the chain exists.
    pub(super) fn has_chain(&self, chain: &str) -> bool {
        let (own, built_in) = (format!("-N {chain}"), format!("-P {chain} "));
        self.0.iter().any(|line| *line == own || line.starts_with(&built_in))
    }

    /// The rules of a chain, in order, from `-A` on.
    pub(super) fn rules<'a>(&'a self, chain: &str) -> impl Iterator<Item = &'a str> {
        let start = format!("-A {chain} ");
        self.0.iter().map(String::as_str).filter(move |line| line.starts_with(&start))
    }

    /// The rules of any chain that jump to this one.
    pub(super) fn jumps_to<'a>(&'a self, target: &str) -> impl Iterator<Item = &'a str> {
        let end = format!(" -j {target}");
        self.0.iter().map(String::as_str).filter(move |line| line.starts_with("-A ") && line.ends_with(&end))
    }
}
