using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Text;

namespace Sidecar.Daemon.Configuration;

/// <summary>Where a listener may be: a socket file, an abstract name or a port of loopback.</summary>
internal static class ListenerPlaces
{
    // What an abstract name begins with, as in HAProxy.
    private const string AbstractPrefix = "abns";

    // HAProxy's address has 108 bytes, the first of which is NUL.
    private const int MaxAbstractName = 107;

    /// <summary>Whether it is an address with a port, wherever.</summary>
    public static bool IsAddress(string text) => TryParseAddress(text, out _);

    /// <summary>An address of loopback; null, with an error, for anything else.</summary>
    /// <remarks>Beyond loopback the question would cross a network in the clear, and anybody there could ask.</remarks>
    public static IPEndPoint? Loopback(string text, Action<string> error)
    {
        if (TryParseAddress(text, out var address) && IPAddress.IsLoopback(address.Address))
        {
            return address;
        }

        error(text.Contains('/', StringComparison.Ordinal)
            ? "Traefik cannot ask over a Unix socket; write http=127.0.0.1:PORT or http=[::1]:PORT"
            : $"{text} is no loopback address with a port; write 127.0.0.1:PORT or [::1]:PORT");
        return null;
    }

    /// <summary>The name in <c>abns:NAME</c> or <c>abns@NAME</c>; null for a path.</summary>
    public static string? AbstractName(string path) =>
        path.StartsWith(AbstractPrefix, StringComparison.Ordinal) && path.Length > AbstractPrefix.Length
            && path[AbstractPrefix.Length] is ':' or '@'
            ? path[(AbstractPrefix.Length + 1)..]
            : null;

    /// <summary>What is wrong with the path or the abstract name of a listener; null when nothing is.</summary>
    public static string? SocketError(ListenerOptions listener) =>
        listener.AbstractName is { } name ? NameError(name) : PathError(listener.Path);

    private static string? PathError(string path) => TryParseAddress(path, out _)
        ? $"{path} is a TCP address; only proxy=traefik needs one, and envoy may have one: a socket file lets in whom its mode says, a "
            + "port everybody; write a path"
        : SocketPaths.ErrorInConfiguration(path);

    private static string? NameError(string name) =>
        name.Length == 0 || Encoding.UTF8.GetByteCount(name) > MaxAbstractName || name.Any(char.IsControl)
            ? $"the abstract name '{name}' must have 1 to {MaxAbstractName} bytes and no control characters"
            : null;

    private static bool TryParseAddress(string text, [NotNullWhen(true)] out IPEndPoint? address)
    {
        address = null;
        return text.LastIndexOf(':') > text.LastIndexOf(']') && IPEndPoint.TryParse(text, out address);
    }
}
