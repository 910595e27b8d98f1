-- Send dead letters again, the oldest first, with their count of deliveries at nothing. FIRST: how many at most, group ('' for
-- any). Answers how many.
local most, only = tonumber(ARGV[FIRST]), ARGV[FIRST + 1]
local sent = 0
despite_full_memory()
local letters = call('LRANGE', P .. 'dead', only == '' and -most or 0, -1)
for i = #letters, 1, -1 do
  if sent >= most then break end
  local _, _, pri, group, element = string.match(letters[i], '^([^\n]*)\n([^\n]*)\n([^\n]*)\n([^\n]*)\n(.*)$')
  if only == '' or group == only then
    call('LREM', P .. 'dead', -1, letters[i])
    local tag, _, _, _, _, dedup, route, payload = unpack_element(element)
    local known = dedup ~= '' and call('SADD', P .. 'dedup', dedup) == 0
    if not known then add_new(pri, group, tag, dedup, route, payload, 0) end
    sent = sent + 1
  end
end
return sent
