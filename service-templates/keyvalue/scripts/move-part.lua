-- Moves some keys of a part of the key space from the node in which this runs to another one. What that has of them already counts for
-- nothing: the keys are here because it never said that it has them. Gives how many there were.
local part, host, user, password = unpack(ARGV)
local keys = redis.call('CLUSTER', 'GETKEYSINSLOT', part, 100)
if #keys > 0 then
    redis.call('MIGRATE', host, 6379, '', 0, 5000, 'REPLACE', 'AUTH2', user, password, 'KEYS', unpack(keys))
end
return #keys
