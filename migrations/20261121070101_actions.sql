-- Actions: buttons of a service that run a script on its instances.

create table action_runs (
    id         uuid primary key,
    service_id uuid        not null references services on delete cascade,
    -- its name in the kind's template
    action     text        not null,
    -- {field: value}, complete
    fields     jsonb       not null,
    -- who pressed the button; null when that person is gone
    actor_id   uuid        references users on delete set null,
    created_at timestamptz not null default now()
);
comment on table action_runs is 'Presses of buttons of services. The newest ones of each service are kept.';
create index action_runs_service_idx on action_runs (service_id, id desc);

create table action_results (
    run_id      uuid not null references action_runs on delete cascade,
    -- no foreign key: what came of it is told also when the instance is gone
    instance_id uuid not null,
    -- as in action_runs: open results are looked for by service
    service_id  uuid not null references services on delete cascade,
    short       text not null,
    role        text not null,
    -- the life of the agent that shall run it; another one does not
    life        uuid not null,
    state       text not null default 'asked'
                constraint action_results_state_check check (state in ('asked', 'running', 'ended', 'lost')),
    -- exit code, if it ended by itself
    code        integer,
    -- how it ended, in words
    message     text not null default '',
    started_at  timestamptz,
    ended_at    timestamptz,
    primary key (run_id, instance_id)
);
comment on table action_results is 'What became of each run on each instance.';
create index action_results_open_idx on action_results (service_id) where state in ('asked', 'running');
