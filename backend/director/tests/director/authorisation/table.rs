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
    /// As `Owner`, but not with a token that may only read, even if nothing is changed: it shows passwords.
    Writer,
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
use Who::{Account, Admin, Anybody, Owner, SignedIn, Writer};

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
    row("POST", "/api/v1/applications/{id}/start", Owner, Nothing),
    row("POST", "/api/v1/applications/{id}/stop", Owner, Nothing),
    row("POST", "/api/v1/applications/{id}/restart", Owner, Nothing),
    row("DELETE", "/api/v1/applications/{id}", Owner, Nothing),
    row("GET", "/api/v1/applications/{id}/services", Owner, Nothing),
    row("POST", "/api/v1/applications/{id}/services", Owner, Json(r#"{"kind": "php", "name": "second"}"#)),
    row("GET", "/api/v1/services/{id}", Owner, Nothing),
    row("PATCH", "/api/v1/services/{id}", Owner, Json(r#"{"name": "renamed"}"#)),
    row("DELETE", "/api/v1/services/{id}", Owner, Nothing),
    row("POST", "/api/v1/services/{id}/start", Owner, Nothing),
    row("POST", "/api/v1/services/{id}/stop", Owner, Nothing),
    row("POST", "/api/v1/services/{id}/restart", Owner, Nothing),
    row("PUT", "/api/v1/services/{id}/scale", Owner, Json(r#"{"roles": {"php": 2}}"#)),
    row("PUT", "/api/v1/services/{id}/settings", Owner, Json(r#"{"settings": {}, "variables": []}"#)),
    row("POST", "/api/v1/services/{id}/activate", Owner, Json(r#"{"version_id": "{version}"}"#)),
    row("GET", "/api/v1/services/{id}/instances", Owner, Nothing),
    row("GET", "/api/v1/applications/{id}/volumes", Owner, Nothing),
    row("POST", "/api/v1/applications/{id}/volumes", Owner, Json(r#"{"name": "second"}"#)),
    row("GET", "/api/v1/volumes/{id}", Owner, Nothing),
    row("PATCH", "/api/v1/volumes/{id}", Owner, Json(r#"{"note": "x"}"#)),
    row("GET", "/api/v1/volumes/{id}/files", Owner, Nothing),
    row("DELETE", "/api/v1/volumes/{id}/files", Owner, Nothing),
    row("GET", "/api/v1/volumes/{id}/content", Writer, Nothing),
    row("PUT", "/api/v1/volumes/{id}/content", Owner, Upload),
    row("POST", "/api/v1/volumes/{id}/snapshot", Owner, Json(r#"{"name": "copy"}"#)),
    row("POST", "/api/v1/volumes/{id}/restore", Owner, Json("{}")),
    row("GET", "/api/v1/me/trash", SignedIn, Nothing),
    row("PUT", "/api/v1/services/{id}/volumes/{volume}", Owner, Json("{}")),
    row("DELETE", "/api/v1/services/{id}/volumes/{volume}", Owner, Nothing),
    row("DELETE", "/api/v1/volumes/{id}", Owner, Nothing),
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
    row("GET", "/api/v1/services/{id}/access", Writer, Nothing),
    row("POST", "/api/v1/services/{id}/secrets/{name}/renew", Owner, Nothing),
    row("PUT", "/api/v1/services/{id}/bindings/{other}", Owner, Json("{}")),
    row("DELETE", "/api/v1/services/{id}/bindings/{other}", Owner, Nothing),
    row("GET", "/api/v1/services/{id}/actions", Owner, Nothing),
    row("GET", "/api/v1/services/{id}/actions/runs", Owner, Nothing),
    row("POST", "/api/v1/services/{id}/actions/{name}", Owner, Json(r#"{"values": {"parameters": "x"}}"#)),
    row("GET", "/api/v1/services/{id}/backups", Owner, Nothing),
    row("POST", "/api/v1/services/{id}/backups", Owner, Nothing),
    row("POST", "/api/v1/services/{id}/backups/upload", Owner, Upload),
    row("GET", "/api/v1/services/{id}/backups/schedule", Owner, Nothing),
    row("PUT", "/api/v1/services/{id}/backups/schedule", Owner, Json(r#"{"every": "day", "keep": 3}"#)),
    row("GET", "/api/v1/services/{id}/backups/{backup}", Owner, Nothing),
    row("DELETE", "/api/v1/services/{id}/backups/{backup}", Owner, Nothing),
    row("GET", "/api/v1/services/{id}/backups/{backup}/file", Writer, Nothing),
    row("POST", "/api/v1/services/{id}/backups/{backup}/restore", Owner, Json(r#"{"confirm": "x"}"#)),
    row("GET", "/api/v1/services/{id}/load", Owner, Nothing),
    row("GET", "/api/v1/services/{id}/load/stream", Owner, Nothing),
    row("GET", "/api/v1/services/{id}/load-runs", Owner, Nothing),
    row("POST", "/api/v1/services/{id}/load-runs", Owner, Json(r#"{"rate": 1, "seconds": 1, "path": "/"}"#)),
    row("GET", "/api/v1/load-runs/{id}", Owner, Nothing),
    row("POST", "/api/v1/load-runs/{id}/cancel", Owner, Nothing),
    row("GET", "/api/v1/me/credits", SignedIn, Nothing),
    row("GET", "/api/v1/me/credits/entries", SignedIn, Nothing),
    row("GET", "/api/v1/announcements", SignedIn, Nothing),
    row("GET", "/api/v1/admin/users", Admin, Nothing),
    row("GET", "/api/v1/admin/users/{id}", Admin, Nothing),
    row("GET", "/api/v1/admin/users/{id}/entries", Admin, Nothing),
    row("POST", "/api/v1/admin/users/{id}/disable", Admin, Json(r#"{"reason": "x"}"#)),
    row("POST", "/api/v1/admin/users/{id}/enable", Admin, Nothing),
    row("POST", "/api/v1/admin/users/{id}/grants", Admin, Json(r#"{"amount": 1000, "reason": "x"}"#)),
    row("GET", "/api/v1/admin/applications", Admin, Nothing),
    row("POST", "/api/v1/admin/services/{id}/stop", Admin, Nothing),
    row("GET", "/api/v1/admin/audit", Admin, Nothing),
    row("GET", "/api/v1/admin/health", Admin, Nothing),
    row("GET", "/api/v1/admin/announcements", Admin, Nothing),
    row("POST", "/api/v1/admin/announcements", Admin, Json(r#"{"text": "x", "until_at": "2100-01-01T00:00:00Z"}"#)),
    row("DELETE", "/api/v1/admin/announcements/{id}", Admin, Nothing),
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
    row("POST", "/fn/start_application", Owner, Form("application={application}")),
    row("POST", "/fn/stop_application", Owner, Form("application={application}")),
    row("POST", "/fn/restart_application", Owner, Form("application={application}")),
    row("POST", "/fn/load_new_service", Owner, Form("application={application}")),
    row("POST", "/fn/create_service", Owner, Form("application={application}&kind=php&name=third")),
    row("POST", "/fn/load_service", Owner, Form("service={service}")),
    row("POST", "/fn/rename_service", Owner, Form("service={service}&name=renamed")),
    row("POST", "/fn/start_service", Owner, Form("service={service}")),
    row("POST", "/fn/restart_service", Owner, Form("service={service}")),
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
    row("POST", "/fn/load_volume", Owner, Form("volume={volume}")),
    row("POST", "/fn/load_volume_files", Owner, Form("volume={volume}")),
    row("POST", "/fn/delete_volume_file", Owner, Form("volume={volume}&path=x")),
    row("POST", "/fn/load_trash", SignedIn, Form("")),
    row("POST", "/fn/create_volume", Owner, Form("application={application}&name=third")),
    row("POST", "/fn/change_volume", Owner, Form("volume={volume}&name=renamed&warn_mib=5")),
    row("POST", "/fn/snapshot_volume", Owner, Form("volume={volume}&name=another")),
    row("POST", "/fn/restore_volume", Owner, Form("volume={volume}&application={application}")),
    row("POST", "/fn/set_volume", Owner, Form("service={service}&volume={volume}&attached=on&path=/data/x")),
    row("POST", "/fn/delete_volume", Owner, Form("volume={volume}")),
    row("POST", "/fn/load_access", Writer, Form("service={service}")),
    row("POST", "/fn/renew_secret", Owner, Form("service={store}&name={secret}")),
    row("POST", "/fn/bind_service", Owner, Form("service={service}&other={other}&prefix=KV")),
    row("POST", "/fn/unbind_service", Owner, Form("service={service}&other={other}")),
    row("POST", "/fn/load_actions", Owner, Form("service={tool}")),
    row("POST", "/fn/run_action", Owner, Form("service={tool}&action=run&values[parameters]=x")),
    row("POST", "/fn/load_backups", Owner, Form("service={db}")),
    row("POST", "/fn/make_backup", Owner, Form("service={db}")),
    row("POST", "/fn/restore_backup", Owner, Form("service={db}&backup={backup}&confirm=x")),
    row("POST", "/fn/set_backup_schedule", Owner, Form("service={db}&every=day&keep=3")),
    row("POST", "/fn/delete_backup", Owner, Form("service={db}&backup={backup}")),
    row("POST", "/fn/load_load", Owner, Form("service={service}&seconds=300")),
    row("POST", "/fn/load_load_runs", Owner, Form("service={service}")),
    row("POST", "/fn/start_load_run", Owner, Form("service={service}&rate=1&seconds=1&path=/")),
    row("POST", "/fn/cancel_load_run", Owner, Form("service={service}&run={load-run}")),
    row("POST", "/fn/load_frame", Anybody, Form("")),
    row("POST", "/fn/load_credits", SignedIn, Form("")),
    row("POST", "/fn/load_health", Admin, Form("")),
    row("POST", "/fn/load_admin_users", Admin, Form("query[text]=")),
    row("POST", "/fn/load_admin_user", Admin, Form("user={user}")),
    row("POST", "/fn/load_all_applications", Admin, Form("query[text]=")),
    row("POST", "/fn/load_audit_log", Admin, Form("query[text]=")),
    row("POST", "/fn/load_announcements", Admin, Form("")),
    row("POST", "/fn/grant_credit", Admin, Form("user={user}&amount=1&reason=x")),
    row("POST", "/fn/disable_user", Admin, Form("user={user}&reason=x")),
    row("POST", "/fn/enable_user", Admin, Form("user={user}")),
    row("POST", "/fn/admin_stop_service", Admin, Form("service={service}")),
    row("POST", "/fn/announce", Admin, Form("text=x&until_at=2100-01-01T00:00")),
    row("POST", "/fn/withdraw_announcement", Admin, Form("announcement={announcement}")),
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
    row("GET", "/services/{id}/access", Writer, Nothing),
    row("GET", "/volumes/{id}", Owner, Nothing),
    row("GET", "/volumes/{id}/files", Owner, Nothing),
    row("GET", "/trash", SignedIn, Nothing),
    row("GET", "/account/credits", SignedIn, Nothing),
    row("GET", "/admin", Admin, Nothing),
    row("GET", "/admin/users", Admin, Nothing),
    row("GET", "/admin/users/{id}", Admin, Nothing),
    row("GET", "/admin/applications", Admin, Nothing),
    row("GET", "/admin/audit", Admin, Nothing),
    row("GET", "/admin/announcements", Admin, Nothing),
];

/// Everything else that is mounted by hand. Folders of files are named by their beginning.
pub const PLAIN: &[Row] = &[
    row("POST", "/services/{id}/upload", Owner, Upload),
    row("POST", "/services/{id}/backups/upload", Owner, Upload),
    row("POST", "/volumes/{id}/upload", Owner, Upload),
    row("GET", "/git/{application}/{service}/info/refs", Owner, Nothing),
    row("POST", "/git/{application}/{service}/git-upload-pack", Owner, Nothing),
    row("POST", "/git/{application}/{service}/git-receive-pack", Owner, Nothing),
    row("GET", "/healthz", Anybody, Nothing),
    row("GET", "/readyz", Anybody, Nothing),
    row("GET", "/api/v1/openapi.json", Anybody, Nothing),
    row("GET", "/api/docs", Anybody, Nothing),
    row("GET", "/metrics", Admin, Nothing),
    row("GET", "/static", Anybody, Nothing),
    row("GET", "/pkg", Anybody, Nothing),
];

impl Row {
    /// Whether it changes something.
    pub fn changes(&self) -> bool {
        let asks = self.path.starts_with("/fn/load_") || self.path.ends_with("/git-upload-pack");
        self.method != "GET" && !asks
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
