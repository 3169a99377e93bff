-- Applications, their services and code: what people want.

create table applications (
    id            uuid primary key,
    owner_id      uuid not null references users on delete cascade,
    name          text not null,
    -- picks the subnet of the application's network; the smallest free number is taken
    network_index integer not null constraint applications_network_index_key unique
                  constraint applications_network_index_check check (network_index >= 0),
    deleting_at   timestamptz,
    created_at    timestamptz not null default now(),
    constraint applications_name_key unique (owner_id, name)
);
comment on table applications is 'What a user composes; owns one private network and holds services.';

create table services (
    id                  uuid primary key,
    application_id      uuid not null references applications on delete restrict,
    name                text not null,
    kind                text not null,
    -- intent -----------------------------------------------------------------------------------------------------
    desired             text not null default 'stopped'
                        constraint services_desired_check check (desired in ('stopped', 'running', 'deleted')),
    -- counts changes of intent
    generation          bigint not null default 1,
    -- role -> count
    counts              jsonb not null default '{}',
    -- setting -> value, complete
    settings            jsonb not null default '{}',
    -- name -> {value, secret}
    variables           jsonb not null default '{}',
    -- the version the owner wants served
    active_version_id   uuid,
    -- status, written by the service's manager only -----------------------------------------------------------------
    state               text not null default 'INIT' constraint services_state_check
                        check (state in ('INIT', 'PROLOGUE', 'RUNNING', 'ADAPTING', 'EPILOGUE', 'STOPPED', 'ERROR')),
    reason              text not null default '',
    state_since         timestamptz not null default now(),
    observed_generation bigint not null default 0,
    -- the version visitors get; flips in one place once the active one is staged everywhere
    serving_version_id  uuid,
    -- stays staged for an instant way back
    previous_version_id uuid,
    failures            integer not null default 0,
    created_at          timestamptz not null default now(),
    constraint services_name_key unique (application_id, name)
);
comment on table services is 'One instance of a service kind inside an application: intent and status.';

create table code_versions (
    id                uuid primary key,
    service_id        uuid not null references services on delete cascade,
    -- 0 is code-default, uploads count from 1
    number            integer not null,
    name              text not null,
    -- SHA-256 of the uploaded file: names the blob
    digest            text not null,
    size_bytes        bigint not null,
    files             bigint not null,
    -- SHA-256 and size of the normalised .tar.zst that agents fetch
    normalised_digest text not null,
    normalised_bytes  bigint not null,
    note              text not null default '',
    uploaded_by       uuid references users on delete set null,
    uploaded_at       timestamptz not null default now(),
    -- what the kind's check said; null until it was staged somewhere
    check_ok          boolean,
    check_output      text not null default '',
    constraint code_versions_number_key unique (service_id, number)
);
comment on table code_versions is 'Immutable uploads of code. The files are blobs in the data directory, named by digest.';
create index code_versions_normalised_digest_idx on code_versions (normalised_digest);
alter table services
    add constraint services_active_version_fkey foreign key (active_version_id) references code_versions on delete restrict
        deferrable initially deferred,
    add constraint services_serving_version_fkey foreign key (serving_version_id) references code_versions on delete set null,
    add constraint services_previous_version_fkey foreign key (previous_version_id) references code_versions on delete set null;

create table operations (
    id                uuid primary key,
    service_id        uuid not null,
    owner_id          uuid not null references users on delete cascade,
    kind              text not null constraint operations_kind_check
                      check (kind in ('start', 'stop', 'delete', 'scale', 'activate', 'configure')),
    -- done when the service's observed generation reaches it
    target_generation bigint not null,
    state             text not null default 'pending' constraint operations_state_check
                      check (state in ('pending', 'running', 'done', 'failed', 'superseded')),
    progress          text not null default '',
    error             text not null default '',
    actor_id          uuid references users on delete set null,
    created_at        timestamptz not null default now(),
    ended_at          timestamptz
);
comment on table operations is 'Requests that take a while. service_id has no foreign key: an operation outlives its service.';
create index operations_service_idx on operations (service_id, created_at desc);
create index operations_owner_idx on operations (owner_id, id desc);
create index operations_open_idx on operations (service_id) where ended_at is null;
