-- wrk: GETs of the paths in $PATHS, picked at random, with the token in $TOKEN; one JSON line at the end.
local paths = {}
init = function()
  math.randomseed(os.time())
  wrk.headers["Authorization"] = "Bearer " .. os.getenv("TOKEN")
  for line in io.lines(os.getenv("PATHS")) do paths[#paths + 1] = wrk.format("GET", line) end
end
request = function() return paths[math.random(#paths)] end
done = function(summary, latency)
  io.write(string.format("JSON {\"rps\":%.0f,\"p50_us\":%d,\"p99_us\":%d,\"non2xx\":%d,\"errors\":%d,\"bytes\":%d,\"requests\":%d}\n",
    summary.requests / summary.duration * 1e6, latency:percentile(50), latency:percentile(99), summary.errors.status,
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout, summary.bytes, summary.requests))
end
