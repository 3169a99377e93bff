//! Which addresses an application's network has: the n-th /24 of the installation's range. Docker's own pools end at
//! about 30 networks, so we choose.

use std::net::Ipv4Addr;

/// Addresses of one application's network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subnet {
    /// `a.b.c.0/24`.
    pub cidr: String,
    /// The host's address in it.
    pub gateway: Ipv4Addr,
}

/// The subnet of the application with this number; `None` when the range has no more.
pub fn subnet(pool: (Ipv4Addr, u8), index: i32) -> Option<Subnet> {
    let (first, prefix) = pool;
    let bits = 24_u32.checked_sub(u32::from(prefix))?;
    let index = u32::try_from(index).ok()?;
    if u64::from(index) >= 1_u64 << bits {
        return None;
    }
    let mask = u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
    let base = (u32::from(first) & mask) | (index << 8);
    Some(Subnet { cidr: format!("{}/24", Ipv4Addr::from(base)), gateway: Ipv4Addr::from(base | 1) })
}

#[cfg(test)]
mod tests {
    use super::*;

    const POOL: (Ipv4Addr, u8) = (Ipv4Addr::new(10, 208, 0, 0), 12);

    #[test]
    fn applications_get_subnets_of_their_own() {
        assert_eq!(subnet(POOL, 0).map(|s| s.cidr), Some("10.208.0.0/24".to_owned()));
        assert_eq!(subnet(POOL, 257).map(|s| s.cidr), Some("10.209.1.0/24".to_owned()));
        assert_eq!(subnet(POOL, 257).map(|s| s.gateway), Some(Ipv4Addr::new(10, 209, 1, 1)));
        assert_eq!(subnet(POOL, 4095).map(|s| s.cidr), Some("10.223.255.0/24".to_owned()));
    }

    #[test]
    fn the_range_ends() {
        assert_eq!(subnet(POOL, 4096), None);
        assert_eq!(subnet(POOL, -1), None);
        assert_eq!(subnet((Ipv4Addr::new(10, 0, 0, 0), 25), 0), None);
        assert!(subnet((Ipv4Addr::UNSPECIFIED, 0), 0).is_some());
    }
}
