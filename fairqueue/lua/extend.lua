-- Heartbeat: these messages are still worked on. FIRST…: tags, in the order in which they were taken. Answers how many of them
-- are in flight.
despite_full_memory()
local kept = 0
for i = FIRST, #ARGV do
  if call('ZSCORE', UNACKED_INDEX, ARGV[i]) then
    call('ZADD', UNACKED_INDEX, 'XX', now / 1000 + (i - FIRST) / 1e6, ARGV[i])
    kept = kept + 1
  end
end
return kept
