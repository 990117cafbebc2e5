using System.Text;

namespace Sidecar.Daemon.Configuration;

/// <summary>
/// Where an agent is (spec §1.2), read once: a closed set of kinds, over which whoever needs the kind switches. Its text is what an
/// operator reads.
/// </summary>
internal abstract record AgentEndpoint
{
    private const string ReverseText = "reverse:";
    private const string UnixPrefix = "unix:";

    // The path follows. Not with a +, which separates endpoints.
    private const string GrpcUnixPrefix = "grpc-unix:";
    private const string Help =
        $"write unix:PATH or /PATH, http://HOST:PORT or https://HOST:PORT for gRPC, {GrpcUnixPrefix}PATH for gRPC on a Unix socket, "
        + $"several with '+', or {ReverseText} for an agent that dials in";

    private AgentEndpoint()
    {
    }

    /// <summary>A Unix socket on which the agent speaks frames.</summary>
    public sealed record Unix(string Path) : AgentEndpoint
    {
        public override string ToString() => Path;
    }

    /// <summary>gRPC over a Unix socket.</summary>
    public sealed record GrpcUnix(string Path) : AgentEndpoint
    {
        public override string ToString() => GrpcUnixPrefix + Path;
    }

    /// <summary>gRPC over TCP, <c>http://HOST:PORT</c> or <c>https://HOST:PORT</c>: maybe on another machine.</summary>
    public sealed record Grpc(Uri Url) : AgentEndpoint
    {
        /// <summary>Whether it is reached by TLS.</summary>
        public bool IsEncrypted => Url.Scheme == Uri.UriSchemeHttps;

        public override string ToString() => Url.OriginalString;
    }

    /// <summary>
    /// Nowhere: the agent dials in and registers itself. The word has a scheme, so no path is mistaken for it; a socket file of that name
    /// is
    /// <c>unix:reverse:</c>.
    /// </summary>
    public sealed record Reverse : AgentEndpoint
    {
        public override string ToString() => ReverseText;
    }

    /// <summary>The socket file; null where there is none.</summary>
    public string? SocketPath => this switch { Unix unix => unix.Path, GrpcUnix grpc => grpc.Path, _ => null };

    /// <summary>Whether gRPC is spoken there.</summary>
    public bool IsGrpc => this is Grpc or GrpcUnix;

    /// <summary>What is wrong with an agent that dials in and has something else written beside it.</summary>
    public static string MustStandAlone(string text) =>
        $"endpoint {text}: '{ReverseText}' stands alone, because the agent dials --listen reverse=PATH; a socket file of that name is "
        + $"{UnixPrefix}{text}";

    /// <summary>What was written, read; null when it is none of the kinds.</summary>
    /// <param name="text">What was written.</param>
    /// <param name="error">Is told what is wrong with it, also with one that can be read.</param>
    /// <param name="isConfiguration">Whether a daemon's configuration has it, which names no relative paths.</param>
    /// <param name="directory">The directory to which a path is relative; null where it is the process's.</param>
    public static AgentEndpoint? Read(string text, Action<string> error, bool isConfiguration = false, string? directory = null)
    {
        // A scheme first, then what looks like a path; a host name is never mistaken for a path.
        if (text.StartsWith(ReverseText, StringComparison.Ordinal))
        {
            if (text != ReverseText)
            {
                error(MustStandAlone(text));
            }

            return new Reverse();
        }

        if (text.StartsWith(Uri.UriSchemeHttp + Uri.SchemeDelimiter, StringComparison.OrdinalIgnoreCase)
            || text.StartsWith(Uri.UriSchemeHttps + Uri.SchemeDelimiter, StringComparison.OrdinalIgnoreCase))
        {
            var isUrl = Uri.TryCreate(text, UriKind.Absolute, out var url);
            if ((isUrl ? ProblemOf(url!) : "is no URL") is { } problem)
            {
                error($"endpoint {text} {problem}; write http://HOST:PORT or https://HOST:PORT and nothing after it");
            }

            return isUrl ? new Grpc(url!) : null;
        }

        AgentEndpoint? endpoint = text.StartsWith(GrpcUnixPrefix, StringComparison.Ordinal) ? new GrpcUnix(In(directory, text[GrpcUnixPrefix.Length..]))
            : text.StartsWith(UnixPrefix, StringComparison.Ordinal) ? new Unix(In(directory, text[UnixPrefix.Length..]))
            : !text.Contains(Uri.SchemeDelimiter, StringComparison.Ordinal)
                && (text.StartsWith('/') || text.EndsWith(".sock", StringComparison.Ordinal)) ? new Unix(In(directory, text))
            : null;
        if (endpoint is null)
        {
            error($"endpoint {(text.Length == 0 ? "''" : text)} is none that can be dialled; {Help}");
        }
        else if ((isConfiguration ? SocketPaths.ErrorInConfiguration(endpoint.SocketPath!) : SocketPaths.Error(
            endpoint.SocketPath!)) is { } bad)
        {
            error(bad);
        }

        return endpoint;
    }

    private static string In(string? directory, string path) => directory is null ? path : SocketPaths.In(directory, path);

    private static string? ProblemOf(Uri url) => url.Host.Length == 0 ? "names no host"
        : url.Port == 0 ? "names port 0"
        : url.UserInfo.Length > 0 || url.PathAndQuery is not "/" || url.Fragment.Length > 0 ? "has more than a host and a port"
        : null;
}

/// <summary>What a Unix socket's path may be.</summary>
internal static class SocketPaths
{
    /// <summary>The kernel's limit in bytes, without the closing NUL.</summary>
    public const int MaxBytes = 107;

    /// <summary>
    /// What is wrong with a path of the daemon's configuration; null when it is fine. Where a relative one leads depends on who starts the
    /// daemon.
    /// </summary>
    public static string? ErrorInConfiguration(string path) => Error(path)
        ?? (path[0] == '/' ? null : $"the path '{path}' is relative, and where it leads depends on the directory that the daemon is "
        + $"started in; write the whole path, for example /run/sidecar/{Path.GetFileName(path)}");

    /// <summary>A path that was written in a file; as it was where it is none.</summary>
    /// <param name="directory">The file's directory, to which it is relative.</param>
    /// <param name="path">What was written.</param>
    public static string In(string directory, string path) =>
        path.Length == 0 || path.Contains('\0', StringComparison.Ordinal) ? path : Path.Combine(directory, path);

    /// <summary>What is wrong with a path; null when it is fine.</summary>
    public static string? Error(string path)
    {
        if (path.Length == 0)
        {
            return "the path of the socket is empty";
        }

        if (path.Contains('\0', StringComparison.Ordinal))
        {
            return "the path of the socket has a NUL";
        }

        var bytes = Encoding.UTF8.GetByteCount(path);
        return bytes > MaxBytes ? $"the path has {bytes} bytes; a Unix socket's path may have {MaxBytes}; choose a shorter one" : null;
    }
}
