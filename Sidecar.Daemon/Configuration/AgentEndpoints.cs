namespace Sidecar.Daemon.Configuration;

/// <summary>Where agents may be: Unix sockets, gRPC over TCP with and without TLS, gRPC over Unix sockets (spec §1.2).</summary>
internal static class AgentEndpoints
{
    /// <summary>What begins gRPC over a Unix socket; the path follows. Not with a <c>+</c>, which separates endpoints.</summary>
    public const string GrpcUnix = "grpc-unix:";

    private const string Unix = "unix:";
    private const string Cleartext = "http://";
    private const string Encrypted = "https://";
    private const string Help = "write unix:PATH or /PATH, http://HOST:PORT or https://HOST:PORT for gRPC, grpc-unix:PATH for gRPC on a Unix socket, several with '+'";

    /// <summary>Whether the agent there is on another machine, or may be.</summary>
    public static bool IsRemote(string endpoint) => IsEncrypted(endpoint) || endpoint.StartsWith(Cleartext, StringComparison.OrdinalIgnoreCase);

    /// <summary>Whether it is reached by TLS.</summary>
    public static bool IsEncrypted(string endpoint) => endpoint.StartsWith(Encrypted, StringComparison.OrdinalIgnoreCase);

    /// <summary>The path of a gRPC agent's Unix socket; null when it is none.</summary>
    public static string? GrpcPath(string endpoint) => endpoint.StartsWith(GrpcUnix, StringComparison.Ordinal) ? endpoint[GrpcUnix.Length..] : null;

    /// <summary>The endpoint without what needs not be written.</summary>
    /// <param name="endpoint">What was written.</param>
    /// <param name="error">Is told what is wrong with it.</param>
    /// <param name="isConfiguration">Whether a daemon's configuration has it, which names no relative paths.</param>
    public static string Read(string endpoint, Action<string> error, bool isConfiguration = false)
    {
        // An explicit scheme first, then what looks like a path; a host name is never mistaken for a path.
        if (IsRemote(endpoint))
        {
            if (ProblemOf(endpoint) is { } problem)
            {
                error($"endpoint {endpoint} {problem}; write http://HOST:PORT or https://HOST:PORT and nothing after it");
            }

            return endpoint;
        }

        var path = GrpcPath(endpoint)
            ?? (endpoint.StartsWith(Unix, StringComparison.Ordinal) ? endpoint[Unix.Length..]
            : !endpoint.Contains("://", StringComparison.Ordinal) && (endpoint.StartsWith('/') || endpoint.EndsWith(".sock", StringComparison.Ordinal)) ? endpoint
            : null);
        if (path is null)
        {
            error($"endpoint {(endpoint.Length == 0 ? "''" : endpoint)} is none that can be dialled; {Help}, or {AgentOptions.ReverseEndpoint} for an agent that dials in");
            return endpoint;
        }

        if ((isConfiguration ? SocketPaths.ErrorInConfiguration(path) : SocketPaths.Error(path)) is { } bad)
        {
            error(bad);
        }

        return GrpcPath(endpoint) is null ? path : endpoint;
    }

    private static string? ProblemOf(string endpoint) => !Uri.TryCreate(endpoint, UriKind.Absolute, out var uri) ? "is no URL"
        : uri.Host.Length == 0 ? "names no host"
        : uri.Port == 0 ? "names port 0"
        : uri.UserInfo.Length > 0 || uri.PathAndQuery is not "/" || uri.Fragment.Length > 0 ? "has more than a host and a port"
        : null;
}
