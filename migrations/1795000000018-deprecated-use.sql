-- Who still calls what is going away: asked before it goes, and shown to whoever runs the service. By client and day,
-- so that a year of it is a few thousand rows.

-- up
create table deprecated_use (
  operation text collate "C" not null,
  day date not null,
  client text collate "C" not null,
  calls bigint not null,
  last_at timestamptz not null,
  constraint deprecated_use_pkey primary key (operation, day, client),
  constraint deprecated_use_calls_check check (calls > 0)
);
comment on table deprecated_use is 'Calls of deprecated operations, added once a minute by each process: what a killed process had not yet added is missing.';
comment on column deprecated_use.operation is 'The operation id of the OpenAPI document.';
comment on column deprecated_use.day is 'In UTC.';
comment on column deprecated_use.client is 'Its code; empty: nobody, the key was missing or bad, or the operation needs none.';
grant select, insert, update, delete on deprecated_use to holdfast_app;

-- down
drop table deprecated_use;
