//! Everything that can be asked for, and who may. One line each: a new route needs one line here.
//!
//! In paths and bodies `{application}`, `{service}`, `{version}`, `{operation}`, `{token}`, `{session}` and `{kind}` stand
//! for things of ada's; `{id}` is what the part of the path before it says. For another thing: a line in `world.rs`.

/// Who is let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// Everybody, signed in or not.
    Anybody,
    /// Everybody who is signed in: it is about their own things, or about nobody's.
    SignedIn,
    /// Only the owner of what the path or the form names. Others learn nothing: for them it does not exist.
    Owner,
    /// As `SignedIn` or, if it names something, as `Owner`, but never with a token: it is about the account itself.
    Account,
    /// Only admins; whether others read "not allowed" or "not found" is up to the route.
    Admin,
}

/// What is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body {
    Nothing,
    Json(&'static str),
    Form(&'static str),
    /// A form with a small archive.
    Upload,
}

/// One line.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    pub method: &'static str,
    pub path: &'static str,
    pub who: Who,
    pub body: Body,
}

const fn row(method: &'static str, path: &'static str, who: Who, body: Body) -> Row {
    Row { method, path, who, body }
}

use Body::{Form, Json, Nothing, Upload};
use Who::{Account, Anybody, Owner, SignedIn};

