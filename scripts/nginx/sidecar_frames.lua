-- Sidecar for nginx with the Lua module, part of sidecar.lua: one question and its answer over a plain socket, in frames. A frame is the length of
-- its head as four bytes, the head in JSON, the length of the body, the body. Connections are kept and used again.

local cjson = require "cjson.safe"

local M = {}

local function u32(number)
    return string.char(math.floor(number / 16777216) % 256, math.floor(number / 65536) % 256, math.floor(number / 256) % 256, number % 256)
end

local function receive_counted(socket)
    local bytes, problem = socket:receive(4)
    if not bytes then return nil, problem end
    local a, b, c, d = bytes:byte(1, 4)
    local length = ((a * 256 + b) * 256 + c) * 256 + d
    if length == 0 then return "" end
    return socket:receive(length)
end

local function open(options)
    local socket = ngx.socket.tcp()
    socket:settimeouts(options.connect_ms, options.answer_ms, options.answer_ms)
    local ok, problem = socket:connect("unix:" .. options.socket)
    if not ok then return nil, problem end
    return socket
end

-- What the sidecar takes. It would close the connection under a longer one, which must not look as if it were not there: a client can cause it.
local MAX_HEAD = 1024 * 1024

-- One question and its answer. A connection on which anything went wrong is closed: nobody knows what comes next on it.
function M.exchange(socket, head, body)
    local text, problem = cjson.encode(head)
    if not text then return nil, problem end
    if #text > MAX_HEAD then
        return { error = { message = "the request's headers make a question of " .. #text .. " bytes; " .. MAX_HEAD .. " are taken at most" } }
    end
    local ok
    ok, problem = socket:send({ u32(#text), text, u32(#body), body })
    if not ok then return nil, problem end
    text, problem = receive_counted(socket)
    if not text then return nil, problem end
    local answer
    answer, problem = cjson.decode(text)
    if not answer then return nil, problem end
    if answer.body_follows == true then
        answer.body, problem = receive_counted(socket)
        if not answer.body then return nil, problem end
    end
    return answer
end

local GONE = { ["closed"] = true, ["broken pipe"] = true, ["connection reset by peer"] = true }

-- Asks on a connection of its own for the time of the question; it goes back to the pool only after a complete answer.
function M.ask(options, how, ...)
    while true do
        local socket, problem = open(options)
        if not socket then return nil, problem end
        local is_used = socket:getreusedtimes() > 0
        local answer
        answer, problem = how(socket, ...)
        if answer and not answer.error then
            socket:setkeepalive(options.idle_ms, options.pool)
            return answer
        end
        socket:close()

        -- A sidecar that was restarted leaves used connections behind that are good for nothing; a new one tells how things stand.
        if answer or not is_used or not GONE[problem] then return answer, problem end
    end
end

return M
