-- Instances and their managers: how intent becomes containers.

create table instances (
    id                uuid primary key,
    service_id        uuid not null references services on delete restrict,
    -- eight characters to call it by
    short             text not null,
    auxiliary         boolean not null,
    size              text not null,
    -- false is final: the instance is condemned and its container will be removed
    wanted            boolean not null default true,
    -- [{role, phase: starting|serving|draining, since, drain_until}]
    roles             jsonb not null,
    -- what the container is made from (cloud ContainerSpec); null until decided
    container         jsonb,
    -- from the last inventory
    address           text,
    container_status  text not null default 'absent',
    -- what the agent shall bring about; config_generation counts its changes
    config            jsonb,
    config_generation bigint not null default 0,
    -- the agent's last report
    report            jsonb,
    report_at         timestamptz,
    -- director to which its agent is connected; null when it is not
    connected_to      uuid,
    created_at        timestamptz not null default now(),
    -- first time all roles were healthy: costs count from here
    healthy_at        timestamptz,
    constraint instances_short_key unique (service_id, short)
);
comment on table instances is 'Containers, from the moment they are intended until after they are removed.';
create index instances_service_idx on instances (service_id);

create table instance_meters (
    instance_id          uuid primary key,
    owner_id             uuid not null references users on delete cascade,
    service_id           uuid not null,
    price_millis_per_hour bigint not null,
    started_at           timestamptz not null,
    ended_at             timestamptz
);
comment on table instance_meters is 'What each instance cost its owner: from first healthy to removed. Outlives the instance.';
create index instance_meters_owner_idx on instance_meters (owner_id);

create unlogged table instance_usages (
    instance_id  uuid primary key references instances on delete cascade,
    at           timestamptz not null,
    cpu_millis   integer not null,
    memory_bytes bigint not null
);
comment on table instance_usages is 'What each instance uses now; overwritten every few seconds, not worth keeping over a crash.';

create table removed_instances (
    id         uuid primary key,
    service_id uuid not null references services on delete cascade,
    short      text not null,
    roles      jsonb not null,
    created_at timestamptz not null,
    removed_at timestamptz not null default now(),
    -- bytes of its kept log file in the data directory; 0 when nothing was kept
    log_bytes  bigint not null default 0
);
comment on table removed_instances is 'Instances that are gone, so that their logs can still be found. Bounded by size and age.';
create index removed_instances_service_idx on removed_instances (service_id, removed_at desc);

create table manager_log (
    id         bigint generated always as identity primary key,
    service_id uuid not null references services on delete cascade,
    at         timestamptz not null default clock_timestamp(),
    level      text not null constraint manager_log_level_check check (level in ('info', 'warn', 'error')),
    text       text not null
);
comment on table manager_log is 'What each service''s manager did and why, for its owner to read.';
create index manager_log_service_idx on manager_log (service_id, id desc);

create table directors (
    id           uuid primary key,
    started_at   timestamptz not null default now(),
    last_seen_at timestamptz not null default now()
);
comment on table directors is 'Director processes that share this database.';

create table service_leases (
    service_id uuid primary key,
    holder     uuid not null,
    epoch      bigint not null,
    expires_at timestamptz not null
);
comment on table service_leases is 'Which director manages a service now. The epoch fences off one that was paused. Database clock only.';
