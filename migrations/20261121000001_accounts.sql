-- People, their sessions and tokens.

create table users (
    id             uuid primary key,
    name           text not null constraint users_name_key unique,
    email          text not null,
    -- argon2id, PHC string; null for the system user, who cannot log in
    password_hash  text,
    first_name     text not null default '',
    last_name      text not null default '',
    affiliation    text not null default '',
    role           text not null default 'user' constraint users_role_check check (role in ('user', 'admin', 'system')),
    -- what was granted, in thousandths of a credit; what was used is the sum over instance_meters
    granted_millis bigint not null default 0,
    -- raised by a new password and by "log out everywhere": sessions of an older epoch are void
    auth_epoch     integer not null default 0,
    disabled_at    timestamptz,
    created_at     timestamptz not null default now()
);
comment on table users is 'People who log in, and the one system user that owns system services.';
create unique index users_email_key on users (lower(email));

create table sessions (
    -- public id for the list of sessions; not the secret
    id               uuid primary key,
    -- SHA-256 of the cookie's value: a copy of the database opens no session
    secret_hash      bytea not null constraint sessions_secret_hash_key unique,
    user_id          uuid references users on delete cascade,
    data             jsonb not null,
    user_agent       text not null default '',
    address          text not null default '',
    created_at       timestamptz not null default now(),
    last_seen_at     timestamptz not null default now(),
    expires_at       timestamptz not null
);
comment on table sessions is 'Signed-in browsers. Saved by UPDATE only, so that a logged-out session cannot come back.';
create index sessions_user_id_idx on sessions (user_id);
create index sessions_expires_at_idx on sessions (expires_at);

create table api_tokens (
    id           uuid primary key,
    user_id      uuid not null references users on delete cascade,
    name         text not null,
    prefix       text not null,
    secret_hash  bytea not null constraint api_tokens_secret_hash_key unique,
    scope        text not null constraint api_tokens_scope_check check (scope in ('read', 'write')),
    created_at   timestamptz not null default now(),
    expires_at   timestamptz not null,
    last_used_at timestamptz,
    revoked_at   timestamptz
);
comment on table api_tokens is 'Bearer tokens for programs; only a hash of the secret is kept.';
create unique index api_tokens_name_key on api_tokens (user_id, name) where revoked_at is null;

create table audit_log (
    id       bigint generated always as identity primary key,
    at       timestamptz not null default now(),
    actor_id uuid references users on delete set null,
    -- 'session', 'token <name>', 'system'
    via      text not null,
    address  text not null default '',
    action   text not null,
    -- what it was done to, readable after the thing is gone: 'service blog/php'
    target   text not null,
    detail   jsonb not null default '{}'
);
comment on table audit_log is 'Every change: who, when, from where, what. Written in the transaction of the change.';
create index audit_log_actor_idx on audit_log (actor_id, id desc);
