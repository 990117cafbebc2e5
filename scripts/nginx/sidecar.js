// Sidecar for nginx with njs: asks about requests with their bodies as far as nginx keeps them in memory, and about responses where the whole
// of one can be collected. It speaks the decision API in JSON through a location of nginx (sidecar run --listen http=PATH,proxy=json), because
// njs cannot open Unix sockets itself. Run with njs 0.7.9, 0.8.9 and 1.0.2.
//
// What njs cannot do: change a request's body, change request headers other than those that the configuration names, read a body that nginx
// has put into a file. The first is refused, the last is told as truncated, so that the agents' on-excess= decides.

const ANSWER_MS = 500;

// What the sidecar takes. It would close the connection under a longer one, which must not look as if it were not there: a client can cause it.
const MAX_HEAD = 1024 * 1024;

// Nor does it take more of a body than this, or than max-body= of the agent that is shown most: set it to that. What is beyond is told as truncated.
const MAX_BODY = 1024 * 1024;

// What is done with what nobody inspected and yet may pass.
const UNSEEN = {
    action: 'allow', request_headers: [], response_headers: [], request_body: null, response_body: null,
    want: { response_headers: false, response_body: 'none' },
};

// Where the original request goes on, and where it is asked about; see nginx-njs.conf.
const ORIGIN = '@sidecar_origin';
const COLLECTED = '/_sidecar/origin';
const DECIDE = '/_sidecar/decide';

// What agents want of request headers goes through variables. One line here, one js_var and one proxy_set_header for each.
const CARRIED = { 'x-user': 'sidecar_x_user', 'x-client-secret': 'sidecar_x_client_secret' };

// Names of the sidecar's own that sidecar-njs-origin.conf sets towards the origin, whatever a client sends. It cannot take away others, so a
// request that has one is refused.
const REPLACED = ['x-sidecar-id', 'x-sidecar-bypassed', 'x-sidecar-action', 'x-sidecar-audit', 'x-sidecar-cause', 'x-sidecar-reply'];

// An empty buffer has no text in njs 0.7.9, it throws.
function shown(bytes) {
    const beginning = bytes.slice(0, MAX_BODY);
    return {
        data: bytes.length === 0 ? '' : beginning.toString('base64'), encoding: 'base64', size: bytes.length, truncated: bytes.length > MAX_BODY,
    };
}

// What nginx holds of the body, null without one. What has none is told by what nginx has read, not by headers: HTTP/2 needs none to announce one.
// One in a file is not looked at: njs before 1.0 cannot read it, and later ones read the whole of it into memory.
function bodyOf(r) {
    if (r.variables.request_body_file) {
        const announced = r.headersIn['Content-Length'];
        return { data: '', encoding: 'base64', size: announced === undefined ? null : Number(announced), truncated: true };
    }

    const bytes = r.requestBuffer;
    return bytes === undefined || bytes.length === 0 ? null : shown(bytes);
}

// From 0.8 on njs writes U+FFFD for what is no UTF-8, where agents are to see every byte.
const IS_LOSSY = njs.version_number >= 0x000800;

// UTF-8 where it is valid, else a character for each byte, as every listener tells it.
function told(text, bytes) {
    if (Buffer.from(text).equals(bytes)) {
        return text;
    }

    let latin1 = '';
    for (let i = 0; i < bytes.length; i++) {
        latin1 += String.fromCharCode(bytes[i]);
    }

    return latin1;
}

function targetOf(r) {
    const text = r.variables.request_uri;
    return IS_LOSSY ? told(text, r.rawVariables.request_uri) : text;
}

// The bytes of each value of a name. nginx gives them joined, and a value may hold what joins them: in its bytes as often as in its text.
function bytesOf(joined, name, texts) {
    const joint = name === 'cookie' ? '; ' : ', ';
    if (joined.toString() !== texts.join(joint)) {
        throw new Error(`sidecar: the bytes of the header ${name} cannot be told; njs ${njs.version} needs nginx 1.23 or later`);
    }

    let start = 0;
    return texts.map(text => {
        let end = start - joint.length;
        for (let i = text.split(joint).length; i > 0; i--) {
            const next = joined.indexOf(joint, end + joint.length);
            end = next < 0 ? joined.length : next;
        }

        const bytes = joined.slice(start, end);
        start = end + joint.length;
        return bytes;
    });
}

