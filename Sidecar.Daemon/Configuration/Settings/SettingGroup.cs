namespace Sidecar.Daemon.Configuration.Settings;

/// <summary>Settings that help and documentation show together.</summary>
/// <param name="Title">The heading, at most 78 columns.</param>
/// <param name="Scopes">Where its settings may be written, unless one says otherwise.</param>
internal sealed record SettingGroup(string Title, SettingScopes Scopes)
{
    /// <summary>Which agents there are, and what happens when they fail.</summary>
    public static readonly SettingGroup Agents = new("Agents", SettingScopes.Run);

    /// <summary>Where proxies ask.</summary>
    public static readonly SettingGroup Listeners = new("Listeners", SettingScopes.Run);

    /// <summary>Who is asked about which requests.</summary>
    public static readonly SettingGroup Routes = new("Routes", SettingScopes.Run);

    /// <summary>How long calls may take, how many there may be, and which wait.</summary>
    public static readonly SettingGroup Calls = new("Calls to agents", SettingScopes.RunAndAgent);

    /// <summary>What calls go over.</summary>
    public static readonly SettingGroup Connections = new("Connections to agents", SettingScopes.RunAndAgent);

    /// <summary>Sessions of clients that stay on one connection.</summary>
    public static readonly SettingGroup Sticky = new("Sticky sessions", SettingScopes.RunAndAgent);

    /// <summary>When an agent that fails is left alone.</summary>
    public static readonly SettingGroup Breaker = new("Circuit breaker", SettingScopes.RunAndAgent);

    /// <summary>What the daemon holds at most.</summary>
    public static readonly SettingGroup Limits = new("Limits", SettingScopes.Run);

    /// <summary>The process itself.</summary>
    public static readonly SettingGroup Process = new("Process", SettingScopes.Run);

    /// <summary>One agent.</summary>
    public static readonly SettingGroup Agent = new("Keys of --agent", SettingScopes.Agent);

    /// <summary>How one agent is shown bodies.</summary>
    public static readonly SettingGroup AgentBodies = new("Keys of --agent, bodies", SettingScopes.Agent);

    /// <summary>TLS to one agent.</summary>
    public static readonly SettingGroup AgentTls = new("Keys of --agent, TLS of https", SettingScopes.Agent);

    /// <summary>Any listener.</summary>
    public static readonly SettingGroup Listener = new("Keys of --listen", SettingScopes.Listener);

    /// <summary>A listener of HTTP.</summary>
    public static readonly SettingGroup Http = new("Keys of --listen http", SettingScopes.Http);

    /// <summary>A listener for HAProxy.</summary>
    public static readonly SettingGroup Spop = new("Keys of --listen spop", SettingScopes.Spop);

    /// <summary>A listener for Envoy.</summary>
    public static readonly SettingGroup Envoy = new("Keys of --listen envoy", SettingScopes.Envoy);

    /// <summary>A listener for agents that dial in.</summary>
    public static readonly SettingGroup Reverse = new("Keys of --listen reverse", SettingScopes.Reverse);

    /// <summary>One route.</summary>
    public static readonly SettingGroup Route = new("Keys of --route", SettingScopes.Route);

    /// <summary>Every group, in the order in which they are shown.</summary>
    public static IReadOnlyList<SettingGroup> All { get; } =
    [
        Agents, Listeners, Routes, Calls, Connections, Sticky, Breaker, Limits, Process, Agent, AgentBodies, AgentTls, Listener, Http, Spop,
        Envoy, Reverse, Route,
    ];

    /// <summary>Whether its settings are flags, not keys.</summary>
    public bool IsOfFlags => Scopes.HasFlag(SettingScopes.Run);
}

/// <summary>Where a setting may be written.</summary>
[Flags]
internal enum SettingScopes
{
    /// <summary>Nowhere.</summary>
    None = 0,

    /// <summary>For the whole daemon: a flag of <c>sidecar run</c>.</summary>
    Run = 1,

    /// <summary>For one agent: a key of <c>--agent</c>.</summary>
    Agent = 1 << 1,

    /// <summary>For one route: a key of <c>--route</c>.</summary>
    Route = 1 << 2,

    /// <summary>A key of <c>--listen http=</c> of a proxy.</summary>
    Http = 1 << 3,

    /// <summary>A key of <c>--listen http=PATH,proxy=json</c>.</summary>
    Json = 1 << 4,

    /// <summary>A key of <c>--listen frames=</c>.</summary>
    Frames = 1 << 5,

    /// <summary>A key of <c>--listen native=</c>.</summary>
    Native = 1 << 6,

    /// <summary>A key of <c>--listen spop=</c>.</summary>
    Spop = 1 << 7,

    /// <summary>A key of <c>--listen envoy=</c>.</summary>
    Envoy = 1 << 8,

    /// <summary>A key of <c>--listen admin=</c>.</summary>
    Admin = 1 << 9,

    /// <summary>A key of <c>--listen reverse=</c>.</summary>
    Reverse = 1 << 10,

    /// <summary>For the daemon, and for one agent, whose own goes before.</summary>
    RunAndAgent = Run | Agent,

    /// <summary>Listeners that hand over what proxies ask.</summary>
    Asking = Http | Json | Frames | Native | Spop | Envoy,

    /// <summary>Every listener.</summary>
    Listener = Asking | Admin | Reverse,
}

/// <summary>Scopes in words.</summary>
internal static class SettingScopesWords
{
    private static readonly (SettingScopes Scope, string Word)[] Listeners =
    [
        (SettingScopes.Http, "http"), (SettingScopes.Json, "proxy=json"), (SettingScopes.Frames, "frames"),
        (SettingScopes.Native, "native"),
        (SettingScopes.Spop, "spop"), (SettingScopes.Envoy, "envoy"), (SettingScopes.Admin, "admin"), (SettingScopes.Reverse, "reverse"), (SettingScopes.Route, "routes"),
    ];

    /// <summary>The kinds of listeners, as <c>--listen</c> has them.</summary>
    public static string Words(this SettingScopes scopes) =>
        string.Join(", ", Listeners.Where(one => scopes.HasFlag(one.Scope)).Select(static one => one.Word));
}
