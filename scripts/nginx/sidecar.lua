-- Sidecar for nginx with the Lua module: asks about requests with their bodies, and about responses where the whole of one can be collected.
--
-- It speaks the decision API in frames over a plain socket (sidecar run --listen frames=PATH): the length of the head as four bytes, the head
-- in JSON, the length of the body, the body; the answer likewise. Connections are kept and used again.
--
--   setup(options)   once, in init_by_lua_block
--   request()        access_by_lua_block: the request waits, passes changed, or is answered here
--   headers()        header_filter_by_lua_block: what agents want done to the response's headers
--   response(path)   content_by_lua_block: fetches the response from that location, asks, then sends it

local cjson = require "cjson.safe"

local M = {}

local options = {
    socket = "/run/sidecar/frames.sock",
    connect_ms = 100,     -- the sidecar is on this machine
    answer_ms = 500,      -- for each answer; the sidecar gives one within four fifths of it
    part = 256 * 1024,    -- bytes of a large body shown at once; less than the listener takes in one frame
    pool = 64,            -- idle connections kept per worker
    idle_ms = 60000,
    only_agents = { "X-User" },  -- request headers that only agents set; a client's own never pass
    fail_open = false,    -- true: what the sidecar cannot be asked about passes, marked and logged
}

function M.setup(given)
    for name, value in pairs(given or {}) do
        if options[name] == nil then error("sidecar: there is no option " .. name) end
        options[name] = value
    end
end

-- Frames ------------------------------------------------------------------------------------------------------------------------------------

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

local function open()
    local socket = ngx.socket.tcp()
    socket:settimeouts(options.connect_ms, options.answer_ms, options.answer_ms)
    local ok, problem = socket:connect("unix:" .. options.socket)
    if not ok then return nil, problem end
    return socket
end

