-- A client that holds what it does not sell keeps it from the others: how much it may hold of an item is the channel's to say.

-- up
alter table channel
  add column max_open_holds integer,
  add column max_held_quantity numeric(18, 4),
  add constraint channel_caps_check check (max_open_holds > 0 and max_held_quantity > 0);
comment on column channel.max_open_holds is 'Holds that one client may have open on one item; null: any number.';
comment on column channel.max_held_quantity is 'How much of one item one client may hold, in its base unit; null: any amount.';

-- down
alter table channel drop column max_open_holds, drop column max_held_quantity;
