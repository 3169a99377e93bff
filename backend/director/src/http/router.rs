//! All routes, in one table, and the layers around them.

use super::{
    api::v1::{
        actions, admin, announcements, applications, backups, bindings, kinds, load_runs, me, operations, services,
        sessions, tokens, users, versions, volumes,
    },
    auth, docs, git, health, metrics, observe, openapi, pages,
    problem::ApiError,
    security, sse, statics, upload,
};
use crate::state::AppState;
use aerie_domain::ProblemCode;
use axum::{
    Router,
    extract::DefaultBodyLimit,
    middleware::{from_fn, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use utoipa::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};

/// Everything below `/api/v1`.
pub fn api() -> OpenApiRouter<AppState> {
    let limited = OpenApiRouter::new()
        .routes(routes!(users::register::register))
        .routes(routes!(users::log_in::log_in))
        // the account that is signed in
        .routes(routes!(me::read::read_me))
        .routes(routes!(me::change_password::change_password))
        .routes(routes!(sessions::list::list_sessions, sessions::revoke_others::revoke_other_sessions))
        .routes(routes!(sessions::revoke::revoke_session))
        .routes(routes!(tokens::list::list_tokens, tokens::create::create_token))
        .routes(routes!(tokens::revoke::revoke_token))
        .routes(routes!(me::credits::read_credits))
        .routes(routes!(me::credit_entries::list_credit_entries))
        .routes(routes!(announcements::list::list_announcements))
        // what services can be
        .routes(routes!(kinds::list::list_kinds))
        .routes(routes!(kinds::read::read_kind))
        // applications
        .routes(routes!(applications::list::list_applications, applications::create::create_application))
        .routes(routes!(
            applications::read::read_application,
            applications::rename::rename_application,
            applications::delete::delete_application
        ))
        .routes(routes!(applications::start::start_application))
        .routes(routes!(applications::stop::stop_application))
        .routes(routes!(applications::restart::restart_application))
        .routes(routes!(services::list::list_services, services::create::create_service))
        // services
        .routes(routes!(
            services::read::read_service,
            services::rename::rename_service,
            services::delete::delete_service
        ))
        .routes(routes!(services::start::start_service))
        .routes(routes!(services::stop::stop_service))
        .routes(routes!(services::restart::restart_service))
        .routes(routes!(services::scale::scale_service))
        .routes(routes!(services::configure::configure_service))
        .routes(routes!(services::activate::activate_version))
        .routes(routes!(services::instances::list_instances))
        .routes(routes!(services::access::read_access))
        .routes(routes!(services::renew_secret::renew_secret))
        .routes(routes!(bindings::create::bind_service, bindings::delete::unbind_service))
        // volumes
        .routes(routes!(volumes::list::list_volumes, volumes::create::create_volume))
        .routes(routes!(volumes::read::read_volume, volumes::change::change_volume, volumes::delete::delete_volume))
        .routes(routes!(volumes::snapshot::snapshot_volume))
        .routes(routes!(volumes::files::list_files, volumes::files::delete_file))
        .routes(routes!(volumes::restore::restore_volume))
        .routes(routes!(volumes::trash::list_trash))
        .routes(routes!(volumes::attach::attach_volume, volumes::detach::detach_volume))
        .routes(routes!(sse::logs::read::read_logs))
        .routes(routes!(sse::logs::follow::follow_logs))
        // load
        .routes(routes!(services::load::read_load))
        .routes(routes!(sse::load::follow_load))
        .routes(routes!(load_runs::list::list_load_runs, load_runs::start::start_load_run))
        .routes(routes!(load_runs::read::read_load_run))
        .routes(routes!(load_runs::cancel::cancel_load_run))
        // actions
        .routes(routes!(actions::list::list_actions))
        .routes(routes!(actions::runs::list_action_runs))
        .routes(routes!(actions::run::run_action))
        // code
        .routes(routes!(versions::list::list_versions))
        .routes(routes!(versions::read::read_version, versions::delete::delete_version))
        .routes(routes!(versions::download::download_version))
        // backups
        .routes(routes!(backups::list::list_backups, backups::make::make_backup))
        .routes(routes!(backups::read_schedule::read_backup_schedule, backups::set_schedule::set_backup_schedule))
        .routes(routes!(backups::read::read_backup, backups::delete::delete_backup))
        .routes(routes!(backups::download::download_backup))
        .routes(routes!(backups::restore::restore_backup))
        // what happens
        .routes(routes!(operations::list::list_operations))
        .routes(routes!(operations::read::read_operation))
        .routes(routes!(sse::events::follow_events))
        // administrators
        .routes(routes!(admin::users::list::list_users))
        .routes(routes!(admin::users::read::read_user))
        .routes(routes!(admin::users::disable::disable_user))
        .routes(routes!(admin::users::enable::enable_user))
        .routes(routes!(admin::users::grant::grant_credit))
        .routes(routes!(admin::users::entries::list_user_entries))
        .routes(routes!(admin::applications::list::list_all_applications))
        .routes(routes!(admin::services::stop::stop_any_service))
        .routes(routes!(admin::health::read_health))
        .routes(routes!(admin::audit::list_audit_log))
        .routes(routes!(
            admin::announcements::list::list_all_announcements,
            admin::announcements::create::create_announcement
        ))
        .routes(routes!(admin::announcements::delete::delete_announcement))
        .layer(from_fn(security::limit_body));
    let uploads = OpenApiRouter::new()
        .routes(routes!(versions::upload::upload_version))
        .routes(routes!(backups::upload::upload_backup))
        .routes(routes!(volumes::content::download_file, volumes::content::upload_file));
    OpenApiRouter::with_openapi(openapi::Base::openapi()).nest("/api/v1", limited.merge(uploads))
}

/// The whole director.
pub fn router(state: AppState) -> Router {
    let (api, _) = api().split_for_parts();
    let pages = pages::routes(&state).layer(from_fn(security::limit_body)).layer(from_fn(security::limit_time));
    let git = Router::new()
        .route("/git/{application}/{service}/info/refs", get(git::advertise))
        .route("/git/{application}/{service}/git-upload-pack", post(git::fetch))
        .route("/git/{application}/{service}/git-receive-pack", post(git::push))
        .layer(from_fn(git::speak));
    let for_somebody = Router::new()
        .merge(api)
        .merge(pages)
        .merge(git)
        .route("/services/{id}/upload", post(upload::form))
        .route("/services/{id}/backups/upload", post(upload::backup_form))
        .route("/volumes/{id}/upload", post(upload::volume_form))
        .route("/metrics", get(metrics::page))
        .fallback(pages::not_found)
        .layer(from_fn_with_state(state.clone(), auth::identify))
        .layer(auth::session_layer(state.store.clone(), &state.config));
    Router::new()
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .route("/api/v1/openapi.json", get(openapi::serve))
        .route("/api/docs", get(docs::page))
        .merge(statics::routes(&state.config.options.static_dir, &state.config.pkg_dir))
        .merge(for_somebody)
        .method_not_allowed_fallback(method_not_allowed)
        // Bodies have limits of their own above; this one would also cut uploads.
        .layer(DefaultBodyLimit::disable())
        .layer(security::panic_layer())
        .layer(security::csrf_layer())
        .layer(from_fn_with_state(state.clone(), security::check_host))
        .layer(from_fn_with_state(state.metrics.clone(), observe::observe))
        .with_state(state)
}

async fn method_not_allowed() -> Response {
    ApiError::new(ProblemCode::MethodNotAllowed, "This address exists, but not with this method. See /api/docs.")
        .into_response()
}
