using System.Text.Json;
using Microsoft.Extensions.Logging;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.FrontEnds.AgentProtocol;

/// <summary>
/// Tells once that a proxy sends a configuration which the daemon does not use: it comes on every connection and after each reconnect.
/// </summary>
internal sealed partial class UnusedConfiguration(string listener, ILogger logger)
{
    // As many names of its members as a line takes.
    private const int MaxNames = 8;

    private int _told;

    /// <summary>Takes note of one.</summary>
    public void Note(ConfigureEvent message, string proxy)
    {
        if (message.Config is { ValueKind: not JsonValueKind.Null } config && Interlocked.Exchange(ref _told, 1) == 0)
        {
            ConfigurationUnused(logger, listener, PeerText.Quote(proxy), MembersOf(config));
        }
    }

    [LoggerMessage(3400, LogLevel.Warning, "listener {Listener}: proxy {Proxy} sends the daemon a configuration ({Members}); it is "
        + "accepted and not used: what an agent behind the daemon needs belongs into the file of its config-file=; told once")]
    private static partial void ConfigurationUnused(ILogger logger, string listener, string proxy, string members);

    private static string MembersOf(JsonElement config)
    {
        if (config.ValueKind != JsonValueKind.Object)
        {
            return $"JSON {config.ValueKind}";
        }

        var names = config.EnumerateObject().Select(static member => PeerText.Quote(member.Name)).ToList();
        return names.Count == 0
            ? "no members"
            : string.Join(", ", names.Take(MaxNames)) + (names.Count > MaxNames ? $" and {names.Count - MaxNames} more" : "");
    }
}
