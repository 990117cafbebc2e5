using Microsoft.Extensions.Logging;
using Sidecar.Protocol.Transport;

namespace Sidecar.Daemon.Listeners;

/// <summary>What is logged of socket files. Ids and names are a contract: never renumbered, a retired one stays reserved.</summary>
internal static partial class SocketLog
{
    private const int Base = 9000;

    [LoggerMessage(Base + 1, LogLevel.Information, "Listening on {Path} (found there before: {Found})")]
    internal static partial void SocketListening(ILogger logger, string path, UnixSocketState found);

    [LoggerMessage(Base + 2, LogLevel.Information, "Gave up {Path} (file was still ours and is removed: {Removed})")]
    internal static partial void SocketUnlinked(ILogger logger, string path, bool removed);

    [LoggerMessage(Base + 3, LogLevel.Warning, "Could not remove the socket file {Path}: {Reason}; the next start replaces it")]
    internal static partial void SocketNotUnlinked(ILogger logger, string path, string reason);
}
