using Sidecar.Daemon.Configuration.Settings;

namespace Sidecar.Daemon.Configuration;

/// <summary>Reads <c>--listen 'kind=PATH[,key=value]…'</c>.</summary>
internal static class ListenerFlag
{
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
        var isTcp = options.Proxy == ProxyKind.Traefik || (kind == ListenerKind.Envoy && ListenerPlaces.IsAddress(options.Path));
        options = isTcp
            ? options with { Address = ListenerPlaces.Loopback(options.Path, spec.Error) }
            : options with { AbstractName = kind == ListenerKind.Spop ? ListenerPlaces.AbstractName(options.Path) : null };
        if (!isTcp && ListenerPlaces.SocketError(options) is { } error)
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
}
