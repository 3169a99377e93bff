-- Restarts that people ask for: every instance that was intended before is replaced.

alter table services add column restart_generation bigint not null default 0;
comment on column services.restart_generation is 'The generation of the newest request for a restart; 0 before the first. Instances of an older generation are replaced.';

alter table instances add column generation bigint not null default 0;
comment on column instances.generation is 'The generation of its service when it was intended.';

alter table operations drop constraint operations_kind_check;
alter table operations add constraint operations_kind_check
    check (kind in ('start', 'stop', 'delete', 'scale', 'activate', 'configure', 'restart'));
