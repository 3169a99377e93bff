-- Volumes that lie with a service of their application instead of on the engine's host.

alter table volumes
    add column carried_by uuid references services on delete cascade,
    add column quota_mib  integer constraint volumes_quota_check check (quota_mib > 0);
comment on column volumes.carried_by is 'The service that keeps the content; null when that is a volume of the container engine.';
comment on column volumes.quota_mib is 'How much may be on it, MiB; null for no limit. Only for carried ones: the engine cannot limit a volume.';
create index volumes_carried_idx on volumes (carried_by) where carried_by is not null;
