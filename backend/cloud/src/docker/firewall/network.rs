//! An IPv4 network in the usual notation.

use std::{fmt, net::Ipv4Addr, str::FromStr};

/// `a.b.c.d/n`, with the bits beyond the prefix cleared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: Ipv4Addr,
    bits: u8,
}

/// A text that is no network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an IPv4 network such as 192.168.5.0/24")]
pub struct NotANetwork;

impl Network {
    /// The network of this size that the address lies in; `None` for more than 32 bits.
    pub fn new(address: Ipv4Addr, bits: u8) -> Option<Self> {
        let free = 32_u32.checked_sub(u32::from(bits))?;
        // Shifting by all 32 bits overflows, and then there is nothing to keep.
        let mask = u32::MAX.checked_shl(free).unwrap_or(0);
        Some(Self { address: Ipv4Addr::from(u32::from(address) & mask), bits })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

impl FromStr for Network {
    type Err = NotANetwork;

    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let (address, bits) = text.trim().split_once('/').unwrap_or((text.trim(), "32"));
        let bits = bits.parse().map_err(|_| NotANetwork)?;
        Self::new(address.parse().map_err(|_| NotANetwork)?, bits).ok_or(NotANetwork)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_read_and_written_in_one_form() {
        let read = |text: &str| text.parse::<Network>().map(|network| network.to_string());
        assert_eq!(read("10.208.3.7/12"), Ok("10.208.0.0/12".to_owned()));
        assert_eq!(read(" 192.168.1.5 "), Ok("192.168.1.5/32".to_owned()));
        assert_eq!(read("1.2.3.4/0"), Ok("0.0.0.0/0".to_owned()));
        for text in ["", "10.0.0.0/33", "10.0.0/8", "::1/64", "10.0.0.0/8 -j ACCEPT", "10.0.0.0/8\n-A INPUT"] {
            assert_eq!(read(text), Err(NotANetwork), "{text:?}");
        }
    }
}
