-- Put messages back that were in flight. FIRST: 1 for the front of their group, how often one may be delivered in all (0: no
-- limit; -1: this delivery does not count), the reason, the age in seconds from which all that are in flight are taken (0: the
-- given tags alone), how many of these at most, then tags. Answers how many went back, how many died, and the tags that are
-- none of this transport's. To the front they go one after the other: the first to be taken again comes last.
local front, limit, reason = ARGV[FIRST] == '1', tonumber(ARGV[FIRST + 1]), ARGV[FIRST + 2]
local age, most = tonumber(ARGV[FIRST + 3]), tonumber(ARGV[FIRST + 4])
local back, dead, foreign = 0, 0, {}
despite_full_memory()

local function put_back(tag)
  if call('HEXISTS', FLIGHTS, tag) == 0 then
    foreign[#foreign + 1] = tag
    return
  end
  local flight = land(tag)
  local _, enqueued, deliveries, ahead, seen, dedup, route, payload = unpack_element(flight.element)
  -- A half tells that it was delivered before, and counts for nothing.
  deliveries = limit < 0 and math.max(tonumber(deliveries), 0.5) or math.floor(tonumber(deliveries)) + 1
  if limit > 0 and deliveries >= limit then
    local element = pack_element(tag, enqueued, deliveries, ahead, seen, dedup, route, payload)
    call('LPUSH', P .. 'dead', table.concat({string.format('%.0f', now), reason, flight.pri, flight.group, element}, '\n'))
    if dedup ~= '' then call('SREM', P .. 'dedup', dedup) end
    dead = dead + 1
  else
    enqueue(flight.pri, flight.group, pack_element(tag, enqueued, deliveries, ahead, seen, dedup, route, payload), front)
    back = back + 1
  end
  make_room(flight.group, limits(flight.group))
end

if age > 0 then
  -- A clock that was put back has left times to come.
  for _, tag in ipairs(call('ZRANGE', UNACKED_INDEX, now / 1000 + 10, '+inf', 'BYSCORE', 'LIMIT', 0, most)) do
    call('ZADD', UNACKED_INDEX, 'XX', now / 1000, tag)
  end
  for _, tag in ipairs(call('ZRANGE', UNACKED_INDEX, now / 1000 - age, '-inf', 'BYSCORE', 'REV', 'LIMIT', 0, most)) do
    put_back(tag)
  end
end
for i = FIRST + 5, #ARGV do put_back(ARGV[i]) end
return {back, dead, foreign}
