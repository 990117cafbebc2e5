using System.Text.Json;
using Sidecar.Daemon.Configuration.Settings;

namespace Sidecar.Daemon.Configuration;

/// <summary>
/// Reads <c>--agent 'id=endpoint[+endpoint…][,key=value]…'</c>. A path with a <c>+</c> cannot be written: it separates, as in every list.
/// </summary>
internal static class AgentFlag
{
    // One process each.
    private const int MostEndpoints = 16;

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
        var endpoints = Endpoints(spec, spec.Head[(equals + 1)..]);
        var options = new AgentOptions { Id = id, Endpoints = endpoints, Values = spec.Read(SettingScopes.Agent) };
        CheckTls(spec, options);
        options = options with { Configuration = ReadConfiguration(spec, options.ConfigurationFile) };
        return errors.Count == before ? options : null;
    }

    private static List<AgentEndpoint> Endpoints(FlagText spec, string text)
    {
        var written = text.Split('+', StringSplitOptions.TrimEntries);
        var endpoints =
            written.Select(endpoint => AgentEndpoint.Read(endpoint, spec.Error, isConfiguration: true)).OfType<AgentEndpoint>().ToList();
        if (endpoints.Count > MostEndpoints)
        {
            spec.Error($"{endpoints.Count} endpoints are given, an agent may have {MostEndpoints}");
        }

        if (endpoints.OfType<AgentEndpoint.Reverse>().Any() && written.Length > 1)
        {
            spec.Error(AgentEndpoint.MustStandAlone(new AgentEndpoint.Reverse().ToString()));
        }

        foreach (var twice in endpoints.GroupBy(static endpoint => endpoint).Where(static group => group.Count() > 1))
        {
            spec.Error($"endpoint {twice.Key} is given {twice.Count()} times");
        }

        return endpoints;
    }

    private static void CheckTls(FlagText spec, AgentOptions agent)
    {
        // Otherwise somebody believes that a connection is encrypted which is not.
        if (agent.Tls is not null && !agent.Endpoints.All(static endpoint => endpoint is AgentEndpoint.Grpc { IsEncrypted: true }))
        {
            var keys = agent.Values.Written.Where(static setting => setting.Group == SettingGroup.AgentTls)
                .Select(static setting => setting.Key + "=");
            spec.Error($"{string.Join(", ", keys)} is for TLS, but not every endpoint begins with https://");
        }

        if (agent.Tls is { Key: not null, Certificate: null } && !spec.IsWritten(AgentSettings.Certificate))
        {
            spec.Error(AgentSettings.CertificateKey, "is the key of cert=, which is missing");
        }
    }

    private static JsonElement? ReadConfiguration(FlagText spec, string? path)
    {
        if (path is null)
        {
            return null;
        }

        try
        {
            return ConfigurationFile.Read(path);
        }
        catch (IOException e)
        {
            spec.Error(e.Message);
            return null;
        }
    }
}
