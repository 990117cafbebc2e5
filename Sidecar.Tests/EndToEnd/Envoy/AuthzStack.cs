using Sidecar.Protocol.Messages;

namespace Sidecar.Tests.EndToEnd.Envoy;

/// <summary>The two wires of Envoy's ext_authz filter.</summary>
internal enum AuthzWire
{
    /// <summary>envoy-ext-authz.yaml.</summary>
    Grpc,

    /// <summary>envoy-http-authz.yaml.</summary>
    Http,
}

/// <summary>The one of a real Envoy with an ext_authz filter.</summary>
internal sealed class AuthzStack : ShownStack
{
    private AuthzStack(EventSet supports)
        : base(supports)
    {
    }

    public RealEnvoy Envoy { get; private set; } = null!;

    public override int Port => Envoy.Port;

    protected override IAsyncDisposable? Proxy => Envoy;

    /// <summary>What the daemon's <c>--listen</c> says for the ready configuration.</summary>
    public static string Listener(AuthzWire wire, string socket) =>
        wire == AuthzWire.Grpc ? $"envoy={socket}" : $"http={socket},proxy=envoy-http,request-body=yes";

    /// <summary>The ready configuration.</summary>
    public static string File(AuthzWire wire) => wire == AuthzWire.Grpc ? "envoy-ext-authz.yaml" : "envoy-http-authz.yaml";

    /// <summary>Lets requests pass, each marked, while nobody can be asked.</summary>
    public static string FailingOpen(string text) =>
        text.Replace("failure_mode_allow: false", "failure_mode_allow: true\n              failure_mode_allow_header_add: true", StringComparison.Ordinal);

    /// <summary>Starts everything.</summary>
    /// <param name="wire">Which ready configuration.</param>
    /// <param name="agentKeys">Further keys of the agent.</param>
    /// <param name="listen">Changes the listener's keys.</param>
    /// <param name="edit">Changes Envoy's file.</param>
    /// <param name="supports">What the agent says that it takes.</param>
    public static async Task<AuthzStack> StartAsync(
        AuthzWire wire, string agentKeys = "", Func<string, string>? listen = null, Func<string, string>? edit = null,
        EventSet supports = EventSet.RequestHeaders | EventSet.RequestBodyChunk)
    {
        await RealEnvoy.RequireAsync();
        var stack = new AuthzStack(supports);
        var socket = stack.Files.Socket("envoy");
        var listener = Listener(wire, socket);
        return await StartAsync(
            stack, agentKeys, listen?.Invoke(listener) ?? listener,
            async () => stack.Envoy = await RealEnvoy.StartAsync(socket, stack.Origin.Port, File(wire), edit: edit));
    }
}
