-- Roles whose instances each have a volume of their own.

alter table instances add column slot integer;
comment on column instances.slot is 'Which volume of the role with slots it has, and which place in its cluster; null for instances without such a role.';
alter table instances add constraint instances_slot_check check (slot >= 0);

-- A row stays until its container is gone, so this alone keeps two containers from ever having one volume.
create unique index instances_slot_key on instances (service_id, slot);

-- Kinds that had one volume until now: it is that of slot 0.
update instances i set slot = 0 from services s where s.id = i.service_id and s.kind in ('mysql', 'keyvalue');

-- Where each instance has a part of the data, one that is stopped still has it.
alter table services add column slots_kept integer not null default 0;
comment on column services.slots_kept is 'Slots from 0 whose volumes may have data that is nowhere else; they are started, whatever the count is, until that was handed over.';
alter table services add constraint services_slots_kept_check check (slots_kept >= 0);
