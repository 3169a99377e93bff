-- Credit as a double-entry ledger. Amounts are whole millionths of a credit ("micros"): a minute of the cheapest size is
-- not a whole number of thousandths.

create table ledger_accounts (
    id               bigint generated always as identity primary key,
    kind             text not null constraint ledger_accounts_kind_check check (kind in ('user', 'issued', 'used')),
    -- restrict: who has bookings can be disabled, not removed
    user_id          uuid constraint ledger_accounts_user_key unique references users on delete restrict,
    -- the sum of the account's entries, kept by a trigger; of people only: the two others would be a lock for everybody
    balance_micros   bigint not null default 0,
    -- what there was right after the last grant: warnings are shares of it
    allowance_micros bigint not null default 0 constraint ledger_accounts_allowance_check check (allowance_micros >= 0),
    -- per cent used, as far as anybody is warned: 100 is "nothing left"
    level            smallint not null generated always as (
                         case when balance_micros <= 0                     then 100
                              when balance_micros * 20 <= allowance_micros then 95
                              when balance_micros * 5 <= allowance_micros  then 80
                              else 0
                         end) stored,
    -- the level that its owner was last told of
    told             smallint not null default 0,
    constraint ledger_accounts_owner_check check ((kind = 'user') = (user_id is not null))
);
comment on table ledger_accounts is 'One account per person, and two of the platform: where credit comes from and where it goes.';
create unique index ledger_accounts_platform_key on ledger_accounts (kind) where kind <> 'user';
create index ledger_accounts_told_idx on ledger_accounts (id) where told <> level;

create table ledger_bookings (
    id       bigint generated always as identity primary key,
    -- its entries must be written by the same transaction
    txid     xid8 not null default pg_current_xact_id(),
    at       timestamptz not null,
    kind     text not null constraint ledger_bookings_kind_check check (kind in ('grant', 'charge')),
    -- whose credit it moves
    user_id  uuid not null references users on delete restrict,
    reason   text not null default '',
    -- who granted; null for the platform itself
    actor_id uuid references users on delete restrict
);
comment on table ledger_bookings is 'Movements of credit. The entries of each sum to zero. Never changed, never removed.';
create index ledger_bookings_user_idx on ledger_bookings (user_id, at);

create table ledger_entries (
    id            bigint generated always as identity primary key,
    booking_id    bigint not null references ledger_bookings,
    account_id    bigint not null references ledger_accounts,
    amount_micros bigint not null constraint ledger_entries_amount_check check (amount_micros <> 0),
    -- of a charge, on its owner's side: for which instance, from when to when, in ms since its meter began
    instance_id   uuid,
    from_ms       bigint,
    until_ms      bigint,
    constraint ledger_entries_window_check check (
        (instance_id is null and from_ms is null and until_ms is null)
        or (instance_id is not null and from_ms >= 0 and until_ms > from_ms and amount_micros < 0))
);
comment on table ledger_entries is 'The sides of bookings. Never changed, never removed.';
-- no part of an instance's time can be charged twice
create unique index ledger_entries_window_key on ledger_entries (instance_id, from_ms) where instance_id is not null;
create index ledger_entries_booking_idx on ledger_entries (booking_id);
create index ledger_entries_account_idx on ledger_entries (account_id, id desc);

create function ledger_is_final() returns trigger language plpgsql as $$
begin
    raise exception 'the ledger is never changed: %', tg_table_name using errcode = 'integrity_constraint_violation';
end $$;
create trigger ledger_bookings_final before update or delete or truncate on ledger_bookings
    for each statement execute function ledger_is_final();
create trigger ledger_entries_final before update or delete or truncate on ledger_entries
    for each statement execute function ledger_is_final();

create function ledger_booking_balances() returns trigger language plpgsql as $$
begin
    if (select coalesce(sum(amount_micros), 0) <> 0 or count(*) < 2 from ledger_entries where booking_id = new.id) then
        raise exception 'booking % does not balance', new.id using errcode = 'integrity_constraint_violation';
    end if;
    return null;
end $$;
-- at the end of the transaction: a booking comes before its entries
create constraint trigger ledger_bookings_balance after insert on ledger_bookings
    deferrable initially deferred for each row execute function ledger_booking_balances();