-- One question and its answer. A connection on which anything went wrong is closed: nobody knows what comes next on it.
local function exchange(socket, head, body)
    local text, problem = cjson.encode(head)
    if not text then return nil, problem end
    local ok
    ok, problem = socket:send({ u32(#text), text, u32(#body), body })
    if not ok then return nil, problem end
    text, problem = receive_counted(socket)
    if not text then return nil, problem end
    local answer
    answer, problem = cjson.decode(text)
    if not answer then return nil, problem end
    if answer.error then return nil, tostring(answer.error.message) end
    if answer.body_follows == true then
        answer.body, problem = receive_counted(socket)
        if not answer.body then return nil, problem end
    end
    return answer
end

-- What is asked -----------------------------------------------------------------------------------------------------------------------------

-- Names and values as the client wrote them, in its order. HTTP/2 has no such text; there the order of different names is lost.
local function client_headers()
    local list = {}
    local raw = ngx.req.http_version() < 2 and ngx.req.raw_header(true)
    if raw then
        for line in raw:gmatch("[^\r\n]+") do
            local name, value = line:match("^([^:]+):[ \t]*(.-)[ \t]*$")
            if name then list[#list + 1] = { name, value } end
        end
        return list
    end
    for name, values in pairs(ngx.req.get_headers(0, true)) do
        for _, value in ipairs(type(values) == "table" and values or { values }) do
            list[#list + 1] = { name, tostring(value) }
        end
    end
    return list
end

local function described_request()
    local target = ngx.var.request_uri
    local mark = target:find("?", 1, true)
    return {
        method = ngx.req.get_method(),
        scheme = ngx.var.scheme,
        authority = ngx.var.host,
        path = mark and target:sub(1, mark - 1) or target,
        query = mark and target:sub(mark + 1) or nil,
        version = ngx.var.server_protocol,
        headers = client_headers(),
    }
end

local function question(phase)
    return {
        v = 1,
        phase = phase,
        tx = ngx.var.request_id,
        deadline_ms = options.answer_ms,
        client = {
            ip = ngx.var.remote_addr,
            port = tonumber(ngx.var.remote_port),
            tls = ngx.var.ssl_protocol and { version = ngx.var.ssl_protocol, cipher = ngx.var.ssl_cipher, sni = ngx.var.ssl_server_name } or nil,
        },
    }
end

-- The body as something that gives its next bytes: it is in memory or, when it outgrew client_body_buffer_size, in a file, which is read in
-- parts so that memory stays bounded. Reading a file keeps the worker; it lies in the page cache.
local function body_source()
    local name = ngx.req.get_body_file()
    if not name then
        local data = ngx.req.get_body_data() or ""
        local at = 1
        return #data, function()
            local piece = data:sub(at, at + options.part - 1)
            at = at + #piece
            return piece
        end, function() end
    end
    local file, problem = io.open(name, "rb")
    if not file then return nil, nil, nil, problem end
    return file:seek("end"), (function()
        file:seek("set", 0)
        return function() return file:read(options.part) or "" end
    end)(), function() file:close() end
end

local function has_body()
    local headers = ngx.req.get_headers(0)
    return headers["transfer-encoding"] ~= nil or (tonumber(headers["content-length"]) or 0) > 0
end

local function append(to, from)
    for _, item in ipairs(from or {}) do to[#to + 1] = item end
    return to
end

-- What the agents said about an earlier part stays said.
local function joined(earlier, answer)
    if not earlier then return answer end
    answer.request_headers = append(earlier.request_headers, answer.request_headers)
    answer.response_headers = append(earlier.response_headers, answer.response_headers)
    if earlier.fallback == "open" and answer.fallback ~= "closed" then
        answer.fallback, answer.cause = earlier.fallback, earlier.cause
    end
    return answer
end

local function ask_in_parts(socket)
    ngx.req.read_body()
    local size, next_piece, close, problem = body_source()
    if not size then return nil, problem end
    local head = question("request")
    head.request = described_request()
    local part, sent, answer, earlier = 0, 0, nil, nil
    repeat
        local piece = next_piece()
        sent = sent + #piece
        local final = sent >= size
        if not final and #piece == 0 then
            answer, problem = nil, "the body's file is shorter than it was"
            break
        end
        -- nginx has the whole body until the last answer, so nothing need be told before.
        head.request.body = { size = size, truncated = false, part = part, final = final, kept = true }
        answer, problem = exchange(socket, head, piece)
        if answer then
            answer = joined(earlier, answer)
            earlier = answer
        end
        head = { v = 1, phase = "request", tx = head.tx, deadline_ms = options.answer_ms, request = {} }
        part = part + 1
    until final or not answer or answer.action ~= "continue"
    close()
    return answer, problem
end

local function ask_about_request(socket)
    if has_body() then return ask_in_parts(socket) end
    local head = question("request_headers")
    head.request = described_request()
    return exchange(socket, head, "")
end

-- What becomes of it ------------------------------------------------------------------------------------------------------------------------

local function values_of(map, name)
    local values = map[name]
    return type(values) == "table" and values or (values ~= nil and { values } or {})
end

local function change_request_headers(operations)
    for _, operation in ipairs(operations) do
        if operation.op == "remove" then
            ngx.req.clear_header(operation.name)
        elseif operation.op == "set" then
            ngx.req.set_header(operation.name, operation.value)
        else
            local all = values_of(ngx.req.get_headers(0), operation.name)
            all[#all + 1] = operation.value
            ngx.req.set_header(operation.name, all)
        end
    end
end

local function change_response_headers(operations)
    for _, operation in ipairs(operations or {}) do
        if operation.op == "remove" then
            ngx.header[operation.name] = nil
        elseif operation.op == "set" then
            ngx.header[operation.name] = operation.value
        else
            local all = values_of(ngx.header, operation.name)
            all[#all + 1] = operation.value
            ngx.header[operation.name] = all
        end
    end
end

local function note(answer)
    ngx.var.sidecar_id = answer.id or ""
    ngx.var.sidecar_action = answer.action or ""
    ngx.var.sidecar_audit = answer.audit_line or ""
    ngx.var.sidecar_bypassed = answer.fallback == "open" and answer.cause or ""
end

-- Ends the request with what the sidecar rendered.
local function send_reply(answer)
    local reply = answer.reply
    ngx.ctx.sidecar_edits = nil
    ngx.status = reply.status
    for _, pair in ipairs(reply.headers) do
        local all = values_of(ngx.header, pair[1])
        if pair[1]:lower() == "content-type" then all = {} end
        all[#all + 1] = pair[2]
        ngx.header[pair[1]] = #all == 1 and all[1] or all
    end
    ngx.header["Content-Length"] = #reply.body
    ngx.print(reply.body)
    return ngx.exit(ngx.HTTP_OK)
end

-- Nobody inspected it.
local function fail(what, problem)
    ngx.log(ngx.ERR, "sidecar: ", what, " could not be inspected: ", problem)
    if options.fail_open then
        ngx.var.sidecar_bypassed = "sidecar-unavailable"
        return
    end
    ngx.status = ngx.HTTP_SERVICE_UNAVAILABLE
    ngx.header["Content-Type"] = "text/plain"
    ngx.header["Content-Length"] = nil
    ngx.print("inspection unavailable\n")
    return ngx.exit(ngx.HTTP_OK)
end

-- Asks on a connection of its own for the time of the question; it goes back to the pool only after a complete answer.
local function ask(how)
    local socket, problem = open()
    if not socket then return nil, problem end
    local answer
    answer, problem = how(socket)
    if not answer then
        socket:close()
        return nil, problem
    end
    socket:setkeepalive(options.idle_ms, options.pool)
    return answer
end

-- A client's own values of these would be taken for ours or for an agent's.
local function drop_forged_headers()
    for _, name in ipairs(options.only_agents) do ngx.req.clear_header(name) end
    for name in pairs(ngx.req.get_headers(0)) do
        if name:gsub("_", "-"):find("^x%-sidecar%-") then ngx.req.clear_header(name) end
    end
end

function M.request()
    local answer, problem = ask(ask_about_request)
    drop_forged_headers()
    if not answer then return fail("the request", problem) end
    note(answer)
    if answer.action ~= "allow" then return send_reply(answer) end
    change_request_headers(answer.request_headers)
    ngx.req.set_header("X-Sidecar-Id", answer.id)
    if answer.body then ngx.req.set_body_data(answer.body) end
    ngx.ctx.sidecar_edits = answer.response_headers
end

function M.headers()
    change_response_headers(ngx.ctx.sidecar_edits)
end

local function described_response(response)
    local headers = {}
    for name in pairs(response.header) do
        for _, value in ipairs(values_of(response.header, name)) do headers[#headers + 1] = { name, tostring(value) } end
    end

    -- An empty list would be written as an object.
    return { status = response.status, headers = #headers > 0 and headers or nil }
end

-- A response that has no content is not a truncated one, although its length may be announced.
local function has_content(response)
    return ngx.req.get_method() ~= "HEAD" and response.status ~= 204 and response.status ~= 304
end

-- The response is collected in memory, asked about whole, then sent: no streams, no upgrades, nothing larger than memory allows.
function M.response(path)
    ngx.req.read_body()
    local method = ngx["HTTP_" .. ngx.req.get_method()]
    if not method then return ngx.exit(ngx.HTTP_METHOD_NOT_IMPLEMENTED) end
    local response = ngx.location.capture(path, { method = method, always_forward_body = true, share_all_vars = true })
    local edits = ngx.ctx.sidecar_edits
    local answer, problem = ask(function(socket)
        local whole = has_content(response)
        local head = question(whole and "response" or "response_headers")
        head.response = described_response(response)
        head.response.body = whole and { truncated = response.truncated == true } or nil
        return exchange(socket, head, whole and response.body or "")
    end)
    if not answer then
        if fail("the response", problem) or not options.fail_open then return end
        answer = { action = "allow" }
    else
        note(answer)
        if answer.action ~= "allow" then return send_reply(answer) end
    end
    ngx.status = response.status
    for name, value in pairs(response.header) do ngx.header[name] = value end
    change_response_headers(answer.response_headers)
    ngx.ctx.sidecar_edits = edits
    if answer.body then ngx.header["Content-Length"] = #answer.body end
    ngx.print(answer.body or response.body)
end

return M
