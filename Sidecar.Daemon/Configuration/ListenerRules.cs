using Sidecar.Daemon.Configuration.Settings;
using BodySendMode = Sidecar.Protocol.Envoy.ProcessingMode.Types.BodySendMode;

namespace Sidecar.Daemon.Configuration;

/// <summary>What the keys of one listener say together: a key that does nothing there is not what its writer thinks.</summary>
internal static class ListenerRules
{
    /// <summary>The key of the proxy with every word for one, for example <c>proxy=nginx|caddy</c>.</summary>
    public static readonly string ProxyChoices = $"{ListenerSettings.Proxy.Key}={ListenerSettings.Proxy.Placeholder}";

    private static readonly Setting[] HeaderLists =
        [ListenerSettings.SetHeaders, ListenerSettings.EditHeaders, ListenerSettings.ResponseHeaders];

    /// <summary>Adds every error.</summary>
    /// <param name="spec">Where it is written.</param>
    /// <param name="listener">What it says.</param>
    /// <param name="isTcp">Whether it listens on a port.</param>
    public static void Check(ISettingPlace spec, ListenerOptions listener, bool isTcp)
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
                    spec.Error(key, $"is of {spec.TextOf(ListenerSettings.HeaderForm, "names")}; with lists every header is carried");
                }

                break;
            case ListenerKind.Envoy when listener.Envoy.AllowsModeOverride:
                CheckOverride(spec, EnvoySettings.RequestBodyMode, listener.Envoy.RequestBodyMode);
                CheckOverride(spec, EnvoySettings.ResponseBodyMode, listener.Envoy.ResponseBodyMode);
                break;
        }
    }

    private static void CheckAccess(ISettingPlace spec, ListenerOptions listener, bool isTcp)
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
            spec.Error($"a TCP listener needs {spec.TextOf(ListenerSettings.SecretFile, "FILE")}: any process of this machine can connect to "
                + "it");
        }

        if (!isTcp && listener.SecretFile is not null)
        {
            spec.Error(
                ListenerSettings.SecretFile,
                $"is of TCP listeners, such as those of {Of(spec, "traefik")}; who may use a socket file is said by "
                + $"{spec.NameOf(ListenerSettings.Mode)} and {spec.NameOf(ListenerSettings.Group)}");
        }
    }

    private static void CheckHttp(ISettingPlace spec, ListenerOptions listener)
    {
        if (!spec.IsWritten(ListenerSettings.Proxy))
        {
            spec.Error($"an http listener needs {ProxyChoices}: which proxy asks decides which headers are believed");
        }

        if (listener.PathPrefix is { Length: > 0 } prefix && listener.Proxy != ProxyKind.EnvoyHttp)
        {
            spec.Error(ListenerSettings.PathPrefix, $"is of {Of(spec, "envoy-http")}, whose questions have the client's path");
        }
        else if (listener.PathPrefix is { Length: > 0 } written && written is not ['/', .., not '/'])
        {
            spec.Error(ListenerSettings.PathPrefix, $"{written} must begin with a slash and not end with one, like Envoy's path_prefix");
        }

        if (listener.Values.Has(ListenerSettings.RequestBodies) && !listener.CarriesBodies)
        {
            spec.Error(
                ListenerSettings.RequestBodies,
                $"is of {Of(spec, "traefik")} and {Of(spec, "envoy-http")}; the questions of other proxies have no bodies of clients");
        }

        if (listener is { Proxy: ProxyKind.Traefik, RequestBodies: RequestBodies.Signed })
        {
            spec.Error(
                ListenerSettings.RequestBodies,
                $"sign is of {Of(spec, "envoy-http")}: Traefik hands over whole bodies (forwardBody) or none; write yes or no");
        }

        if (listener.Values.Has(ListenerSettings.TrustedHops) && listener.Proxy != ProxyKind.Traefik)
        {
            spec.Error(ListenerSettings.TrustedHops, $"is of {Of(spec, "traefik")}; other proxies tell the client's address themselves");
        }

        if (listener.Proxy == ProxyKind.Traefik
            && listener.ResponseHeaders.Any(static name => !name.Equals("set-cookie", StringComparison.OrdinalIgnoreCase)))
        {
            spec.Error(
                ListenerSettings.ResponseHeaders, "Traefik hands on no header of an answer but Set-Cookie (addAuthCookiesToResponse)");
        }
    }

    private static void CheckOverride(ISettingPlace spec, Setting key, BodySendMode? mode)
    {
        if (mode == BodySendMode.FullDuplexStreamed)
        {
            spec.Error(key, EnvoySettings.NoOverride);
        }
    }

    private static string Of(ISettingPlace spec, string proxy) => spec.TextOf(ListenerSettings.Proxy, proxy);
}