/// REST, in the order of the router's table.
pub const REST: &[Row] = &[
    row(
        "POST",
        "/api/v1/users",
        Anybody,
        Json(r#"{"user_name": "x", "email": "", "password": "", "password_again": ""}"#),
    ),
    row("POST", "/api/v1/login", Anybody, Json(r#"{"user_name": "nobody", "password": "wrong"}"#)),
    row("GET", "/api/v1/me", SignedIn, Nothing),
    row(
        "PUT",
        "/api/v1/me/password",
        Account,
        Json(r#"{"current_password": "wrong", "password": "x", "password_again": "y"}"#),
    ),
    row("GET", "/api/v1/me/sessions", SignedIn, Nothing),
    row("DELETE", "/api/v1/me/sessions", Account, Nothing),
    row("DELETE", "/api/v1/me/sessions/{id}", Account, Nothing),
    row("GET", "/api/v1/me/tokens", SignedIn, Nothing),
    row("POST", "/api/v1/me/tokens", Account, Json(r#"{"name": "x", "scope": "read", "expires_in_days": 1}"#)),
    row("DELETE", "/api/v1/me/tokens/{id}", Account, Nothing),
    row("GET", "/api/v1/kinds", Anybody, Nothing),
    row("GET", "/api/v1/kinds/{name}", Anybody, Nothing),
    row("GET", "/api/v1/applications", SignedIn, Nothing),
    row("POST", "/api/v1/applications", SignedIn, Json(r#"{"name": "another"}"#)),
    row("GET", "/api/v1/applications/{id}", Owner, Nothing),
    row("PATCH", "/api/v1/applications/{id}", Owner, Json(r#"{"name": "renamed"}"#)),
    row("DELETE", "/api/v1/applications/{id}", Owner, Nothing),
    row("GET", "/api/v1/applications/{id}/services", Owner, Nothing),
    row("POST", "/api/v1/applications/{id}/services", Owner, Json(r#"{"kind": "php", "name": "second"}"#)),
    row("GET", "/api/v1/services/{id}", Owner, Nothing),
    row("PATCH", "/api/v1/services/{id}", Owner, Json(r#"{"name": "renamed"}"#)),
    row("DELETE", "/api/v1/services/{id}", Owner, Nothing),
    row("POST", "/api/v1/services/{id}/start", Owner, Nothing),
    row("POST", "/api/v1/services/{id}/stop", Owner, Nothing),
    row("PUT", "/api/v1/services/{id}/scale", Owner, Json(r#"{"roles": {"php": 2}}"#)),
    row("PUT", "/api/v1/services/{id}/settings", Owner, Json(r#"{"settings": {}, "variables": []}"#)),
    row("POST", "/api/v1/services/{id}/activate", Owner, Json(r#"{"version_id": "{version}"}"#)),
    row("GET", "/api/v1/services/{id}/instances", Owner, Nothing),
    row("GET", "/api/v1/services/{id}/logs", Owner, Nothing),
    row("GET", "/api/v1/services/{id}/logs/stream", Owner, Nothing),
    row("GET", "/api/v1/services/{id}/versions", Owner, Nothing),
    row("POST", "/api/v1/services/{id}/versions", Owner, Upload),
    row("GET", "/api/v1/services/{id}/versions/{version}", Owner, Nothing),
    row("DELETE", "/api/v1/services/{id}/versions/{version}", Owner, Nothing),
    row("GET", "/api/v1/services/{id}/versions/{version}/file", Owner, Nothing),
    row("GET", "/api/v1/services/{id}/operations", Owner, Nothing),
    row("GET", "/api/v1/operations/{id}", Owner, Nothing),
    row("GET", "/api/v1/events", SignedIn, Nothing),
];

/// Server functions. Those whose name begins with `load_` only read.
pub const FUNCTIONS: &[Row] = &[
    row("POST", "/fn/me", Anybody, Form("")),
    row("POST", "/fn/register", Anybody, Form("user_name=x&email=&password=&password_again=")),
    row("POST", "/fn/log_in", Anybody, Form("user_name=nobody&password=wrong")),
    row("POST", "/fn/log_out", Anybody, Form("")),
    row("POST", "/fn/change_password", Account, Form("current_password=wrong&password=x&password_again=y")),
    row("POST", "/fn/load_account", SignedIn, Form("")),
    row("POST", "/fn/revoke_session", Account, Form("session={session}")),
    row("POST", "/fn/revoke_other_sessions", Account, Form("")),
    row("POST", "/fn/create_token", Account, Form("name=y&scope=read&expires_in_days=1")),
    row("POST", "/fn/revoke_token", Account, Form("token={token}")),
    row("POST", "/fn/load_applications", SignedIn, Form("")),
    row("POST", "/fn/create_application", SignedIn, Form("name=yet-another")),
    row("POST", "/fn/load_application", Owner, Form("application={application}")),
    row("POST", "/fn/rename_application", Owner, Form("application={application}&name=renamed")),
    row("POST", "/fn/load_new_service", Owner, Form("application={application}")),
    row("POST", "/fn/create_service", Owner, Form("application={application}&kind=php&name=third")),
    row("POST", "/fn/load_service", Owner, Form("service={service}")),
    row("POST", "/fn/rename_service", Owner, Form("service={service}&name=renamed")),
    row("POST", "/fn/start_service", Owner, Form("service={service}")),
    row("POST", "/fn/stop_service", Owner, Form("service={service}")),
    row("POST", "/fn/scale_service", Owner, Form("service={service}&roles[php]=2")),
    row("POST", "/fn/configure_settings", Owner, Form("service={service}&settings[memory_limit]=96M")),
    row("POST", "/fn/set_variable", Owner, Form("service={service}&name=MOOD&value=fine")),
    row("POST", "/fn/remove_variable", Owner, Form("service={service}&name=MOOD")),
    row("POST", "/fn/activate_version", Owner, Form("service={service}&version={version}")),
    row("POST", "/fn/load_manager_log", Owner, Form("service={service}&limit=5")),
    row("POST", "/fn/delete_version", Owner, Form("service={service}&version={version}")),
    row("POST", "/fn/delete_service", Owner, Form("service={service}")),
    row("POST", "/fn/delete_application", Owner, Form("application={application}")),
];

/// Pages.
pub const PAGES: &[Row] = &[
    row("GET", "/", Anybody, Nothing),
    row("GET", "/login", Anybody, Nothing),
    row("GET", "/register", Anybody, Nothing),
    row("GET", "/account", SignedIn, Nothing),
    row("GET", "/applications", SignedIn, Nothing),
    row("GET", "/applications/{id}", Owner, Nothing),
    row("GET", "/applications/{id}/new-service", Owner, Nothing),
    row("GET", "/services/{id}", Owner, Nothing),
    row("GET", "/services/{id}/logs", Owner, Nothing),
];

/// Everything else that is mounted by hand. Folders of files are named by their beginning.
pub const PLAIN: &[Row] = &[
    row("POST", "/services/{id}/upload", Owner, Upload),
    row("GET", "/healthz", Anybody, Nothing),
    row("GET", "/readyz", Anybody, Nothing),
    row("GET", "/api/v1/openapi.json", Anybody, Nothing),
    row("GET", "/api/docs", Anybody, Nothing),
    row("GET", "/static", Anybody, Nothing),
    row("GET", "/pkg", Anybody, Nothing),
];

impl Row {
    /// Whether it changes something.
    pub fn changes(&self) -> bool {
        self.method != "GET" && !self.path.starts_with("/fn/load_")
    }

    /// Whether it names something of somebody's.
    pub fn names_something(&self) -> bool {
        let body = match self.body {
            Body::Form(text) => text.contains('{'),
            _ => false,
        };
        self.path.contains('{') || body
    }
}