// Fields with the bytes of each value whose text does not tell them, by nginx's variables that begin so.
function exact(r, fields, prefix) {
    if (!IS_LOSSY) {
        return fields;
    }

    const texts = Object.create(null);
    const bytes = Object.create(null);
    fields.forEach(field => {
        const name = field[0].toLowerCase();
        texts[name] = texts[name] || [];
        texts[name].push(field[1]);
        if (field[1].includes('\ufffd')) {
            bytes[name] = null;
        }
    });
    return fields.map(field => {
        const name = field[0].toLowerCase();
        if (bytes[name] === undefined) {
            return field;
        }

        bytes[name] = bytes[name] || bytesOf(r.rawVariables[prefix + name.replace(/-/g, '_')], name, texts[name]);
        return [field[0], field[1], bytes[name].shift()];
    });
}

// As agents are told of them.
function toldOf(field) {
    return [field[0], field[2] === undefined ? field[1] : told(field[1], field[2])];
}

// A response's, line by line. nginx keeps the type and the length of a body beside its list.
function fieldsOut(r) {
    const fields = r.rawHeadersOut;
    const listed = fields.map(field => field[0].toLowerCase());
    for (let name in r.headersOut) {
        if (!listed.includes(name.toLowerCase())) {
            fields.push([name, String(r.headersOut[name])]);
        }
    }

    return exact(r, fields, 'sent_http_');
}

// As nginx takes them.
function valuesOf(fields, name) {
    return fields.filter(field => field[0].toLowerCase() === name.toLowerCase()).map(field => field[2] || field[1]);
}

function putFields(r, fields) {
    fields.forEach(field => {
        const values = valuesOf(fields, field[0]);
        r.headersOut[field[0]] = values.length === 1 ? values[0] : values;
    });
}

function described(r) {
    return {
        method: r.method,
        scheme: r.variables.scheme,
        authority: r.variables.host,
        path: targetOf(r),  // with the query, byte for byte
        version: r.variables.server_protocol,
        headers: exact(r, r.rawHeadersIn, 'http_').map(toldOf).filter(pair => !REPLACED.includes(pair[0].toLowerCase())),
        own_headers: 'refuse',
    };
}

function question(r, phase) {
    const v = r.variables;
    return {
        v: 1,
        phase: phase,
        tx: v.request_id,
        deadline_ms: ANSWER_MS,
        client: {
            ip: v.remote_addr,
            port: Number(v.remote_port),
            tls: v.ssl_protocol ? { version: v.ssl_protocol, cipher: v.ssl_cipher, sni: v.ssl_server_name } : null,
        },
    };
}

async function decided(r, text, body) {
    const head = Buffer.byteLength(text) - (body ? body.data.length : 0);
    return head > MAX_HEAD
        ? { status: 413, responseText: `the headers make a question of ${head} bytes; ${MAX_HEAD} are taken at most` }
        : r.subrequest(DECIDE, { method: 'POST', body: text });
}

// Null when nobody inspected and the client has its answer; an allow of our own where that is let pass. Only a sidecar that cannot be reached
// (nginx says 500, 502 or 504 then) opens; one that answers, even with an error, has the last word.
async function ask(r, asked) {
    const got = await decided(r, JSON.stringify(asked), (asked.request || asked.response).body);
    if (got.status !== 200) {
        r.error(`sidecar: no answer to a question about the ${asked.phase}: status ${got.status} ${got.responseText || ''}`);
        if (r.variables.sidecar_fail_open === '1' && [500, 502, 504].includes(got.status)) {
            r.variables.sidecar_bypassed = 'sidecar-unavailable';
            return UNSEEN;
        }
        r.variables.sidecar_edits = '';
        r.return(503, 'inspection unavailable\n');
        return null;
    }
    const answer = JSON.parse(got.responseText);
    const v = r.variables;
    v.sidecar_id = answer.id;
    v.sidecar_action = answer.action;
    v.sidecar_audit = answer.audit_line;
    v.sidecar_bypassed = answer.fallback === 'open' ? answer.cause : v.sidecar_bypassed;
    return answer;
}

function sendReply(r, answer) {
    const reply = answer.reply;
    r.status = reply.status;
    putFields(r, reply.headers);
    r.variables.sidecar_edits = '';
    r.headersOut['X-Sidecar-Id'] = answer.id;
    r.headersOut['Content-Length'] = Buffer.from(reply.body).length;
    r.sendHeader();
    if (r.method !== 'HEAD') {
        r.send(reply.body);
    }
    r.finish();
}

