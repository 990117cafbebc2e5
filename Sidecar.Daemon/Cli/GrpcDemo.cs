using System.CommandLine;
using System.Net;
using System.Net.Sockets;
using Sidecar.Daemon.BundledAgents.Demo;
using Sidecar.Daemon.Configuration;
using Sidecar.Protocol.Sdk;

namespace Sidecar.Daemon.Cli;

/// <summary>What the demo agent needs to serve gRPC: an address to listen on, and TLS if asked for.</summary>
internal static class GrpcDemo
{
    private static readonly Option<string?> Certificate = FlagTypes.Text("--tls-cert", "FILE", "https: the agent's certificate, PEM");
    private static readonly Option<string?> Key = FlagTypes.Text("--tls-key", "FILE", "https: its key, PEM");
    private static readonly Option<string?> ClientCa =
        FlagTypes.Text("--tls-client-ca", "FILE", "https: who issues clients' certificates, PEM; clients without one are refused");

    public static IReadOnlyList<Option> Flags { get; } = [Certificate, Key, ClientCa];

    /// <summary>The options of a server; null when it is not gRPC that is asked for. What is wrong is added to the problems.</summary>
    public static GrpcAgentServerOptions? Bind(ParseResult result, string? listen, string id, List<string> problems)
    {
        var endpoint = listen is null ? null : AgentEndpoint.Read(listen, static _ => { });
        var isEncrypted = endpoint is AgentEndpoint.Grpc { IsEncrypted: true };
        var (certificate, key, clients) = (result.GetValue(Certificate), result.GetValue(Key), result.GetValue(ClientCa));
        if (isEncrypted ? certificate is null || key is null : (certificate ?? key ?? clients) is not null)
        {
            problems.Add("--tls-cert and --tls-key are both needed for https:// and, like --tls-client-ca, for nothing else");
        }

        if (endpoint is null && listen is not null && listen.Contains(Uri.SchemeDelimiter, StringComparison.Ordinal))
        {
            problems.Add(NoAddress(listen));
        }

        if (endpoint is null || EndPointOf(endpoint, problems) is not { } endPoint)
        {
            return null;
        }

        var demo = DemoAgent.Options(id, "", DaemonVersion.Text);
        return new GrpcAgentServerOptions
        {
            EndPoint = endPoint,
            Capabilities = demo.Capabilities,
            Tls = isEncrypted && certificate is not null && key is not null
                ? new GrpcAgentTls { CertificatePath = certificate, KeyPath = key, ClientCaPath = clients }
                : null,
        };
    }

    private static string NoAddress(string listen) =>
        $"--listen {listen} is no address to listen on; write http://127.0.0.1:50051, or http://0.0.0.0:50051 for every interface";

    private static EndPoint? EndPointOf(AgentEndpoint listen, List<string> problems)
    {
        switch (listen)
        {
            case AgentEndpoint.GrpcUnix unix:
                AgentEndpoint.Read(listen.ToString(), error => problems.Add($"--listen {listen}: {error}"));
                return problems.Count == 0 ? new UnixDomainSocketEndPoint(unix.Path) : null;

            // Port 0, which nobody can dial, is any that is free here.
            case AgentEndpoint.Grpc { Url: { UserInfo: "", PathAndQuery: "/", Fragment: "" } url } when IPAddress.TryParse(
                url.DnsSafeHost == "localhost" ? "127.0.0.1" : url.DnsSafeHost, out var address):
                return new IPEndPoint(address, url.Port);
            case AgentEndpoint.Grpc:
                problems.Add(NoAddress(listen.ToString()));
                return null;
            default:
                return null;
        }
    }
}
