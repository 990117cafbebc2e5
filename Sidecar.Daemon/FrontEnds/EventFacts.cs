using System.Globalization;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.FrontEnds;

/// <summary>How facts about a request are written in events, so that every front door writes them alike. Stateless.</summary>
internal static class EventFacts
{
    // A W3C trace context of version 00 has 55 characters; later versions may add some.
    private const int LongestTraceparent = 256;

    /// <summary>The protocol a client spoke, without the minor version that HTTP/2 and later do not have.</summary>
    /// <param name="told">What the proxy said, for example <c>HTTP/2.0</c>; null when it said nothing.</param>
    public static string ProtocolOf(string? told) => told switch
    {
        null => "HTTP/1.1",
        "HTTP/2.0" => "HTTP/2",
        "HTTP/3.0" => "HTTP/3",
        _ => told,
    };

    /// <summary>The time of day as RFC 3339 with milliseconds.</summary>
    public static string Timestamp(DateTimeOffset now) => now.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);

    /// <summary>The trace context that came with a request; null when there is none, or none that can be one.</summary>
    public static string? TraceparentOf(HeaderBlock headers) =>
        headers.IndexOf("traceparent"u8) >= 0 && headers.Get("traceparent") is { Length: > 0 and <= LongestTraceparent } value ? value : null;
}
