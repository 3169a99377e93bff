//! A limit on what one user may have going on at a time.

use aerie_domain::UserId;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

/// Counts what goes on, per user. Cheap to clone; clones count together.
#[derive(Debug, Clone)]
pub struct PerUser {
    most: usize,
    going_on: Arc<Mutex<HashMap<UserId, usize>>>,
}

/// One thing that goes on; counted until it is dropped.
#[derive(Debug)]
pub struct Place {
    of: PerUser,
    user: UserId,
}

impl PerUser {
    /// At most so many at a time.
    pub fn new(most: usize) -> Self {
        Self { most, going_on: Arc::default() }
    }

    /// Takes a place; none when the user has all of them already.
    pub fn take(&self, user: UserId) -> Option<Place> {
        let mut going_on = self.going_on.lock().unwrap_or_else(PoisonError::into_inner);
        let count = going_on.entry(user).or_default();
        if *count >= self.most {
            return None;
        }
        *count += 1;
        Some(Place { of: self.clone(), user })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut going_on = self.of.going_on.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = going_on.get_mut(&self.user) {
            *count -= 1;
            if *count == 0 {
                going_on.remove(&self.user);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests fail loudly")]

    use super::*;

    #[test]
    fn places_come_back() {
        let (limit, user) = (PerUser::new(3), UserId::generate());
        let taken: Vec<_> = (0..3).map(|_| limit.take(user)).collect();
        assert!(taken.iter().all(Option::is_some) && limit.take(user).is_none());
        assert!(limit.take(UserId::generate()).is_some(), "others are not affected");
        drop(taken);
        assert!(limit.take(user).is_some());
        assert_eq!(limit.going_on.lock().unwrap().len(), 0);
    }
}
