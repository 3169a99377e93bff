-- Passwords that the platform makes for services.

create table service_secrets (
    service_id uuid not null references services on delete cascade,
    -- as in the kind's template
    name       text not null,
    value      text not null,
    made_at    timestamptz not null default now(),
    primary key (service_id, name)
);
comment on table service_secrets is
    'Passwords of services, made once and renewed when their owner asks. A table of its own, so that lists of services do not carry them about.';
