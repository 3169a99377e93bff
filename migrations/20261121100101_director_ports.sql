-- Agents go to another director when theirs does not answer: they have to know where that one listens.
alter table directors
    add column agent_port integer constraint directors_agent_port_check check (agent_port between 1 and 65535),
    add column resumed_at timestamptz;
comment on column directors.agent_port is
    'Port of its agent listener on the gateway of every network. Directors that share a database share the host, too.';
comment on column directors.resumed_at is
    'When it was heard again after a silence: what its agents have told meanwhile is on its way for some seconds more.';
