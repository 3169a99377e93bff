-- Figures that the programs of a kind tell (keys in a store, queries per second), over time, beside role_loads: the same
-- slots, kept as long, with sums so that coarser slots are added up from finer ones.

create table figure_loads (
    service_id  uuid        not null,
    -- seconds per slot
    step_s      smallint    not null constraint figure_loads_step_check check (step_s in (5, 60, 900)),
    at          timestamptz not null,
    instance_id uuid        not null,
    role        text        not null,
    name        text        not null,
    -- of all samples; divided by their number, the figure in this slot
    total       double precision not null,
    samples     bigint      not null constraint figure_loads_samples_check check (samples > 0),
    constraint figure_loads_pkey primary key (service_id, step_s, at, instance_id, role, name)
);
comment on table figure_loads is 'What the programs of a kind told of each instance, per slot of time.';
-- for adding up and for forgetting
create index figure_loads_at_idx on figure_loads (step_s, at);