create function ledger_entries_added() returns trigger language plpgsql as $$
begin
    if exists (select from fresh f join ledger_bookings b on b.id = f.booking_id
                where b.txid <> pg_current_xact_id()) then
        raise exception 'a booking that is made gets no more entries' using errcode = 'integrity_constraint_violation';
    end if;
    update ledger_accounts a
       set balance_micros = a.balance_micros + f.amount
      from (select account_id, sum(amount_micros)::bigint as amount from fresh group by account_id) f
     where a.id = f.account_id
       and a.kind = 'user';
    return null;
end $$;
create trigger ledger_entries_added after insert on ledger_entries
    referencing new table as fresh for each statement execute function ledger_entries_added();

-- Charging: how far each meter is booked.
alter table instance_meters
    -- 'blog/php', readable after the service is gone
    add column label          text not null default '',
    -- null until a charging run saw it
    add column charged_until  timestamptz,
    add column charged_micros bigint not null default 0 constraint instance_meters_charged_check check (charged_micros >= 0),
    -- nothing more to charge: ended and charged to the end, or free
    add column settled        boolean not null default false;
create index instance_meters_open_idx on instance_meters (instance_id) where not settled;

create table charging (
    one        boolean primary key default true constraint charging_one_check check (one),
    -- by how much the database's clock was stepped since the first run, microseconds
    stepped_us bigint not null default 0,
    -- counts runs
    runs       bigint not null default 0
);
comment on table charging is 'One row that charging runs lock, so that directors take turns.';
insert into charging default values;

create table charging_clocks (
    -- one boot of one machine
    machine   uuid primary key,
    -- database clock less uptime less steps, microseconds since 1970: constant unless the clock is stepped
    base_us   bigint not null,
    -- the last sample
    wall      timestamptz not null,
    uptime_us bigint not null,
    -- the runs of its first and its last sample
    first_run bigint not null,
    last_run  bigint not null
);
comment on table charging_clocks is 'What the database clock showed at which uptime of a director''s machine: tells steps of the clock from time that passed.';

-- What was there before the ledger ----------------------------------------------------------------------------------

insert into ledger_accounts (kind) values ('issued'), ('used');
insert into ledger_accounts (kind, user_id) select 'user', id from users where role <> 'system';

update instance_meters m set price_millis_per_hour = 0
  from users u where u.id = m.owner_id and u.role = 'system';
update instance_meters m set label = a.name || '/' || s.name
  from services s join applications a on a.id = s.application_id where s.id = m.service_id;

with opened as (
    insert into ledger_bookings (at, kind, user_id, reason)
    select now(), 'grant', id, 'Credit carried over' from users where role <> 'system' and granted_millis <> 0
    returning id, user_id
)
insert into ledger_entries (booking_id, account_id, amount_micros)
select o.id, a.id, u.granted_millis * 1000
  from opened o join users u on u.id = o.user_id join ledger_accounts a on a.user_id = o.user_id
union all
select o.id, (select id from ledger_accounts where kind = 'issued'), -u.granted_millis * 1000
  from opened o join users u on u.id = o.user_id;
update ledger_accounts set allowance_micros = greatest(balance_micros, 0) where kind = 'user';

update instance_meters
   set charged_until  = greatest(coalesce(ended_at, now()), started_at),
       settled        = ended_at is not null or price_millis_per_hour = 0,
       charged_micros = floor(price_millis_per_hour * 1000
                              * extract(epoch from greatest(coalesce(ended_at, now()), started_at) - started_at) / 3600);
with opened as (
    insert into ledger_bookings (at, kind, user_id, reason)
    select distinct now(), 'charge', owner_id, 'Used before there was a ledger' from instance_meters where charged_micros > 0
    returning id, user_id
)
insert into ledger_entries (booking_id, account_id, amount_micros, instance_id, from_ms, until_ms)
select o.id, a.id, -m.charged_micros, m.instance_id, 0,
       greatest(1, floor(extract(epoch from m.charged_until - m.started_at) * 1000))
  from opened o
  join instance_meters m on m.owner_id = o.user_id and m.charged_micros > 0
  join ledger_accounts a on a.user_id = o.user_id
union all
select o.id, (select id from ledger_accounts where kind = 'used'), sum(m.charged_micros)::bigint, null, null, null
  from opened o join instance_meters m on m.owner_id = o.user_id group by o.id;
update ledger_accounts set told = level where kind = 'user';

alter table users drop column granted_millis;
