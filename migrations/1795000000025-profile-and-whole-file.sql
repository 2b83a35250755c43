-- An event can be mapped anew by a later version of its profile, so by which it was mapped has to be kept with what became of
-- it. And a file of levels can be all that is at a location, which its worker has to know.

-- up
alter table event_outcome add column profile text collate "C";
comment on column event_outcome.profile is 'What mapped it, as `name/version`; null: nothing did, or its payload is canonical as it came.';
alter table import add column complete_at text collate "C",
  add constraint import_complete_check check (complete_at is null or (kind = 'events' and format = 'csv' and atomic));
comment on column import.complete_at is 'The location where what the file omits is 0: it becomes one snapshot. Null: it says nothing of what it omits.';

-- down
alter table import drop column complete_at;
alter table event_outcome drop column profile;
