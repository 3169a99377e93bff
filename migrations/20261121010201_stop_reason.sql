-- Why somebody other than its owner stopped a service.

-- intent, so not the manager's `reason`; empty once the service is wanted again
alter table services add column stop_reason text not null default '';
