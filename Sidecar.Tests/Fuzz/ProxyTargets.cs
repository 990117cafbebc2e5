using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;
using System.Numerics;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.FrontEnds.AuthRequest;
using Sidecar.Daemon.FrontEnds.Decide;
using Sidecar.Daemon.Inspection.Routing;
using Sidecar.Tests.Encodings;
using static Sidecar.Tests.Fuzz.FuzzTarget;

namespace Sidecar.Tests.Fuzz;

/// <summary>
/// What proxies ask over HTTP and in frames, and what clients put into it: questions of scripts, requests in headers, targets, hosts, cookies.
/// </summary>
internal static class ProxyTargets
{
    private const string Escapes =
        """{"phase":"request","tx":"t","deadline_ms":9,"complete":true,"client":{"ip":"::1","port":7,"tls":{"sni":"a"}},"request":{"method":"GET","path":"/\u00fc\ud83d\ude00","headers":[["a","/w==","base64"],["b","\u000a"]],"body":{"data":"aGk=","encoding":"base64","truncated":false}}}""";

    private static readonly JsonListenerOptions Questions =
        new() { Name = "json", MaxHeadBytes = Mutator.MaxLength, MaxBodyBytes = static () => Mutator.MaxLength };

    private static readonly HttpListenerOptions[] Listeners =
    [
        .. new[] { ProxyProfile.Nginx, ProxyProfile.Caddy, ProxyProfile.Traefik, ProxyProfile.EnvoyHttp }
            .Select(static dialect => new HttpListenerOptions { Name = "http", Dialect = dialect, PathPrefix = "/p" }),
    ];

    private static readonly RouteTable Routes = new(
        [Route("admin", "/admin"), Route("public", "/public"), Route("caf\u00e9", "/caf%c3%a9"), Route("rest", null)]);

    private static readonly StickyRule Cookie = new(StickyOptions.Parse("cookie:sid")!);

    public static IEnumerable<FuzzTarget> All =>
    [
        new("json.question", static input => DecideRequest(() => DecideRequestReader.Read(input, null, Questions)), [.. QuestionSeeds()]),
        new("json.completion", Completion,
            ["""{"tx":"t","status":200,"duration_ms":5,"request_bytes":1,"response_bytes":2,"upstream_attempts":1,"error":"x"}"""u8
            .ToArray()]),
        new("frames.question", Frame, [.. QuestionSeeds().Select(static head => Framed(head, [])),
            Framed(QuestionSeeds().Last(), "body"u8.ToArray())]) { Repair = RepairFrame },
        new("http.question", HttpQuestion, [.. HttpSeeds()]),
        new("text.target", Target,
            [.. Texts("/", "*", "/a/./b/../c", "/public/%2e%2e/admin", "/x;%2fy/..%2fadmin", "http://h/admin?x", "//admin",
            "/public\\..\\admin", "/a%zz%", "/caf\u00e9", "/%%32e", "/a#b/../..")]),
        new("text.host", Host, [.. Texts("shop.example", "[::1]:80", "::1", "SHOP.example.:8443", "*.example", "a:b:c", "[", "")]),
        new("text.cookie", Sticky, [.. Texts("sid=1", "a=b; sid=\"x\"; sid=2", "sid = 3 ;sid", "SID=1")]),
    ];

    private static RouteModel Route(string id, string? prefix) => new() { Id = id, Match = new RouteMatch { PathPrefix = prefix } };

    private static IEnumerable<byte[]> Texts(params string[] texts) => texts.Select(Encoding.Latin1.GetBytes);

    private static string DecideRequest(Func<DecideRequest> read)
    {
        DecideRequest question;
        try
        {
            question = read();
        }
        catch (DecideRequestException e)
        {
            Require(e.Error.Status is 400 or 413 or 503 && e.Error.Code.Length > 0, $"an error with status {e.Error.Status}");
            return Refused(e.Error.Message);
        }

        if (question.Request is { Method: not null, Path: not null, Headers.Problem: null })
        {
            EnvoyTargets.ReadByAgents(question.RequestEvent(EnvoyTargets.NewExchange(), default));
        }

        if (question.Response is { Status: not null, Headers.Problem: null })
        {
            EnvoyTargets.ReadByAgents(question.ResponseEvent());
        }

        return $"{question.Phase} {question.Body?.End} {question.Request?.Headers.Problem is null}";
    }

