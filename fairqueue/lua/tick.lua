-- Look after queues: messages whose time has come become claimable. FIRST: 1 to repair as well, then the queues. A repair makes
-- the number of tokens right again: a consumer that died between its BRPOP and its claim took one along. Answers how many
-- messages became claimable.
local repair = ARGV[FIRST] == '1'
local promoted = 0
despite_full_memory()
for i = FIRST + 1, #ARGV do
  enter_queue(ARGV[i])
  promoted = promoted + promote(1000)
  if repair then balance(tonumber(call('HGET', P .. 'config', 'total') or nil)) end
end
return promoted
