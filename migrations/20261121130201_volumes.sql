-- Volumes: named things of an application that keep files and outlive services.

create table volumes (
    id             uuid primary key,
    owner_id       uuid not null references users on delete cascade,
    -- null when that is gone: then it is in its owner's trash
    application_id uuid references applications on delete set null,
    name           text not null,
    note           text not null default '',
    -- copying: a snapshot that is not complete yet
    state          text not null default 'ready' constraint volumes_state_check
                   check (state in ('ready', 'copying', 'failed')),
    -- why it failed
    reason         text not null default '',
    -- of what it is a copy; no foreign key, the copy outlives it
    source_id      uuid,
    -- people are warned above that; nothing enforces it
    warn_mib       integer not null constraint volumes_warn_check check (warn_mib > 0),
    -- as last measured; null before the first time
    size_bytes     bigint,
    measured_at    timestamptz,
    -- some director copies or measures it, and has it until then
    work_until     timestamptz,
    created_at     timestamptz not null default now(),
    -- since when it is in the trash
    deleted_at     timestamptz
);
comment on table volumes is 'Named volumes of people. Their content is on volumes of the container engine, named by id, which nothing removes but the end of their time in the trash.';
create unique index volumes_name_key on volumes (application_id, name) where deleted_at is null;
create index volumes_owner_idx on volumes (owner_id) where deleted_at is not null;
create index volumes_work_idx on volumes (measured_at) where deleted_at is null;

create table service_volumes (
    service_id uuid not null references services on delete cascade,
    volume_id  uuid not null references volumes on delete cascade,
    -- where its instances see it
    path       text not null,
    read_only  boolean not null default false,
    created_at timestamptz not null default now(),
    primary key (service_id, volume_id),
    constraint service_volumes_path_key unique (service_id, path)
);
comment on table service_volumes is 'Which service has which volume, and where.';
create index service_volumes_volume_idx on service_volumes (volume_id);
