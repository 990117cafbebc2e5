-- Sidecar for HAProxy: applies what the variables of an answer say, any number of headers and any status.
-- Runs on HAProxy 2.4 and newer (Lua 5.3 and 5.4). HAProxy 3.4 can do the header lists without Lua: see haproxy.cfg.
--
-- A list is a run of fields, each a length and its bytes: names only (del), or name and value in turn (set, add, hdrs). An empty name ends it.
-- The sidecar has checked names and values: no line breaks, no framing or hop-by-hop headers.

local PREFIX = "txn.sc."

-- One integer of SPOP at a position: a byte below 240 is the value, otherwise further bytes add to it from bit 4 on.
local function integer(bytes, at)
  local value = bytes:byte(at)
  at = at + 1
  if value < 240 then return value, at end
  local shift = 4
  repeat
    local more = bytes:byte(at)
    at = at + 1
    value = value + (more << shift)
    shift = shift + 7
  until more < 128
  return value, at
end

local function text(bytes, at)
  local length
  length, at = integer(bytes, at)
  return bytes:sub(at, at + length - 1), at + length
end

local function each_name(list, visit)
  local at, name = 1, nil
  while list and at <= #list do
    name, at = text(list, at)
    if name == "" then return end
    visit(name)
  end
end

local function each_field(list, visit)
  local at, name, value = 1, nil, nil
  while list and at <= #list do
    name, at = text(list, at)
    if name == "" then return end
    value, at = text(list, at)
    visit(name, value)
  end
end

local function get(txn, name)
  return txn:get_var(PREFIX .. name)
end

-- The request as the agents want it.
core.register_action("sidecar_request", { "http-req" }, function(txn)
  each_name(get(txn, "rq_del"), function(name) txn.http:req_del_header(name) end)
  each_field(get(txn, "rq_set"), function(name, value) txn.http:req_set_header(name, value) end)
  each_field(get(txn, "rq_add"), function(name, value) txn.http:req_add_header(name, value) end)
end)

-- The response as the agents want it.
core.register_action("sidecar_response", { "http-res" }, function(txn)
  each_name(get(txn, "rs_del"), function(name) txn.http:res_del_header(name) end)
  each_field(get(txn, "rs_set"), function(name, value) txn.http:res_set_header(name, value) end)
  each_field(get(txn, "rs_add"), function(name, value) txn.http:res_add_header(name, value) end)
end)

-- What the client gets instead: a block, a redirect, a challenge, or "cannot be inspected".
core.register_action("sidecar_reply", { "http-req", "http-res" }, function(txn)
  local reply = txn:reply({ status = get(txn, "status") or 503 })
  local singles = { ctype = "content-type", loc = "location", chal = "www-authenticate" }
  for variable, header in pairs(singles) do
    local value = get(txn, variable)
    if value then reply:add_header(header, value) end
  end
  each_field(get(txn, "hdrs"), function(name, value) reply:add_header(name, value) end)
  reply:set_body(get(txn, "body") or "")
  txn:done(reply)
end)
