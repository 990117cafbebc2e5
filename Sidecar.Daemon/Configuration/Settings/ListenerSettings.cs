namespace Sidecar.Daemon.Configuration.Settings;

/// <summary>What is said of one listener, but for what only some kinds have.</summary>
internal static class ListenerSettings
{
    /// <summary>The settings.</summary>
    public static readonly SettingList List = new();

    /// <summary>The word for an envoy listener whose filter fails open, which has a shorter budget.</summary>
    public const string FailingOpen = "envoy failing open";

    // More than a process may have open anywhere.
    private const int MostConnections = 1_000_000;

    // Behind more load balancers than anybody has.
    private const int MostHops = 16;

    /// <summary>Time for one phase.</summary>
    public static readonly Setting<TimeSpan> Budget = List.Add(new Setting<TimeSpan>("budget", Formats.Duration())
    {
        Default = TimeSpan.FromMilliseconds(400),
        Variants = [("spop", TimeSpan.FromMilliseconds(160)), ("envoy", TimeSpan.FromMilliseconds(160)), (FailingOpen, TimeSpan.FromMilliseconds(140))],
        Group = SettingGroup.Listener,
        Scopes = SettingScopes.Asking,
        Help = "Time for one phase of an exchange",
        Why = "the proxy's own timeout (nginx 500 ms; HAProxy's and Envoy's 200 ms) less 20 %, or 30 % where a late refusal lets pass",
    });

    /// <summary>Connections at once.</summary>
    public static readonly Setting<int> MaxConnections = List.Add(new Setting<int>("max-connections", Formats.Number(1, MostConnections, "connections"))
    {
        Default = 4096,
        Variants = [("native", 1024), ("spop", 1024), ("envoy", 256), ("reverse", Defaults.UnregisteredConnections), ("admin", 64)],
        Group = SettingGroup.Listener,
        Help = "Connections at once",
        Why = "64 workers of a proxy with a pool of 64 each; HAProxy has one per thread and 20 messages in flight, Envoy one or two per worker. "
            + "See [descriptors](operations.md#descriptors); of a reverse listener those count that have not registered",
    });

    /// <summary>Access rights of the socket file: the proxy's workers are in the socket's group.</summary>
    public static readonly Setting<UnixFileMode> Mode = List.Add(new Setting<UnixFileMode>("mode", SocketFormats.Mode)
    {
        Default = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite,
        Group = SettingGroup.Listener,
        Help = "Access rights of the socket file",
        Why = "the proxy's workers are in the socket's group",
    });

    /// <summary>Group of the socket file, by name or number; null leaves the process's.</summary>
    public static readonly Setting<string?> Group = List.Add(new Setting<string?>("group", Formats.Text("NAME"))
    {
        Default = null,
        DefaultWords = "the process's",
        Group = SettingGroup.Listener,
        Help = "Group of the socket file",
    });

    /// <summary>What happens to an event of an exchange that is not known.</summary>
    public static readonly Setting<FailureMode> UnknownExchange = List.Add(new Setting<FailureMode>("unknown-exchange", Formats.FailureMode)
    {
        Default = FailureMode.Closed,
        Group = SettingGroup.Listener,
        Scopes = SettingScopes.Json | SettingScopes.Frames | SettingScopes.Native | SettingScopes.Spop,
        Help = "What becomes of events of an unknown exchange",
        Why = "cause `exchange-unknown`",
    });

    /// <summary>The file with the secret by which a proxy on TCP proves itself.</summary>
    public static readonly Setting<string?> SecretFile = List.Add(new Setting<string?>("secret-file", Formats.Text("FILE"))
    {
        Default = null,
        DefaultWords = "must be said",
        Group = SettingGroup.Listener,
        Scopes = SettingScopes.Http | SettingScopes.Envoy,
        Help = "On TCP, the secret that the proxy must show",
        Why = "any process of the machine can connect to a port; a socket file has rights",
    });

    /// <summary>Which proxy asks.</summary>
    public static readonly Setting<ProxyKind> Proxy = List.Add(new Setting<ProxyKind>("proxy", Formats.Words(ProxyLabels.All))
    {
        DefaultWords = "must be said",
        Group = SettingGroup.Http,
        Scopes = SettingScopes.Http | SettingScopes.Json,
        Help = "Which proxy asks",
        Why = "that decides which headers are believed; see [http.md](http.md)",
    });

    /// <summary>Request headers that only agents may set.</summary>
    public static readonly Setting<IReadOnlyList<string>?> SetHeaders = List.Add(HeaderList(
        "set-headers", ["X-User"], "Request headers that only agents may set", "the client's own never pass"));

    /// <summary>Request headers that agents may change or remove.</summary>
    public static readonly Setting<IReadOnlyList<string>?> EditHeaders = List.Add(HeaderList(
        "edit-headers", ["X-Client-Secret"], "Request headers that agents may change or remove", ""));

    /// <summary>Response headers that agents may set.</summary>
    public static readonly Setting<IReadOnlyList<string>?> ResponseHeaders = List.Add(new Setting<IReadOnlyList<string>?>(
        "response-headers", Formats.List("NAME+NAME", canBeEmpty: true))
    {
        Default = ["X-Frame-Options"],
        Variants = [("traefik", [])],
        Group = SettingGroup.Http,
        Scopes = SettingScopes.Http | SettingScopes.Spop,
        Help = "Response headers that agents may set",
        Why = "the proxy's configuration names the same; Traefik hands on no header of an answer but Set-Cookie",
    });

