-- Where an event came from and what was said about it, all the way.

-- up
alter table import add column traceparent text;
comment on column import.traceparent is 'Of the request that brought it: its events bear it, too.';

alter table exception add column note text;
comment on column exception.note is 'What somebody wrote beside it; who, and what stood there before, is in the audit trail.';

-- down
alter table exception drop column note;
alter table import drop column traceparent;
