-- What all scripts share. A script begins with this text; everything here is local to one call.
--
-- Keys of a queue q (all after the global key prefix; P is 'fairqueue:q:'):
--   q, q<sep>3 …        lists of tokens, one per claimable message: what consumers BRPOP and tools count
--   P m:<pri>:<group>   list of waiting messages, next one at the right
--   P ring:<pri>        sorted set group -> virtual time (seconds of worker time per unit of weight), quiet groups
--   P noisy:<pri>       the same for noisy groups, which are served after the quiet ones
--   P idle:<pri>        the same for groups with nothing claimable, so that leaving and coming back gains nothing
--   P waiting           hash group -> waiting messages over all priorities
--   P flight            sorted set tag -> claimed at (ms); P flight:<group> the same for one group
--   P usage             sorted set group -> log of worker seconds with forward decay (see `use`)
--   P est               hash group -> expected seconds of service; '' for the queue
--   P config            hash of limits: cap, total, and per group weight:<g>, cap:<g>, pause:<g>
--   P tok               hash of limited groups: lim:<g> -> 1, <pri>:<g> -> tokens of theirs in the list
--   P state             hash of counters: floor:<pri>, due:<pri> (tokens that ought to be there), turn:<pri>, waiting, claims, seq
--   P delayed           sorted set of messages with an ETA -> due at (ms)
--   P dedup             set of deduplication ids waiting or in flight
--   P dead, P recent    lists: dead letters; the last messages that waited
-- Shared by all queues: fairqueue:flights (hash tag -> record), fairqueue:queues (set), and kombu's own unacked, unacked_index.
local prefix, queue, sep = ARGV[1], ARGV[2], ARGV[3]
local STEPS = {}
for step in string.gmatch(ARGV[4], '[^,]+') do STEPS[#STEPS + 1] = step end
local UNACKED, UNACKED_INDEX = prefix .. ARGV[5], prefix .. ARGV[6]
local NOISY_SHARE, NOISY_FLIGHT, NOISY_SECONDS, NOISY_EVERY =
  tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9]), tonumber(ARGV[10])
local MIN_CHARGE, WINDOW, SLOW_MS = tonumber(ARGV[11]), tonumber(ARGV[12]), tonumber(ARGV[13])
local FIRST = 14
local FLIGHTS, QUEUES = prefix .. 'fairqueue:flights', prefix .. 'fairqueue:queues'
local call = redis.call

local clock = call('TIME')
local now = tonumber(clock[1]) * 1000 + tonumber(clock[2]) / 1000

-- A full memory refuses a script at its first write, if that may grow; what makes room or keeps promises begins with one that
-- cannot.
local function despite_full_memory() call('DEL', prefix .. 'fairqueue:') end

local P
local function enter_queue(name)
  queue = name
  P = prefix .. 'fairqueue:' .. queue .. ':'
end
enter_queue(queue)

-- A message without a group is a group of its own: nothing is remembered of it.
local function anonymous(group) return string.sub(group, 1, 1) == '~' end

local function token_list(pri)
  if tonumber(pri) == 0 then return prefix .. queue end
  return prefix .. queue .. sep .. pri
end

local function push_tokens(list, count)
  while count > 0 do
    local some = {}
    for i = 1, math.min(count, 1000) do some[i] = 't' end
    call('LPUSH', list, unpack(some))
    count = count - #some
  end
end

local function add_tokens(pri, count)
  if count <= 0 then return end
  push_tokens(token_list(pri), count)
  call('HINCRBY', P .. 'state', 'due:' .. pri, count)
end

-- What a sender with kombu's own transport put into the list is a message, and no token.
local adopt

local function keep_tokens(list, count)
  local gone = call('LRANGE', list, count, -1)
  if count > 0 then call('LTRIM', list, 0, count - 1) else call('DEL', list) end
  for _, item in ipairs(gone) do
    if item ~= 't' then adopt(item) end
  end
end

local function drop_tokens(pri, count)
  if count <= 0 then return end
  local due, list = call('HINCRBY', P .. 'state', 'due:' .. pri, -count), token_list(pri)
  if call('LLEN', list) > due then keep_tokens(list, due) end
end

-- Make the lists as long as they ought to be: a token for each claimable message, but no more in all than may be in flight yet.
local function balance(total)
  local room = total and math.max(0, total - call('ZCARD', P .. 'flight')) or math.huge
  for _, pri in ipairs(STEPS) do
    local list = token_list(pri)
    local due = math.max(0, tonumber(call('HGET', P .. 'state', 'due:' .. pri) or 0))
    local want, there = math.min(due, room), call('LLEN', list)
    room = room - want
    if there > want then keep_tokens(list, want) end
    push_tokens(list, math.min(want - there, 100000))
  end
end

local function seconds_used(group)
  local log = call('ZSCORE', P .. 'usage', group)
  if not log then return 0 end
  return math.exp(math.max(-40, math.min(40, tonumber(log) - now / 1000 / WINDOW)))
end

