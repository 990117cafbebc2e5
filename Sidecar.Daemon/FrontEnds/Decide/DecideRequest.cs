using System.Net;
using Sidecar.Daemon.FrontEnds.Common;
using Sidecar.Daemon.Inspection;
using Sidecar.Daemon.Inspection.Bodies;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Daemon.Inspection.Verdicts;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.FrontEnds.Decide;

/// <summary>
/// One phase of one exchange as a script tells it (proxy integration §6.2); set by its reader, then only read. Its body bytes live as long
/// as the buffer it was read from.
/// </summary>
internal sealed record DecideRequest
{
    /// <summary>What is told.</summary>
    public Phase Phase { get; set; }

    /// <summary>The script's id of the exchange, which joins its phases and parts; null when nothing more will come.</summary>
    public string? Tx { get; set; }

    /// <summary>How long the caller waits; null when it does not say.</summary>
    public TimeSpan? Patience { get; set; }

    /// <summary>Whether the caller will tell how the exchange ended (<c>"complete": true</c>), so that it stays open for that.</summary>
    public bool AnnouncesEnd { get; set; }

    /// <summary>Whether nothing more will be told after this question (<c>"ends": true</c>), so that nobody waits for a response.</summary>
    public bool Ends { get; set; }

    public ClientConnection Client { get; set; } = new();

    /// <summary>The request; null in a response phase that joins it.</summary>
    public DecideHttpRequest? Request { get; set; }

    /// <summary>The response; null in a request phase.</summary>
    public DecideHttpResponse? Response { get; set; }

    /// <summary>The trace context of the call to us; null without one.</summary>
    public string? Traceparent { get; set; }

    /// <summary>The body that this phase is about; null when there is none.</summary>
    public DecideBody? Body => IsOfResponse ? Response?.Body : Request?.Body;

    /// <summary>Whether more parts of the body follow.</summary>
    public bool IsPart => Body is { End: BodyEnd.More };

    /// <summary>Whether it is about the response.</summary>
    public bool IsOfResponse => Phase >= Phase.ResponseHeaders;

    /// <summary>Which half of the exchange is told.</summary>
    public Direction Direction => IsOfResponse ? Direction.Response : Direction.Request;

    /// <summary>The request headers event; of a question that tells the request, without a problem.</summary>
    public RequestHeadersEvent RequestEvent(Exchange exchange, DateTimeOffset now) => new RequestEventBuilder
    {
        RequestId = Tx,
        Client = IPAddress.IsValid(Client.Ip) ? Client : Client with { Ip = "" },
        ServerName = Client.Sni ?? (Request!.Host is { } host ? RequestEventBuilder.HostOnly(host) : null),
        Protocol = Request!.Version,
        Traceparent = Traceparent,
        Method = Request.Method!,
        Uri = Request.Target,
        Headers = HeaderNames.WithoutOwn(Request.Headers.Block),
        HasBody = Phase == Phase.RequestHeaders ? Request.MayHaveBody : Request.Body is { End: not BodyEnd.Unseen },
    }.Build(exchange, now);

    /// <summary>The response headers event; of a question that tells the response, without a problem.</summary>
    public ResponseHeadersEvent ResponseEvent() =>
        new() { Status = Response!.Status ?? 0, Headers = HeaderNames.WithoutOwn(Response.Headers.Block) };
}

/// <summary>A request, or only a part of its body.</summary>
internal sealed record DecideHttpRequest
{
    /// <summary>The method; null when only a body is told.</summary>
    public string? Method { get; set; }

    /// <summary>The host the proxy routes by, with or without port.</summary>
    public string? Authority { get; set; }

    /// <summary>The path as the client sent it; a query may follow in it.</summary>
    public string? Path { get; set; }

    /// <summary>What came behind the question mark; null or empty for none.</summary>
    public string? Query { get; set; }

    /// <summary>For example <c>HTTP/1.1</c>.</summary>
    public string? Version { get; set; }

    public DecideHeaders Headers { get; set; } = DecideHeaders.None;