    /// <summary>What the proxy puts before the client's path; empty for nothing.</summary>
    public static readonly Setting<string?> PathPrefix = List.Add(new Setting<string?>("path-prefix", Formats.Text("PREFIX"))
    {
        Default = "",
        DefaultWords = "none",
        Group = SettingGroup.Http,
        Help = "What stands before the client's path (proxy=envoy-http)",
        Why = "Envoy's `path_prefix`",
    });

    /// <summary>What the proxy does with bodies.</summary>
    public static readonly Setting<RequestBodies> RequestBodies = List.Add(new Setting<RequestBodies>("request-body", Formats.Words(RequestBodiesWords.All))
    {
        Default = Configuration.RequestBodies.Kept,
        Group = SettingGroup.Http,
        Help = "Whether bodies are handed over (proxy=traefik, envoy-http)",
        Why = "Traefik's `forwardBody`, Envoy's `with_request_body`; `sign` is of Envoy alone: the first bytes tell of a body, agents see none",
    });

    /// <summary>How many load balancers in front of the proxy are believed to have told the client's address.</summary>
    public static readonly Setting<int> TrustedHops = List.Add(new Setting<int>("trusted-hops", Formats.Number(0, MostHops, "hops"))
    {
        Default = 0,
        Group = SettingGroup.Http,
        Help = "Load balancers that are believed (proxy=traefik)",
        Why = "they stand before Traefik and tell the client's address, which other proxies tell themselves",
    });

    /// <summary>Whether HAProxy is configured to ask about responses too.</summary>
    public static readonly Setting<bool> ResponsePhase = List.Add(new Setting<bool>("response", Formats.YesNo)
    {
        Default = true,
        Group = SettingGroup.Spop,
        Help = "Whether HAProxy asks about responses, too",
    });

    /// <summary>How header changes are told to HAProxy.</summary>
    public static readonly Setting<HeaderForm> HeaderForm = List.Add(new Setting<HeaderForm>(
        "header-form", Formats.Words(("lists", Configuration.HeaderForm.Lists), ("names", Configuration.HeaderForm.Names)))
    {
        Default = Configuration.HeaderForm.Lists,
        Group = SettingGroup.Spop,
        Help = "How header changes are told",
        Why = "`lists` carry every header and need the ready Lua actions or HAProxy 3.4; `names` carry those that the listener names",
    });

    /// <summary>HAProxy's <c>option var-prefix</c>.</summary>
    public static readonly Setting<string?> VariablePrefix = List.Add(new Setting<string?>("var-prefix", Formats.Text("NAME", PrefixProblem))
    {
        Default = "sc",
        Group = SettingGroup.Spop,
        Help = "Its option var-prefix",
        Why = "as the ready configuration has it; names are short of room (63 bytes)",
    });

    /// <summary>The largest frame to agree to, in bytes.</summary>
    public static readonly Setting<long> MaxFrame = List.Add(new Setting<long>("max-frame", Formats.Size(256, 1024 * 1024))
    {
        Default = 1024 * 1024,
        Group = SettingGroup.Spop,
        Help = "The largest frame to agree to",
        Why = "16 times HAProxy's buffer of 64 KiB, the largest that is usual",
    });

    /// <summary>The agents allowed to dial in; null for every agent that dials in.</summary>
    public static readonly Setting<IReadOnlyList<string>?> Agents = List.Add(new Setting<IReadOnlyList<string>?>("agents", Formats.List("ID+ID"))
    {
        Default = null,
        DefaultWords = "every reverse: agent",
        Group = SettingGroup.Reverse,
        Help = "Who may dial in",
    });

    /// <summary>The file with the agents' tokens; null asks for none.</summary>
    public static readonly Setting<string?> TokenFile = List.Add(new Setting<string?>("token-file", Formats.Text("FILE"))
    {
        Default = null,
        DefaultWords = "no tokens",
        Group = SettingGroup.Reverse,
        Help = "Tokens by which agents prove themselves",
    });

    /// <summary>Users as which a peer may run; null for any.</summary>
    public static readonly Setting<IReadOnlyList<string>?> Users = List.Add(new Setting<IReadOnlyList<string>?>("uid", Formats.List("USER+USER"))
    {
        Default = null,
        DefaultWords = "any",
        Group = SettingGroup.Reverse,
        Help = "Users, by name or number, as which agents run",
    });

    /// <summary>Groups as which a peer may run; null for any.</summary>
    public static readonly Setting<IReadOnlyList<string>?> Groups = List.Add(new Setting<IReadOnlyList<string>?>("gid", Formats.List("GROUP+GROUP"))
    {
        Default = null,
        DefaultWords = "any",
        Group = SettingGroup.Reverse,
        Help = "Groups, by name or number, as which agents run",
    });

    /// <summary>Most connections of one agent.</summary>
    public static readonly Setting<int> MaxPerAgent = List.Add(new Setting<int>(
        "max-per-agent", Formats.Number(1, CallSettings.MostConnections, "connections"))
    {
        DefaultWords = "its connections=",
        Group = SettingGroup.Reverse,
        Help = "Most connections of one agent",
    });

    private static Setting<IReadOnlyList<string>?> HeaderList(string key, string[] names, string help, string why) =>
        new(key, Formats.List("NAME+NAME", canBeEmpty: true))
        {
            Default = names,
            Group = SettingGroup.Http,
            Scopes = SettingScopes.Http | SettingScopes.Spop,
            Help = help,
            Why = why,
        };

    private static string? PrefixProblem(string text) =>
        text.Length is > 0 and <= 16 && text.All(static letter => char.IsAsciiLetterOrDigit(letter) || letter == '_')
            ? null
            : "must have 1 to 16 letters, digits and '_': HAProxy takes names of 63 bytes in all";
}
