-- Keys under a pepper, rotation, and what a client may ask and from where.

-- up
alter table api_key add column pepper text, add column successor_id text collate "C";
comment on column api_key.hash is 'HMAC-SHA-256 of the key under a pepper that is not in the database; SHA-256 where pepper is null. The key itself has 192 random bits and is shown once.';
comment on column api_key.pepper is 'Names the pepper, and tells nothing of it. null: a key of before peppers, which its next use hashes anew.';
comment on column api_key.successor_id is 'The key that a rotation made in its place.';

alter table client add column tier text not null default 'unlimited',
                   add column allowed_addresses text[] not null default '{}';
alter table client add constraint client_tier_check check (tier in ('trial', 'standard', 'high', 'unlimited'));
comment on column client.tier is 'Names its rate limit where rate_limit is null.';
comment on column client.allowed_addresses is 'Addresses and CIDR ranges its keys may be used from. Empty: from everywhere.';

-- down
alter table client drop column tier, drop column allowed_addresses;
-- The release before cannot verify what was hashed under a pepper: these keys are made again.
alter table api_key drop column pepper, drop column successor_id;
comment on column api_key.hash is 'SHA-256 of the key. The key itself has 192 random bits and is shown once.';
