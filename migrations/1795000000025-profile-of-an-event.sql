-- An event can be mapped anew by a later version of its profile, so by which it was mapped has to be kept with what became of it.

-- up
alter table event_outcome add column profile text collate "C";
comment on column event_outcome.profile is 'What mapped it, as `name/version`; null: nothing did, or its payload is canonical as it came.';

-- down
alter table event_outcome drop column profile;
