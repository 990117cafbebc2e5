namespace Sidecar.Daemon.Configuration.Settings;

/// <summary>What is said of one listener, but for what only some kinds have.</summary>
internal static class ListenerSettings
{
    public static readonly SettingList List = new();

    /// <summary>The word for an envoy listener whose filter fails open, which has a shorter budget.</summary>
    public const string FailingOpen = "envoy failing open";

    // More than a process may have open anywhere.
    private const int MostConnections = 1_000_000;

    // Behind more load balancers than anybody has.
    private const int MostHops = 16;

    // Whose questions have headers that are carried one by one.
    private const SettingScopes Carrying = SettingScopes.Http | SettingScopes.Spop;

    private static readonly ValueFormat<IReadOnlyList<string>?> HeaderNames = Formats.List("NAME+NAME", canBeEmpty: true);

    public static readonly Setting<TimeSpan> Budget = List.Add(
        SettingGroup.Listener, "budget", Formats.Duration(), TimeSpan.FromMilliseconds(400), "Time for one phase of an exchange",
        "the proxy's own timeout (nginx 500 ms; HAProxy's and Envoy's 200 ms) less 20 %, or 30 % where a late refusal lets pass",
        scopes: SettingScopes.Asking,
        variants:
        [
            ("spop", TimeSpan.FromMilliseconds(160)), ("envoy", TimeSpan.FromMilliseconds(160)),
            (FailingOpen, TimeSpan.FromMilliseconds(140)),
        ]);

    public static readonly Setting<int> MaxConnections = List.Add(
        SettingGroup.Listener, "max-connections", Formats.Number(1, MostConnections, "connections"), 4096, "Connections at once",
        "64 workers of a proxy with a pool of 64 each; HAProxy has one per thread and 20 messages in flight, Envoy one or two per worker. "
        + "See [descriptors](operations.md#descriptors); of a reverse listener those count that have not registered",
        variants: [("native", 1024), ("spop", 1024), ("envoy", 256), ("reverse", Defaults.UnregisteredConnections), ("admin", 64)]);

    public static readonly Setting<UnixFileMode> Mode = List.Add(
        SettingGroup.Listener, "mode", SocketFormats.Mode,
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite,
        "Access rights of the socket file", "the proxy's workers are in the socket's group");

    public static readonly Setting<string?> Group = List.Add(
        SettingGroup.Listener, "group", Formats.Text("NAME"), null, "Group of the socket file", words: "the process's");

    public static readonly Setting<FailureMode> UnknownExchange = List.Add(
        SettingGroup.Listener, "unknown-exchange", Formats.FailureMode, FailureMode.Closed, "What becomes of events of an unknown exchange",
        "cause `exchange-unknown`", scopes: SettingScopes.Json | SettingScopes.Frames | SettingScopes.Native | SettingScopes.Spop);

    public static readonly Setting<string?> SecretFile = List.Add(
        SettingGroup.Listener, "secret-file", Formats.File(), null, "On TCP, the secret that the proxy must show",
        "any process of the machine can connect to a port; a socket file has rights", words: "must be said",
        scopes: SettingScopes.Http | SettingScopes.Envoy);

    public static readonly Setting<ProxyKind> Proxy = List.AddUnset(
        SettingGroup.Http, "proxy", Formats.Names(first: ProxyKind.Nginx), "must be said", "Which proxy asks",
        "that decides which headers are believed; see [http.md](http.md)", scopes: SettingScopes.Http | SettingScopes.Json,
        file: "for");

    public static readonly Setting<IReadOnlyList<string>?> SetHeaders = List.Add(
        SettingGroup.Http, "set-headers", HeaderNames, ["X-User"], "Request headers that only agents may set",
        "the client's own never pass", scopes: Carrying, file: "headers.set");

    public static readonly Setting<IReadOnlyList<string>?> EditHeaders = List.Add(
        SettingGroup.Http, "edit-headers", HeaderNames, ["X-Client-Secret"], "Request headers that agents may change or remove",
        scopes: Carrying, file: "headers.edit");

