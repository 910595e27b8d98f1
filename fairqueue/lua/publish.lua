-- Add a message. FIRST: priority, group ('' for none), tag, due at (ms, 0 for now), deduplication id ('' for none), exchange and
-- routing key as JSON, payload, expiry of the queue (ms, 0 for none). Answers 1, or 0 when its deduplication id is there already.
local pri, group, tag, due, dedup, route, payload, expires =
  ARGV[FIRST], ARGV[FIRST + 1], ARGV[FIRST + 2], tonumber(ARGV[FIRST + 3]), ARGV[FIRST + 4], ARGV[FIRST + 5],
  ARGV[FIRST + 6], tonumber(ARGV[FIRST + 7])
-- The first write is one that a full memory refuses, so that nothing is half done then.
if dedup ~= '' then
  if call('SADD', P .. 'dedup', dedup) == 0 then return 0 end
end
call('SADD', QUEUES, queue)
if group == '' then group = own_group() end
if due > now then
  call('ZADD', P .. 'delayed', due, pri .. '\n' .. group .. '\n' .. pack_element(tag, 0, 0, 0, 0, dedup, route, payload))
else
  add_new(pri, group, tag, dedup, route, payload, 0)
end
if expires > 0 then
  -- All or nothing: a queue whose lists end at different times would count what is not there.
  local keys = {'waiting', 'state', 'est', 'usage', 'delayed', 'dedup', 'tok', 'recent'}
  for _, step in ipairs(STEPS) do
    call('PEXPIRE', token_list(step), expires)
    for _, name in ipairs({'ring:', 'noisy:', 'idle:'}) do keys[#keys + 1] = name .. step end
    for _, name in ipairs(call('HKEYS', P .. 'waiting')) do keys[#keys + 1] = 'm:' .. step .. ':' .. name end
  end
  for _, name in ipairs(keys) do call('PEXPIRE', P .. name, expires) end
end
return 1
