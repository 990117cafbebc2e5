using System.Globalization;
using System.Net;
using Sidecar.Daemon.Inspection;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.FrontEnds.Json;

/// <summary>Makes the events that agents get from what a script told. Stateless.</summary>
internal static class PhaseEvents
{
    // A W3C trace context of version 00 has 55 characters; later versions may add some.
    private const int LongestTraceparent = 256;

    /// <summary>The host by which a request is routed; null when it names none.</summary>
    public static string? HostOf(QuestionRequest request) =>
        string.IsNullOrEmpty(request.Authority) ? request.Headers.Block.Get("host") : request.Authority;

    /// <summary>The request headers event.</summary>
    /// <param name="question">A question that tells the request.</param>
    /// <param name="request">The request, without a problem.</param>
    /// <param name="exchange">The exchange it began.</param>
    /// <param name="now">The time of day.</param>
    public static RequestHeadersEvent Request(Question question, QuestionRequest request, Exchange exchange, DateTimeOffset now) => new()
    {
        Metadata = new RequestMetadata
        {
            RequestId = question.Tx ?? exchange.Id.ToString(),
            ClientIp = IPAddress.IsValid(question.Client.Ip) ? question.Client.Ip : "",
            ClientPort = question.Client.Port,
            ServerName = question.Client.Sni ?? (HostOf(request) is { } host ? HostName.Of(host).ToString() : null),
            Protocol = request.Version ?? "HTTP/1.1",
            TlsVersion = question.Client.TlsVersion,
            TlsCipher = question.Client.TlsCipher,
            RouteId = exchange.Route?.Id,
            Timestamp = now.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture),
            Traceparent = (question.Traceparent ?? request.Headers.Block.Get("traceparent")) is { Length: > 0 and <= LongestTraceparent } trace ? trace : null,
        },
        Method = request.Method!,
        Uri = request.Target,
        Headers = HeaderNames.WithoutOwn(request.Headers.Block),
    };

    /// <summary>The response headers event.</summary>
    public static ResponseHeadersEvent Response(QuestionResponse response) =>
        new() { Status = response.Status ?? 0, Headers = HeaderNames.WithoutOwn(response.Headers.Block) };
}
