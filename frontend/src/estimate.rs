//! What a change of counts would cost, shown while the person types.

use crate::{format, scale_input::wanted_count};
use aerie_domain::{Credits, views::RoleView};

/// Instances for these counts, in the roles' order, auxiliary ones not counted.
///
/// The same rule that places instances: as long as the first role has a count of 1, all roles with a count of 1 share
/// one instance, and every other role instance stands alone.
pub fn instances(counts: &[u32]) -> u32 {
    let packed = counts.first() == Some(&1);
    let alone: u32 = counts.iter().filter(|count| !(packed && **count == 1)).sum();
    alone + u32::from(packed)
}

/// "4 instances, 4 credits per hour (now 1 instance)" for what is typed; an error when a count cannot be read.
pub fn sentence(roles: &[RoleView], typed: &[String], price: Credits, now: u32) -> Result<String, String> {
    let mut counts = Vec::with_capacity(roles.len());
    for (role, text) in roles.iter().zip(typed) {
        let count =
            wanted_count(text, role.count, role.min, role.max).map_err(|why| format!("{} {why}.", role.title))?;
        counts.push(count);
    }
    let wanted = instances(&counts);
    let cost = Credits::from_millis(price.millis.saturating_mul(i64::from(wanted)));
    Ok(format!(
        "{}, {} per hour (now {})",
        format::count(u64::from(wanted), "instance"),
        format::credits(cost),
        format::count(u64::from(now), "instance")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn role(name: &str, count: u32) -> RoleView {
        RoleView {
            name: name.into(),
            title: name.into(),
            summary: String::new(),
            count,
            serving: count,
            min: 1,
            max: 8,
            auxiliary: false,
            counts_requests: true,
            figures: Vec::new(),
        }
    }

    #[test]
    fn roles_share_an_instance_until_they_are_scaled() {
        assert_eq!(instances(&[1, 1, 1]), 1);
        assert_eq!(instances(&[1, 1, 3]), 4);
        assert_eq!(instances(&[2, 1, 1]), 4);
        assert_eq!(instances(&[5]), 5);
        assert_eq!(instances(&[0]), 0);
    }

    #[test]
    fn the_sentence_names_price_and_present() {
        let roles = [role("proxy", 1), role("web", 1), role("php", 1)];
        let typed = ["1".to_owned(), "1".to_owned(), "+2".to_owned()];
        assert_eq!(
            sentence(&roles, &typed, Credits::whole(1), 1),
            Ok("4 instances, 4 credits per hour (now 1 instance)".to_owned())
        );
        let typed = ["1".to_owned(), "many".to_owned(), "1".to_owned()];
        assert!(sentence(&roles, &typed, Credits::whole(1), 1).unwrap_err().starts_with("web must be"));
    }
}
