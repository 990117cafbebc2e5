using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;

namespace Sidecar.Daemon.Configuration;

/// <summary>Reads <c>--listen 'kind=PATH[,key=value]…'</c>.</summary>
internal static class ListenerFlag
{
    /// <summary>The key that bounds a listener's connections.</summary>
    public const string LimitKey = "max-connections";

    // Behind more load balancers than anybody has.
    private const int MostHops = 16;

    // More than a process may have open anywhere.
    private const int MostConnections = 1_000_000;

    private static readonly string[] HttpKeys =
    [
        "proxy", "budget", "mode", "group", LimitKey, "set-headers", "edit-headers", "response-headers", "secret-file", "path-prefix", "request-body",
        "trusted-hops",
    ];

    private static readonly string[] JsonKeys = ["proxy", "budget", "mode", "group", LimitKey, "unknown-exchange"];
    private static readonly string[] NativeKeys = ["budget", "mode", "group", LimitKey, "unknown-exchange"];
    private static readonly string[] EnvoyKeys = ["budget", "mode", "group", LimitKey, "secret-file", .. EnvoyFlag.Keys];
    private static readonly string[] AdminKeys = ["mode", "group", LimitKey];
    private static readonly string[] ReverseKeys = [.. AdminKeys, .. ReverseFlag.Keys];

    /// <summary>Null, with errors, when it cannot be read.</summary>
    public static ListenerOptions? Parse(string text, List<string> errors)
    {
        var before = errors.Count;
        var kind = text.Split('=', 2)[0];
        var keys = kind switch
        {
            "http" => IsForScripts(text) ? JsonKeys : HttpKeys,
            "frames" or "native" => NativeKeys,
            "spop" => SpopListenerFlag.Keys,
            "envoy" => EnvoyKeys,
            "admin" => AdminKeys,
            "reverse" => ReverseKeys,
            _ => null,
        };
        if (keys is null || !text.Contains('=', StringComparison.Ordinal))
        {
            errors.Add($"--listen '{text}': write http=PATH,{ProxyLabels.Choices} or spop=PATH or envoy=PATH or frames=PATH or native=PATH or "
                + $"admin=PATH or reverse=PATH");
            return null;
        }

        var spec = new FlagText("--listen", text, keys, errors, "set-headers", "edit-headers", "response-headers");
        var path = spec.Head[(kind.Length + 1)..];
        var proxy = spec.Word<ProxyKind>("proxy", ProxyLabels.All) ?? ProxyKind.None;
        if (kind == "http" && proxy == ProxyKind.None && spec.Text("proxy") is null)
        {
            spec.Error($"an http listener needs {ProxyLabels.Choices}: which proxy asks decides which headers are believed");
        }

        var isTcp = proxy == ProxyKind.Traefik || (kind == "envoy" && TryParseAddress(path, out _));
        var address = isTcp ? LoopbackAddress(spec, path) : null;
        var abstractName = kind == "spop" ? SpopListenerFlag.AbstractName(path) : null;
        if (!isTcp && (abstractName is null ? PathError(path) : SpopListenerFlag.NameError(abstractName)) is { } error)
        {
            spec.Error(error);
        }

        CheckKeys(spec, proxy, isTcp);
        CheckBodyKeys(spec, proxy);
        var responses = spec.List("response-headers");
        if (proxy == ProxyKind.Traefik && responses is not null && responses.Any(static name => !name.Equals("set-cookie", StringComparison.OrdinalIgnoreCase)))
        {
            spec.Error($"response-headers={spec.Text("response-headers")}: Traefik hands on no header of an answer but Set-Cookie (addAuthCookiesToResponse)");
        }

        var defaults = new ListenerOptions
        {
            Kind = KindOf(kind),
            Path = path,
            AbstractName = abstractName,
            Budget = Defaults.PhaseBudget,
        };
        if (kind == "spop")
        {
            defaults = defaults with { Spop = SpopListenerFlag.Parse(spec, defaults), Budget = Defaults.SpopBudget };
        }

        if (kind == "envoy")
        {
            var envoy = EnvoyFlag.Parse(spec);
            defaults = defaults with { Envoy = envoy, Budget = envoy.FailsOpen ? Defaults.EnvoyBudgetFailingOpen : Defaults.EnvoyBudget };
        }

        var options = defaults with
        {
            Address = address,
            Proxy = proxy,
            SecretFile = spec.Text("secret-file"),
            PathPrefix = spec.Text("path-prefix") ?? "",
            RequestBodies = spec.Word<RequestBodies>("request-body", RequestBodiesWords.All) ?? defaults.RequestBodies,
            TrustedHops = spec.Number("trusted-hops", 0, MostHops) ?? defaults.TrustedHops,
            Budget = spec.Duration("budget") ?? defaults.Budget,
            Mode = Mode(spec) ?? defaults.Mode,
            Group = spec.Text("group"),
            MaxConnections = spec.Number(LimitKey, 1, MostConnections),
            Reverse = kind == "reverse" ? ReverseFlag.Parse(spec) : null,
            SetHeaders = spec.List("set-headers") ?? defaults.SetHeaders,
            EditHeaders = spec.List("edit-headers") ?? defaults.EditHeaders,
            ResponseHeaders = responses ?? (proxy == ProxyKind.Traefik ? [] : defaults.ResponseHeaders),
            UnknownExchange = spec.Word<FailureMode>("unknown-exchange", ("closed", FailureMode.Closed), ("open", FailureMode.Open)) ?? FailureMode.Closed,
        };
        return errors.Count == before ? options : null;
    }

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
        ? $"{path} is a TCP address; only proxy=traefik needs one, and envoy may have one: a socket file lets in whom its mode says, a port "
            + $"everybody; write a path"
        : SocketPaths.ErrorInConfiguration(path);

