namespace Sidecar.Daemon.Configuration;

/// <summary>What a listener speaks.</summary>
internal enum ListenerKind
{
    /// <summary>HTTP for a proxy's auth subrequests.</summary>
    Http,

    /// <summary>The agent protocol.</summary>
    Native,

    /// <summary>Metrics and state, for operators.</summary>
    Admin,
}

/// <summary>Which proxy asks, and so which headers are believed (rule 9).</summary>
internal enum ProxyKind
{
    /// <summary>Not an HTTP listener of a proxy.</summary>
    None,

    /// <summary>nginx with auth_request.</summary>
    Nginx,
}

/// <summary>A listener as the operator wrote it.</summary>
internal sealed record ListenerOptions
{
    /// <summary>What it speaks.</summary>
    public required ListenerKind Kind { get; init; }

    /// <summary>The Unix socket.</summary>
    public required string Path { get; init; }

    /// <summary>Which proxy asks.</summary>
    public ProxyKind Proxy { get; init; }

    /// <summary>Its name in metrics and logs: the kind and the file name of its socket.</summary>
    public string Name => $"{Kind.ToString().ToLowerInvariant()}:{System.IO.Path.GetFileName(Path)}";

    /// <summary>Time for one phase: the proxy's own timeout less 20 %.</summary>
    public TimeSpan Budget { get; init; } = Defaults.PhaseBudget;

    /// <summary>Access rights of the socket file.</summary>
    public UnixFileMode Mode { get; init; } = Defaults.SocketMode;

    /// <summary>Group of the socket file, by name or number; null leaves the process's.</summary>
    public string? Group { get; init; }

    /// <summary>Request headers that only agents may set; the client's own never pass.</summary>
    public IReadOnlyList<string> SetHeaders { get; init; } = ["X-User"];

    /// <summary>Request headers that agents may change or remove.</summary>
    public IReadOnlyList<string> EditHeaders { get; init; } = ["X-Client-Secret"];

    /// <summary>Response headers that agents may set.</summary>
    public IReadOnlyList<string> ResponseHeaders { get; init; } = ["X-Frame-Options"];

    /// <summary>What happens to an event of an exchange that is not known.</summary>
    public FailureMode UnknownExchange { get; init; } = FailureMode.Closed;
}
