using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;

namespace Sidecar.Protocol.Grpc.Client;

/// <summary>Reads what an HTTP response says about the end of a call.</summary>
internal static class GrpcResponses
{
    /// <summary>
    /// The end that the headers tell already: the answer is not gRPC, or it is a status and nothing else. Null if messages may follow.
    /// </summary>
    public static GrpcStatus? EndInHeaders(HttpResponseMessage response)
    {
        if (Status(response.Headers) is { } status)
        {
            return status;
        }

        if (response.StatusCode != HttpStatusCode.OK)
        {
            return new GrpcStatus(
                GrpcStatusMapping.FromHttpStatus((int)response.StatusCode),
                $"the server answered with HTTP status {(int)response.StatusCode} instead of a gRPC status");
        }

        var type = response.Content.Headers.ContentType?.ToString();
        return GrpcHeaderNames.IsGrpc(type)
            ? null
            : new GrpcStatus(
                GrpcStatusCode.Unknown,
                $"the server answered with content type '{type}'; {GrpcHeaderNames.ContentType} is expected; does it speak gRPC?");
    }

    /// <summary>The end that the trailers tell. Meaningful once the body is read to its end.</summary>
    public static GrpcStatus EndInTrailers(HttpResponseMessage response) =>
        Status(response.TrailingHeaders) ?? new GrpcStatus(GrpcStatusCode.Unknown, "the server ended the call without a status");

    /// <summary>The compression that the server uses, if it says so.</summary>
    public static string? Encoding(HttpResponseMessage response) => First(response.Headers, GrpcHeaderNames.Encoding);

    private static GrpcStatus? Status(HttpResponseHeaders fields) => First(fields, GrpcHeaderNames.Status) is { } code
        ? new GrpcStatus(GrpcStatusText.Parse(code), GrpcStatusText.Decode(First(fields, GrpcHeaderNames.Message) ?? ""))
        : null;

    private static string? First(HttpResponseHeaders fields, string name) =>
        fields.NonValidated.TryGetValues(name, out var values) ? values.ToString() : null;
}

/// <summary>What goes wrong below a call, as a status.</summary>
internal static class GrpcFailures
{
    /// <summary>The status for what a request or its streams threw.</summary>
    public static GrpcStatus From(Exception exception)
    {
        for (var e = exception; e is not null; e = e.InnerException)
        {
            switch (e)
            {
                case HttpProtocolException protocol:
                    return new GrpcStatus(GrpcStatusMapping.FromHttp2Error(protocol.ErrorCode), protocol.Message);
                case HttpRequestException { HttpRequestError: HttpRequestError.ConfigurationLimitExceeded }:
                    return new GrpcStatus(GrpcStatusCode.ResourceExhausted, e.Message);
                case SocketException or OperationCanceledException or TimeoutException:
                    return new GrpcStatus(GrpcStatusCode.Unavailable, $"the connection failed: {e.Message}");
            }
        }

        return exception is IOException or HttpRequestException or ObjectDisposedException
            ? new GrpcStatus(GrpcStatusCode.Unavailable, $"the connection failed: {(exception.InnerException ?? exception).Message}")
            : new GrpcStatus(GrpcStatusCode.Unknown, $"{exception.GetType().Name}: {exception.Message}");
    }
}
