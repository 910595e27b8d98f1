-- Look after queues while nothing comes in: messages whose time has come become claimable. FIRST: 1 to repair as well, then the
-- queues. A repair makes the number of tokens right again (a consumer that died between its BRPOP and its claim took one along)
-- and forgets groups that used nothing for long. Answers how many messages became claimable.
local repair = ARGV[FIRST] == '1'
local promoted = 0
for i = FIRST + 1, #ARGV do
  enter_queue(ARGV[i])
  promoted = promoted + promote(1000)
  if repair then
    for _, pri in ipairs(STEPS) do
      local counts = call('HMGET', P .. 'state', 'due:' .. pri, 'held:' .. pri)
      local due, held = tonumber(counts[1] or 0), tonumber(counts[2] or 0)
      local there, list = call('LLEN', token_list(pri)), token_list(pri)
      local missing = math.min(due - held - there, 100000)
      if missing < 0 then call('LTRIM', list, 0, missing - 1) end
      while missing > 0 do
        local some = {}
        for n = 1, math.min(missing, 1000) do some[n] = 't' end
        call('LPUSH', list, unpack(some))
        missing = missing - #some
      end
    end
    local forgotten = call('ZRANGE', P .. 'usage', '-inf', now / 1000 / WINDOW - 10, 'BYSCORE', 'LIMIT', 0, 1000)
    for _, group in ipairs(forgotten) do
      call('ZREM', P .. 'usage', group)
      call('HDEL', P .. 'est', group)
    end
  end
end
return promoted
