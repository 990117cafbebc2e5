namespace Sidecar.Daemon.Listeners;

/// <summary>How the socket file of one listener is made.</summary>
internal sealed record UnixListenerOptions
{
    /// <summary>
    /// Permissions of the file. Connecting needs write permission. Default 0660: the daemon's user and the group it shares with the proxy.
    /// </summary>
    public UnixFileMode Mode { get; init; } =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite;

    /// <summary>Group of the file, by name or number. Null: the daemon's, or the directory's if that is setgid.</summary>
    public string? Group { get; init; }

    /// <summary>
    /// Whether a path on which another process listens is taken from it. Default no: two daemons on one path are nearly always a
    /// mistake, and the first would go on without requests, unnoticed.
    /// </summary>
    public bool AllowTakeover { get; init; }

    /// <summary>
    /// Connections that may wait for being accepted. Default 4,096: a proxy's burst after a restart must not be refused. The kernel
    /// lowers it to <c>net.core.somaxconn</c> (4,096 on current kernels).
    /// </summary>
    public int Backlog { get; init; } = 4096;
}
