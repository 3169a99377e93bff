-- Backups: what services kept at one time, taken out of them by a script of their kind.

create table backups (
    id            uuid primary key,
    service_id    uuid        not null references services on delete cascade,
    -- of the file, for downloads
    name          text        not null,
    why           text        not null
                  constraint backups_why_check check (why in ('asked', 'scheduled', 'before_restore', 'uploaded')),
    state         text        not null
                  constraint backups_state_check check (state in ('making', 'ready', 'failed')),
    -- why it failed
    reason        text        not null default '',
    -- SHA-256 of the contents, hexadecimal: the blob's name
    digest        text,
    size_bytes    bigint,
    -- what came of trying whether it can be put back; null until that was tried
    check_ok      boolean,
    check_message text        not null default '',
    checked_at    timestamptz,
    -- null when that person is gone
    actor_id      uuid        references users on delete set null,
    created_at    timestamptz not null default now(),
    constraint backups_contents_check check (state <> 'ready' or (digest is not null and size_bytes is not null))
);
comment on table backups is 'Backups of services. They are removed with their service.';
create index backups_service_idx on backups (service_id, id desc);
create index backups_digest_idx on backups (digest);

create table backup_jobs (
    id         uuid primary key,
    service_id uuid        not null references services on delete cascade,
    kind       text        not null
               constraint backup_jobs_kind_check check (kind in ('backup', 'upload', 'restore')),
    step       text        not null
               constraint backup_jobs_step_check check (step in ('check_source', 'dump', 'check', 'load')),
    -- since when it is at this step
    step_at    timestamptz not null default now(),
    -- the task of the step, as in action_runs; null until an instance was asked. No foreign key: old runs are forgotten
    run_id     uuid,
    -- what it makes or checks; for a restoration, what the service kept before
    backup_id  uuid        references backups on delete set null,
    -- what is put back
    source_id  uuid        references backups on delete set null,
    -- why it failed
    reason     text        not null default '',
    actor_id   uuid        references users on delete set null,
    started_at timestamptz not null default now(),
    ended_at   timestamptz
);
comment on table backup_jobs is 'Backups, checks and restorations, made step by step. A task of the directors moves them on.';
create unique index backup_jobs_open_key on backup_jobs (service_id) where ended_at is null;
create index backup_jobs_service_idx on backup_jobs (service_id, id desc);
create index backup_jobs_run_idx on backup_jobs (run_id) where ended_at is null;

create table backup_schedules (
    service_id uuid primary key references services on delete cascade,
    every      text        not null
               constraint backup_schedules_every_check check (every in ('never', 'hour', 'day', 'week')),
    -- so many scheduled ones stay
    keep       integer     not null
               constraint backup_schedules_keep_check check (keep between 1 and 30),
    -- when the next one shall be made
    due_at     timestamptz,
    constraint backup_schedules_due_check check ((due_at is null) = (every = 'never'))
);
comment on table backup_schedules is 'How often backups of a service are made by themselves.';
create index backup_schedules_due_idx on backup_schedules (due_at) where due_at is not null;
