using System.Net;
using System.Net.Http.Headers;

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