    private static string Completion(byte[] input)
    {
        try
        {
            Require(DecideRequestReader.ReadEnd(input).Tx.Length > 0, "an end without an id");
            return "completion";
        }
        catch (DecideRequestException e)
        {
            return Refused(e.Error.Message);
        }
    }

    // One connection with one question after the other. Memory is taken by what came, not by what was announced.
    private static string Frame(byte[] input)
    {
        var memory = new ByteBudget(4 * Mutator.MaxLength, TimeProvider.System);
        var source = new DecideRequestSource(Questions, memory, TimeProvider.System);
        var pipe = PipeReader.Create(new ReadOnlySequence<byte>(input));
        var last = "refused: nothing";
        for (var open = true; open;)
        {
            last = DecideRequest(() =>
            {
                var receiving = source.ReceiveFrameAsync(pipe, CancellationToken.None).AsTask();
                Require(receiving.IsCompleted, "it waits although the stream has ended");
                try
                {
                    using var received = receiving.GetAwaiter().GetResult();
                    return received.Read(Questions);
                }
                finally
                {
                    Require(memory.Used == 0, "memory is kept of a question that is done");
                    open = receiving.IsCompletedSuccessfully && pipe.TryRead(out var rest) && Advance(pipe, rest);
                }
            });
        }

        return last;
    }

    private static bool Advance(PipeReader pipe, ReadResult rest)
    {
        pipe.AdvanceTo(rest.Buffer.Start);
        return !rest.Buffer.IsEmpty;
    }

    // Lines of "name: value"; the first is the request line of the question. A char is a byte, as the server has it.
    private static string HttpQuestion(byte[] input)
    {
        var lines = Encoding.Latin1.GetString(input).Split("\r\n");
        var question = new HttpRequestFeature
        {
            Method = lines[0].Split(' ')[0],
            RawTarget = lines[0][(lines[0].IndexOf(' ', StringComparison.Ordinal) + 1)..],
        };
        foreach (var line in lines.Skip(1))
        {
            var colon = line.IndexOf(':', StringComparison.Ordinal);

            // The server lets no other names in.
            if (colon > 0 && Ascii.IsValid(line.AsSpan(0, colon)))
            {
                question.Headers.Append(line[..colon], line.AsSpan(colon + 1).Trim(" \t").ToString());
            }
        }

        var ends = "";
        var isRead = false;
        foreach (var (options, form) in Listeners.SelectMany(static options => Enum.GetValues<CheckForm>().Select(form => (options, form))))
        {
            var request = ClientRequestReader.Read(question, options, form);
            Require(request.Headers.Count <= question.Headers.Sum(static header => header.Value.Count) + 8,
                "agents are shown headers that did not come");
            if (request.Problem is null)
            {
                var seen = request.Event(options.TrustedHops, EnvoyTargets.NewExchange(), hasBody: false, default);
                Require(!RequestRules(seen.Method, request.RawTarget), "a request that is none is inspected");
                EnvoyTargets.ReadByAgents(seen);
            }

            isRead |= request.Problem is null;
            ends += request.Problem is null ? $"{request.UnseenBody(options.Dialect.TellsFraming, form == CheckForm.Announced)} "
                : request.IsPlumbing ? "plumbing " : "problem ";
        }

        return isRead ? ends : "refused: " + ends;
    }

    private static bool RequestRules(string method, string target) =>
        Sidecar.Daemon.FrontEnds.Common.RequestRules.LineProblem(method, target) is not null;

    // The normal form of any target is one, and no target is without a route where one takes all.
    private static string Target(byte[] input)
    {
        var target = Encoding.Latin1.GetString(input);
        var path = PathNormalizer.Normalize(target);
        Require(path is ['/', ..] or "*", $"'{path}' is no path");
        Require(PathNormalizer.Normalize(path) == path, $"the normal form '{path}' is not its own: {PathNormalizer.Normalize(path)}");
        Require(path.Length <= target.Length + 1, "the normal form is longer than the target");
        Require(!path.Contains("//", StringComparison.Ordinal) && !$"{path}/".Contains("/../", StringComparison.Ordinal)
            && !$"{path}/".Contains("/./", StringComparison.Ordinal), $"'{path}' is not normal");
        var readings = new PathInterpretations(PathNormalizer.RawPath(target.AsSpan()));
        var count = 0;
        while (readings.MoveNext())
        {
            count++;
        }

        readings.Dispose();
        return $"{Routes.Match("h", target, "GET")!.Id} {BitOperations.Log2((uint)count)} {readings.IsIncomplete}";
    }

