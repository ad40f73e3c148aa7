-- Notes one request in the log of KEYS[1] when fewer than ARGV[1] were noted within a second.
-- Answers whether it was, how many there were before it, and the microseconds until the first of
-- them leaves the window.
--
-- The time is this server's: the processes' clocks differ by more than requests are apart.
local log, limit, window = KEYS[1], tonumber(ARGV[1]), 1000000
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]

-- A clock that stepped back would otherwise keep the key shut until it caught up.
local last = redis.call('LINDEX', log, -1)
if last and tonumber(last) > now then
  redis.call('DEL', log)
end
local first = redis.call('LINDEX', log, 0)
while first and now - tonumber(first) >= window do
  redis.call('LPOP', log)
  first = redis.call('LINDEX', log, 0)
end

local used, allowed = redis.call('LLEN', log), 0
if used < limit then
  allowed = 1
  -- Lua would write a number of this size with an exponent, and lose its last digits.
  redis.call('RPUSH', log, string.format('%.0f', now))
  -- A little more than the window: keys expire by a clock that is only roughly this one.
  redis.call('PEXPIRE', log, 1100)
  first = first or now
end
local reset = window
if first then
  reset = tonumber(first) + window - now
end
return { allowed, used, reset }
