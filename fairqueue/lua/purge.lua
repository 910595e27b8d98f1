-- Remove what waits: of one group, or of all. FIRST: group ('' for all), 1 to forget the queue as well. What is in flight stays
-- in flight. Answers how many messages were removed.
local only, forget = ARGV[FIRST], ARGV[FIRST + 1] == '1'
local removed = 0
despite_full_memory()

local function drop_dedup(element)
  local _, _, _, _, _, dedup = unpack_element(element)
  if dedup and dedup ~= '' then call('SREM', P .. 'dedup', dedup) end
end

local function remove_group(group)
  local cap, weight = limits(group)
  if cap then mark_limited(group) end
  for _, pri in ipairs(STEPS) do
    local list = P .. 'm:' .. pri .. ':' .. group
    local length = call('LLEN', list)
    if length > 0 then
      if call('SCARD', P .. 'dedup') > 0 then
        for _, element in ipairs(call('LRANGE', list, 0, -1)) do drop_dedup(element) end
      end
      call('DEL', list)
      removed = removed + length
      if not cap then
        drop_tokens(pri, length)
        leave(pri, group)
      end
    end
  end
  call('HDEL', P .. 'waiting', group)
  if cap then sync(group, cap, weight) end
end

if only ~= '' then
  remove_group(only)
else
  for _, group in ipairs(call('HKEYS', P .. 'waiting')) do remove_group(group) end
end
-- Lua writes minus nothing as -0, which is no number to Redis.
if removed > 0 then call('HINCRBY', P .. 'state', 'waiting', -removed) end
for _, member in ipairs(call('ZRANGE', P .. 'delayed', 0, -1)) do
  local _, group, element = string.match(member, '^([^\n]*)\n([^\n]*)\n(.*)$')
  if only == '' or group == only then
    call('ZREM', P .. 'delayed', member)
    drop_dedup(element)
    removed = removed + 1
  end
end
if forget then
  for _, pri in ipairs(STEPS) do
    call('DEL', token_list(pri), P .. 'ring:' .. pri, P .. 'noisy:' .. pri, P .. 'idle:' .. pri)
  end
  call('DEL', P .. 'state', P .. 'tok', P .. 'est', P .. 'usage', P .. 'recent', P .. 'waiting')
  if call('ZCARD', P .. 'flight') == 0 and call('LLEN', P .. 'dead') == 0 then
    call('DEL', P .. 'dedup', P .. 'config')
    call('SREM', QUEUES, queue)
  end
end
return removed
