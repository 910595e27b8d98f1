-- Take messages for tokens of one priority. FIRST: priority, how many at most (the caller holds one token), 1 when nobody will
-- acknowledge, 1 to take the first token here as well. Answers a list of payload, deliveries so far, waited (ms).
local NEWCOMERS = 8
local pri, most, no_ack, without = ARGV[FIRST], tonumber(ARGV[FIRST + 1]), ARGV[FIRST + 2] == '1', ARGV[FIRST + 3] == '1'

local function head(ring)
  local found = call('ZRANGE', P .. ring .. pri, 0, 0, 'WITHSCORES')
  return found[1], tonumber(found[2])
end

local function move(group, from, to)
  local time = call('ZSCORE', P .. from .. pri, group)
  call('ZREM', P .. from .. pri, group)
  call('ZADD', P .. to .. pri, time, group)
end

-- The group whose turn it is: the lowest virtual time among the quiet ones; every so often among the noisy ones.
local function pick()
  local noisy = head('noisy:')
  if noisy then
    local _, weight = limits(noisy)
    if not is_noisy(noisy, weight) then
      move(noisy, 'noisy:', 'ring:')
      noisy = head('noisy:')
    end
  end
  for _ = 1, 8 do
    local quiet = head('ring:')
    if not quiet then break end
    local _, weight = limits(quiet)
    -- Noise is relative: with nobody else there it disturbs nobody, and stays where it is.
    if not is_noisy(quiet, weight) then break end
    move(quiet, 'ring:', 'noisy:')
  end
  local quiet
  quiet, noisy = head('ring:'), head('noisy:')
  if quiet and noisy then
    local turn = call('HINCRBY', P .. 'state', 'turn:' .. pri, 1)
    if turn % NOISY_EVERY == 0 then return noisy, 'noisy:' end
    return quiet, 'ring:'
  end
  if quiet then return quiet, 'ring:' end
  return noisy, 'noisy:'
end

-- Virtual time is the lowest group's (start-time fair queueing: Goyal, Vin & Cheng, 1996), and at each claim at least an eighth
-- of what the groups there gain on average: so newcomers, who start at it, cannot pass one that waits for ever, and still come
-- first as a rule. How long a group waits at most is told in the README and held by tests/test_bound.py.
local function advance_floor(gained)
  local ring, noisy = P .. 'ring:' .. pri, P .. 'noisy:' .. pri
  local floor = floor_of(pri) + gained / (NEWCOMERS * (1 + call('ZCARD', ring) + call('ZCARD', noisy)))
  local _, first = head('ring:')
  local _, second = head('noisy:')
  local lowest = first and second and math.min(first, second) or first or second
  if lowest then floor = math.max(floor, lowest) end
  call('HSET', P .. 'state', 'floor:' .. pri, floor)
  call('ZREMRANGEBYSCORE', P .. 'idle:' .. pri, '-inf', floor)
end

local function note(group, tag, dedup, waited, ahead, claims, seen)
  if waited < SLOW_MS then return end
  local others = math.max(0, claims - tonumber(seen) - tonumber(ahead))
  call('LPUSH', P .. 'recent', table.concat({tag, string.format('%.0f', now), string.format('%.0f', waited), ahead,
    string.format('%.0f', others), pri, group, dedup}, '\n'))
  call('LTRIM', P .. 'recent', 0, 999)
end

local claims_here = 0

local function take(group, ring, cap, weight)
  local list = P .. 'm:' .. pri .. ':' .. group
  local element = call('RPOP', list)
  if not element then
    leave(pri, group)
    return nil
  end
  local tag, enqueued, deliveries, ahead, seen, dedup, route, payload = unpack_element(element)
  local expected = call('HMGET', P .. 'est', group, '')
  local charge = math.max(MIN_CHARGE, tonumber(expected[1] or expected[2] or 0))
  local time = call('ZINCRBY', P .. ring .. pri, charge / weight, group)
  call('HINCRBY', P .. 'state', 'due:' .. pri, -1)
  if call('LLEN', list) == 0 then
    call('ZREM', P .. ring .. pri, group)
    if not anonymous(group) then call('ZADD', P .. 'idle:' .. pri, time, group) end
  end
  if call('HINCRBY', P .. 'waiting', group, -1) <= 0 then call('HDEL', P .. 'waiting', group) end
  call('HINCRBY', P .. 'state', 'waiting', -1)
  local claims = call('HINCRBY', P .. 'state', 'claims', 1)
  note(group, tag, dedup, now - tonumber(enqueued), ahead, claims - 1, seen)
  if no_ack then
    if dedup ~= '' then call('SREM', P .. 'dedup', dedup) end
  else
    call('HSET', FLIGHTS, tag, table.concat({queue, pri, string.format('%.3f', now), charge, group, element}, '\n'))
    call('HSET', UNACKED, tag, '[' .. payload .. ',' .. string.sub(route, 2))
    call('ZADD', UNACKED_INDEX, now / 1000 + claims_here / 1e6, tag)
    claims_here = claims_here + 1
    call('ZADD', P .. 'flight', now, tag)
    call('ZADD', P .. 'flight:' .. group, now, tag)
  end
  if cap then
    call('HINCRBY', P .. 'tok', pri .. ':' .. group, -1)
    sync(group, cap, weight)
  end
  advance_floor(charge / weight)
  return {payload, math.ceil(tonumber(deliveries)), string.format('%.0f', now - tonumber(enqueued))}
end

despite_full_memory()
promote(100)
local taken = {}
local total = tonumber(call('HGET', P .. 'config', 'total') or nil)
local tries = 0
while #taken < most and tries < most + 16 do
  tries = tries + 1
  if #taken > 0 or without then
    local item = call('RPOP', token_list(pri))
    if not item then break end
    if item ~= 't' then adopt(item) end
  end
  if total and call('ZCARD', P .. 'flight') >= total then
    -- Nobody need look again before one is done: the tokens wait, too.
    balance(total)
    break
  end
  local message
  for _ = 1, 16 do
    local group, ring = pick()
    if not group then break end
    local cap, weight = limits(group)
    if cap then mark_limited(group) end
    if cap and cap <= call('ZCARD', P .. 'flight:' .. group) then
      sync(group, cap, weight)
    else
      message = take(group, ring, cap, weight)
      if message then break end
    end
  end
  if not message then
    -- A token too many is gone, and that is right; one that others still need is given back.
    local due = tonumber(call('HGET', P .. 'state', 'due:' .. pri) or 0)
    if due > call('LLEN', token_list(pri)) and pick() then call('LPUSH', token_list(pri), 't') end
    break
  end
  taken[#taken + 1] = message
end
return taken
