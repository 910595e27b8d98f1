-- Done with messages. FIRST…: tags. Answers how many of them were still in flight.
local landed = 0
for i = FIRST, #ARGV do
  local flight = land(ARGV[i])
  if flight then
    landed = landed + 1
    local _, _, _, _, _, dedup = unpack_element(flight.element)
    if dedup ~= '' then call('SREM', P .. 'dedup', dedup) end
    local cap, weight = limits(flight.group)
    settle(flight, weight)
    if cap then
      mark_limited(flight.group)
      sync(flight.group, cap, weight)
    end
    release_held()
  end
end
return landed
