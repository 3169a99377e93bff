//! People: registration, their own data, their password.

use crate::{Actor, ClientInfo, Outcome, UseCases, passwords, view};
use aerie_domain::{
    FieldError, Problem, ProblemCode, UserId, UserName, UserRole,
    views::{ChangePassword, Me, Register, UserView},
};
use aerie_store::{NewAudit, NewUser};
use async_recursion::async_recursion as boxed;

/// Longest e-mail address (RFC 5321 §4.5.3.1) and longest of the free-text fields, in characters.
const MAX_EMAIL: usize = 254;
const MAX_TEXT: usize = 100;

impl UseCases {
    /// Makes an account with the initial credit.
    #[boxed]
    pub async fn register(&self, form: Register, client: &ClientInfo) -> Outcome<UserView> {
        if !self.settings().open_registration {
            let detail = "Registration is closed here. Ask your teacher for an account.";
            return Err(Problem::new(ProblemCode::NotAllowed, detail).into());
        }
        self.attempts().registration(&client.address)?;
        let mut errors = Vec::new();
        let name = form.user_name.trim().parse::<UserName>();
        if let Err(error) = &name {
            errors.push(FieldError { field: "user_name".into(), message: error.to_string() });
        }
        let email = form.email.trim();
        if !looks_like_email(email) {
            errors.push(FieldError { field: "email".into(), message: "must be an e-mail address".into() });
        }
        errors.extend(passwords::check_new(&form.password, &form.password_again, form.user_name.trim()));
        for (field, text) in
            [("first_name", &form.first_name), ("last_name", &form.last_name), ("affiliation", &form.affiliation)]
        {
            if text.chars().count() > MAX_TEXT || text.chars().any(char::is_control) {
                let message = format!("must have at most {MAX_TEXT} characters on one line");
                errors.push(FieldError { field: field.into(), message });
            }
        }
        let name = match name {
            Ok(name) if errors.is_empty() => name,
            _ => return Err(Problem::fields(errors).into()),
        };
        let new = NewUser {
            id: UserId::generate(),
            name: name.to_string(),
            email: email.to_owned(),
            password_hash: Some(self.passwords().hash(&form.password).await?),
            first_name: form.first_name.trim().to_owned(),
            last_name: form.last_name.trim().to_owned(),
            affiliation: form.affiliation.trim().to_owned(),
            role: UserRole::User,
            granted_millis: self.settings().initial_credit.millis,
        };
        let mut txn = self.store().begin().await?;
        txn.user_insert(&new).await.map_err(|error| match error.constraint() {
            Some("users_name_key") => Problem::field("user_name", "is already taken").into(),
            Some("users_email_key") => Problem::field("email", "is already used by another account").into(),
            _ => crate::Failure::from(error),
        })?;
        txn.audit_append(&NewAudit {
            actor: Some(new.id),
            via: "registration".to_owned(),
            address: client.address.clone(),
            action: "user.register".to_owned(),
            target: format!("user {name}"),
            detail: serde_json::json!({}),
        })
        .await?;
        txn.commit().await?;
        self.user(new.id).await
    }

    /// Who the actor is, and what they have and spend.
    #[boxed]
    pub async fn me(&self, actor: &Actor) -> Outcome<Me> {
        Ok(Me { user: self.user(actor.user).await?, credit: self.credit(actor.user).await? })
    }

    async fn user(&self, id: UserId) -> Outcome<UserView> {
        let row = self.store().user_fetch(id).await?.ok_or_else(|| Problem::not_found("user"))?;
        Ok(view::user(&row))
    }

    /// Sets a new password. All other sessions end; API tokens stay.
    #[boxed]
    pub async fn change_password(&self, actor: &Actor, form: ChangePassword) -> Outcome<()> {
        let session = actor.may_change_account()?;
        self.attempts().check(&actor.name, &actor.address)?;
        let row = self.store().user_fetch(actor.user).await?.ok_or_else(|| Problem::not_found("user"))?;
        if !self.passwords().verify(&form.current_password, row.password_hash).await? {
            self.attempts().failed(&actor.name, &actor.address);
            return Err(Problem::field("current_password", "is not your present password").into());
        }
        passwords::require_acceptable(&form.password, &form.password_again, &actor.name)?;
        let hash = self.passwords().hash(&form.password).await?;
        let mut txn = self.store().begin().await?;
        let epoch = txn.user_set_password(actor.user, &hash).await?;
        txn.session_revoke_others(actor.user, session).await?;
        txn.session_set_epoch(actor.user, session, epoch).await?;
        txn.audit_append(&actor.audit("user.password", &format!("user {}", actor.name))).await?;
        Ok(txn.commit().await?)
    }
}

/// One `@` with something before it and a dotted name after it: the only sure test is a message to it.
fn looks_like_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    let tidy = |part: &str| !part.is_empty() && part.chars().all(|c| !c.is_whitespace() && !c.is_control() && c != '@');
    text.len() <= MAX_EMAIL && tidy(local) && tidy(domain) && !domain.starts_with('.') && !domain.ends_with('.')
}

#[cfg(test)]
mod tests {
    use super::looks_like_email;

    #[test]
    fn addresses_are_told_from_other_text() {
        assert!(looks_like_email("ada@example.org") && looks_like_email("ada@localhost"));
        for text in ["", "ada", "@", "a@", "@b", "a b@c.d", "a@b@c", "a@b.\n", "a@.b"] {
            assert!(!looks_like_email(text), "{text:?}");
        }
    }
}
