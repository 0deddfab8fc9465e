-- Sends whole requests of one length from a file and counts the answers. Arguments: the file, the length of a request.
local ffi = require("ffi")
ffi.cdef("int getpid(void); int kill(int pid, int number);")
local SIGINT = 2

local file, size
local sender

created, others, sample, exhausted = 0, 0, "", 0

function setup(thread)
    sender = thread
end

function init(args)
    file = assert(io.open(args[1], "rb"))
    size = tonumber(args[2])
end

function request()
    local whole = file:read(size)
    if not whole then
        if exhausted == 0 then
            exhausted = 1
            wrk.thread:stop()
            ffi.C.kill(ffi.C.getpid(), SIGINT) -- or wrk would sit out its time, and its rates would be too low
        end
        return "GET /livez HTTP/1.1\r\nHost: hub\r\n\r\n"
    end
    return whole
end

function response(status, headers, body)
    if status == 201 then
        created = created + 1
    else
        others = others + 1
        if sample == "" then
            sample = status .. " " .. string.sub(string.gsub(body, "%s+", " "), 1, 400)
        end
    end
end

function done(summary, latency, requests)
    local errors = summary.errors
    print("created", sender:get("created"))
    print("others", sender:get("others"))
    print("exhausted", sender:get("exhausted"))
    print("duration_us", summary.duration)
    print("p50_us", latency:percentile(50))
    print("p99_us", latency:percentile(99))
    print("broken", errors.connect + errors.read + errors.write + errors.timeout)
    print("sample", sender:get("sample"))
end
