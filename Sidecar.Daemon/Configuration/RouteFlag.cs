using Sidecar.Daemon.Configuration.Settings;

namespace Sidecar.Daemon.Configuration;

/// <summary>Reads <c>--route 'id,agents=…[,key=value]…'</c>.</summary>
internal static class RouteFlag
{
    /// <summary>Null, with errors, when it cannot be read.</summary>
    public static RouteOptions? Parse(string text, List<string> errors)
    {
        var before = errors.Count;
        var spec = new FlagText("--route", text, errors);
        if (spec.Head.Length == 0 || spec.Head.Contains('=', StringComparison.Ordinal))
        {
            spec.Error("write the route's id first, for example api,path=/api,agents=waf");
            return null;
        }

        var options = new RouteOptions { Id = spec.Head, Values = spec.Read(SettingScopes.Route) };
        if (!spec.IsWritten(RouteSettings.Agents))
        {
            spec.Error($"a route says whom it asks: write agents=A+B, or agents={RouteOptions.NoAgents} where its requests are to pass "
                + "without being shown to anybody");
        }

        return errors.Count == before ? options : null;
    }
}
