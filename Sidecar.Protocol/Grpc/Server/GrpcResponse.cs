using Microsoft.AspNetCore.Http.Features;

namespace Sidecar.Protocol.Grpc.Server;

/// <summary>The parts of a response that are the same for every call.</summary>
internal static class GrpcResponse
{
    /// <summary>Says how the call ended: in trailers, or in the headers if none were sent yet.</summary>
    public static void SetStatus(IFeatureCollection features, GrpcStatus status)
    {
        var response = features.GetRequiredFeature<IHttpResponseFeature>();
        var fields = response.HasStarted ? features.GetRequiredFeature<IHttpResponseTrailersFeature>().Trailers : response.Headers;
        fields[GrpcHeaderNames.Status] = GrpcStatusText.Format(status.Code);
        if (!string.IsNullOrEmpty(status.Message))
        {
            fields[GrpcHeaderNames.Message] = GrpcStatusText.Encode(status.Message);
        }
    }
}
