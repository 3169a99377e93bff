-- What instances use and what their roles do, over time, at falling resolution.
--
-- One row per instance (and role) and slot. Slots of 5 s are kept for an hour, of 1 min for a day, of 15 min for two
-- weeks; the coarser ones are added up from the finer ones, which is why they hold sums and bucket counts, no rates and
-- no percentiles. No foreign keys: a batch of all instances must not wait for whoever holds one service's row; a service
-- takes its rows along when it is deleted, and everything goes with age.

create table instance_loads (
    service_id         uuid        not null,
    -- seconds per slot
    step_s             smallint    not null constraint instance_loads_step_check check (step_s in (5, 60, 900)),
    -- where the slot begins, by the database's clock
    at                 timestamptz not null,
    instance_id        uuid        not null,
    -- the time that the row is about: agents report every 2 s, so it is not exactly the slot's length
    covered_ms         bigint      not null,
    -- processor time used in it
    cpu_ms             bigint      not null,
    -- the most that was seen
    memory_bytes       bigint      not null,
    memory_limit_bytes bigint      not null,
    -- null on the host's network, where the counters are not the instance's own
    received_bytes     bigint,
    sent_bytes         bigint,
    constraint instance_loads_pkey primary key (service_id, step_s, at, instance_id)
);
comment on table instance_loads is 'What each instance used, per slot of time.';
-- for adding up and for forgetting
create index instance_loads_at_idx on instance_loads (step_s, at);

create table role_loads (
    service_id    uuid        not null,
    step_s        smallint    not null constraint role_loads_step_check check (step_s in (5, 60, 900)),
    at            timestamptz not null,
    instance_id   uuid        not null,
    role          text        not null,
    covered_ms    bigint      not null,
    requests      bigint      not null,
    -- answered with 400 to 499
    client_errors bigint      not null,
    -- answered with 500 and above
    errors        bigint      not null,
    -- the most that were seen waiting, and open
    queue         integer     not null,
    sessions      integer     not null,
    -- how long requests took: numbers of the buckets that count something, and their counts
    buckets       smallint[]  not null,
    counts        bigint[]    not null,
    constraint role_loads_pkey primary key (service_id, step_s, at, instance_id, role)
);
comment on table role_loads is 'What each role of each instance did, per slot of time.';
create index role_loads_at_idx on role_loads (step_s, at);

-- The newest slot tells what an instance uses now.
drop table instance_usages;
