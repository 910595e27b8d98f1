-- Done with messages. FIRST…: tags. Answers how many of them were still in flight.
local landed = 0
for i = FIRST, #ARGV do
  local flight = land(ARGV[i])
  if flight then
    landed = landed + 1
    local _, _, _, _, _, dedup = unpack_element(flight.element)
    if dedup ~= '' then call('SREM', P .. 'dedup', dedup) end
    local cap, weight, total = limits(flight.group)
    settle(flight, weight)
    make_room(flight.group, cap, weight, total)
  end
end
return landed
