using System.Runtime.CompilerServices;
using System.Text;
using Sidecar.Daemon.FrontEnds.ExtAuthz;
using Sidecar.Protocol.Envoy;
using Sidecar.Protocol.Grpc.Client;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Cli.Bench;

/// <summary>Asks an ext_authz server the way Envoy does: one call of gRPC for each request, which is the whole exchange.</summary>
internal sealed class CheckCaller(GrpcChannel channel, CheckRequest question, TimeSpan timeout) : ICaller
{
    public long Messages { get; private set; }

    public long Exchanges => Messages;

    /// <summary>The question about a request.</summary>
    public static CheckRequest Question(RequestHeadersEvent request)
    {
        var http = new AttributeContext.Types.HttpRequest
        {
            Method = request.Method,
            Path = request.Uri,
            Host = request.Metadata.ServerName,
            Scheme = "https",
            Protocol = "HTTP/2",
        };
        for (var i = 0; i < request.Headers.Count; i++)
        {
            http.Headers[Encoding.UTF8.GetString(request.Headers.Name(i))] = Encoding.UTF8.GetString(request.Headers.Value(i));
        }

        var address = new SocketAddress { Address = request.Metadata.ClientIp, PortValue = request.Metadata.ClientPort };
        return new CheckRequest
        {
            Attributes = new AttributeContext
            {
                Source = new AttributeContext.Types.Peer { Address = new Address { SocketAddress = address } },
                Request = new AttributeContext.Types.Request { Http = http },
            },
        };
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<string?> CallAsync()
    {
        var reply = await channel.AskAsync(AuthzService.Path, question, CheckResponse.Parser, timeout, CancellationToken.None);
        if (reply.Message is not { } answer)
        {
            return $"{reply.Status.Code}: {reply.Status.Message}";
        }

        if (answer.Status is { Code: not 0 })
        {
            return $"refused: {answer.Status.Code}";
        }

        Messages++;
        return null;
    }
}