-- Worker seconds of the recent past, older ones counting less: after WINDOW seconds 1/e of what they did. Kept as a logarithm
-- relative to a fixed time (forward decay: Cormode et al., ICDE 2009), so that scores of different times can be compared.
local function use(name, seconds)
  local at = now / 1000 / WINDOW
  local log = math.log(math.max(1e-9, seconds_used(name) + seconds))
  -- More than nine million worker seconds of late: the clock was put back, and what it wrote before means nothing.
  if name == '' and log > 16 then
    call('DEL', P .. 'usage')
    log = math.log(math.max(1e-9, seconds))
  end
  if call('ZADD', P .. 'usage', at + log, name) == 0 then return end
  for _, group in ipairs(call('ZRANGE', P .. 'usage', '-inf', at - 10, 'BYSCORE', 'LIMIT', 0, 2)) do
    call('ZREM', P .. 'usage', group)
    call('HDEL', P .. 'est', group)
  end
end

-- Amazon SQS's rule for a noisy group: a large share of the messages in flight, or of the recent worker time. A weight that
-- was given to a group is no offence: it may use that much more.
local function is_noisy(group, weight)
  if anonymous(group) then return false end
  local share = NOISY_SHARE * math.max(1, weight)
  local flying = call('ZCARD', P .. 'flight:' .. group)
  if flying >= NOISY_FLIGHT and flying > share * call('ZCARD', P .. 'flight') then return true end
  local all = seconds_used('')
  return all >= NOISY_SECONDS and seconds_used(group) > share * all
end

-- A group's cap (nil: none) and weight, and the queue's total cap.
local function limits(group)
  local found = call('HMGET', P .. 'config', 'pause:' .. group, 'cap:' .. group, 'cap', 'weight:' .. group, 'total')
  local cap = tonumber(found[2] or found[3] or nil)
  if found[1] then cap = 0 end
  return cap, math.max(0.001, tonumber(found[4] or nil) or 1), tonumber(found[5] or nil)
end

local function floor_of(pri) return tonumber(call('HGET', P .. 'state', 'floor:' .. pri) or 0) end

local function join(pri, group, weight)
  local time = math.max(floor_of(pri), tonumber(call('ZSCORE', P .. 'idle:' .. pri, group) or 0))
  call('ZREM', P .. 'idle:' .. pri, group)
  call('ZADD', P .. (is_noisy(group, weight) and 'noisy:' or 'ring:') .. pri, time, group)
end

local function leave(pri, group)
  for _, ring in ipairs({'ring:', 'noisy:'}) do
    local time = call('ZSCORE', P .. ring .. pri, group)
    if time then
      call('ZREM', P .. ring .. pri, group)
      call('ZADD', P .. 'idle:' .. pri, time, group)
    end
  end
end

local function in_ring(pri, group)
  return call('ZSCORE', P .. 'ring:' .. pri, group) or call('ZSCORE', P .. 'noisy:' .. pri, group)
end

-- A limited group has as many tokens as it may have further messages in flight, so that one at its cap costs nobody a look.
-- Before its lists are changed, note how many tokens it has.
local function mark_limited(group)
  if call('HSETNX', P .. 'tok', 'lim:' .. group, 1) == 1 then
    for _, pri in ipairs(STEPS) do
      local waiting = call('LLEN', P .. 'm:' .. pri .. ':' .. group)
      if waiting > 0 then call('HSET', P .. 'tok', pri .. ':' .. group, waiting) end
    end
  end
end

-- Bring tokens and rings of a limited group in line with its cap; a nil cap makes it unlimited again.
local function sync(group, cap, weight)
  local left = cap and math.max(0, cap - call('ZCARD', P .. 'flight:' .. group))
  local waiting_in_all = 0
  for _, pri in ipairs(STEPS) do
    local waiting = call('LLEN', P .. 'm:' .. pri .. ':' .. group)
    local want = left and math.min(waiting, left) or waiting
    if left then left = left - want end
    waiting_in_all = waiting_in_all + waiting
    local have = tonumber(call('HGET', P .. 'tok', pri .. ':' .. group) or 0)
    add_tokens(pri, want - have)
    drop_tokens(pri, have - want)
    if want > 0 then call('HSET', P .. 'tok', pri .. ':' .. group, want)
    else call('HDEL', P .. 'tok', pri .. ':' .. group) end
    local there = in_ring(pri, group)
    if want > 0 and not there then join(pri, group, weight)
    elseif want == 0 and there then leave(pri, group) end
  end
  if not cap or waiting_in_all == 0 then
    call('HDEL', P .. 'tok', 'lim:' .. group)
    for _, pri in ipairs(STEPS) do call('HDEL', P .. 'tok', pri .. ':' .. group) end
  end
end

-- Put a message into its group's list. `front` is for one that was in flight: it is the next of its group.
local function enqueue(pri, group, element, front)
  local cap, weight = limits(group)
  if cap then mark_limited(group) end
  local length = call(front and 'RPUSH' or 'LPUSH', P .. 'm:' .. pri .. ':' .. group, element)
  call('HINCRBY', P .. 'waiting', group, 1)
  call('HINCRBY', P .. 'state', 'waiting', 1)
  if cap then
    sync(group, cap, weight)
  else
    if length == 1 then join(pri, group, weight) end
    add_tokens(pri, 1)
  end
