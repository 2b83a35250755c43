/**
 * gcra.ts in one step of Redis: all budgets of a request are looked at, and taken from only if each has enough left. By the
 * clock of Redis, so that processes whose clocks differ count alike. Every figure is a whole number below 2^53, which is
 * what Lua and JavaScript both reckon exactly.
 *
 * KEYS: of each allowance. ARGV: the cost, then of each allowance quota and interval of its burst and of its minute.
 * A key holds `<burst whole at> <sustained whole at>` and goes when both are whole; what is no such text counts as whole.
 * Answers `{ 1 admitted or 0 refused, owed, owed, … }` in microseconds, and last the time it was decided at.
 */
export const TAKE = `
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local cost = tonumber(ARGV[1])
local owed, charges, windows, admitted = {}, {}, {}, 1
for i, key in ipairs(KEYS) do
  local kept = redis.pcall('GET', key)
  local whole = { 0, 0 }
  if type(kept) == 'string' then
    local burst, sustained = string.match(kept, '^(%d+) (%d+)$')
    whole = { tonumber(burst) or 0, tonumber(sustained) or 0 }
  end
  for j = 1, 2 do
    local at = 2 * (i - 1) + j
    local quota, interval = tonumber(ARGV[2 * at]), tonumber(ARGV[2 * at + 1])
    windows[at] = quota * interval
    charges[at] = math.min(cost, quota) * interval
    owed[at] = whole[j] - now
    if owed[at] < 0 or owed[at] > windows[at] then owed[at] = 0 end
    if owed[at] + charges[at] > windows[at] then admitted = 0 end
  end
end
if admitted == 1 then
  for at = 1, #owed do owed[at] = owed[at] + charges[at] end
  for i, key in ipairs(KEYS) do
    local burst, sustained = owed[2 * i - 1], owed[2 * i]
    local value = string.format('%.0f %.0f', now + burst, now + sustained)
    redis.call('SET', key, value, 'PX', math.ceil(math.max(burst, sustained) / 1000) + 1)
  end
end
table.insert(owed, 1, admitted)
table.insert(owed, now)
return owed`;