    private static string Host(byte[] input)
    {
        var host = Encoding.Latin1.GetString(input);
        var name = HostName.Of(host).ToString();
        Require(name.Length <= host.Length && HostName.Matches(name, name) | name is ['*', '.', ..], $"'{name}' is not its own name");
        Require(Sidecar.Daemon.FrontEnds.Common.RequestRules.AreOneHost(host, host), "a host is another than itself");
        return $"{host.Length - name.Length > 0} {name.Contains(':', StringComparison.Ordinal)}";
    }

    private static string Sticky(byte[] input)
    {
        var headers = new Sidecar.Protocol.Messages.HeaderBlock();
        Sidecar.Daemon.FrontEnds.Common.WireText.Add(headers, "cookie"u8, input);
        var key = Cookie.KeyOf(TypicalMessages.RequestHeaders() with { Headers = headers }, null);
        Require(key is null || (Sidecar.Daemon.Pooling.StickyKey.TryParse(key.Value.ToString(), out var again) && again.Equals(key.Value)),
            "a key is written as another");
        return key is null ? "refused: no session" : "session";
    }

    private static IEnumerable<byte[]> QuestionSeeds() => new[]
    {
        Sidecar.Tests.FrontEnds.Decide.Questions.Request("t", body: Sidecar.Tests.FrontEnds.Decide.Questions.Body("hi", final: false)),
        Sidecar.Tests.FrontEnds.Decide.Questions.Response("t", body: Sidecar.Tests.FrontEnds.Decide.Questions.Base64([1, 2, 255])),
        Escapes,
        """{"phase":"request","request":{"method":"POST","path":"/","headers":[["host","a"]],"body":{"truncated":false}}}""",
    }.Select(Encoding.UTF8.GetBytes);

    private static byte[] Framed(byte[] head, byte[] body)
    {
        var frame = new byte[8 + head.Length + body.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame, head.Length);
        head.CopyTo(frame, 4);
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(4 + head.Length), body.Length);
        body.CopyTo(frame, 8 + head.Length);
        return frame;
    }

    private static void RepairFrame(byte[] input) => FrameTargets.RepairLengths(input, lengthAt: 0, headerSize: sizeof(uint));

    // As nginx and Traefik ask, and the public and our own attack requests as Envoy passes them on: all under the client's own line and headers.
    private static IEnumerable<byte[]> HttpSeeds() => new[]
    {
        "GET /check\r\nX-Original-Method: POST\r\nX-Original-URI: /a?b\r\nX-Forwarded-Host: shop.example\r\nX-Forwarded-For: 192.0.2.7\r\nX-Sidecar-Protocol: HTTP/1.1\r\nX-Sidecar-Content-Length: 5\r\nCookie: a=1\r\nCookie: b=2\r\nX_Original_URI: /evil\r\n",
        "GET /check\r\nX-Forwarded-Method: GET\r\nX-Forwarded-Uri: /a\r\nX-Forwarded-Host: shop.example\r\nX-Forwarded-Proto: https\r\nX-Forwarded-For: ::1, 192.0.2.1\r\n",
    }.Select(Encoding.Latin1.GetBytes).Concat(Attacks());

    private static IEnumerable<byte[]> Attacks() => File.ReadLines(Path.Combine(AppContext.BaseDirectory, "Corpus", "attacks.jsonl"))
        .Select(static line => JsonElement.Parse(line).GetProperty("raw").GetBytesFromBase64())
        .Where(static raw => raw.Length < 4096)
        .Select(static raw => (byte[])[.. "GET /p"u8, .. raw.AsSpan(raw.AsSpan().IndexOf((byte)' ') + 1)]);
}
