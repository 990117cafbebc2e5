-- Sidecar for nginx with the Lua module: asks about requests with their bodies, and about responses where the whole of one can be collected.
--
-- It speaks the decision API in frames over a plain socket (sidecar run --listen frames=PATH), by sidecar_frames.lua.
--
--   setup(options)   once, in init_by_lua_block
--   request()        access_by_lua_block: the request waits, passes changed, or is answered here; request({ response_follows = true }) where
--                    response() asks too
--   headers()        header_filter_by_lua_block: what agents want done to the response's headers
--   response(path)   content_by_lua_block: fetches the response from that location, asks, then sends it

local frames = require "sidecar_frames"

local M = {}

local options = {
    socket = "/run/sidecar/frames.sock",
    connect_ms = 100,     -- the sidecar is on this machine
    answer_ms = 500,      -- for each answer; the sidecar gives one within four fifths of it
    part = 256 * 1024,    -- bytes of a large body shown at once; at most 1 MiB, what the listener takes in any case
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

-- What is asked -----------------------------------------------------------------------------------------------------------------------------

-- Values as nginx understood them, because that is what the upstream gets. (ngx.req.raw_header has the order of different names too, but behind a
-- line without a colon it mixes up colons and line ends, which would hide headers from the agents.)
local function client_headers()
    local list = {}
    for name, values in pairs(ngx.req.get_headers(0)) do
        for _, value in ipairs(type(values) == "table" and values or { values }) do
            list[#list + 1] = { name, tostring(value) }
        end
    end

    -- An empty list would be written as an object.
    return #list > 0 and list or nil
end

local function described_request()
    return {
        method = ngx.req.get_method(),
        scheme = ngx.var.scheme,
        authority = ngx.var.host,
        path = ngx.var.request_uri,  -- with the query, byte for byte
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

-- A body is something that gives its next bytes. One in memory:
local function bytes_of(data)
    local at = 1
    return {
        size = #data,
        next = function()
            local piece = data:sub(at, at + options.part - 1)
            at = at + #piece
            return piece
        end,
        close = function() end,
    }
end

-- The request's; nil without one, which is told by what was read, not by headers: HTTP/2 needs none to announce a body. When it outgrew
-- client_body_buffer_size it is in a file, which is read in parts so that memory stays bounded. That keeps the worker; it lies in the page cache.
local function request_body()
    local name = ngx.req.get_body_file()
    if not name then
        local data = ngx.req.get_body_data()
        return data and bytes_of(data)
    end
    local file = assert(io.open(name, "rb"))
    local size = file:seek("end")
    file:seek("set", 0)
    return { size = size, next = function() return file:read(options.part) or "" end, close = function() file:close() end }
end

local function append(to, from)
    for _, item in ipairs(from or {}) do to[#to + 1] = item end
    return to
end

-- What the agents said about an earlier part stays said.
local function joined(earlier, answer)
    if not earlier or answer.error then return answer end
    answer.request_headers = append(earlier.request_headers, answer.request_headers)
    answer.response_headers = append(earlier.response_headers, answer.response_headers)
    if earlier.fallback == "open" and answer.fallback ~= "closed" then
        answer.fallback, answer.cause = earlier.fallback, earlier.cause
    end
    return answer
end

local function ask_in_parts(socket, head, body)
    local side, ends = head.phase, head.ends
    local part, sent, answer, problem, earlier = 0, 0, nil, nil, nil
    repeat
        local piece = body.next()
        sent = sent + #piece
        local final = sent >= body.size
        if not final and #piece == 0 then
            answer, problem = nil, "the body's file is shorter than it was"
            break
        end
        -- nginx has the whole body until the last answer, so nothing need be told before.
        head[side].body = { truncated = final and body.is_cut == true, part = part, final = final, kept = true, size = not body.is_cut and body.size or nil }
        head.ends = ends and final
        answer, problem = frames.exchange(socket, head, piece)
        if answer then
            answer = joined(earlier, answer)
            earlier = answer
        end
        head = { v = 1, phase = side, tx = head.tx, deadline_ms = options.answer_ms, [side] = {} }
        part = part + 1
    until final or not answer or answer.action ~= "continue"
    return answer, problem
end

local function ask_about_request(socket, response_follows)
    local body = request_body()
    local head = question(body and "request" or "request_headers")
    head.ends = not response_follows
    head.request = described_request()
    if not body then return frames.exchange(socket, head, "") end
    local answer, problem = ask_in_parts(socket, head, body)
    body.close()
    return answer, problem
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
    if answer.fallback == "open" then ngx.var.sidecar_bypassed = answer.cause end
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
    ngx.header["X-Sidecar-Id"] = answer.id
    ngx.header["Content-Length"] = #reply.body
    ngx.print(reply.body)
    return ngx.exit(ngx.HTTP_OK)
end

-- Nobody inspected it. Only a sidecar that does not answer opens; one that answers, even with an error, has the last word.
local function fail(what, problem, answer)
    ngx.log(ngx.ERR, "sidecar: ", what, " could not be inspected: ", answer and tostring(answer.error.message) or problem)
    if options.fail_open and not answer then
        ngx.var.sidecar_bypassed = "sidecar-unavailable"
        return
    end
    ngx.ctx.sidecar_edits = nil
    ngx.status = ngx.HTTP_SERVICE_UNAVAILABLE
    ngx.header["Content-Type"] = "text/plain"
    ngx.header["Content-Length"] = nil
    ngx.print("inspection unavailable\n")
    return ngx.exit(ngx.HTTP_OK)
end

local function plain(name)
    return (name:lower():gsub("_", "-"))
end

-- A client's own values of these would be taken for ours or for an agent's; to many upstreams "_" and "-" are one.
local function drop_forged_headers()
    local forged = {}
    for _, name in ipairs(options.only_agents) do forged[plain(name)] = true end
    for name in pairs(ngx.req.get_headers(0)) do
        if forged[plain(name)] or plain(name):find("^x%-sidecar%-") then ngx.req.clear_header(name) end
    end
end

function M.request(given)
    -- Before a connection is taken: a slow client must not hold one.
    ngx.req.read_body()
    local answer, problem = frames.ask(options, ask_about_request, given and given.response_follows)
    drop_forged_headers()
    if not answer or answer.error then return fail("the request", problem, answer) end
    note(answer)
    if answer.action ~= "allow" then return send_reply(answer) end
    change_request_headers(answer.request_headers)
    ngx.req.set_header("X-Sidecar-Id", answer.id)
    if answer.body then ngx.req.set_body_data(answer.body) end
    ngx.ctx.sidecar_edits = answer.response_headers
    ngx.ctx.sidecar_wants_response = answer.want.response_headers or answer.want.response_body ~= "none"
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

local function ask_about_response(socket, response)
    local whole = has_content(response)
    local head = question(whole and "response" or "response_headers")
    head.ends = true
    head.response = described_response(response)
    if not whole then return frames.exchange(socket, head, "") end
    local body = bytes_of(response.body)
    body.is_cut = response.truncated
    return ask_in_parts(socket, head, body)
end

-- The response is collected in memory, asked about whole, then sent: no streams, no upgrades, nothing larger than memory allows.
function M.response(path)
    local method = ngx["HTTP_" .. ngx.req.get_method()]
    if not method then return ngx.exit(ngx.HTTP_METHOD_NOT_IMPLEMENTED) end
    local response = ngx.location.capture(path, { method = method, always_forward_body = true, share_all_vars = true })
    local answer, problem = { action = "allow", response_headers = {} }, nil
    if ngx.ctx.sidecar_wants_response then
        answer, problem = frames.ask(options, ask_about_response, response)
        if not answer or answer.error then
            fail("the response", problem, answer)
            answer = { action = "allow", response_headers = {} }
        else
            note(answer)
            if answer.action ~= "allow" then return send_reply(answer) end
        end
    end
    ngx.status = response.status
    for name, value in pairs(response.header) do ngx.header[name] = value end
    change_response_headers(answer.response_headers)
    if answer.body then ngx.header["Content-Length"] = #answer.body end
    ngx.print(answer.body or response.body)
end

return M
