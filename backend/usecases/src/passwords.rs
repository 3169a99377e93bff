//! Passwords: argon2id off the async threads, never more at once than there are cores.

use crate::{Failure, Outcome, UseCaseSettings};
use aerie_domain::{FieldError, Problem};
use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use std::{sync::Arc, thread::available_parallelism};
use tokio::{sync::Semaphore, task::spawn_blocking};

/// Shortest password. Longer: harder to guess, harder to accept (NIST SP 800-63B-4 asks for 8 with a second factor,
/// 15 without; classes get 10 and limits on attempts).
const MIN_CHARS: usize = 10;
/// Longest password. Larger: more work per attempt for whoever sends megabytes.
const MAX_CHARS: usize = 200;

/// Passwords that everybody tries first; the list is short because the limits on attempts do the rest.
const WELL_KNOWN: &[&str] = &[
    "1234567890",
    "0123456789",
    "password12",
    "password123",
    "password1234",
    "qwertyuiop",
    "qwerty1234",
    "letmein123",
    "iloveyou12",
    "adminadmin",
    "welcome123",
    "aerieaerie",
    "1q2w3e4r5t",
    "changeme123",
];

/// Hashes and checks passwords.
pub(crate) struct Passwords {
    argon2: Argon2<'static>,
    /// A hash of nothing in particular: checked when the user is unknown, so that both answers take equally long.
    decoy: tokio::sync::OnceCell<String>,
    slots: Arc<Semaphore>,
}

impl Passwords {
    pub(crate) fn new(settings: &UseCaseSettings) -> Self {
        let params = Params::new(settings.password_memory_kib, 2, 1, None).unwrap_or_default();
        let cores = available_parallelism().map_or(1, usize::from);
        Self {
            argon2: Argon2::new(Algorithm::Argon2id, Version::V0x13, params),
            decoy: tokio::sync::OnceCell::new(),
            slots: Arc::new(Semaphore::new(cores)),
        }
    }

    /// The PHC string of a password.
    pub(crate) async fn hash(&self, password: &str) -> Outcome<String> {
        let (argon2, password) = (self.argon2.clone(), password.to_owned());
        self.off_thread(move || argon2.hash_password(password.as_bytes()).map(|hash| hash.to_string()))
            .await?
            .map_err(|error| Failure::Bug(format!("a password could not be hashed: {error}")))
    }

    /// Whether the password belongs to the hash; without a hash, equally slow and false.
    pub(crate) async fn verify(&self, password: &str, hash: Option<String>) -> Outcome<bool> {
        let known = hash.is_some();
        let hash = match hash {
            Some(hash) => hash,
            None => self.decoy.get_or_try_init(|| self.hash("no user has this password")).await?.clone(),
        };
        let (argon2, password) = (self.argon2.clone(), password.to_owned());
        let matches = self
            .off_thread(move || {
                PasswordHash::new(&hash)
                    .is_ok_and(|parsed| argon2.verify_password(password.as_bytes(), &parsed).is_ok())
            })
            .await?;
        Ok(matches && known)
    }

    async fn off_thread<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Outcome<T> {
        let slot = Arc::clone(&self.slots).acquire_owned().await;
        let slot = slot.map_err(|error| Failure::Bug(error.to_string()))?;
        spawn_blocking(move || {
            let result = work();
            drop(slot);
            result
        })
        .await
        .map_err(|error| Failure::Bug(format!("password work ended early: {error}")))
    }
}

/// What is wrong with a new password, as field errors of `password` and `password_again`.
pub(crate) fn check_new(password: &str, again: &str, user_name: &str) -> Vec<FieldError> {
    let chars = password.chars().count();
    let message = if chars < MIN_CHARS {
        Some(format!("must have at least {MIN_CHARS} characters"))
    } else if chars > MAX_CHARS {
        Some(format!("must have at most {MAX_CHARS} characters"))
    } else if WELL_KNOWN.contains(&password.to_lowercase().as_str()) {
        Some("is one of the passwords that everybody tries first".to_owned())
    } else if !user_name.is_empty() && password.to_lowercase().contains(&user_name.to_lowercase()) && chars < 20 {
        Some("must not contain the user name".to_owned())
    } else if password.chars().all(|c| password.starts_with(c)) {
        Some("must not be one character over and over".to_owned())
    } else {
        None
    };
    let mut errors: Vec<FieldError> =
        message.into_iter().map(|message| FieldError { field: "password".to_owned(), message }).collect();
    if password != again {
        errors.push(FieldError {
            field: "password_again".to_owned(),
            message: "must be the same as the first".to_owned(),
        });
    }
    errors
}

/// Refuses a new password that is not acceptable.
pub(crate) fn require_acceptable(password: &str, again: &str, user_name: &str) -> Outcome<()> {
    let errors = check_new(password, again, user_name);
    if errors.is_empty() { Ok(()) } else { Err(Problem::fields(errors).into()) }
}

#[cfg(test)]
mod tests {
    use super::check_new;

    #[test]
    fn weak_passwords_are_refused() {
        for password in ["short", "password123", "aaaaaaaaaaaa", "ada-lovelace", &"x1".repeat(101)] {
            assert!(!check_new(password, password, "ada").is_empty(), "{password}");
        }
        assert_eq!(check_new("a good one, truly", "another one", "bob")[0].field, "password_again");
        assert!(check_new("correct horse battery", "correct horse battery", "bob").is_empty());
    }
}
