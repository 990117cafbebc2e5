using Sidecar.Daemon.Configuration.Settings;

namespace Sidecar.Daemon.Configuration;

/// <summary>
/// Reads <c>--agent 'id=endpoint[+endpoint…][,key=value]…'</c>. A path with a <c>+</c> cannot be written: it separates, as in every list.
/// </summary>
internal static class AgentFlag
{
    /// <summary>Null, with errors, when it cannot be read.</summary>
    public static AgentOptions? Parse(string text, List<string> errors)
    {
        var before = errors.Count;
        var spec = new FlagText("--agent", text, errors);
        var equals = spec.Head.IndexOf('=', StringComparison.Ordinal);
        if (equals <= 0 || equals == spec.Head.Length - 1)
        {
            spec.Error("write id=endpoint, for example waf=/run/sidecar/waf.sock");
            return null;
        }

        var id = spec.Head[..equals];
        spec.Place = $"--agent {id}=…";
        var written = spec.Head[(equals + 1)..].Split('+', StringSplitOptions.TrimEntries);
        var endpoints =
            written.Select(endpoint => AgentEndpoint.Read(endpoint, spec.Error, isConfiguration: true)).OfType<AgentEndpoint>().ToList();
        AgentRules.CheckEndpoints(spec, endpoints, written.Length);
        var options = AgentRules.Complete(spec, new() { Id = id, Endpoints = endpoints, Values = spec.Read(SettingScopes.Agent) });
        return errors.Count == before ? options : null;
    }
}
