-- The load generator: who sent how many requests to which application, and how it went.

create table load_runs (
    id          uuid primary key,
    -- no foreign key: the result outlives the service for as long as it is kept
    service_id  uuid        not null,
    owner_id    uuid        not null references users on delete cascade,
    -- the process that sends the requests; the run ends with it
    director_id uuid        not null,
    rate        integer     not null constraint load_runs_rate_check check (rate between 1 and 500),
    seconds     integer     not null constraint load_runs_seconds_check check (seconds between 1 and 60),
    path        text        not null,
    state       text        not null default 'running'
                constraint load_runs_state_check check (state in ('running', 'done', 'cancelled', 'failed')),
    -- why it failed
    error       text        not null default '',
    -- asked to stop
    cancelled   boolean     not null default false,
    -- {sent, skipped, ok, statuses, failures, times}
    result      jsonb       not null,
    created_at  timestamptz not null default now(),
    -- renewed every second while it runs: how a run is told from one whose director is gone
    updated_at  timestamptz not null default now(),
    ended_at    timestamptz
);
comment on table load_runs is 'Runs of the load generator, with their results. Kept for a week.';
create index load_runs_service_idx on load_runs (service_id, id desc);
-- one at a time per user
create unique index load_runs_open_key on load_runs (owner_id) where ended_at is null;