    private static bool TryParseAddress(string text, [NotNullWhen(true)] out IPEndPoint? address)
    {
        address = null;
        return text.LastIndexOf(':') > text.LastIndexOf(']') && IPEndPoint.TryParse(text, out address);
    }

    // A key that another proxy's listener has would do nothing here, which is not what its writer thinks.
    private static void CheckKeys(FlagText spec, ProxyKind proxy, bool isTcp)
    {
        foreach (var key in (ReadOnlySpan<string>)["mode", "group"])
        {
            if (isTcp && spec.Text(key) is not null)
            {
                spec.Error($"{key}= is of socket files; this listener has none");
            }
        }

        if (spec.Text("secret-file") is null == isTcp)
        {
            spec.Error(isTcp
                ? "a TCP listener needs secret-file=PATH: any process of this machine can connect to it"
                : "secret-file= is of TCP listeners, such as those of proxy=traefik; who may use a socket file is said by mode= and group=");
        }

        if (spec.Text("path-prefix") is { } prefix && (proxy != ProxyKind.EnvoyHttp || prefix is not ['/', .., not '/']))
        {
            spec.Error(proxy == ProxyKind.EnvoyHttp
                ? $"path-prefix={prefix} must begin with a slash and not end with one, like Envoy's path_prefix"
                : "path-prefix= is of proxy=envoy-http, whose questions have the client's path");
        }
    }

    private static void CheckBodyKeys(FlagText spec, ProxyKind proxy)
    {
        if (spec.Text("request-body") is { } bodies
            && (proxy is not (ProxyKind.Traefik or ProxyKind.EnvoyHttp) || (proxy == ProxyKind.Traefik && bodies == "sign")))
        {
            spec.Error(proxy == ProxyKind.Traefik
                ? "request-body=sign is of proxy=envoy-http: Traefik hands over whole bodies (forwardBody) or none; write yes or no"
                : "request-body= is of proxy=traefik and proxy=envoy-http; the questions of other proxies have no bodies of clients");
        }

        if (spec.Text("trusted-hops") is not null && proxy != ProxyKind.Traefik)
        {
            spec.Error("trusted-hops= is of proxy=traefik; other proxies tell the client's address themselves");
        }
    }

    private static ListenerKind KindOf(string word) => word switch
    {
        "http" => ListenerKind.Http,
        "frames" => ListenerKind.Frames,
        "spop" => ListenerKind.Spop,
        "native" => ListenerKind.Native,
        "envoy" => ListenerKind.Envoy,
        "reverse" => ListenerKind.Reverse,
        _ => ListenerKind.Admin,
    };

    // Scripts are told everything in the answer, so they have no headers to name.
    private static bool IsForScripts(string text) => text.Split(',').Any(static part => part.Trim() == "proxy=json");

    private static UnixFileMode? Mode(FlagText spec)
    {
        if (spec.Text("mode") is not { } text)
        {
            return null;
        }

        var mode = 0;
        foreach (var digit in text)
        {
            if (digit is < '0' or > '7' || text.Length > 4)
            {
                spec.Error(string.Create(CultureInfo.InvariantCulture, $"mode={text} is not an octal file mode such as 0660"));
                return null;
            }

            mode = (mode * 8) + (digit - '0');
        }

        return (UnixFileMode)mode;
    }
}
