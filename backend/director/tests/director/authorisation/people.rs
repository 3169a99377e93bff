//! Everybody who could ask, and what each may expect.

use super::{
    table::{Row, Who},
    world::{World, sql, token},
};
use crate::support::{App, Client};
use aerie_domain::TokenScope;
use axum::http::Method;
use time::Duration;

/// Somebody who asks for ada's things.
pub struct Person<'a> {
    pub name: &'static str,
    pub client: Client<'a>,
    standing: Standing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// Nobody that we know.
    Stranger,
    /// Eve, with a token of hers.
    OtherToken,
    /// Eve, with her browser.
    OtherBrowser,
    /// Ada's token that may only read.
    Reader,
    /// Ada.
    Owner,
}

/// What must come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// 401.
    SignIn,
    /// 404.
    NotFound,
    /// 403.
    NotAllowed,
    /// 403 or 404.
    Refused,
    /// Anything that is neither of these nor our fault.
    Served,
}

/// All of them but ada.
pub async fn everybody<'a>(app: &'a App, ada: &World) -> Vec<Person<'a>> {
    let eve = app.user("eve").await;
    let dora = World::of(app, "dora").await;
    let dora_token = app.with_token(&token(app, dora.user, TokenScope::Write, Duration::HOUR).await);
    let dora_browser = app.browser("dora").await;
    sql(app, "update users set disabled_at = now() where id = $1", dora.user).await;
    let revoked = app.with_token(&token(app, ada.user, TokenScope::Write, Duration::HOUR).await);
    let tokens = revoked.get("/api/v1/me/tokens").await.expect(200);
    let own = tokens["items"][0]["id"].as_str().unwrap();
    assert_eq!(revoked.delete(&format!("/api/v1/me/tokens/{own}")).await.status, 204, "a token may end itself");
    let logged_out = app.browser("ada").await;
    assert!(logged_out.form("/fn/log_out", "").await.status.as_u16() < 400);
    let expired = app.with_token(&token(app, ada.user, TokenScope::Write, -Duration::HOUR).await);
    let reader = app.with_token(&token(app, ada.user, TokenScope::Read, Duration::HOUR).await);
    let person = |name, client, standing| Person { name, client, standing };
    vec![
        person("anonymous", app.anybody(), Standing::Stranger),
        person("made-up token", app.with_token("aerie_made-up"), Standing::Stranger),
        person(
            "made-up cookie",
            app.anybody().with("cookie", "aerie_session=AAAAAAAAAAAAAAAAAAAAAA"),
            Standing::Stranger,
        ),
        person("expired token", expired, Standing::Stranger),
        person("revoked token", revoked, Standing::Stranger),
        person("browser that logged out", logged_out, Standing::Stranger),
        person("disabled user's token", dora_token, Standing::Stranger),
        person("disabled user's browser", dora_browser, Standing::Stranger),
        person("other user's token", eve, Standing::OtherToken),
        person("other user's browser", app.browser("eve").await, Standing::OtherBrowser),
        person("read-only token", reader, Standing::Reader),
    ]
}

/// Ada herself, with a token and with a browser.
pub async fn owner<'a>(app: &'a App, ada: &World) -> [Person<'a>; 2] {
    let client = app.with_token(&token(app, ada.user, TokenScope::Write, Duration::HOUR).await);
    [
        Person { name: "owner's token", client, standing: Standing::Owner },
        Person { name: "owner's browser", client: app.browser("ada").await, standing: Standing::Owner },
    ]
}

impl Person<'_> {
    /// What must come back when this person sends this.
    pub fn expects(&self, row: &Row) -> Expected {
        use Standing::{OtherBrowser, OtherToken, Owner, Reader, Stranger};
        match (row.who, self.standing) {
            (Who::Anybody, _) | (Who::SignedIn | Who::Owner | Who::Writer, Owner) => Expected::Served,
            (_, Stranger) => Expected::SignIn,
            (Who::Admin, _) => Expected::Refused,
            (Who::Account, OtherToken | Reader) | (Who::Writer, Reader) => Expected::NotAllowed,
            (Who::SignedIn | Who::Owner, Reader) if row.changes() => Expected::NotAllowed,
            (Who::Account, OtherBrowser) if row.names_something() => Expected::NotFound,
            (Who::Owner | Who::Writer, OtherToken | OtherBrowser) => Expected::NotFound,
            (Who::SignedIn, OtherToken | OtherBrowser)
            | (Who::SignedIn | Who::Owner, Reader)
            | (Who::Account, OtherBrowser | Owner) => Expected::Served,
        }
    }

    /// The same person with a browser's wish for pages.
    pub fn wanting_pages(self) -> Self {
        Self { client: self.client.with("accept", "text/html"), ..self }
    }

    /// Whether this person may see names of ada's things at all.
    pub fn may_see(&self) -> bool {
        matches!(self.standing, Standing::Reader | Standing::Owner)
    }
}

impl Expected {
    /// Whether this is what came back.
    pub fn is_met_by(self, status: u16, code: &str) -> bool {
        match self {
            Self::SignIn => status == 401 && code == "not_signed_in",
            Self::NotFound => status == 404 && code == "not_found",
            Self::NotAllowed => status == 403 && code == "not_allowed",
            Self::Refused => Self::NotAllowed.is_met_by(status, code) || Self::NotFound.is_met_by(status, code),
            Self::Served => {
                status < 500 && status != 405 && !["not_signed_in", "not_found", "not_allowed"].contains(&code)
            }
        }
    }
}

/// So that a request that only looks is told from one that does something.
#[test]
fn functions_that_load_only_read() {
    let read = super::table::FUNCTIONS.iter().find(|row| row.path == "/fn/load_service").unwrap();
    assert!(!read.changes() && read.method.parse::<Method>().unwrap() == Method::POST);
}

/// Routes of admins are refused to everybody that the walk knows.
#[sqlx::test(migrations = "../../migrations")]
async fn nobody_here_is_an_admin(pool: sqlx::PgPool) {
    let app = App::start(pool).await;
    let ada = World::of(&app, "ada").await;
    let row = Row { method: "GET", path: "/admin", who: Who::Admin, body: super::table::Body::Nothing };
    for person in everybody(&app, &ada).await.into_iter().chain(owner(&app, &ada).await) {
        assert!(matches!(person.expects(&row), Expected::SignIn | Expected::Refused), "{}", person.name);
    }
}
