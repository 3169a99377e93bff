//! Who asks.

use crate::{Failure, Outcome};
use aerie_domain::{Problem, ProblemCode, SessionId, TokenId, TokenScope, UserId, UserRole};
use aerie_store::NewAudit;

/// Somebody who proved who they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// The user.
    pub user: UserId,
    /// User name.
    pub name: String,
    /// Person or admin.
    pub role: UserRole,
    /// How they proved it.
    pub via: Via,
    /// Where the request came from.
    pub address: String,
}

/// How an actor proved who they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Via {
    /// A browser's session.
    Session(SessionId),
    /// An API token.
    Token {
        /// The token.
        id: TokenId,
        /// Its name.
        name: String,
        /// What it may do.
        scope: TokenScope,
    },
    /// The platform itself.
    System,
}

/// What is known of a client before it has proved anything.
#[derive(Debug, Clone, Default)]
pub struct ClientInfo {
    /// Network address, for limits and for the list of sessions.
    pub address: String,
    /// The browser's own description.
    pub user_agent: String,
}

impl Actor {
    /// First line of every use case that changes something.
    pub(crate) fn may_write(&self) -> Outcome<()> {
        match &self.via {
            Via::Token { scope: TokenScope::Read, .. } => Err(Failure::Refused(Problem::new(
                ProblemCode::NotAllowed,
                "This token may only read. Make one with scope write to change things.",
            ))),
            _ => Ok(()),
        }
    }

    /// First line of every use case about the account itself: tokens must not make tokens or change passwords.
    pub(crate) fn may_change_account(&self) -> Outcome<SessionId> {
        match &self.via {
            Via::Session(session) => Ok(*session),
            _ => Err(Failure::Refused(Problem::new(
                ProblemCode::NotAllowed,
                "Tokens cannot change the account itself. Log in with a browser or with your password.",
            ))),
        }
    }

    /// First line of every use case for administrators. To everybody else there is no such thing.
    pub(crate) fn may_administer(&self) -> Outcome<()> {
        if self.role == UserRole::Admin { Ok(()) } else { Err(Failure::Refused(Problem::not_found("page"))) }
    }

    /// May look at what belongs to an owner: their own things, and to administrators (and the platform itself)
    /// everybody's. Looking only.
    pub(crate) fn may_read_of(&self, owner: UserId) -> bool {
        owner == self.user || matches!(self.role, UserRole::Admin | UserRole::System)
    }

    /// What the audit log remembers of a change of this actor's.
    pub(crate) fn audit(&self, action: &str, target: &str) -> NewAudit {
        NewAudit {
            actor: Some(self.user),
            via: self.via_text(),
            address: self.address.clone(),
            action: action.to_owned(),
            target: target.to_owned(),
            detail: serde_json::json!({}),
        }
    }

    /// How the audit log names the way in.
    pub(crate) fn via_text(&self) -> String {
        match &self.via {
            Via::Session(_) => "session".to_owned(),
            Via::Token { name, .. } => format!("token {name}"),
            Via::System => "system".to_owned(),
        }
    }
}
