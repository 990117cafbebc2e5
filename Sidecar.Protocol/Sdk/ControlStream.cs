using Sidecar.Protocol.Grpc.Server;
using Wire = Sidecar.Protocol.Grpc.Wire;

namespace Sidecar.Protocol.Sdk;

/// <summary>
/// The second stream of the service (spec §7.6). Its roles are the wrong way round for an agent that serves, so it is heard and not acted
/// upon.
/// </summary>
internal static class ControlStream
{
    /// <summary>Takes what comes until the caller ends; a question about configuration is answered with no.</summary>
    public static async Task ServeAsync(GrpcServerCall call)
    {
        await call.StartAsync().ConfigureAwait(false);
        while (await call.ReadAsync(Wire.AgentControl.Parser, call.Cancellation).ConfigureAwait(false) is { } message)
        {
            if (message.ConfigUpdate is { } request)
            {
                var answer = new Wire.ConfigUpdateResponse
                {
                    RequestId = request.RequestId,
                    Error = "this is an agent; it has no configuration to give",
                };
                await call.WriteAsync(new Wire.ProxyControl { ConfigResponse = answer }, call.Cancellation).ConfigureAwait(false);
            }
        }
    }
}
