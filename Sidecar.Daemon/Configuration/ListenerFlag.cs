using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Text;
using Sidecar.Daemon.Configuration.Settings;
using BodySendMode = Sidecar.Protocol.Envoy.ProcessingMode.Types.BodySendMode;

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

/// <summary>What the keys of one listener say together: a key that does nothing there is not what its writer thinks.</summary>
internal static class ListenerRules
{
    /// <summary>The key of the proxy with every word for one, for example <c>proxy=nginx|caddy</c>.</summary>
    public static readonly string ProxyChoices = $"{ListenerSettings.Proxy.Key}={ListenerSettings.Proxy.Placeholder}";

    private static readonly Setting[] HeaderLists =
        [ListenerSettings.SetHeaders, ListenerSettings.EditHeaders, ListenerSettings.ResponseHeaders];

    /// <summary>Adds every error.</summary>
    /// <param name="spec">The flag.</param>
    /// <param name="listener">What it says.</param>
    /// <param name="isTcp">Whether it listens on a port.</param>
    public static void Check(FlagText spec, ListenerOptions listener, bool isTcp)
    {
        CheckAccess(spec, listener, isTcp);
        switch (listener.Kind)
        {
            case ListenerKind.Http:
                CheckHttp(spec, listener);
                break;
            case ListenerKind.Spop when listener.Spop.HeaderForm == HeaderForm.Lists:
                foreach (var key in HeaderLists.Where(listener.Values.Has))
                {
                    spec.Error(key, "is of header-form=names; with lists every header is carried");
                }

                break;
            case ListenerKind.Envoy when listener.Envoy.AllowsModeOverride:
                CheckOverride(spec, EnvoySettings.RequestBodyMode, listener.Envoy.RequestBodyMode);
                CheckOverride(spec, EnvoySettings.ResponseBodyMode, listener.Envoy.ResponseBodyMode);
                break;
        }
    }

    private static void CheckAccess(FlagText spec, ListenerOptions listener, bool isTcp)
    {
        foreach (var key in ((Setting[])[ListenerSettings.Mode, ListenerSettings.Group]).Where(listener.Values.Has))
        {
            if (isTcp)
            {
                spec.Error(key, "is of socket files; this listener has none");
            }
            else if (listener.AbstractName is not null)
            {
                spec.Error(key, "is of socket files; an abstract name has none, and every process of the machine can connect to it");
            }
        }

        if (isTcp && !spec.IsWritten(ListenerSettings.SecretFile))
        {
            spec.Error("a TCP listener needs secret-file=FILE: any process of this machine can connect to it");
        }

        if (!isTcp && listener.SecretFile is not null)
        {
            spec.Error(
                ListenerSettings.SecretFile,
                "is of TCP listeners, such as those of proxy=traefik; who may use a socket file is said by mode= and group=");
        }
    }

    private static void CheckHttp(FlagText spec, ListenerOptions listener)
    {
        if (!spec.IsWritten(ListenerSettings.Proxy))
        {
            spec.Error($"an http listener needs {ProxyChoices}: which proxy asks decides which headers are believed");
        }

        if (listener.PathPrefix is { Length: > 0 } prefix && listener.Proxy != ProxyKind.EnvoyHttp)
        {
            spec.Error(ListenerSettings.PathPrefix, "is of proxy=envoy-http, whose questions have the client's path");
        }
        else if (listener.PathPrefix is { Length: > 0 } written && written is not ['/', .., not '/'])
        {
            spec.Error(ListenerSettings.PathPrefix, $"{written} must begin with a slash and not end with one, like Envoy's path_prefix");
        }

        if (listener.Values.Has(ListenerSettings.RequestBodies) && !listener.CarriesBodies)
        {
            spec.Error(
                ListenerSettings.RequestBodies,
                "is of proxy=traefik and proxy=envoy-http; the questions of other proxies have no bodies of clients");
        }

        if (listener is { Proxy: ProxyKind.Traefik, RequestBodies: RequestBodies.Signed })
        {
            spec.Error(
                ListenerSettings.RequestBodies,
                "sign is of proxy=envoy-http: Traefik hands over whole bodies (forwardBody) or none; write yes or no");
        }

        if (listener.Values.Has(ListenerSettings.TrustedHops) && listener.Proxy != ProxyKind.Traefik)
        {
            spec.Error(ListenerSettings.TrustedHops, "is of proxy=traefik; other proxies tell the client's address themselves");
        }

        if (listener.Proxy == ProxyKind.Traefik
            && listener.ResponseHeaders.Any(static name => !name.Equals("set-cookie", StringComparison.OrdinalIgnoreCase)))
        {
            spec.Error(
                ListenerSettings.ResponseHeaders, "Traefik hands on no header of an answer but Set-Cookie (addAuthCookiesToResponse)");
        }
    }

    private static void CheckOverride(FlagText spec, Setting key, BodySendMode? mode)
    {
        if (mode == BodySendMode.FullDuplexStreamed)
        {
            spec.Error(key, EnvoySettings.NoOverride);
        }
    }
}
