//! How many long-lived streams one user may hold open.

use crate::http::problem::ApiError;
use aerie_domain::{ProblemCode, UserId};
use aerie_usecases::{PerUser, Place};

/// Streams per user. Larger: one user can hold more connections and engine readers; smaller: several open tabs with
/// events and logs get refused.
const MAX_PER_USER: usize = 40;

/// Counts open streams. Cheap to clone.
#[derive(Clone, Debug)]
pub struct StreamSlots(PerUser);

/// One open stream; given back when dropped.
pub type StreamSlot = Place;

impl Default for StreamSlots {
    fn default() -> Self {
        Self(PerUser::new(MAX_PER_USER))
    }
}

impl StreamSlots {
    /// Takes a slot, or refuses.
    pub fn take(&self, user: UserId) -> Result<StreamSlot, ApiError> {
        self.0.take(user).ok_or_else(|| {
            let detail = format!("You have {MAX_PER_USER} streams open. Close some pages or programs first.");
            ApiError::new(ProblemCode::TooManyRequests, detail)
        })
    }
}
