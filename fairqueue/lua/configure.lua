-- Change limits, for the backlog that is there as well. FIRST: group ('' for the queue), then pairs of field (weight, cap, pause,
-- total) and value ('' to take it away). Answers 1.
local group = ARGV[FIRST]
despite_full_memory()
for i = FIRST + 1, #ARGV, 2 do
  local field, value = ARGV[i], ARGV[i + 1]
  if group ~= '' then field = field .. ':' .. group end
  if value == '' then call('HDEL', P .. 'config', field) else call('HSET', P .. 'config', field, value) end
end
call('SADD', QUEUES, queue)

local function apply(name)
  local cap, weight = limits(name)
  if cap then mark_limited(name) end
  if cap or call('HEXISTS', P .. 'tok', 'lim:' .. name) == 1 then sync(name, cap, weight) end
end

if group ~= '' then
  apply(group)
else
  for _, name in ipairs(call('HKEYS', P .. 'waiting')) do apply(name) end
end
balance(tonumber(call('HGET', P .. 'config', 'total') or nil))
return 1
