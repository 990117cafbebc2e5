using Sidecar.Daemon.FrontEnds.ExtAuthz;
using Sidecar.Daemon.FrontEnds.ExtProc;
using Sidecar.Protocol.Grpc;
using Sidecar.Protocol.Grpc.Server;
using Sidecar.Protocol.Grpc.Wire;
using ServingStatus = Sidecar.Protocol.Grpc.Wire.HealthCheckResponse.Types.ServingStatus;

namespace Sidecar.Daemon.FrontEnds.Common;

/// <summary>
/// The gRPC service <c>grpc.health.v1.Health</c>, by which a proxy finds out whether to ask here. <c>Watch</c> is not served; no proxy uses
/// it.
/// </summary>
/// <param name="missingAgents">The enforced agents that take no exchanges now; asked for each call.</param>
internal sealed class HealthService(Func<IReadOnlyList<string>> missingAgents)
{
    /// <summary>The method's path.</summary>
    public const string Path = "/grpc.health.v1.Health/Check";

    // Longer than anybody who checks for health waits.
    private static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(10);

    private static readonly string[] Known = ["", ServiceOf(AuthzService.Path), ServiceOf(ExtProcService.Path)];

    /// <summary>Answers: serving while no agent is missing.</summary>
    /// <exception cref="GrpcException">The service is none of ours.</exception>
    public async Task AnswerAsync(GrpcServerCall call)
    {
        var question = await call.ReadOnlyAsync(HealthCheckRequest.Parser, MaxWait).ConfigureAwait(false);
        if (!Known.Contains(question?.Service ?? "", StringComparer.Ordinal))
        {
            throw new GrpcException(GrpcStatusCode.NotFound, $"there is no service {question!.Service} here");
        }

        var status = missingAgents().Count == 0 ? ServingStatus.Serving : ServingStatus.NotServing;
        await call.WriteAsync(new HealthCheckResponse { Status = status }, call.Cancellation).ConfigureAwait(false);
    }

    private static string ServiceOf(string path) => path[1..path.LastIndexOf('/')];
}
