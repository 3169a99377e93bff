-- What the admin pages show and write.

create table announcements (
    id         uuid primary key,
    text       text not null,
    from_at    timestamptz not null,
    until_at   timestamptz not null,
    created_by uuid references users on delete set null,
    created_at timestamptz not null default now(),
    constraint announcements_time_check check (until_at > from_at)
);
comment on table announcements is 'Banners that admins put on every page for a while.';
create index announcements_until_idx on announcements (until_at);

create table director_health (
    director_id      uuid primary key references directors on delete cascade,
    at               timestamptz not null default now(),
    -- services that wait for a manager's pass, and those that are in one
    queue_waiting    integer not null,
    queue_running    integer not null,
    cloud            text not null,
    -- empty when the cloud answers
    cloud_problem    text not null default '',
    cloud_ping_ms    integer not null,
    containers       integer not null,
    disk_free_bytes  bigint not null,
    disk_total_bytes bigint not null
);
comment on table director_health is 'What each director last found out about itself, its cloud and its disk.';

-- the audit log is read newest first and searched by what was done
create index audit_log_action_idx on audit_log (action, id desc);
