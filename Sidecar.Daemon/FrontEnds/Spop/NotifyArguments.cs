using Sidecar.Daemon.FrontEnds.Common;
using Sidecar.Daemon.Inspection;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.FrontEnds.Spop;

/// <summary>
/// What HAProxy tells about one phase of an exchange: the arguments of a message (proxy integration §1.7). Filled by its reader, then only
/// read.
/// </summary>
internal sealed class NotifyArguments
{
    private string? _host;

    /// <summary><c>id</c>: HAProxy's id of the transaction, the same in both phases; null when it has none.</summary>
    public string? Id { get; set; }

    /// <summary><c>src</c>, <c>src-port</c>, <c>tls-version</c>, <c>tls-cipher</c> and <c>sni</c>.</summary>
    public ClientConnection Client { get; set; } = new();

    /// <summary><c>method</c>; null when it was not told.</summary>
    public string? Method { get; set; }

    /// <summary>
    /// <c>uri</c>: the raw target as HAProxy holds it, a char per byte; HTTP/2 requests have scheme and authority in it. Null when it was
    /// not told.
    /// </summary>
    public string? RawTarget { get; set; }

    /// <summary>What the upstream gets for the target: without scheme and authority, byte for byte; null when it was not told.</summary>
    public string? Target { get; set; }

    /// <summary>The authority in <see cref="RawTarget"/>, with userinfo and port; null when it has none.</summary>
    public string? Authority { get; set; }

    /// <summary><c>ver</c>: the version of HTTP, for example <c>1.1</c>.</summary>
    public string? Version { get; set; }

    /// <summary><c>route</c>: the route that the configuration of HAProxy names; null to let ours match.</summary>
    public string? Route { get; set; }

    /// <summary><c>status</c> of the response.</summary>
    public long? Status { get; set; }

    /// <summary>Whether <c>headers</c> or <c>headers-text</c> came.</summary>
    public bool AreHeadersTold { get; set; }

    /// <summary>The header fields, then the arguments we have no place for, as <c>x-sidecar-arg-NAME</c>.</summary>
    public HeaderBlock Headers { get => field ??= new HeaderBlock(0, 0); set; }

    /// <summary>Header fields that came, more than were copied when there were too many.</summary>
    public int HeaderCount { get; set; }

    /// <summary>Bytes of names and values that came.</summary>
    public long HeaderBytes { get; set; }

    /// <summary><c>body_size</c>: what HAProxy knows of the size of the whole body.</summary>
    public long? BodySize { get; set; }

    /// <summary><c>body_len</c>: bytes of the body in HAProxy's buffer.</summary>
    public long? BodyLength { get; set; }

    /// <summary><c>body</c>, a part of the payload of its NOTIFY; null when the message does not carry it.</summary>
    public ReadOnlyMemory<byte>? Body { get; set; }

    /// <summary><c>whole</c>: whether HAProxy's buffer holds the message to its end; null when it was not told.</summary>
    public bool? IsWhole { get; set; }

    /// <summary>
    /// <c>len</c>: bytes of the message in HAProxy's buffer, request line, headers, body and trailers; null when it was not told.
    /// </summary>
    public long? Held { get; set; }

    /// <summary>Whether a body came for which there was no memory.</summary>
    public bool IsBodyLost { get; set; }

    /// <summary>Why it cannot be inspected, in the configuration of HAProxy; null when that is fine.</summary>
    public string? Misconfigured { get; set; }

    /// <summary>HAProxy's buffer in bytes, from the frame size it offered.</summary>
    public int BufferSize { get; set; }

    /// <summary>The body's bytes at hand.</summary>
    public ReadOnlyMemory<byte> BodyBytes => Body.GetValueOrDefault();

    /// <summary>The site asked for: the first <c>host</c>, else the name in the TLS handshake; read when all headers have been.</summary>
    public string? Host => _host ??= Header("host"u8) ?? Client.Sni;

    /// <summary>The value of the first header of a name.</summary>
    /// <param name="lowerName">In lower case.</param>
    public string? Header(ReadOnlySpan<byte> lowerName) =>
        Headers.IndexOf(lowerName) is >= 0 and var index ? WireText.Of(Headers.Value(index)) : null;

    /// <summary>Whether there is a header of a name.</summary>
    public bool HasHeader(ReadOnlySpan<byte> lowerName) => Headers.IndexOf(lowerName) >= 0;

    /// <summary>The event for agents, with the ready configuration the same as behind nginx; of a request without a problem.</summary>
    /// <param name="exchange">The exchange it began.</param>
    /// <param name="hasBody">Whether HAProxy says that there is a body.</param>
    /// <param name="now">The time of day.</param>
    public RequestHeadersEvent RequestEvent(Exchange exchange, bool hasBody, DateTimeOffset now) => new RequestEventBuilder
    {
        RequestId = Id,
        Client = Client,
        ServerName = Host is { } host ? RequestEventBuilder.HostOnly(host) : null,
        Protocol = RequestEventBuilder.ProtocolOf(Version switch { null => null, "1.1" => "HTTP/1.1", var version => "HTTP/" + version }),
        Method = Method!,
        Uri = WireText.Of(Target!),
        Headers = Headers,
        HasBody = hasBody,
    }.Build(exchange, now);
}