    /// <summary>
    /// Whether the caller cannot take names of the sidecar's own away (<c>"own_headers": "refuse"</c>), so that a request that has one is
    /// refused.
    /// </summary>
    public bool RefusesOwn { get; set; }

    /// <summary>The body; null for none.</summary>
    public DecideBody? Body { get; set; }

    /// <summary>Path and query as they stood in the request.</summary>
    public string Target => string.IsNullOrEmpty(Query) ? Path ?? "" : $"{Path}?{Query}";

    /// <summary>The host by which it is routed; null when it names none.</summary>
    public string? Host => string.IsNullOrEmpty(Authority) ? Headers.Block.Get("host") : Authority;

    /// <summary>
    /// What a client can send that cannot be inspected (rule 9): refused and counted, never an error that a script may let pass. Null when
    /// nothing is wrong.
    /// </summary>
    public string? Problem => Headers.Problem
        ?? RequestRules.MethodProblem(Method)
        ?? (Method == "CONNECT" ? RequestRules.TargetCharsProblem(Target) : RequestRules.TargetProblem(Target))
        ?? (RequestRules.AreOneHost(Authority, Headers.Block.Get("host"))
            ? null
            : "its Host header names another host than the one by which the proxy chose the site");

    /// <summary>
    /// Whether a body may be told later; null when nobody can tell. In HTTP/1 only two headers frame one, elsewhere it may come without
    /// them.
    /// </summary>
    public bool? MayHaveBody => Headers.Block.IndexOf("transfer-encoding"u8) >= 0 ? true
        : Headers.Block.Get("content-length") is { Length: > 0 } length ? length.AsSpan().ContainsAnyExcept('0')
        : Version?.StartsWith("HTTP/1", StringComparison.Ordinal) == true ? false : null;
}

/// <summary>A response, or only a part of its body.</summary>
internal sealed record DecideHttpResponse
{
    /// <summary>The status, 100 to 999; null when only a body is told.</summary>
    public ushort? Status { get; set; }

    public DecideHeaders Headers { get; set; } = DecideHeaders.None;

    /// <summary>The body; null for none.</summary>
    public DecideBody? Body { get; set; }
}

/// <summary>Header fields in order, with what is wrong with them.</summary>
/// <param name="Block">The fields; not all of them when there is a problem.</param>
/// <param name="Problem">Why they are not inspected, something a client can cause; null when they are.</param>
internal sealed record DecideHeaders(HeaderBlock Block, string? Problem)
{
    /// <summary>No field.</summary>
    public static DecideHeaders None { get; } = new(new HeaderBlock(0, 0), null);

    /// <summary>Whether a name is one of the sidecar's own.</summary>
    public bool HasOwn => Enumerable.Range(0, Block.Count).Any(i => HeaderNames.IsOwn(Block.Name(i)));
}

/// <summary>A body or a part of it.</summary>
internal sealed record DecideBody
{
    /// <summary>The bytes.</summary>
    public ReadOnlyMemory<byte> Data { get; set; }

    /// <summary>Whether more parts follow, or it ends, or only its beginning was handed over.</summary>
    public BodyEnd End { get; set; }

    /// <summary>Size of the whole body as it was announced; null when unknown.</summary>
    public long? Total { get; set; }

    /// <summary>Number of this part, from 0.</summary>
    public int Part { get; set; }

    /// <summary>
    /// Whether the caller keeps all parts until the last is answered (<c>"kept": true</c>), rather than passing on what each answer
    /// releases.
    /// </summary>
    public bool IsKept { get; set; }
}

/// <summary>What a question is about (proxy integration §6.2).</summary>
internal enum Phase
{
    /// <summary>Nothing that is known.</summary>
    None,

    /// <summary>The request's line and headers; its body comes later or never.</summary>
    RequestHeaders,

    /// <summary>The request with its body, or one part of that.</summary>
    Request,

    /// <summary>The response's status and headers; its body comes later or never.</summary>
    ResponseHeaders,

    /// <summary>The response with its body, or one part of that.</summary>
    Response,
}
