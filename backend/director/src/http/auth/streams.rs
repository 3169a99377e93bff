//! How many long-lived streams one user may hold open.

use crate::http::problem::ApiError;
use aerie_domain::{ProblemCode, UserId};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

/// Streams per user. Larger: one user can hold more connections and engine readers; smaller: several open tabs with
/// events and logs get refused.
const MAX_PER_USER: usize = 40;

/// Counts open streams. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct StreamSlots {
    open: Arc<Mutex<HashMap<UserId, usize>>>,
}

/// One open stream; given back when dropped.
#[derive(Debug)]
pub struct StreamSlot {
    slots: StreamSlots,
    user: UserId,
}

impl StreamSlots {
    /// Takes a slot, or refuses.
    pub fn take(&self, user: UserId) -> Result<StreamSlot, ApiError> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(user).or_default();
        if *count >= MAX_PER_USER {
            let detail = format!("You have {MAX_PER_USER} streams open. Close some pages or programs first.");
            return Err(ApiError::new(ProblemCode::TooManyRequests, detail));
        }
        *count += 1;
        Ok(StreamSlot { slots: self.clone(), user })
    }
}

impl Drop for StreamSlot {
    fn drop(&mut self) {
        let mut open = self.slots.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.user) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.user);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_come_back() {
        let (slots, user) = (StreamSlots::default(), UserId::generate());
        let taken: Vec<_> = (0..MAX_PER_USER).map(|_| slots.take(user).unwrap()).collect();
        assert!(slots.take(user).is_err());
        assert!(slots.take(UserId::generate()).is_ok(), "others are not affected");
        drop(taken);
        assert!(slots.take(user).is_ok());
        assert_eq!(slots.open.lock().unwrap().len(), 0);
    }
}
