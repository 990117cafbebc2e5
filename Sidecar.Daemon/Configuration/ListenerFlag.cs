using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Text;
using Sidecar.Daemon.Configuration.Settings;

namespace Sidecar.Daemon.Configuration;

/// <summary>Reads <c>--listen 'kind=PATH[,key=value]…'</c>.</summary>
internal static class ListenerFlag
{
    // What an abstract name begins with, as in HAProxy.
    private const string AbstractPrefix = "abns";

    // HAProxy's address has 108 bytes, the first of which is NUL.
    private const int MaxAbstractName = 107;

    /// <summary>Null, with errors, when it cannot be read.</summary>
    public static ListenerOptions? Parse(string text, List<string> errors)
    {
        var before = errors.Count;
        var spec = new FlagText("--listen", text, errors);
        var equals = spec.Head.IndexOf('=', StringComparison.Ordinal);
        if (equals < 0 || KindOf(spec.Head[..equals], text) is not var (kind, scope))
        {
            spec.Error($"write http=PATH,{ListenerRules.ProxyChoices} or spop=PATH or envoy=PATH or frames=PATH or native=PATH or "
                + "admin=PATH or reverse=PATH");
            return null;
        }

        var options = new ListenerOptions { Kind = kind, Path = spec.Head[(equals + 1)..], Values = spec.Read(scope) };
        var isTcp = options.Proxy == ProxyKind.Traefik || (kind == ListenerKind.Envoy && TryParseAddress(options.Path, out _));
        options = isTcp
            ? options with { Address = LoopbackAddress(spec, options.Path) }
            : options with { AbstractName = kind == ListenerKind.Spop ? AbstractName(options.Path) : null };
        if (!isTcp && (options.AbstractName is { } name ? NameError(name) : PathError(options.Path)) is { } error)
        {
            spec.Error(error);
        }

        ListenerRules.Check(spec, options, isTcp);
        return errors.Count == before ? options : null;
    }

    // Scripts are told everything in the answer, so they have no headers to name.
    private static (ListenerKind Kind, SettingScopes Scope)? KindOf(string word, string text) => word switch
    {
        "http" when text.Split(',').Any(static part => part.Trim() == "proxy=json") => (ListenerKind.Http, SettingScopes.Json),
        "http" => (ListenerKind.Http, SettingScopes.Http),
        "frames" => (ListenerKind.Frames, SettingScopes.Frames),
        "spop" => (ListenerKind.Spop, SettingScopes.Spop),
        "native" => (ListenerKind.Native, SettingScopes.Native),
        "envoy" => (ListenerKind.Envoy, SettingScopes.Envoy),
        "admin" => (ListenerKind.Admin, SettingScopes.Admin),
        "reverse" => (ListenerKind.Reverse, SettingScopes.Reverse),
        _ => null,
    };

    // Beyond loopback the question would cross a network in the clear, and anybody there could ask.
    private static IPEndPoint? LoopbackAddress(FlagText spec, string text)
    {
        if (TryParseAddress(text, out var address) && IPAddress.IsLoopback(address.Address))
        {
            return address;
        }

        spec.Error(text.Contains('/', StringComparison.Ordinal)
            ? "Traefik cannot ask over a Unix socket; write http=127.0.0.1:PORT or http=[::1]:PORT"
            : $"{text} is no loopback address with a port; write 127.0.0.1:PORT or [::1]:PORT");
        return null;
    }

    private static string? PathError(string path) => TryParseAddress(path, out _)
        ? $"{path} is a TCP address; only proxy=traefik needs one, and envoy may have one: a socket file lets in whom its mode says, a "
            + "port everybody; write a path"
        : SocketPaths.ErrorInConfiguration(path);

    private static bool TryParseAddress(string text, [NotNullWhen(true)] out IPEndPoint? address)
    {
        address = null;
        return text.LastIndexOf(':') > text.LastIndexOf(']') && IPEndPoint.TryParse(text, out address);
    }

    // The name in abns:NAME or abns@NAME; null for a path.
    private static string? AbstractName(string path) =>
        path.StartsWith(AbstractPrefix, StringComparison.Ordinal) && path.Length > AbstractPrefix.Length
            && path[AbstractPrefix.Length] is ':' or '@'
            ? path[(AbstractPrefix.Length + 1)..]
            : null;

    private static string? NameError(string name) =>
        name.Length == 0 || Encoding.UTF8.GetByteCount(name) > MaxAbstractName || name.Any(char.IsControl)
            ? $"the abstract name '{name}' must have 1 to {MaxAbstractName} bytes and no control characters"
            : null;
}
