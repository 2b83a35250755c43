-- Mapping profiles of the administrators' own. Those that are shipped are files; a name is in one of the two.

-- up
create table profile (
  name text collate "C" not null,
  version integer not null,
  title text not null,
  vendor text not null,
  base text collate "C",
  format text,
  identify jsonb,
  expression text,
  constants jsonb not null,
  quantity_basis text,
  created_at timestamptz not null default now(),
  created_by text not null,
  constraint profile_pkey primary key (name, version),
  constraint profile_version_check check (version > 0),
  constraint profile_format_check check (format in ('json', 'x12', 'edifact')),
  constraint profile_quantity_basis_check check (quantity_basis in ('on_hand', 'available')),
  constraint profile_whole_check check (base is not null or (format is not null and expression is not null))
);
comment on table profile is 'Each version is a row for ever: what an event was once mapped by can be looked up.';
comment on column profile.base is 'A shipped profile: what is null here is as there, and its constants are beneath these.';
comment on column profile.expression is 'JSONata, from the payload to canonical events.';
comment on column profile.created_by is 'The key that wrote this version.';

grant select, insert on profile to holdfast_app;

-- down
drop table profile;