    public static readonly Setting<IReadOnlyList<string>?> ResponseHeaders = List.Add(
        SettingGroup.Http, "response-headers", HeaderNames, ["X-Frame-Options"], "Response headers that agents may set",
        "the proxy's configuration names the same; Traefik hands on no header of an answer but Set-Cookie",
        scopes: Carrying, variants: [("traefik", [])], file: "headers.response");

    public static readonly Setting<string?> PathPrefix = List.Add(
        SettingGroup.Http, "path-prefix", Formats.Text("PREFIX"), "", "What stands before the client's path (proxy=envoy-http)",
        "Envoy's `path_prefix`", words: "none");

    public static readonly Setting<RequestBodies> RequestBodies = List.Add(
        SettingGroup.Http, "request-body", Formats.RequestBodies, Configuration.RequestBodies.Kept,
        "Whether bodies are handed over (proxy=traefik, envoy-http)",
        "Traefik's `forwardBody`, Envoy's `with_request_body`; `sign` is of Envoy alone: the first bytes tell of a body, agents see none");

    public static readonly Setting<int> TrustedHops = List.Add(
        SettingGroup.Http, "trusted-hops", Formats.Number(0, MostHops, "hops"), 0, "Load balancers that are believed (proxy=traefik)",
        "they stand before Traefik and tell the client's address, which other proxies tell themselves");

    public static readonly Setting<bool> ResponsePhase = List.Add(
        SettingGroup.Spop, "response", Formats.YesNo, true, "Whether HAProxy asks about responses, too");

    public static readonly Setting<HeaderForm> HeaderForm = List.Add(
        SettingGroup.Spop, "header-form", Formats.Names<HeaderForm>(), Configuration.HeaderForm.Lists, "How header changes are told",
        "`lists` carry every header and need the ready Lua actions or HAProxy 3.4; `names` carry those that the listener names");

    public static readonly Setting<string?> VariablePrefix = List.Add(
        SettingGroup.Spop, "var-prefix", Formats.Text("NAME", PrefixProblem), "sc", "Its option var-prefix",
        "as the ready configuration has it; names are short of room (63 bytes)");

    public static readonly Setting<long> MaxFrame = List.Add(
        SettingGroup.Spop, "max-frame", Formats.Size(256, 1024 * 1024), 1024 * 1024, "The largest frame to agree to",
        "16 times HAProxy's buffer of 64 KiB, the largest that is usual");

    public static readonly Setting<IReadOnlyList<string>?> Agents = List.Add(
        SettingGroup.Reverse, "agents", Formats.List("ID+ID"), null, "Who may dial in", words: "every reverse: agent");

    public static readonly Setting<string?> TokenFile = List.Add(
        SettingGroup.Reverse, "token-file", Formats.File(), null, "Tokens by which agents prove themselves", words: "no tokens");

    public static readonly Setting<IReadOnlyList<string>?> Users = List.Add(
        SettingGroup.Reverse, "uid", Formats.List("USER+USER"), null, "Users, by name or number, as which agents run", words: "any");

    public static readonly Setting<IReadOnlyList<string>?> Groups = List.Add(
        SettingGroup.Reverse, "gid", Formats.List("GROUP+GROUP"), null, "Groups, by name or number, as which agents run", words: "any");

    public static readonly Setting<int> MaxPerAgent = List.AddUnset(
        SettingGroup.Reverse, "max-per-agent", Formats.Number(1, CallSettings.MostConnections, "connections"),
        "its connections=", "Most connections of one agent");

    private static string? PrefixProblem(string text) =>
        text.Length is > 0 and <= 16 && text.All(static letter => char.IsAsciiLetterOrDigit(letter) || letter == '_')
            ? null
            : "must have 1 to 16 letters, digits and '_': HAProxy takes names of 63 bytes in all";
}
