//! The tables as they are: what `iptables -S` prints of each.

/// Where rules of ours are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Table {
    /// What may pass; the one that Docker works in as well.
    Filter,
    /// Asked last, and touched by nobody else.
    Mangle,
}

impl Table {
    pub(super) const ALL: [Self; 2] = [Self::Filter, Self::Mangle];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Filter => "filter",
            Self::Mangle => "mangle",
        }
    }
}

/// The rules of one table that are in force, in the notation of `iptables -S`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Rules(Vec<String>);

impl Rules {
    pub(super) fn parse(text: &str) -> Self {
        Self(text.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect())
    }

    /// Whether the chain exists.
    pub(super) fn has_chain(&self, chain: &str) -> bool {
        let (own, built_in) = (format!("-N {chain}"), format!("-P {chain} "));
        self.0.iter().any(|line| *line == own || line.starts_with(&built_in))
    }

    /// The rules of a chain, in order, from `-A` on.
    pub(super) fn of<'a>(&'a self, chain: &str) -> impl Iterator<Item = &'a str> {
        let start = format!("-A {chain} ");
        self.0.iter().map(String::as_str).filter(move |line| line.starts_with(&start))
    }

    /// The rules of any chain that jump to this one.
    pub(super) fn jumps_to<'a>(&'a self, target: &str) -> impl Iterator<Item = &'a str> {
        let end = format!(" -j {target}");
        self.0.iter().map(String::as_str).filter(move |line| line.starts_with("-A ") && line.ends_with(&end))
    }
}

/// All rules that are in force, of the tables that we use.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Listing {
    pub(super) filter: Rules,
    pub(super) mangle: Rules,
}

impl Listing {
    pub(super) fn table(&self, table: Table) -> &Rules {
        match table {
            Table::Filter => &self.filter,
            Table::Mangle => &self.mangle,
        }
    }
}
