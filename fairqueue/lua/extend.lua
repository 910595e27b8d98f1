-- Heartbeat: these messages are still worked on. FIRST…: tags. Answers how many of them are in flight.
local kept = 0
for i = FIRST, #ARGV do
  if call('ZSCORE', UNACKED_INDEX, ARGV[i]) then
    call('ZADD', UNACKED_INDEX, 'XX', now / 1000, ARGV[i])
    kept = kept + 1
  end
end
return kept
