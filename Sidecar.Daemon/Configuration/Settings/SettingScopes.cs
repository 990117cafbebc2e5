namespace Sidecar.Daemon.Configuration.Settings;

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
        (SettingScopes.Spop, "spop"), (SettingScopes.Envoy, "envoy"), (SettingScopes.Admin, "admin"), (SettingScopes.Reverse, "reverse"),
    ];

    /// <summary>The kinds of listeners, as <c>--listen</c> has them.</summary>
    public static string Words(this SettingScopes scopes) =>
        string.Join(", ", Listeners.Where(one => scopes.HasFlag(one.Scope)).Select(static one => one.Word));
}
