using Sidecar.Daemon.Inspection;
using Sidecar.Daemon.Inspection.Bodies;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.FrontEnds.Json;

/// <summary>One phase of one exchange as a script tells it (proxy integration §6.2). Its body bytes live as long as the buffer it was read from.</summary>
internal sealed record Question
{
    /// <summary>What is told.</summary>
    public required Phase Phase { get; init; }

    /// <summary>The script's id of the exchange, which joins its phases and parts; null when nothing more will come.</summary>
    public string? Tx { get; init; }

    /// <summary>How long the caller waits; null when it does not say.</summary>
    public TimeSpan? Patience { get; init; }

    /// <summary>Whether the caller will tell how the exchange ended (<c>"complete": true</c>), so that it stays open for that.</summary>
    public bool AnnouncesEnd { get; init; }

    /// <summary>Whether nothing more will be told after this question (<c>"ends": true</c>), so that nobody waits for a response.</summary>
    public bool Ends { get; init; }

    /// <summary>The connection of the client.</summary>
    public QuestionClient Client { get; init; } = new();

    /// <summary>The request; null in a response phase that joins it.</summary>
    public QuestionRequest? Request { get; init; }

    /// <summary>The response; null in a request phase.</summary>
    public QuestionResponse? Response { get; init; }

    /// <summary>The trace context of the call to us; null without one.</summary>
    public string? Traceparent { get; init; }

    /// <summary>The body that this phase is about; null when there is none.</summary>
    public QuestionBody? Body => Phase.IsOfResponse() ? Response?.Body : Request?.Body;

    /// <summary>Whether more parts of the body follow.</summary>
    public bool IsPart => Body is { End: BodyEnd.More };

    /// <summary>Which half of the exchange is told.</summary>
    public Direction Direction => Phase.IsOfResponse() ? Direction.Response : Direction.Request;
}

/// <summary>Who asks the proxy. Empty or null is what the script did not say.</summary>
internal sealed record QuestionClient
{
    /// <summary>IPv4 or IPv6 text.</summary>
    public string Ip { get; init; } = "";

    /// <summary>The port; 0 when unknown.</summary>
    public ushort Port { get; init; }

    /// <summary>For example <c>TLSv1.3</c>.</summary>
    public string? TlsVersion { get; init; }

    /// <summary>The cipher.</summary>
    public string? TlsCipher { get; init; }

    /// <summary>The name in the TLS handshake.</summary>
    public string? Sni { get; init; }
}

/// <summary>A request, or only a part of its body.</summary>
internal sealed record QuestionRequest
{
    /// <summary>The method; null when only a body is told.</summary>
    public string? Method { get; init; }

    /// <summary>The host the proxy routes by, with or without port.</summary>
    public string? Authority { get; init; }

    /// <summary>The path as the client sent it; a query may follow in it.</summary>
    public string? Path { get; init; }

    /// <summary>What came behind the question mark; null or empty for none.</summary>
    public string? Query { get; init; }

    /// <summary>For example <c>HTTP/1.1</c>.</summary>
    public string? Version { get; init; }

    /// <summary>The headers.</summary>
    public QuestionHeaders Headers { get; init; } = QuestionHeaders.None;

    /// <summary>Whether the caller cannot take names of the sidecar's own away (<c>"own_headers": "refuse"</c>), so that a request that has one is refused.</summary>
    public bool RefusesOwn { get; init; }

    /// <summary>The body; null for none.</summary>
    public QuestionBody? Body { get; init; }

    /// <summary>Path and query as they stood in the request.</summary>
    public string Target => string.IsNullOrEmpty(Query) ? Path ?? "" : $"{Path}?{Query}";
}

/// <summary>A response, or only a part of its body.</summary>
internal sealed record QuestionResponse
{
    /// <summary>The status, 100 to 999; null when only a body is told.</summary>
    public ushort? Status { get; init; }

    /// <summary>The headers.</summary>
    public QuestionHeaders Headers { get; init; } = QuestionHeaders.None;

    /// <summary>The body; null for none.</summary>
    public QuestionBody? Body { get; init; }
}

/// <summary>Header fields in order, with what is wrong with them.</summary>
/// <param name="Block">The fields; not all of them when there is a problem.</param>
/// <param name="Problem">Why they are not inspected, something a client can cause; null when they are.</param>
internal sealed record QuestionHeaders(HeaderBlock Block, string? Problem)
{
    /// <summary>No field.</summary>
    public static QuestionHeaders None { get; } = new(new HeaderBlock(0, 0), null);

    /// <summary>Whether a name is one of the sidecar's own.</summary>
    public bool HasOwn => Enumerable.Range(0, Block.Count).Any(i => HeaderNames.IsOwn(Block.Name(i)));
}

/// <summary>A body or a part of it.</summary>
internal sealed record QuestionBody
{
    /// <summary>The bytes.</summary>
    public ReadOnlyMemory<byte> Data { get; init; }

    /// <summary>Whether more parts follow, or it ends, or only its beginning was handed over.</summary>
    public required BodyEnd End { get; init; }

    /// <summary>Size of the whole body as it was announced; null when unknown.</summary>
    public long? Total { get; init; }

    /// <summary>Number of this part, from 0.</summary>
    public int Part { get; init; }

    /// <summary>Whether the caller keeps all parts until the last is answered (<c>"kept": true</c>), rather than passing on what each answer releases.</summary>
    public bool IsKept { get; init; }
}