// Request headers can change only where the configuration has a place for them; anything else an agent wants must not be lost unseen.
function carryRequestHeaders(r, operations) {
    const missed = [];
    operations.forEach(function (operation) {
        const name = operation.name.toLowerCase();
        const variable = CARRIED[name];
        if (variable === undefined || operation.op === 'add') {
            missed.push(`${operation.op} ${name}`);
        } else {
            r.variables[variable] = operation.op === 'remove' ? '' : operation.value;
        }
    });
    return missed;
}

function setCarriedDefaults(r) {
    // Only agents set it; the client's own never passes.
    r.variables.sidecar_x_user = '';
    // The client's own, unless an agent changes it.
    r.variables.sidecar_x_client_secret = r.headersIn['X-Client-Secret'] || '';
}

// The answer when the request may go on, else null. Without an id to join by, its exchange ends with the answer.
async function passing(r, responseFollows) {
    setCarriedDefaults(r);
    const body = bodyOf(r);
    const asked = question(r, body === null ? 'request_headers' : 'request');
    asked.request = described(r);
    if (body !== null) {
        asked.request.body = body;
    }
    if (!responseFollows) {
        delete asked.tx;
    }
    const answer = await ask(r, asked);
    if (answer === null) {
        return null;
    }
    if (answer.action !== 'allow') {
        sendReply(r, answer);
        return null;
    }
    const missed = carryRequestHeaders(r, answer.request_headers);
    if (answer.request_body !== null) {
        missed.push('change the body');
    }
    if (missed.length > 0) {
        r.error(`sidecar: an agent wants what njs cannot do: ${missed.join(', ')}; the request is refused`);
        r.return(503, 'inspection unavailable\n');
        return null;
    }
    r.variables.sidecar_edits = JSON.stringify(answer.response_headers);
    return answer;
}

// js_content: inspects the request, then hands it to the origin as it is.
async function request(r) {
    if (await passing(r, false) !== null) {
        r.internalRedirect(ORIGIN);
    }
}

function edit(r, operations) {
    operations.forEach(function (operation) {
        const before = operation.op === 'add' ? valuesOf(fieldsOut(r), operation.name) : [];
        if (operation.op === 'remove') {
            delete r.headersOut[operation.name];
        } else {
            r.headersOut[operation.name] = before.length === 0 ? operation.value : before.concat(operation.value);
        }
    });
}

// What agents decided about the response's headers when they saw the request. A js_header_filter where the response is not collected; beside a
// js_content that sends the headers itself, njs from 0.8 on takes what comes after them for a part of the filter.
function headers(r) {
    if (r.variables.sidecar_edits) {
        edit(r, JSON.parse(r.variables.sidecar_edits));
    }
}

// Bytes as r.send() takes them: until njs 0.8 a string of bytes, from then on the buffer itself.
function sendable(bytes) {
    return typeof String.bytesFrom === 'function' ? String.bytesFrom(bytes.toString('base64'), 'base64') : bytes;
}

function hasContent(r, got) {
    return r.method !== 'HEAD' && got.status !== 204 && got.status !== 304;
}

async function askAboutResponse(r, got, fields, bytes) {
    const asked = question(r, hasContent(r, got) ? 'response' : 'response_headers');
    asked.ends = true;
    asked.response = { status: got.status, headers: fields.map(toldOf) };
    if (hasContent(r, got)) {
        asked.response.body = shown(bytes);
    }
    return ask(r, asked);
}

// js_content: inspects the request, collects the response in memory, inspects that where an agent wants it, then sends it.
async function response(r) {
    const passed = await passing(r, true);
    if (passed === null) {
        return;
    }
    const got = await r.subrequest(COLLECTED, { method: r.method });
    const bytes = got.responseBuffer || Buffer.from('');
    const isWanted = passed.want.response_headers || passed.want.response_body !== 'none';
    const fields = fieldsOut(got);
    const answer = isWanted ? await askAboutResponse(r, got, fields, bytes) : UNSEEN;
    if (answer === null) {
        return;
    }
    if (answer.action !== 'allow') {
        sendReply(r, answer);
        return;
    }
    r.status = got.status;
    putFields(r, fields);
    const body = answer.response_body;
    const content = body === null ? bytes : Buffer.concat([Buffer.from(body.data, body.encoding), bytes.slice(MAX_BODY)]);
    headers(r);
    edit(r, answer.response_headers);
    if (hasContent(r, got)) {
        r.headersOut['Content-Length'] = content.length;
    }
    r.sendHeader();
    if (hasContent(r, got) && content.length > 0) {
        r.send(sendable(content));
    }
    r.finish();
}

export default { request, headers, response };
