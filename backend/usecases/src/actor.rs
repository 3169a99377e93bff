//! Who asks.

use crate::{Failure, Outcome};
use aerie_domain::{Problem, ProblemCode, SessionId, TokenId, TokenScope, UserId, UserRole};

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

    /// How the audit log names the way in.
    pub(crate) fn via_text(&self) -> String {
        match &self.via {
            Via::Session(_) => "session".to_owned(),
            Via::Token { name, .. } => format!("token {name}"),
            Via::System => "system".to_owned(),
        }
    }
}
