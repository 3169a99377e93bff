//! API tokens: made in the browser or with a password, shown once, kept as a hash.

use crate::{Actor, ClientInfo, Outcome, UseCases, Via};
use aerie_domain::{
    FieldError, Problem, ProblemCode, TokenId, TokenScope,
    views::{CreateToken, CreatedToken, LogIn, TokenView},
};
use aerie_store::{NewToken, TokenRow};
use async_recursion::async_recursion as boxed;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use rand::{TryRngCore, rngs::OsRng};
use sha2::{Digest, Sha256};
use time::{Duration, OffsetDateTime};

/// Starts every token, so that secret scanners and people recognise one.
const MARK: &str = "aerie_";
/// Tokens per user. Larger: nobody knows any more what they are for.
const MAX_TOKENS: usize = 50;
/// Longest name, in characters.
const MAX_NAME: usize = 60;
/// Hours that a token from [`UseCases::log_in_for_token`] lives: a working day.
const LOGIN_TOKEN_HOURS: i64 = 12;

impl UseCases {
    /// The actor's tokens that are neither revoked nor expired, newest first.
    #[boxed]
    pub async fn tokens(&self, actor: &Actor) -> Outcome<Vec<TokenView>> {
        Ok(self.store().token_list(actor.user).await?.into_iter().map(view).collect())
    }

    /// Makes a token. Its secret is in the answer and nowhere else.
    #[boxed]
    pub async fn create_token(&self, actor: &Actor, form: CreateToken) -> Outcome<CreatedToken> {
        actor.may_change_account()?;
        let mut errors = Vec::new();
        let name = form.name.trim();
        if name.is_empty() {
            errors.push(FieldError { field: "name".into(), message: "must not be empty".into() });
        } else if name.chars().count() > MAX_NAME || name.chars().any(char::is_control) {
            errors
                .push(FieldError { field: "name".into(), message: format!("must have at most {MAX_NAME} characters") });
        }
        if !(1..=365).contains(&form.expires_in_days) {
            errors.push(FieldError { field: "expires_in_days".into(), message: "must be between 1 and 365".into() });
        }
        if !errors.is_empty() {
            return Err(Problem::fields(errors).into());
        }
        if self.store().token_list(actor.user).await?.len() >= MAX_TOKENS {
            let detail = format!("You may have at most {MAX_TOKENS} tokens. Revoke one that you no longer need.");
            return Err(Problem::new(ProblemCode::LimitReached, detail).into());
        }
        self.make_token(actor, name, form.scope, Duration::days(i64::from(form.expires_in_days))).await
    }

    /// For programs that have no browser: user name and password against a token for a working day.
    #[boxed]
    pub async fn log_in_for_token(&self, form: LogIn, client: &ClientInfo) -> Outcome<CreatedToken> {
        let proved = self.check_password(form, client).await?;
        let row = self.store().user_fetch(proved.user).await?.ok_or_else(|| Problem::not_found("user"))?;
        let actor =
            Actor { user: row.id, name: row.name, role: row.role, via: Via::System, address: client.address.clone() };
        let id = TokenId::generate();
        let name = format!("login {}", id.short());
        self.make_token(&actor, &name, TokenScope::Write, Duration::hours(LOGIN_TOKEN_HOURS)).await
    }

    async fn make_token(&self, actor: &Actor, name: &str, scope: TokenScope, lives: Duration) -> Outcome<CreatedToken> {
        let mut random = [0u8; 32];
        OsRng.try_fill_bytes(&mut random).map_err(|error| crate::Failure::Bug(format!("no randomness: {error}")))?;
        let secret = format!("{MARK}{}", URL_SAFE_NO_PAD.encode(random));
        let new = NewToken {
            id: TokenId::generate(),
            user_id: actor.user,
            name: name.to_owned(),
            prefix: secret[..MARK.len() + 4].to_owned(),
            secret_hash: hash(&secret),
            scope,
            expires_at: OffsetDateTime::now_utc() + lives,
        };
        let mut txn = self.store().begin().await?;
        txn.token_insert(&new)
            .await
            .map_err(|error| crate::services::taken(error, "api_tokens_name_key", "another token of yours"))?;
        self.audit_token(&mut txn, actor, "token.create", name).await?;
        txn.commit().await?;
        let rows = self.store().token_list(actor.user).await?;
        let row = rows.into_iter().find(|row| row.id == new.id).ok_or_else(|| Problem::not_found("token"))?;
        Ok(CreatedToken { token: view(row), secret })
    }

    /// Makes a token useless at once.
    #[boxed]
    pub async fn revoke_token(&self, actor: &Actor, id: TokenId) -> Outcome<()> {
        // A token may end itself: that is how a program logs out.
        if !matches!(&actor.via, Via::Token { id: own, .. } if *own == id) {
            actor.may_change_account()?;
        }
        let mut txn = self.store().begin().await?;
        if !txn.token_revoke(actor.user, id).await? {
            return Err(Problem::not_found("token").into());
        }
        self.audit_token(&mut txn, actor, "token.revoke", &id.to_string()).await?;
        Ok(txn.commit().await?)
    }

    async fn audit_token(
        &self,
        txn: &mut aerie_store::Txn<'_>,
        actor: &Actor,
        action: &str,
        name: &str,
    ) -> Outcome<()> {
        Ok(txn.audit_append(&actor.audit(action, &format!("token {name}"))).await?)
    }

    /// Whose token it is; nothing when it is unknown, expired, revoked, or its owner is disabled.
    #[boxed]
    pub async fn actor_for_token(&self, secret: &str, address: &str) -> Outcome<Option<Actor>> {
        if !secret.starts_with(MARK) {
            return Ok(None);
        }
        let Some((token, user)) = self.store().token_by_hash(&hash(secret)).await? else { return Ok(None) };
        self.store().token_touch(token.id).await?;
        Ok(Some(Actor {
            user: user.id,
            name: user.name,
            role: user.role,
            via: Via::Token { id: token.id, name: token.name, scope: token.scope },
            address: address.to_owned(),
        }))
    }
}

fn hash(secret: &str) -> Vec<u8> {
    Sha256::digest(secret.as_bytes()).to_vec()
}

fn view(row: TokenRow) -> TokenView {
    TokenView {
        id: row.id,
        name: row.name,
        prefix: row.prefix,
        scope: row.scope,
        created_at: row.created_at,
        expires_at: row.expires_at,
        last_used_at: row.last_used_at,
    }
}
