//! The addresses of one network.

use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr},
};

/// An IPv4 subnet that hands out its addresses, lowest first.
#[derive(Debug)]
pub(super) struct Subnet {
    pub(super) first: u32,
    pub(super) last: u32,
    gateway: IpAddr,
    next: u32,
    freed: BTreeSet<u32>,
    used: u32,
}

impl Subnet {
    /// Reads `a.b.c.d/n`.
    pub(super) fn parse(text: &str, gateway: IpAddr) -> Option<Self> {
        let (address, length) = text.split_once('/')?;
        let address = u32::from(address.parse::<Ipv4Addr>().ok()?);
        let length: u32 = length.parse().ok().filter(|length| (8..=30).contains(length))?;
        let hosts = (1_u32 << (32 - length)) - 1;
        if address & hosts != 0 {
            return None;
        }
        let last = address | hosts;
        Some(Self { first: address, last, gateway, next: address + 1, freed: BTreeSet::new(), used: 0 })
    }

    /// The next address; `None` when all are taken.
    pub(super) fn take(&mut self) -> Option<IpAddr> {
        let address = self.freed.pop_first().or_else(|| self.fresh())?;
        self.used += 1;
        Some(Ipv4Addr::from(address).into())
    }

    fn fresh(&mut self) -> Option<u32> {
        loop {
            // The last one is for broadcasts.
            let address = (self.next < self.last).then_some(self.next)?;
            self.next += 1;
            if IpAddr::from(Ipv4Addr::from(address)) != self.gateway {
                return Some(address);
            }
        }
    }

    pub(super) fn give_back(&mut self, address: IpAddr) {
        if let IpAddr::V4(address) = address
            && self.freed.insert(u32::from(address))
        {
            self.used -= 1;
        }
    }

    pub(super) fn in_use(&self) -> bool {
        self.used > 0
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_unique_until_given_back_and_end() {
        let gateway = IpAddr::from([10, 1, 2, 1]);
        let mut subnet = Subnet::parse("10.1.2.0/29", gateway).unwrap();
        let taken: Vec<_> = std::iter::from_fn(|| subnet.take()).collect();
        assert_eq!(taken, [2, 3, 4, 5, 6].map(|last| IpAddr::from([10, 1, 2, last])));
        subnet.give_back(taken[1]);
        assert!(subnet.in_use());
        assert_eq!(subnet.take(), Some(taken[1]));
        assert_eq!(subnet.take(), None);
    }

    #[test]
    fn nonsense_is_no_subnet() {
        let gateway = IpAddr::from([10, 1, 2, 1]);
        for text in ["10.1.2.0", "10.1.2.0/33", "10.1.2.1/24", "x/24", "10.1.2.0/0"] {
            assert!(Subnet::parse(text, gateway).is_none(), "{text}");
        }
    }
}
