-- The outbox: what happened, for pages, programs and managers.

create table events (
    id             bigint generated always as identity primary key,
    -- ids are given out before commit: readers order and resume by (txid, id) and read only finished transactions
    txid           xid8 not null default pg_current_xact_id(),
    at             timestamptz not null default now(),
    -- who may hear of it
    owner_id       uuid,
    kind           text not null,
    application_id uuid,
    service_id     uuid,
    instance_id    uuid
);
comment on table events is 'Outbox: one row per change, written in its transaction; pruned after a day.';
create index events_position_idx on events (txid, id);

create function events_notify() returns trigger language plpgsql as $$
begin
    perform pg_notify('aerie_events', '');
    return null;
end $$;

-- one wake-up per statement; the payload is empty because a notification is only a hint
create trigger events_notify after insert on events for each statement execute function events_notify();
