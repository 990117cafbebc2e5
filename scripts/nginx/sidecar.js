// Sidecar for nginx with njs: asks about requests with their bodies as far as nginx keeps them in memory, and about responses where the whole
// of one can be collected. It speaks the decision API in JSON through a location of nginx (sidecar run --listen http=PATH,proxy=json), because
// njs cannot open Unix sockets itself. Written for njs 0.7.9 and later.
//
// What njs cannot do: change a request's body, change request headers other than those that the configuration names, read a body that nginx
// has put into a file. The first is refused, the last is told as truncated, so that the agents' on-excess= decides.

const ANSWER_MS = 500;

// Where the original request goes on, and where it is asked about; see nginx-njs.conf.
const ORIGIN = '@sidecar_origin';
const COLLECTED = '/_sidecar/origin';
const DECIDE = '/_sidecar/decide';

// What agents want of request headers goes through variables. One line here, one js_var and one proxy_set_header for each.
const CARRIED = { 'x-user': 'sidecar_x_user', 'x-client-secret': 'sidecar_x_client_secret' };

// Reads what nginx holds of the body. Without all of it, it is announced as truncated.
function bodyOf(r) {
    const announced = r.headersIn['Content-Length'];
    if (announced === undefined && r.headersIn['Transfer-Encoding'] === undefined || announced === '0') {
        return null;
    }
    const size = announced === undefined ? null : Number(announced);
    try {
        const bytes = r.requestBuffer;
        return bytes === undefined
            ? { data: '', encoding: 'base64', size: size, truncated: size !== 0 && size !== null }
            : { data: bytes.toString('base64'), encoding: 'base64', size: bytes.length, truncated: false };
    } catch (e) {
        // It lies in a file.
        return { data: '', encoding: 'base64', size: size, truncated: true };
    }
}

function described(r) {
    const target = r.variables.request_uri;
    const mark = target.indexOf('?');
    return {
        method: r.method,
        scheme: r.variables.scheme,
        authority: r.variables.host,
        path: mark < 0 ? target : target.slice(0, mark),
        query: mark < 0 ? null : target.slice(mark + 1),
        version: r.variables.server_protocol,
        headers: r.rawHeadersIn,
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

// Null when there is no usable answer: nobody inspected.
async function ask(r, asked) {
    const got = await r.subrequest(DECIDE, { method: 'POST', body: JSON.stringify(asked) });
    if (got.status !== 200) {
        r.error(`sidecar: no answer to a question about the ${asked.phase}: status ${got.status} ${got.responseText || ''}`);
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

function sendReply(r, reply) {
    const cookies = [];
    r.status = reply.status;
    reply.headers.forEach(function (pair) {
        if (pair[0].toLowerCase() === 'set-cookie') {
            cookies.push(pair[1]);
        } else {
            r.headersOut[pair[0]] = pair[1];
        }
    });
    if (cookies.length > 0) {
        r.headersOut['Set-Cookie'] = cookies;
    }
    r.variables.sidecar_edits = '';
    r.headersOut['Content-Length'] = Buffer.from(reply.body).length;
    r.sendHeader();
    r.send(reply.body);
    r.finish();
}

// Fails closed unless the configuration says otherwise.
function failsOpen(r, what) {
    if (r.variables.sidecar_fail_open === '1') {
        r.variables.sidecar_bypassed = 'sidecar-unavailable';
        return true;
    }
    r.return(503, 'inspection unavailable\n');
    return false;
}

// Request headers can change only where the configuration has a place for them; anything else an agent wants must not be lost unseen.
function carryRequestHeaders(r, operations) {
    const missed = [];
    operations.forEach(function (operation) {
        const name = operation.name.toLowerCase();
        const variable = CARRIED[name];
        if (name.startsWith('x-sidecar-')) {
            return;
        }
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

// True when the request may go on.
async function requestPasses(r) {
    setCarriedDefaults(r);
    const body = bodyOf(r);
    const asked = question(r, body === null ? 'request_headers' : 'request');
    asked.request = described(r);
    if (body !== null) {
        asked.request.body = body;
    }
    const answer = await ask(r, asked);
    if (answer === null) {
        return failsOpen(r, 'request');
    }
    if (answer.action !== 'allow') {
        sendReply(r, answer.reply);
        return false;
    }
    const missed = carryRequestHeaders(r, answer.request_headers);
    if (answer.request_body !== null) {
        missed.push('change the body');
    }
    if (missed.length > 0) {
        r.error(`sidecar: an agent wants what njs cannot do: ${missed.join(', ')}; the request is refused`);
        r.return(503, 'inspection unavailable\n');
        return false;
    }
    r.variables.sidecar_edits = JSON.stringify(answer.response_headers);
    return true;
}

// js_content: inspects the request, then hands it to the origin as it is.
async function request(r) {
    if (await requestPasses(r)) {
        r.internalRedirect(ORIGIN);
    }
}

function edited(headers, operations) {
    operations.forEach(function (operation) {
        if (operation.op === 'remove') {
            delete headers[operation.name];
        } else if (operation.op === 'set' || headers[operation.name] === undefined) {
            headers[operation.name] = operation.value;
        } else {
            headers[operation.name] = [].concat(headers[operation.name], operation.value);
        }
    });
}

// js_header_filter: what agents decided about the response's headers when they saw the request.
function headers(r) {
    if (r.variables.sidecar_edits) {
        edited(r.headersOut, JSON.parse(r.variables.sidecar_edits));
    }
}

function describedResponse(got) {
    const list = [];
    for (let name in got.headersOut) {
        [].concat(got.headersOut[name]).forEach(function (value) { list.push([name, String(value)]); });
    }
    return { status: got.status, headers: list };
}

// Bytes as r.send() takes them: until njs 0.8 a string of bytes, from then on the buffer itself.
function sendable(bytes) {
    return typeof String.bytesFrom === 'function' ? String.bytesFrom(bytes.toString('base64'), 'base64') : bytes;
}

// js_content: inspects the request, collects the response in memory, inspects that, then sends it.
async function response(r) {
    if (!await requestPasses(r)) {
        return;
    }
    const got = await r.subrequest(COLLECTED, { method: r.method });
    const bytes = got.responseBuffer || Buffer.from('');
    const hasContent = r.method !== 'HEAD' && got.status !== 204 && got.status !== 304;
    const asked = question(r, hasContent ? 'response' : 'response_headers');
    asked.response = describedResponse(got);
    if (hasContent) {
        asked.response.body = { data: bytes.toString('base64'), encoding: 'base64', size: bytes.length, truncated: false };
    }
    const answer = await ask(r, asked);
    if (answer === null && !failsOpen(r, 'response')) {
        return;
    }
    if (answer !== null && answer.action !== 'allow') {
        sendReply(r, answer.reply);
        return;
    }
    r.status = got.status;
    for (let name in got.headersOut) {
        r.headersOut[name] = got.headersOut[name];
    }
    const changed = answer !== null && answer.response_body !== null;
    const content = changed ? Buffer.from(answer.response_body.data, answer.response_body.encoding) : bytes;
    if (answer !== null) {
        edited(r.headersOut, answer.response_headers);
    }
    if (hasContent) {
        r.headersOut['Content-Length'] = content.length;
    }
    r.sendHeader();
    if (hasContent) {
        r.send(sendable(content));
    }
    r.finish();
}

export default { request, headers, response };
