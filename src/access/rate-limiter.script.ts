/**
 * gcra.ts in one step of Redis, for requests that are charged to the same budgets: each takes from all of them or, where one
 * has not enough left, from none. By the clock of Redis, so that processes whose clocks differ count alike. Every figure is
 * a whole number below 2^53, which is what Lua and JavaScript both reckon exactly: whoever asked reckons the same decisions
 * from what was owed before.
 *
 * KEYS: of each allowance. ARGV: the costs parted by spaces, what is given back of what was taken before, then of each
 * allowance quota and interval of its burst and of its minute. A key holds `<burst whole at> <sustained whole at>` and goes
 * when both are whole; what is no such text counts as whole. Answers `{ the time it was decided at, owed before, owed before,
 * … }` in microseconds: before the costs, behind what was given back.
 */
export const TAKE = `
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local back = tonumber(ARGV[2])
local before, owed, quotas, intervals, changed = { now }, {}, {}, {}, back > 0
for i, key in ipairs(KEYS) do
  local kept = redis.pcall('GET', key)
  local whole = { 0, 0 }
  if type(kept) == 'string' then
    local burst, sustained = string.match(kept, '^(%d+) (%d+)$')
    whole = { tonumber(burst) or 0, tonumber(sustained) or 0 }
  end
  for j = 1, 2 do
    local at = 2 * (i - 1) + j
    quotas[at], intervals[at] = tonumber(ARGV[2 * at + 1]), tonumber(ARGV[2 * at + 2])
    owed[at] = whole[j] - now
    if owed[at] < 0 or owed[at] > quotas[at] * intervals[at] then owed[at] = 0 end
    owed[at] = math.max(0, owed[at] - back * intervals[at])
    before[at + 1] = owed[at]
  end
end
for text in string.gmatch(ARGV[1], '%d+') do
  local cost, fits = tonumber(text), true
  for at = 1, #owed do
    if owed[at] + math.min(cost, quotas[at]) * intervals[at] > quotas[at] * intervals[at] then fits = false end
  end
  if fits then
    changed = true
    for at = 1, #owed do owed[at] = owed[at] + math.min(cost, quotas[at]) * intervals[at] end
  end
end
if changed then
  for i, key in ipairs(KEYS) do
    local burst, sustained = owed[2 * i - 1], owed[2 * i]
    local value = string.format('%.0f %.0f', now + burst, now + sustained)
    redis.call('SET', key, value, 'PX', math.ceil(math.max(burst, sustained) / 1000) + 1)
  end
end
return before`;
