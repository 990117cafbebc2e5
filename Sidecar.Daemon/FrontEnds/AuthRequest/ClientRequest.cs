using System.Globalization;
using System.Net;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.FrontEnds.Common;
using Sidecar.Daemon.Inspection;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.FrontEnds.AuthRequest;

/// <summary>The client's request as the proxy told it: read, made an event of, and forgotten before anybody waits. Immutable.</summary>
internal readonly struct ClientRequest(in TrustedValues told, HeaderBlock headers)
{
    private readonly TrustedValues _told = told;

    /// <summary>The client's headers as agents get them.</summary>
    public HeaderBlock Headers => headers;

    /// <summary>Why it is not inspected; null when it is.</summary>
    public string? Problem { get; init; }

    /// <summary>Whether the problem lies in the proxy's configuration: no client can cause it.</summary>
    public bool IsPlumbing { get; init; }

    /// <summary>The method; empty when the proxy did not say.</summary>
    public string Method => this[TrustedHeader.Method] ?? "";

    /// <summary>The request target, a char per byte; empty when the proxy did not say.</summary>
    public string RawTarget => this[TrustedHeader.Target] ?? "";

    /// <summary>The host the proxy routes by; null when the request has none.</summary>
    public string? Host => this[TrustedHeader.Host] ?? this[TrustedHeader.Authority];

    /// <summary>What the proxy told, a char per byte; null when it told nothing or an empty value.</summary>
    public string? this[TrustedHeader header] => _told[header] is { Length: > 0 } value ? value : null;

    /// <summary>Why agents are not shown a body that does not come with the question: none where there surely is none.</summary>
    /// <param name="isFramingTold">Whether the proxy tells both headers that frame a body in HTTP/1.</param>
    /// <param name="isAnnounced">
    /// Whether the proxy's configuration keeps a body that no header announces from the upstream, where the method is not made for one.
    /// </param>
    public Cause UnseenBody(bool isFramingTold, bool isAnnounced)
    {
        var length = FirstOf("content-length"u8);
        return FirstOf("transfer-encoding"u8).Length > 0 ? Cause.NoBody
            : length.Length > 0 ? (length.ContainsAnyExcept((byte)'0') ? Cause.NoBody : Cause.None)

            // Only HTTP/1 has no body without one of the two. A proxy that tells them tells the protocol as well.
            : isFramingTold && this[TrustedHeader.Protocol] is null or "HTTP/1.1" or "HTTP/1.0" or "HTTP/0.9" ? Cause.None
            : RequestRules.IsMadeForABody(Method) ? Cause.NoBody
            : isAnnounced ? Cause.None
            : Cause.MaybeBody;
    }

    private ReadOnlySpan<byte> FirstOf(ReadOnlySpan<byte> lowerName) =>
        headers.IndexOf(lowerName) is >= 0 and var at ? headers.Value(at) : default;

    /// <summary>The event for agents; of a request without a problem.</summary>
    /// <param name="trustedHops">How many load balancers before the proxy are believed to have told the client's address.</param>
    /// <param name="exchange">The exchange it began.</param>
    /// <param name="hasBody">Whether events about a body follow.</param>
    /// <param name="now">The time of day.</param>
    public RequestHeadersEvent Event(int trustedHops, Exchange exchange, bool hasBody, DateTimeOffset now) => new RequestEventBuilder
    {
        RequestId = this[TrustedHeader.RequestId] is { } id ? WireText.Of(id) : null,
        Client = new ClientConnection
        {
            Ip = ForwardedFor.Client(this[TrustedHeader.ClientAddress], trustedHops),
            Port = ushort.TryParse(this[TrustedHeader.ClientPort], NumberStyles.None, CultureInfo.InvariantCulture, out var port)
                ? port
                : (ushort)0,
            TlsVersion = this[TrustedHeader.TlsVersion],
            TlsCipher = this[TrustedHeader.TlsCipher],
        },
        Host = Host,
        Protocol = RequestEventBuilder.ProtocolOf(this[TrustedHeader.Protocol]),
        Method = Method,
        Uri = WireText.Of(RawTarget),
        Headers = headers,
        HasBody = hasBody,
    }.Build(exchange, now);
}

/// <summary>
/// The list of addresses that proxies make of <c>X-Forwarded-For</c>: it grows to the right, so each entry is the peer of whoever wrote it.
/// Stateless.
/// </summary>
internal static class ForwardedFor
{
    /// <summary>The client's address; empty where the entry is none, as that of a peer on a Unix socket.</summary>
    /// <param name="list">The list; null for none.</param>
    /// <param name="trustedHops">How many load balancers before the asking proxy are believed; where the list is shorter, its first entry
    /// is a peer of somebody who is.</param>
    public static string Client(string? list, int trustedHops)
    {
        if (list is null)
        {
            return "";
        }

        var left = list.AsSpan();
        for (; trustedHops > 0 && left.LastIndexOf(',') is >= 0 and var comma; trustedHops--)
        {
            left = left[..comma];
        }

        var entry = left[(left.LastIndexOf(',') + 1)..].Trim();
        return !IPAddress.IsValid(entry) ? "" : entry.Length == list.Length ? list : entry.ToString();
    }

    /// <summary>What came to the asking proxy, which added the last entry; null when nothing did.</summary>
    public static string? Received(string list) => list.LastIndexOf(',') is >= 0 and var comma ? list[..comma].TrimEnd() : null;
}
