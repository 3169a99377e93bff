-- Services that use other services of their application.

create table service_bindings (
    service_id uuid not null references services on delete cascade,
    -- the service that is used; of the same application, which use cases see to
    uses_id    uuid not null references services on delete cascade,
    -- beginning of the names of the variables that the user gets
    prefix     text not null,
    created_at timestamptz not null default now(),
    primary key (service_id, uses_id),
    constraint service_bindings_prefix_key unique (service_id, prefix),
    constraint service_bindings_self_check check (service_id <> uses_id)
);
comment on table service_bindings is 'Which service uses which other one, and gets its connection details as variables.';
create index service_bindings_uses_idx on service_bindings (uses_id);
