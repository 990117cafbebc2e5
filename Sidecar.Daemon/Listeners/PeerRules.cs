using System.Net.Sockets;
using Sidecar.Protocol.Transport;

namespace Sidecar.Daemon.Listeners;

/// <summary>Which users and groups may be at the other end of a listener's connections.</summary>
/// <remarks>Safe from any thread.</remarks>
internal sealed class PeerRules
{
    private readonly uint[]? _users;
    private readonly uint[]? _groups;

    private PeerRules(uint[]? users, uint[]? groups) => (_users, _groups) = (users, groups);

    /// <summary>Rules that name users and groups, each by name or number; null for any.</summary>
    /// <exception cref="IOException">A user or group does not exist, or its database could not be asked.</exception>
    public static PeerRules Resolve(IReadOnlyList<string>? users, IReadOnlyList<string>? groups) => new(
        users?.Select(static name => UnixUsers.Find(name)
            ?? throw new IOException($"the user '{name}' does not exist; create it, or name another or its number")).ToArray(),
        groups?.Select(static name => UnixGroups.Find(name)
            ?? throw new IOException($"the group '{name}' does not exist; create it, or name another or its number")).ToArray());

    /// <summary>What speaks against the peer of this socket; null when it is welcome.</summary>
    public string? Problem(Socket socket)
    {
        if (_users is null && _groups is null)
        {
            return null;
        }

        PeerCredentials peer;
        try
        {
            peer = PeerCredentials.Read(socket);
        }
        catch (SocketException e)
        {
            return $"the peer's user cannot be found out: {e.Message}";
        }

        return _users is not null && !_users.Contains(peer.UserId)
            ? $"process {peer.ProcessId} runs as uid {peer.UserId}; allowed are {string.Join(", ", _users)}"
            : _groups is not null && !_groups.Contains(peer.GroupId)
                ? $"process {peer.ProcessId} runs as gid {peer.GroupId}; allowed are {string.Join(", ", _groups)}"
            : null;
    }
}
