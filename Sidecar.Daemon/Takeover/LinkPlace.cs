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
