-- Moves some keys from the Redis in which this runs to the store, one by one, to whichever node says that a key is its own.
-- Gives the cursor for the next ones (0: that was all) and how many there were.
local cursor, db, first_host, first_port, user, password = unpack(ARGV)
redis.call('SELECT', db)
local found = redis.call('SCAN', cursor, 'COUNT', 500)
for _, key in ipairs(found[2]) do
    local host, port = first_host, first_port
    while true do
        local answer = redis.pcall('MIGRATE', host, port, key, db, 5000, 'REPLACE', 'AUTH2', user, password)
        if not answer.err then
            break
        end
        local other_host, other_port = answer.err:match('MOVED %d+ ([^%s:]+):(%d+)')
        if not other_host or other_host == host then
            return answer
        end
        host, port = other_host, other_port
    end
end
return { found[1], #found[2] }
