using System.Net;
using System.Net.Sockets;
using Sidecar.Daemon.Listeners;

namespace Sidecar.Daemon.Takeover;

/// <summary>
/// Where the daemons at one listener find each other: a socket file beside the listener's, or for an address an abstract name, which has no
/// file.
/// </summary>
/// <param name="path">The listener's path.</param>
/// <param name="address">Its address; null for a path.</param>
internal sealed class LinkPlace(string path, IPEndPoint? address)
{
    /// <summary>What the link's socket file is called: the listener's path, and this.</summary>
    public const string Suffix = ".link";

    private readonly string _text = address is null ? path + Suffix : $"\0sidecar-{address}{Suffix}";

    /// <summary>Whether only one daemon can have it at a time: the next has to wait until it is let go.</summary>
    public bool IsExclusive => address is not null;

    /// <summary>Where to connect.</summary>
    public UnixDomainSocketEndPoint EndPoint => new(_text);

    /// <summary>Makes the bound socket.</summary>
    /// <param name="file">Owns the file, where there is one.</param>
    public Socket Bind(UnixListenerSocket file) => IsExclusive ? AbstractSocket.Bind(EndPoint) : file.Bind(EndPoint);

    public override string ToString() => _text.Replace('\0', '@');
}

/// <summary>What a link between two daemons bears.</summary>
internal sealed record LinkOptions
{
    /// <summary>What the listener speaks; a link between listeners that speak differently is of no use.</summary>
    public required string Kind { get; init; }

    /// <summary>Questions under way in each direction: 1,024, more responses than a proxy asks about in the 20 ms that one takes.</summary>
    public int MaxCalls { get; init; } = 1024;

    /// <summary>Bytes of the other's questions held at once: 64 MiB; beyond it they get no answer.</summary>
    public long MaxBytes { get; init; } = 64 * 1024 * 1024;

    /// <summary>Unsent bytes: 8 MiB. A frame that finds no room in time is not sent.</summary>
    public int MaxUnsent { get; init; } = 8 * 1024 * 1024;

    /// <summary>How long the other may take to introduce itself, or leave answers unread: 5 s.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>The clock.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;
}
