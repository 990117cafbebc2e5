using Sidecar.Protocol.Messages;

namespace Sidecar.Tests.EndToEnd.Traefik;

/// <summary>The one of a real Traefik.</summary>
internal sealed class TraefikStack : ShownStack
{
    private TraefikStack(EventSet supports)
        : base(supports)
    {
    }

    public RealTraefik Traefik { get; private set; } = null!;

    public override int Port => Traefik.Port;

    protected override IAsyncDisposable? Proxy => Traefik;

    /// <summary>Starts everything.</summary>
    /// <param name="keys">Further keys of the listener.</param>
    /// <param name="agentKeys">Further keys of the agent.</param>
    /// <param name="supports">What the agent says that it takes.</param>
    /// <param name="edit">What the test changes in Traefik's dynamic file.</param>
    /// <param name="editStatic">What it changes in the static one.</param>
    public static async Task<TraefikStack> StartAsync(
        string keys = "", string agentKeys = "", EventSet supports = EventSet.RequestHeaders, Func<string, string>? edit = null,
        Func<string, string>? editStatic = null)
    {
        await RealTraefik.RequireAsync();
        var stack = new TraefikStack(supports);
        return await StartAsync(
            stack, agentKeys, RealTraefik.Listener(stack.Files, keys),
            async () => stack.Traefik = await RealTraefik.StartAsync(stack.Files, stack.Origin.Port, edit, editStatic));
    }
}