end

-- An element: tag, enqueued at (ms), deliveries so far, own group's messages ahead, claims of the queue so far, deduplication
-- id, exchange and routing key as JSON, payload; separated by newlines, which JSON text has none of.
local function unpack_element(element)
  return string.match(element, '^([^\n]*)\n([^\n]*)\n([^\n]*)\n([^\n]*)\n([^\n]*)\n([^\n]*)\n([^\n]*)\n(.*)$')
end

local function pack_element(...) return table.concat({...}, '\n') end

-- A flight's record: queue, priority, claimed at (ms), charged seconds, group, then the element.
local function unpack_flight(record)
  return string.match(record, '^([^\n]*)\n([^\n]*)\n([^\n]*)\n([^\n]*)\n([^\n]*)\n(.*)$')
end

local function add_new(pri, group, tag, dedup, route, payload, deliveries)
  local ahead = call('HGET', P .. 'waiting', group) or 0
  local claims = call('HGET', P .. 'state', 'claims') or 0
  local element = pack_element(tag, string.format('%.0f', now), deliveries, ahead, claims, dedup, route, payload)
  enqueue(pri, group, element, false)
end

local function own_group() return string.format('~%016d', call('HINCRBY', P .. 'state', 'seq', 1)) end

adopt = function(item)
  local good, message = pcall(cjson.decode, item)
  local properties = good and type(message) == 'table' and message.properties
  if type(properties) ~= 'table' or type(properties.delivery_tag) ~= 'string' then
    local element = pack_element('', string.format('%.0f', now), 0, 0, 0, '', '["",""]', item)
    call('LPUSH', P .. 'dead', table.concat({string.format('%.0f', now), 'not a message', STEPS[1], '', element}, '\n'))
    return
  end
  local wanted, pri = tonumber(properties.priority) or 0, STEPS[1]
  for _, step in ipairs(STEPS) do
    if tonumber(step) <= wanted then pri = step end
  end
  local group = properties.MessageGroupId
  group = type(group) == 'string' and string.gsub(string.sub(group, 1, 200), '[\n~]', '-') or ''
  local info = type(properties.delivery_info) == 'table' and properties.delivery_info or {}
  local route = cjson.encode({tostring(info.exchange or ''), tostring(info.routing_key or queue)})
  add_new(pri, group == '' and own_group() or group, properties.delivery_tag, '', route, item, 0)
end

local function promote(limit)
  local due = call('ZRANGE', P .. 'delayed', '-inf', now, 'BYSCORE', 'LIMIT', 0, limit)
  for _, member in ipairs(due) do
    call('ZREM', P .. 'delayed', member)
    local pri, group, element = string.match(member, '^([^\n]*)\n([^\n]*)\n(.*)$')
    local tag, _, deliveries, _, _, dedup, route, payload = unpack_element(element)
    add_new(pri, group, tag, dedup, route, payload, deliveries)
  end
  return #due
end

-- One less is in flight: what its group's cap and the total cap kept back may come.
local function make_room(group, cap, weight, total)
  if cap then
    mark_limited(group)
    sync(group, cap, weight)
  end
  if not total then return end
  for _, pri in ipairs(STEPS) do
    local list = token_list(pri)
    if tonumber(call('HGET', P .. 'state', 'due:' .. pri) or 0) > call('LLEN', list) then
      call('LPUSH', list, 't')
      return
    end
  end
end

-- Take a message out of flight. Answers its record's parts, or nil when it is not in flight any more.
local function land(tag)
  local record = call('HGET', FLIGHTS, tag)
  call('HDEL', UNACKED, tag)
  call('ZREM', UNACKED_INDEX, tag)
  if not record then return nil end
  call('HDEL', FLIGHTS, tag)
  local name, pri, claimed, charged, group, element = unpack_flight(record)
  enter_queue(name)
  call('ZREM', P .. 'flight', tag)
  call('ZREM', P .. 'flight:' .. group, tag)
  return {pri = pri, claimed = tonumber(claimed), charged = tonumber(charged), group = group, element = element}
end

-- Replace the charge that was made at the claim by the worker time that it really took.
local function settle(flight, weight)
  local service = math.max(0, now - flight.claimed) / 1000
  local delta = (math.max(MIN_CHARGE, service) - flight.charged) / weight
  local group, pri = flight.group, flight.pri
  use('', service)
  local all = tonumber(call('HGET', P .. 'est', '') or service)
  call('HSET', P .. 'est', '', all * 0.9 + service * 0.1)
  if anonymous(group) then return end
  use(group, service)
  local mine = tonumber(call('HGET', P .. 'est', group) or service)
  call('HSET', P .. 'est', group, mine * 0.7 + service * 0.3)
  for _, ring in ipairs({'ring:', 'noisy:', 'idle:'}) do
    if call('ZSCORE', P .. ring .. pri, group) then
      call('ZINCRBY', P .. ring .. pri, delta, group)
      return
    end
  end
  if delta > 0 then call('ZADD', P .. 'idle:' .. pri, floor_of(pri) + delta, group) end
end
